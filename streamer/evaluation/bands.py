"""Scores of bands, and the fixed band as their reference."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streamer.readings.arrays import BoolArray, DoubleArray

WEEK = 7 * 1440
"""Scored minutes in a week."""


@dataclass(frozen=True)
class Coverage:
    """Range of the coverage of single weeks.

    Attributes:
        low: lowest share of a week's readings inside the band.
        high: highest share.
    """

    low: float
    high: float


@dataclass(frozen=True)
class Band:
    """Scores of a central band between two quantiles.

    Attributes:
        low: level of its lower end.
        high: level of its upper end.
        coverage: share of the readings inside, ends included; ideally `high` − `low`.
        width_kw: mean width in kW.
        winkler_kw: mean interval score in kW: the width, and for a reading outside
            ``2 / alpha`` times its distance on top, alpha being 1 − `high` + `low`
            (Winkler 1972; Gneiting and Raftery 2007, JASA 102, section 6.2). Lower is better.
        week_coverage: over whole weeks, 10,080 scored minutes each, in order and without
            the remainder at the end; None without a whole week.
    """

    low: float
    high: float
    coverage: float
    width_kw: float
    winkler_kw: float
    week_coverage: Coverage | None

    @property
    def confidence(self) -> float:
        """Nominal coverage."""
        return self.high - self.low


@dataclass(frozen=True)
class FixedBand:
    """Band of constant width about a mean forecast, chosen in hindsight: a reference.

    No forecaster could have known the width. A band with a better score has distinguished calm
    minutes from busy ones.

    Attributes:
        half_width_kw: quantile of the absolute errors of the scored minutes themselves, at
            the level of the confidence.
        band: its scores.
    """

    half_width_kw: float
    band: Band


def fixed_band(mean_kw: DoubleArray, actual_kw: DoubleArray, confidence: float) -> FixedBand:
    """The symmetric band of constant width that contains this share of the readings, scored.

    Args:
        mean_kw: (minutes,) the forecasts in its middle, in kW.
        actual_kw: (minutes,) the readings in kW.
        confidence: the share, between 0 and 1.
    """
    half = float(np.quantile(np.abs(actual_kw - mean_kw), confidence))
    low, high = (1.0 - confidence) / 2.0, (1.0 + confidence) / 2.0
    return FixedBand(half, score_band(low, high, mean_kw - half, mean_kw + half, actual_kw))


def score_band(
    low: float, high: float, lower_kw: DoubleArray, upper_kw: DoubleArray, actual_kw: DoubleArray
) -> Band:
    """Score a band.

    Args:
        low: level of its lower end.
        high: level of its upper end.
        lower_kw: (minutes,) its lower end in kW.
        upper_kw: (minutes,) its upper end in kW.
        actual_kw: (minutes,) the readings in kW.
    """
    below = np.maximum(lower_kw - actual_kw, 0.0)
    above = np.maximum(actual_kw - upper_kw, 0.0)
    inside = (below == 0.0) & (above == 0.0)
    width = float((upper_kw - lower_kw).mean())
    alpha = low + (1.0 - high)
    return Band(
        low=low,
        high=high,
        coverage=float(inside.mean()),
        width_kw=width,
        winkler_kw=width + 2.0 / alpha * float((below + above).mean()),
        week_coverage=_week_coverage(inside),
    )


def _week_coverage(inside: BoolArray) -> Coverage | None:
    weeks = len(inside) // WEEK
    if not weeks:
        return None
    shares = inside[: weeks * WEEK].reshape(weeks, WEEK).mean(axis=1)
    return Coverage(float(shares.min()), float(shares.max()))
