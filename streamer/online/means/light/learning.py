"""Intervals and weights learnt online for the means of the next 15 and 60 minutes, per meter."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from streamer.online.means.bands import (
    FIRST_GAIN,
    GAIN_HOURS,
    INNER,
    MAX_LOG_SCALE,
    MIN_LOG_SCALE,
    MIN_SPREAD_KW,
    STEP,
)
from streamer.readings.arrays import BoolArray, DoubleArray, FloatArray, IntArray

MINUTES = (15, 60)
"""The horizons."""

EVERY = 15
"""Forecasts are learnt from that were issued at the last minute of a quarter-hour."""

_LEVELS_KW = np.array([-0.2, 0.3, 0.8, 2.0, 5.0])
_PARTS = 8
_LEVEL = 1 + _PARTS
TERMS = _LEVEL + len(_LEVELS_KW) + 1
"""Terms of an end: of all forecasts, and of the classes by part of the day and by level."""

_UNITS = 8000
"""Units of a term, in which it is a whole number, as are its moves."""

_MAX_TERM, _MIN_TOTAL, _MAX_TOTAL = (
    round(_UNITS * each) for each in (MAX_LOG_SCALE, MIN_LOG_SCALE, MAX_LOG_SCALE)
)

_QUIET_KW = 0.8
CLASSES = 4
"""Classes of the guard."""

_PRIOR_KW2 = 0.5
_KEPT = 0.5 ** (EVERY / (10 * 1440))
_MAX_CHANGE_KW = 1e3
_MAX_SUM = 1e12


TermArray = NDArray[np.int16]


class LightBands:
    """Intervals for the means of the next minutes of many meters.

    They are those of `streamer.online.means.bands.MeanBands`, with its source and guarantee, but
    for fewer classes, an eighth of the day and the level of the last reading, and for their
    terms, which are whole numbers of eight-thousandths in two bytes. A settled mean moves them
    by as much as fifteen do there, of which one here is settled for each quarter-hour.

    Args:
        confidence: nominal coverage.

    Attributes:
        first: (horizons, 2, terms) terms of a new meter.
    """

    def __init__(self, confidence: float) -> None:
        self._miss = (1.0 - confidence) / 2.0
        normal = NormalDist()
        reach = normal.inv_cdf(1.0 - self._miss) / normal.inv_cdf((1.0 + INNER) / 2.0)
        self.first = np.zeros((len(MINUTES), 2, TERMS), np.int16)
        self.first[..., 0] = min(round(_UNITS * math.log(0.5 + reach / 2.0)), _MAX_TERM)

    def see(
        self, terms: TermArray, head_kw: DoubleArray, last_kw: DoubleArray, day_minutes: IntArray
    ) -> tuple[DoubleArray, DoubleArray]:
        """The ends of intervals that are about to be issued, (meters, horizons) in kW.

        Args:
            terms: (meters, horizons, 2, terms) what has been learnt.
            head_kw: (meters, horizons, 4) mean and quantiles in rising order.
            last_kw: (meters,) the readings that they are issued at.
            day_minutes: (meters,) minutes of the day of these.
        """
        _, lowest, median, highest = np.moveaxis(head_kw, 2, 0)
        part, level = _places(last_kw, day_minutes)
        meters = np.arange(len(terms))
        total = terms[..., 0].astype(np.int64)
        total += terms[meters, :, :, part]
        total += terms[meters, :, :, level]
        scales = np.expm1(np.clip(total, _MIN_TOTAL, _MAX_TOTAL) / _UNITS)
        scales *= np.maximum(highest - lowest, MIN_SPREAD_KW)[:, :, None]
        low = np.minimum(lowest - scales[:, :, 0], median)
        return low, np.maximum(highest + scales[:, :, 1], median)

    def learn(
        self,
        terms: TermArray,
        horizon: int,
        settled: IntArray,
        outside: BoolArray,
        last_kw: DoubleArray,
        day_minutes: IntArray,
    ) -> None:
        """Learn from settled intervals of one horizon.

        Args:
            terms: (meters, 2, terms) what has been learnt of it, changed in place.
            horizon: which it is.
            settled: (meters,) number of those settled before.
            outside: (meters, 2) whether the mean was below the lower end, and above the upper.
            last_kw: (meters,) the readings that they were issued at.
            day_minutes: (meters,) minutes of the day of these.
        """
        gain = 1.0 + FIRST_GAIN * GAIN_HOURS / (GAIN_HOURS + settled * (EVERY / 60.0))
        step = STEP * EVERY / math.sqrt(MINUTES[horizon])
        # Rounded once, so that the moves out and in balance at the nominal coverage.
        inward = np.maximum(np.rint(gain * step * self._miss * _UNITS), 1.0)
        outward = np.rint(inward * (1.0 - self._miss) / self._miss)
        moves = np.where(outside, outward[:, None], -inward[:, None])
        meters = np.arange(len(terms))
        for place in (0, *_places(last_kw, day_minutes)):
            moved = terms[meters, :, place] + moves
            terms[meters, :, place] = np.clip(moved, -_MAX_TERM, _MAX_TERM)


def weighted(
    sums: FloatArray, change_kw: DoubleArray, last_kw: DoubleArray, mse_kw2: DoubleArray
) -> DoubleArray:
    """Changes (meters, horizons) from the last readings, as far as they have been confirmed.

    As by `streamer.online.means.guard.MeanGuard`, with its source and guarantee, for two levels
    of the last reading instead of six. As so much less is settled, the weight is above its estimate
    by a standard error, for which the noise is taken to be that of all forecasts.

    Args:
        sums: (meters, horizons, 2, classes) the evidence.
        change_kw: (meters, horizons) mean forecasts less the last reading.
        last_kw: (meters,) the last readings.
        mse_kw2: (meters, horizons) mean squared error of the forecasts so far.
    """
    place = _classes(change_kw, last_kw[:, None])[..., None]
    size, gain = (
        np.take_along_axis(sums[:, :, row], place, axis=2)[..., 0].astype(np.float64)
        for row in range(2)
    )
    found = gain + _PRIOR_KW2 + np.sqrt(size * mse_kw2)
    return np.clip(found / (size + _PRIOR_KW2), 0.0, 1.0) * change_kw


def confirm(
    sums: FloatArray, change_kw: DoubleArray, came_kw: DoubleArray, last_kw: DoubleArray
) -> None:
    """Learn from settled forecasts of one horizon.

    Args:
        sums: (meters, 2, classes) the evidence, changed in place.
        change_kw: (meters,) changes that were forecast, before they were weighted.
        came_kw: (meters,) changes that came.
        last_kw: (meters,) the readings that they were issued at.
    """
    change = np.clip(change_kw, -_MAX_CHANGE_KW, _MAX_CHANGE_KW)
    came = np.clip(came_kw, -_MAX_CHANGE_KW, _MAX_CHANGE_KW)
    place, meters = _classes(change, last_kw), np.arange(len(sums))
    sums *= np.float32(_KEPT)
    sums[meters, 0, place] += change * change
    sums[meters, 1, place] += change * came


def are_sound(terms: TermArray, sums: FloatArray) -> bool:
    """Whether restored terms and sums of meters can be continued."""
    largest = np.abs(sums).max(initial=0.0)
    size = sums[:, :, 0].min(initial=0.0)
    return bool(largest <= _MAX_SUM and size >= 0.0 and (np.abs(terms) <= _MAX_TERM).all())


def _places(last_kw: DoubleArray, day_minutes: IntArray) -> tuple[IntArray, IntArray]:
    """(meters,) places of the classes of forecasts among the terms."""
    part = 1 + day_minutes * _PARTS // 1440
    return part, _LEVEL + np.searchsorted(_LEVELS_KW, last_kw)


def _classes(change_kw: DoubleArray, last_kw: DoubleArray) -> IntArray:
    """Classes of forecasts in the guard: by level and direction."""
    found: IntArray = 2 * (last_kw > _QUIET_KW) + (change_kw > 0.0)
    return found
