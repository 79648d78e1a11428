"""Block bootstrap of skills over calendar days.

Errors of neighbouring minutes are correlated, so resampling single minutes would give too
narrow an interval; whole days are drawn (Künsch 1989, Annals of Statistics 17:3; with fixed
blocks, Carlstein 1986). The interval is the percentile interval of Efron and Tibshirani 1993,
chapter 13.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streamer.readings.arrays import DoubleArray, IntArray, TimeArray

REPLICATES = 2000
SEED = 1234
CONFIDENCE = 0.95

MIN_DAYS = 5
"""Minimum number of days for an estimate of how days differ."""


@dataclass(frozen=True)
class Interval:
    """Confidence interval of a value, at 95 %.

    Attributes:
        low: lower end.
        high: upper end.
    """

    low: float
    high: float


def day_sums(at: TimeArray, values: DoubleArray) -> DoubleArray:
    """(days, columns): sums of (minutes, columns) over each calendar day with minutes.

    Args:
        at: (minutes,) times without zone.
        values: (minutes, columns).
    """
    _, day = np.unique(at.astype("datetime64[D]"), return_inverse=True)
    return np.column_stack([np.bincount(day, weights=column) for column in values.T])


def draw_days(days: int, *, replicates: int = REPLICATES, seed: int = SEED) -> IntArray:
    """(replicates, days): number of times each day is drawn, with replacement."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(days, np.full(days, 1.0 / days), size=replicates)


def skill_replicates(
    sums: DoubleArray, reference: DoubleArray, *, replicates: int = REPLICATES, seed: int = SEED
) -> DoubleArray | None:
    """Skills over resampled days.

    Args:
        sums: (days, forecasters) sums of squared errors.
        reference: (days,) the same of persistence.
        replicates: number of samples drawn.
        seed: seed of the random generator.

    Returns:
        (replicates, forecasters) skills; None for fewer than `MIN_DAYS` days, or if some skills
        would be undefined because persistence has errors on too few days.
    """
    if len(sums) < MIN_DAYS:
        return None
    drawn = draw_days(len(sums), replicates=replicates, seed=seed).astype(np.float64)
    references = drawn @ reference
    if not references.all():
        return None
    # Column by column, as for the reference: one product for all may round differently,
    # and the skill of persistence must be exactly 0.
    columns = [1.0 - (drawn @ column) / references for column in np.ascontiguousarray(sums.T)]
    return np.column_stack(columns)


def interval(values: DoubleArray) -> Interval:
    """The middle 95 % of (replicates,) values."""
    tail = (1.0 - CONFIDENCE) / 2
    low, high = np.quantile(values, [tail, 1.0 - tail])
    return Interval(float(low), float(high))
