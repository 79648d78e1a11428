"""Figures of a report, computed from the recorded data."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from streamer.readings import skill
from streamer.readings.arrays import BoolArray, DoubleArray, IntArray
from streamer.reporting.clock import HouseClock
from streamer.reporting.data import MINUTE_S, Minutes, Recorded

HOUR_S = 3600
QUARTER_S = 900
W_PER_KW = 1000.0
_CLOSER_S, _CLOSER_STEP_S = 2 * HOUR_S, 600
_MIN_SETTLED, _MIN_MSE_KW2 = 360, 0.005**2


@dataclass(frozen=True, slots=True)
class Peak:
    """A peak power in kW, and the beginning of its minute or quarter-hour in Unix seconds."""

    kw: float
    at: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Mean and peaks of the house's power over the period.

    Attributes:
        mean_kw: mean power of the recorded minutes.
        peak: the highest minute.
        quarter_peak: the highest mean import of a fixed quarter-hour with all its minutes
            recorded; None without such a quarter-hour.
        recorded: number of recorded minutes.
        missing: number of missing minutes.
    """

    mean_kw: float
    peak: Peak
    quarter_peak: Peak | None
    recorded: int
    missing: int


@dataclass(frozen=True, slots=True)
class Score:
    """Errors of one forecaster over all settled minutes of a period; None without any.

    Attributes:
        settled: number of these minutes.
        mse_kw2: mean squared error in kW².
        mae_w: mean absolute error in W.
        bias_w: mean of forecast minus actual in W: above 0 is too high.
    """

    settled: int
    mse_kw2: float | None
    mae_w: float | None
    bias_w: float | None

    @property
    def rmse_w(self) -> float | None:
        """Root mean squared error in W."""
        return None if self.mse_kw2 is None else W_PER_KW * math.sqrt(self.mse_kw2)


@dataclass(frozen=True, slots=True)
class BandScore:
    """Coverage (0 to 1) and mean width in kW of the bands; None without any."""

    coverage: float | None
    width_kw: float | None


@dataclass(frozen=True, slots=True)
class Gap:
    """Minutes without a reading, from `start` to before `end` in Unix seconds."""

    start: int
    end: int

    @property
    def minutes(self) -> int:
        """Number of missing minutes."""
        return (self.end - self.start) // MINUTE_S


@dataclass(frozen=True, eq=False)
class TypicalDay:
    """Mean power by hour of the day; NaN for an hour without a reading.

    Attributes:
        mean_kw: (24,) mean power over all days.
        low_kw: (24,) mean power of the hour on its lowest day.
        high_kw: (24,) mean power of the hour on its highest day.
        days: number of days.
    """

    mean_kw: DoubleArray
    low_kw: DoubleArray
    high_kw: DoubleArray
    days: int


def totals(recorded: Recorded) -> Totals:
    """Mean, peaks, and the numbers of recorded and missing minutes."""
    minutes = recorded.minutes
    kw = minutes.kw
    peak = int(kw.argmax())
    return Totals(
        float(kw.mean()),
        Peak(float(kw[peak]), int(minutes.at[peak])),
        _quarter_peak(recorded.clock, minutes),
        len(kw),
        sum(gap.minutes for gap in gaps(recorded)),
    )


def gaps(recorded: Recorded) -> list[Gap]:
    """The gaps of the period, in order of time."""
    at = recorded.minutes.at
    ends = np.concatenate([[recorded.start], at + MINUTE_S])
    starts = np.concatenate([at, [recorded.end]])
    missing = np.flatnonzero(starts - ends >= MINUTE_S)
    return [Gap(int(ends[i]), int(starts[i])) for i in missing]


def settled_errors(minutes: Minutes) -> dict[str, DoubleArray]:
    """(settled,) actual minus forecast in kW, for each forecaster over the same minutes."""
    settled = np.isfinite(minutes.mean_kw) & np.isfinite(minutes.last_kw)
    forecasts = {
        "point": minutes.point_kw,
        "mean": minutes.mean_kw,
        "frozen": minutes.frozen_kw,
        "persistence": minutes.last_kw,
    }
    return {name: minutes.kw[settled] - kw[settled] for name, kw in forecasts.items()}


def score(error_kw: DoubleArray) -> Score:
    """Score (settled,) errors, actual minus forecast in kW; NaN is ignored."""
    error_kw = error_kw[~np.isnan(error_kw)]
    if not len(error_kw):
        return Score(0, None, None, None)
    return Score(
        len(error_kw),
        float(np.square(error_kw).mean()),
        W_PER_KW * float(np.abs(error_kw).mean()),
        -W_PER_KW * float(error_kw.mean()),
    )


def meaningful_skill(
    mse_kw2: float | None, reference_mse_kw2: float | None, settled: int
) -> float | None:
    """Skill of a mean squared error; None where it would be chance or have no bound.

    So it is over less than six hours, and where persistence is off by less than 5 W.

    Args:
        mse_kw2: mean squared error in kW².
        reference_mse_kw2: that of persistence in kW².
        settled: number of forecasts.
    """
    if settled < _MIN_SETTLED or reference_mse_kw2 is None or reference_mse_kw2 < _MIN_MSE_KW2:
        return None
    return skill(mse_kw2, reference_mse_kw2)


def score_band(minutes: Minutes) -> BandScore:
    """Score the bands; the ends count as inside."""
    found = banded(minutes)
    if not found.any():
        return BandScore(None, None)
    width = minutes.high_kw[found] - minutes.low_kw[found]
    return BandScore(float(inside(minutes)[found].mean()), float(width.mean()))


def typical_day(recorded: Recorded) -> TypicalDay:
    """Mean power by hour of the day, on the house's clock."""
    minutes = recorded.minutes
    local = minutes.at + recorded.clock.offsets(minutes.at)
    hours, of_hour = np.unique(local // HOUR_S, return_inverse=True)
    hour_of_day = hours % 24
    means = mean_by(of_hour, minutes.kw, len(hours))
    low, high = np.full(24, np.inf), np.full(24, -np.inf)
    np.minimum.at(low, hour_of_day, means)
    np.maximum.at(high, hour_of_day, means)
    low[np.isinf(low)] = high[np.isinf(high)] = np.nan
    mean = mean_by(local // HOUR_S % 24, minutes.kw, 24)
    return TypicalDay(mean, low, high, len(np.unique(hours // 24)))


def hardest(recorded: Recorded) -> tuple[int, int] | None:
    """The two hours with the largest sum of squared errors, in Unix seconds.

    None if the period is not longer than that, or has no settled forecast.
    """
    minutes, start, end = recorded.minutes, recorded.start, recorded.end
    if end - start <= _CLOSER_S or not np.isfinite(minutes.point_kw).any():
        return None
    squared = np.nan_to_num(np.square(minutes.kw - minutes.point_kw))
    sums = np.concatenate([[0.0], np.cumsum(squared)])
    first = start + -(start + recorded.clock.offset(start)) % _CLOSER_STEP_S
    begins = np.arange(first, end - _CLOSER_S + 1, _CLOSER_STEP_S)
    if not len(begins):
        return start, start + _CLOSER_S
    from_row, to_row = (np.searchsorted(minutes.at, edge) for edge in (begins, begins + _CLOSER_S))
    chosen = int(begins[(sums[to_row] - sums[from_row]).argmax()])
    return chosen, chosen + _CLOSER_S


def mean_by(group: IntArray, values: DoubleArray, groups: int) -> DoubleArray:
    """(groups,) means of the finite (values,); NaN for groups without any."""
    valid = np.isfinite(values)
    group, values = group[valid], values[valid]
    count = np.bincount(group, minlength=groups)
    sums = np.bincount(group, weights=values, minlength=groups)
    return np.where(count == 0, np.nan, sums / np.maximum(count, 1))


def _quarter_peak(clock: HouseClock, minutes: Minutes) -> Peak | None:
    quarters, of_quarter, counts = np.unique(
        (minutes.at + clock.offsets(minutes.at)) // QUARTER_S,
        return_inverse=True,
        return_counts=True,
    )
    whole = np.flatnonzero(counts == QUARTER_S // MINUTE_S)
    if not len(whole):
        return None
    means = mean_by(of_quarter, np.maximum(minutes.kw, 0.0), len(quarters))
    best = whole[means[whole].argmax()]
    first = minutes.at[np.flatnonzero(of_quarter == best)[0]]
    return Peak(float(means[best]), int(first))


def banded(minutes: Minutes) -> BoolArray:
    """(minutes,) whether each reading settled a band."""
    return np.isfinite(minutes.low_kw) & np.isfinite(minutes.high_kw)


def inside(minutes: Minutes) -> DoubleArray:
    """(minutes,) 1 for a reading in its band, ends included, else 0."""
    found = (minutes.low_kw <= minutes.kw) & (minutes.kw <= minutes.high_kw)
    return found.astype(np.float64)
