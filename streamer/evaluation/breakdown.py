"""Scores broken down by hour, level, gaps and month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.evaluation.metrics import W
from streamer.evaluation.stretch import Stretch
from streamer.readings import skill
from streamer.readings.arrays import DoubleArray, IntArray

LEVELS_KW = (0.3, 0.5, 1.0, 2.0, 4.0)

RIGHT_AFTER = "right after a gap"
ACROSS = "gap in the window"
CLEAR = "no gap in the window"


@dataclass(frozen=True)
class PartScore:
    """Scores of one forecaster over a part of the minutes.

    Attributes:
        mse_kw2: mean squared error in kW².
        mae_w: mean absolute error in W.
        skill: against persistence over the same part; None if that has no error.
    """

    mse_kw2: float
    mae_w: float
    skill: float | None


@dataclass(frozen=True)
class Part:
    """Part of the minutes.

    Attributes:
        label: its name.
        minutes: number of minutes.
        scores: one for each forecaster, in order.
    """

    label: str
    minutes: int
    scores: tuple[PartScore, ...]


def break_down(
    stretch: Stretch, errors_kw: Sequence[DoubleArray], reference_kw: DoubleArray
) -> dict[str, tuple[Part, ...]]:
    """Scores by hour of day, by level of the last reading, by gaps and by month.

    Args:
        stretch: the stretch that was forecast.
        errors_kw: for each forecaster (minutes,) errors in kW.
        reference_kw: (minutes,) errors of persistence in kW.

    Returns:
        `hour`, `level`, `gap` and `month`; a part without minutes is left out.
    """
    return {
        name: _parts(labels, groups, errors_kw, reference_kw)
        for name, (labels, groups) in _groupings(stretch).items()
    }


def _groupings(stretch: Stretch) -> Mapping[str, tuple[Sequence[str], IntArray]]:
    at = stretch.scored_at
    hours = (at - at.astype("datetime64[D]")).astype("timedelta64[h]").astype(np.int64)
    months, month = np.unique(at.astype("datetime64[M]"), return_inverse=True)
    return {
        "hour": ([f"{hour:02}" for hour in range(24)], hours),
        "level": (_level_labels(), np.digitize(stretch.last_kw, LEVELS_KW)),
        "gap": ((RIGHT_AFTER, ACROSS, CLEAR), _gap_groups(stretch)),
        "month": ([str(name) for name in months], month),
    }


def _level_labels() -> list[str]:
    between = [f"{low:g}–{high:g} kW" for low, high in pairwise(LEVELS_KW)]
    return [f"below {LEVELS_KW[0]:g} kW", *between, f"{LEVELS_KW[-1]:g} kW and more"]


def _gap_groups(stretch: Stretch) -> IntArray:
    """(minutes,) 0 right after a gap, 1 with a gap within the window, otherwise 2."""
    gaps = (stretch.missing > 0).astype(np.int64)
    so_far = np.cumsum(gaps)
    now = np.arange(stretch.warm_up, len(gaps))
    within = so_far[now - 1] - so_far[now - stretch.warm_up]
    return np.where(gaps[now] > 0, 0, np.where(within > 0, 1, 2))


def _parts(
    labels: Sequence[str],
    groups: NDArray[np.integer[Any]],
    errors_kw: Sequence[DoubleArray],
    reference_kw: DoubleArray,
) -> tuple[Part, ...]:
    minutes = np.bincount(groups, minlength=len(labels))
    filled = np.flatnonzero(minutes)

    def means(values: DoubleArray) -> list[float]:
        sums = np.bincount(groups, weights=values, minlength=len(labels))
        found: list[float] = (sums[filled] / minutes[filled]).tolist()
        return found

    reference = means(np.square(reference_kw))
    columns = []
    for errors in errors_kw:
        squared, absolute = means(np.square(errors)), means(np.abs(errors))
        columns.append(
            [
                PartScore(mse, W * mae, skill(mse, of_persistence))
                for mse, mae, of_persistence in zip(squared, absolute, reference, strict=True)
            ]
        )
    return tuple(
        Part(labels[group], int(minutes[group]), scores)
        for group, scores in zip(filled.tolist(), zip(*columns, strict=True), strict=True)
    )
