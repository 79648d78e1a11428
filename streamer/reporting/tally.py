"""Figures of a report, computed from the recorded data."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from streamer.readings import skill
from streamer.readings.arrays import DoubleArray, IntArray
from streamer.reporting.clock import HouseClock
from streamer.reporting.data import DAY, MINUTE_S, Minutes, Recorded

HOUR_S = 3600
QUARTER_S = 900
_W = 1000.0
_CLOSER_S, _CLOSER_STEP_S = 2 * HOUR_S, 600


@dataclass(frozen=True, slots=True)
class Peak:
    """A peak power in kW, and the beginning of its minute or quarter-hour in Unix seconds."""

    kw: float
    at: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Energy and peaks of the house over the period.

    Attributes:
        imported_kwh: energy of the minutes above zero.
        exported_kwh: energy of the minutes below zero, as a positive number.
        mean_kw: mean power of the recorded minutes.
        peak: the highest minute.
        quarter_peak: the highest fixed quarter-hour with all its minutes recorded; None
            without such a quarter-hour.
        recorded: number of recorded minutes.
        missing: number of missing minutes.
    """

    imported_kwh: float
    exported_kwh: float
    mean_kw: float
    peak: Peak
    quarter_peak: Peak | None
    recorded: int
    missing: int


@dataclass(frozen=True, slots=True)
class Score:
    """Errors of one forecaster over all settled minutes of a period; None without any.

    Attributes:
        mse_kw2: mean squared error in kW².
        mae_w: mean absolute error in W.
        bias_w: mean of forecast minus actual in W: above 0 is too high.
    """

    mse_kw2: float | None
    mae_w: float | None
    bias_w: float | None

    @property
    def rmse_w(self) -> float | None:
        """Root mean squared error in W."""
        return None if self.mse_kw2 is None else _W * math.sqrt(self.mse_kw2)


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
class Parts:
    """The period cut into hours or days of the house's clock; NaN for parts without data.

    Attributes:
        edges: (parts + 1,) Unix seconds; the outer ones are those of the period.
        minutes: (parts,) number of recorded minutes.
        kwh: (parts,) energy, import positive.
        mean_kw: (parts,) mean power.
        peak_kw: (parts,) power of the highest minute.
        settled: (parts,) number of settled forecasts.
        mae_w: (parts,) mean absolute error of the median forecasts.
        persistence_mae_w: (parts,) the same of persistence.
        skill: (parts,) skill of the forecasts shown.
        coverage: (parts,) share of the readings in their band, 0 to 1.
    """

    edges: IntArray
    minutes: IntArray
    kwh: DoubleArray
    mean_kw: DoubleArray
    peak_kw: DoubleArray
    settled: IntArray
    mae_w: DoubleArray
    persistence_mae_w: DoubleArray
    skill: DoubleArray
    coverage: DoubleArray


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
    """Energy, peaks, and the numbers of recorded and missing minutes."""
    minutes = recorded.minutes
    kw = minutes.kw
    peak = int(kw.argmax())
    return Totals(
        float(np.maximum(kw, 0.0).sum()) / 60.0,
        float(np.maximum(-kw, 0.0).sum()) / 60.0,
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
    settled = np.isfinite(minutes.forecast_kw) & np.isfinite(minutes.last_kw)
    forecasts = {
        "forecast": minutes.forecast_kw,
        "median": minutes.median_kw,
        "frozen": minutes.frozen_kw,
        "persistence": minutes.last_kw,
    }
    return {name: minutes.kw[settled] - kw[settled] for name, kw in forecasts.items()}


def score(error_kw: DoubleArray) -> Score:
    """Score (settled,) errors, actual minus forecast in kW; NaN is ignored."""
    error_kw = error_kw[~np.isnan(error_kw)]
    if not len(error_kw):
        return Score(None, None, None)
    return Score(
        float(np.square(error_kw).mean()),
        _W * float(np.abs(error_kw).mean()),
        -_W * float(error_kw.mean()),
    )


def score_band(minutes: Minutes) -> BandScore:
    """Score the bands; the ends count as inside."""
    banded = _banded(minutes)
    if not banded.any():
        return BandScore(None, None)
    width = minutes.high_kw[banded] - minutes.low_kw[banded]
    return BandScore(float(_inside(minutes)[banded].mean()), float(width.mean()))


def by_hour_or_day(recorded: Recorded) -> Parts:
    """The period cut into hours if it is a day, otherwise into days."""
    start, end, clock = recorded.start, recorded.end, recorded.clock
    if recorded.period == DAY:
        first = start - (start + clock.offset(start)) % HOUR_S + HOUR_S
        inner = list(range(first, end, HOUR_S))
    else:
        inner = clock.midnights(start + 1, end)
    edges = np.array([start, *inner, end], dtype=np.int64)
    return _cut(recorded.minutes, edges)


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
    if end - start <= _CLOSER_S or not np.isfinite(minutes.forecast_kw).any():
        return None
    squared = np.nan_to_num(np.square(minutes.kw - minutes.forecast_kw))
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
    means = mean_by(of_quarter, minutes.kw, len(quarters))
    best = whole[means[whole].argmax()]
    first = minutes.at[np.flatnonzero(of_quarter == best)[0]]
    return Peak(float(means[best]), int(first))


def _cut(minutes: Minutes, edges: IntArray) -> Parts:
    parts = len(edges) - 1
    part = np.searchsorted(edges, minutes.at, side="right") - 1
    peak = np.full(parts, -np.inf)
    np.maximum.at(peak, part, minutes.kw)
    peak[np.isinf(peak)] = np.nan
    count = np.bincount(part, minlength=parts)
    mean = mean_by(part, minutes.kw, parts)
    own, median, reference = (
        minutes.kw - kw for kw in (minutes.forecast_kw, minutes.median_kw, minutes.last_kw)
    )
    own[np.isnan(reference)] = median[np.isnan(reference)] = np.nan
    mse, reference_mse = (mean_by(part, np.square(e), parts) for e in (own, reference))
    found = [skill(a, b) for a, b in zip(mse.tolist(), reference_mse.tolist(), strict=True)]
    inside = np.where(_banded(minutes), _inside(minutes), np.nan)
    return Parts(
        edges,
        count,
        np.where(count, mean * (count / 60.0), np.nan),
        mean,
        peak,
        np.bincount(part[np.isfinite(own)], minlength=parts),
        _W * mean_by(part, np.abs(median), parts),
        _W * mean_by(part, np.abs(reference), parts),
        np.array([np.nan if value is None else value for value in found]),
        mean_by(part, inside, parts),
    )


def _banded(minutes: Minutes) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.isfinite(minutes.low_kw) & np.isfinite(minutes.high_kw)


def _inside(minutes: Minutes) -> DoubleArray:
    inside = (minutes.low_kw <= minutes.kw) & (minutes.kw <= minutes.high_kw)
    return inside.astype(np.float64)
