"""Prediction intervals of the next minutes' mean, with delayed online calibration by class."""

from __future__ import annotations

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

import numpy as np

from streamer.models.features import FEATURES
from streamer.readings.arrays import DoubleArray, FloatArray, IntArray
from streamer.readings.packing import packed, unpacked
from streamer.readings.saved import count

STEP = 0.012
"""Distance by which one settled mean of one minute moves a term; of n, less by the root of n."""

FIRST_GAIN, GAIN_HOURS = 3.0, 24.0
"""The step is larger by three times itself at first, by half of that after a day, and so on."""

MIN_SPREAD_KW = 0.02
MIN_LOG_SCALE, MAX_LOG_SCALE = -3.0, 4.0
INNER = 0.9
"""Nominal coverage of the head's own outermost quantiles."""

_HOURS = 24
_ROUGH = np.arcsinh(2.0 * np.array([0.01, 0.03, 0.1, 0.3]))
_LEVELS_KW = np.array([-0.2, 0.3, 0.8, 2.0, 5.0])
HOUR, ROUGH, LEVEL = 1, 1 + _HOURS, 2 + _HOURS + len(_ROUGH)
"""Place of the first class of each kind among the terms, after that of all forecasts."""

LEVELS = len(_LEVELS_KW) + 1
"""Classes by last reading."""

TERMS = LEVEL + LEVELS
KINDS = 4
_CHANGE = FEATURES.index("change_1h")


class MeanBands:
    """Prediction intervals for all horizons, each of which contains the mean with a probability.

    Each starts from the head's outermost quantiles, whose ends are moved outwards by
    ``spread × (exp(θ) - 1)``, spread being the distance between them, though never past the
    median. θ is a sum of four terms for each end and horizon: that of all forecasts, and those
    of their classes by hour of the day, recent size of the changes, and last reading. A settled
    mean moves each of its four terms by ``step × ([outside] - miss)``, with miss half of the
    share that may lie outside. The moves are made in mini-batches, and those of a forecast for n
    minutes when these are over, n minutes after it. As outcomes that overlap are alike, the step
    is smaller by the root of n; and it is four times as large at first.

    **Source.** Adaptive conformal inference (Gibbs and Candès 2021, NeurIPS 34) in the form that
    follows the quantile (Angelopoulos, Candès and Tibshirani 2023, NeurIPS 36), with a
    decreasing step (Angelopoulos, Barber and Bates 2024, ICML), for several horizons at once,
    each with its delay (Hallberg Szabadváry 2024, "Adaptive conformal inference for multi-step
    ahead time-series forecasting online"; Wang and Hyndman 2024, "Online conformal inference for
    multi-step time series forecasting"). Classes as in `streamer.online.intervals`.

    **Guarantee.** For all settled means of a horizon, and for those of any one class: the sum of
    ``step × ([outside] - miss)`` is the change of its term as long as θ stays between its bounds,
    so that the share beyond an end differs from miss by at most ``range / (step × n)``, whatever
    the series. The delay widens the range by the moves that are under way, but not the bound.
    An end that is held at the median covers more.

    **What breaks it.** A bias beyond the median for days, errors more than 50 spreads wide for
    hours, and a class that a house is in for less than some days.

    Args:
        minutes: (horizons,) numbers of minutes.
        confidence: nominal coverage.
    """

    def __init__(self, minutes: IntArray, *, confidence: float) -> None:
        self._miss = (1.0 - confidence) / 2.0
        self._steps = STEP / np.sqrt(minutes)
        normal = NormalDist()
        reach = normal.inv_cdf(1.0 - self._miss) / normal.inv_cdf((1.0 + INNER) / 2.0)
        # One row for each term, with that of each end and horizon.
        self._terms = np.zeros((TERMS, 2, len(minutes)))
        self._terms[0] = min(math.log(0.5 + reach / 2.0), MAX_LOG_SCALE)
        self._settled = 0

    def see(
        self, low_kw: DoubleArray, median_kw: DoubleArray, high_kw: DoubleArray, classes: IntArray
    ) -> tuple[DoubleArray, DoubleArray]:
        """The ends of intervals that are about to be issued, (rows, horizons) in kW.

        Args:
            low_kw: (rows, horizons) the lowest quantile, like the next two.
            median_kw: the median, between the other two.
            high_kw: the highest quantile.
            classes: (rows, 4) as by `classes_of`.
        """
        scales = self._terms[classes].sum(axis=1)
        np.maximum(scales, MIN_LOG_SCALE, out=scales)
        np.minimum(scales, MAX_LOG_SCALE, out=scales)
        np.expm1(scales, out=scales)
        spread = high_kw - low_kw
        np.maximum(spread, MIN_SPREAD_KW, out=spread)
        scales *= spread[:, None, :]
        low = np.minimum(low_kw - scales[:, 0], median_kw)
        return low, np.maximum(high_kw + scales[:, 1], median_kw)

    def learn(
        self, low_kw: DoubleArray, actual_kw: DoubleArray, high_kw: DoubleArray, classes: IntArray
    ) -> None:
        """Learn from a mini-batch of settled intervals.

        Args:
            low_kw: (rows, horizons) their lower ends; NaN where none was settled.
            actual_kw: (rows, horizons) the means that came.
            high_kw: (rows, horizons) the upper ends.
            classes: (rows, horizons, 4) classes of each.
        """
        known = ~(np.isnan(low_kw) | np.isnan(actual_kw))
        outside = np.stack([actual_kw < low_kw, actual_kw > high_kw], axis=1)
        gain = 1.0 + FIRST_GAIN * GAIN_HOURS / (GAIN_HOURS + self._settled / 60.0)
        moves = np.where(known[:, None, :], outside - self._miss, 0.0) * (gain * self._steps)
        rows, ends, horizons = moves.shape
        places = classes[:, None, :, :] * (ends * horizons)
        places = places + np.arange(ends * horizons).reshape(1, ends, horizons, 1)
        weights = np.broadcast_to(moves[..., None], places.shape)
        size = self._terms.size
        change = np.bincount(places.ravel(), weights.ravel(), size).reshape(self._terms.shape)
        # A new array, so that a shallow copy keeps the intervals as they are now.
        self._terms = np.clip(self._terms + change, -MAX_LOG_SCALE, MAX_LOG_SCALE)
        self._settled += rows

    def state(self) -> dict[str, Any]:
        """Everything that the next interval depends on, as plain JSON values."""
        return {"terms": packed(self._terms), "settled": self._settled}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        terms, settled = unpacked(state["terms"], self._terms.size), count(state["settled"])
        if np.abs(terms).max() > MAX_LOG_SCALE:
            raise ValueError("the terms of the intervals are out of bounds")
        self._terms, self._settled = terms.reshape(self._terms.shape), settled


def classes_of(features: FloatArray, last_kw: DoubleArray, hours: IntArray) -> IntArray:
    """(readings, 4) places among the terms of the forecasts that are issued at each.

    Args:
        features: (readings, features) of `streamer.online.history.History`.
        last_kw: (readings,) the readings in kW.
        hours: (readings,) their hours of the day, 0 to 23.
    """
    found = np.zeros((len(last_kw), KINDS), np.int64)
    found[:, 1] = HOUR + hours
    found[:, 2] = ROUGH + np.searchsorted(_ROUGH, features[:, _CHANGE])
    found[:, 3] = LEVEL + np.searchsorted(_LEVELS_KW, last_kw)
    return found
