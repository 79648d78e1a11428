"""Prediction intervals of many meters.

The arithmetic is that of `streamer.online.intervals` and `streamer.online.carried`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from streamer.online.carried import KNOWN_AFTER, MAX_CARRIED_KW, PERIOD
from streamer.online.intervals import (
    ERROR,
    ERROR_KEPT,
    ERROR_RATIO,
    ERRORS_IN_SPREADS,
    ERRORS_KW,
    FIRST_PLACES,
    LAST_IN_SPREADS,
    LAST_RATIO,
    LEVEL,
    LEVELS_KW,
    MAX_KW,
    MAX_TERM,
    MAX_TOTAL,
    MIN_SPREAD_KW,
    MIN_TOTAL,
    SPREAD,
    SPREAD_PER_ERROR,
    SPREADS_KW,
    STEP,
    TERMS,
    UNITS,
    ConformalBand,
    moves,
)
from streamer.readings.arrays import BoolArray, DoubleArray, Records

CARRIED = np.dtype(
    [
        ("settled", "<u4"),
        ("last_kw", "<f8"),
        ("present_kw", "<f8", 3),  # lowest and highest reading, largest step
        ("before_kw", "<f8", 3),
    ]
)

BAND = np.dtype(
    [
        ("low", "<i4", TERMS),
        ("high", "<i4", TERMS),
        ("places", "u1", len(FIRST_PLACES)),
        ("error_kw", "<f8"),
        ("last_error_kw", "<f8"),
        ("carried", CARRIED),
    ]
)

_IntArray = NDArray[np.int64]


class Bands:
    """The bands of many meters: each is a `streamer.online.intervals.ConformalBand`.

    Args:
        confidence: nominal coverage, between 0 and 1.
        levels: levels of the network's quantiles in increasing order; may be empty.
    """

    def __init__(self, confidence: float, levels: tuple[float, ...]) -> None:
        inner = levels[-1] - levels[0] if len(levels) > 1 else None
        begun = ConformalBand(confidence, inner=inner).state()
        self.first = np.zeros((), BAND)
        for name in ("low", "high", "places"):
            self.first[name] = begun[name]
        self.first["error_kw"], self.first["last_error_kw"] = begun["errors_kw"]
        self._miss = (1.0 - confidence) / 2.0

    def see(
        self, state: Records, mean_kw: DoubleArray, quantiles_kw: DoubleArray
    ) -> tuple[DoubleArray, DoubleArray]:
        """The bands of new forecasts.

        Args:
            state: (meters,) records of `BAND`, whose places are changed.
            mean_kw: (meters,) the mean forecasts in kW.
            quantiles_kw: (meters, levels) the network's quantiles in kW, in increasing order.

        Returns:
            Low and high (meters,) in kW, low never above high.
        """
        error = state["error_kw"]
        if quantiles_kw.shape[1] < 2:
            spread = np.maximum(SPREAD_PER_ERROR * error, MIN_SPREAD_KW)
            lowest, highest = mean_kw - spread / 2.0, mean_kw + spread / 2.0
        else:
            lowest, highest = quantiles_kw[:, 0], quantiles_kw[:, -1]
            spread = np.minimum(np.maximum(highest - lowest, MIN_SPREAD_KW), MAX_KW)
        places = state["places"]
        for column, (first, limits, value) in enumerate(
            (
                (ERROR, ERRORS_KW, error),
                (ERROR_RATIO, ERRORS_IN_SPREADS, error / spread),
                (LAST_RATIO, LAST_IN_SPREADS, state["last_error_kw"] / spread),
                (SPREAD, SPREADS_KW, spread),
                (LEVEL, LEVELS_KW, mean_kw),
            )
        ):
            places[:, column] = first + np.searchsorted(limits, value, side="right")
        low = lowest - spread * _factor(_total(state["low"], places))
        high = highest + spread * _factor(_total(state["high"], places))
        crossed = low > high
        if crossed.any():
            low[crossed] += (high[crossed] - low[crossed]) / 2.0
            high[crossed] = low[crossed]
        return _held(state["carried"], low, high)

    def settle(
        self,
        state: Records,
        actual_kw: DoubleArray,
        mean_kw: DoubleArray,
        low_kw: DoubleArray,
        high_kw: DoubleArray,
    ) -> None:
        """Adjust the bands by the readings that they were issued for.

        Args:
            state: (meters,) records of `BAND`, changed in place.
            actual_kw: (meters,) the readings in kW.
            mean_kw: (meters,) the mean forecasts that were issued for them.
            low_kw: (meters,) the lower ends.
            high_kw: (meters,) the upper ends.
        """
        carried = state["carried"]
        outward, inward = self._moves(carried["settled"])
        places = state["places"]
        _move(state["low"], places, actual_kw < low_kw, outward, inward)
        _move(state["high"], places, actual_kw > high_kw, outward, inward)
        error = np.minimum(np.abs(actual_kw - mean_kw), MAX_KW)
        state["last_error_kw"] = error
        state["error_kw"] = error + ERROR_KEPT * (state["error_kw"] - error)
        _carry(carried, actual_kw)
        hourly = np.flatnonzero(carried["settled"] % 60 == 0)
        if len(hourly):
            for name in ("low", "high"):
                state[name][hourly] = np.clip(state[name][hourly], -MAX_TERM, MAX_TERM)

    def _moves(self, settled: NDArray[np.uint32]) -> tuple[_IntArray, _IntArray]:
        """(meters,) each: moves of a term by a reading outside and by one inside."""
        hours, which = np.unique(settled // 60, return_inverse=True)
        pairs = [moves(STEP, self._miss, settled=60 * hour) for hour in hours.tolist()]
        outward, inward = np.array(pairs).T
        return outward[which], inward[which]


def _total(terms: NDArray[np.int32], places: NDArray[np.uint8]) -> _IntArray:
    """(meters,) sums of the terms (meters, terms) of all readings and of the classes."""
    meters = np.arange(len(terms))[:, None]
    total: _IntArray = terms[:, 0] + terms[meters, places].sum(axis=1, dtype=np.int64)
    return total


def _factor(total: _IntArray) -> DoubleArray:
    """(meters,) shares of the spread by which an end is moved outwards."""
    factor: DoubleArray = np.expm1(np.clip(total, MIN_TOTAL, MAX_TOTAL) / UNITS)
    return factor


def _move(
    terms: NDArray[np.int32],
    places: NDArray[np.uint8],
    outside: BoolArray,
    outward: _IntArray,
    inward: _IntArray,
) -> None:
    """Move the terms (meters, terms) of an end."""
    total = _total(terms, places)
    can = np.where(outside, total < MAX_TOTAL, total > MIN_TOTAL)
    distance = np.where(can, np.where(outside, outward, inward), 0).astype(np.int32)
    terms[:, 0] += distance
    terms[np.arange(len(terms))[:, None], places] += distance[:, None]


def _held(
    carried: Records, low_kw: DoubleArray, high_kw: DoubleArray
) -> tuple[DoubleArray, DoubleArray]:
    """Ends (meters,) inside the bounds of the power that the connections are known to carry."""
    present, before = carried["present_kw"], carried["before_kw"]
    step = np.maximum(present[:, 2], before[:, 2])
    lowest = np.minimum(present[:, 0], before[:, 0])
    known = carried["settled"] >= KNOWN_AFTER
    ceiling = np.where(known, np.maximum(present[:, 1], before[:, 1]) + step, np.inf)
    floor = np.where(known, lowest - step, -np.inf)
    floor[lowest == 0.0] = 0.0
    floor[(carried["settled"] == 0) & (high_kw < 0.0)] = -np.inf
    return (
        np.minimum(np.maximum(low_kw, floor), ceiling),
        np.minimum(np.maximum(high_kw, floor), ceiling),
    )


def _carry(carried: Records, kw: DoubleArray) -> None:
    """Take readings (meters,), which the connections have carried."""
    settled = carried["settled"]
    present = carried["present_kw"]
    begun = settled % PERIOD == 0
    if begun.any():
        carried["before_kw"][begun] = present[begun]
        present[begun] = 0.0
    step = np.where(settled > 0, np.abs(kw - carried["last_kw"]), 0.0)
    present[:, 0] = np.maximum(np.minimum(present[:, 0], kw), -MAX_CARRIED_KW)
    present[:, 1] = np.minimum(np.maximum(present[:, 1], kw), MAX_CARRIED_KW)
    present[:, 2] = np.minimum(np.maximum(present[:, 2], step), MAX_CARRIED_KW)
    carried["last_kw"] = kw
    carried["settled"] += 1
