"""Running scores and bands of many meters.

The arithmetic is that of `streamer.scores.running` and `streamer.online.intervals`.
"""

from __future__ import annotations

import numpy as np

from streamer.online.intervals import (
    ERROR_KEPT,
    MAX_KW,
    MAX_LOG_SCALE,
    MIN_LOG_SCALE,
    MIN_SPREAD_KW,
    SPREAD_PER_ERROR,
    STEP,
    ConformalBand,
)
from streamer.readings.arrays import DoubleArray, Records
from streamer.scores.running import MAX_ERROR_KW

BAND = np.dtype([("low_scale", "<f8"), ("high_scale", "<f8"), ("error_kw", "<f8")])

SCORES = np.dtype(
    [
        ("settled", "<i8"),
        ("mse_kw2", "<f8"),
        ("mae_kw", "<f8"),
        ("persistence_mse_kw2", "<f8"),
        ("frozen_mse_kw2", "<f8"),
        ("coverage", "<f8"),
    ]
)


class Bands:
    """The bands of many meters: each is a `streamer.online.intervals.ConformalBand`.

    Args:
        confidence: nominal coverage, between 0 and 1.
        levels: levels of the network's quantiles in increasing order; may be empty.
    """

    def __init__(self, confidence: float, levels: tuple[float, ...]) -> None:
        inner = levels[-1] - levels[0] if len(levels) > 1 else None
        begun = ConformalBand(confidence, inner=inner).state()
        self.first = np.array(tuple(begun[:3]), BAND)
        self._miss = (1.0 - confidence) / 2.0

    def see(
        self, state: Records, mean_kw: DoubleArray, quantiles_kw: DoubleArray
    ) -> tuple[DoubleArray, DoubleArray]:
        """The bands of new forecasts.

        Args:
            state: (meters,) records of `BAND`.
            mean_kw: (meters,) the mean forecasts in kW.
            quantiles_kw: (meters, levels) the network's quantiles in kW, in increasing order.

        Returns:
            Low and high (meters,) in kW, low never above high.
        """
        if quantiles_kw.shape[1] < 2:
            spread = np.maximum(SPREAD_PER_ERROR * state["error_kw"], MIN_SPREAD_KW)
            lowest, highest = mean_kw - spread / 2.0, mean_kw + spread / 2.0
        else:
            lowest, highest = quantiles_kw[:, 0], quantiles_kw[:, -1]
            spread = np.minimum(np.maximum(highest - lowest, MIN_SPREAD_KW), MAX_KW)
        low = lowest - spread * np.expm1(state["low_scale"])
        high = highest + spread * np.expm1(state["high_scale"])
        crossed = low > high
        if crossed.any():
            low[crossed] += (high[crossed] - low[crossed]) / 2.0
            high[crossed] = low[crossed]
        return low, high

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
        for name, outside in (
            ("low_scale", actual_kw < low_kw),
            ("high_scale", actual_kw > high_kw),
        ):
            scale = state[name]
            wider = np.minimum(scale + STEP * (1.0 - self._miss), MAX_LOG_SCALE)
            narrower = np.maximum(scale - STEP * self._miss, MIN_LOG_SCALE)
            state[name] = np.where(outside, wider, narrower)
        error = np.minimum(np.abs(actual_kw - mean_kw), MAX_KW)
        state["error_kw"] = error + ERROR_KEPT * (state["error_kw"] - error)


def score(
    state: Records,
    *,
    actual_kw: DoubleArray,
    forecast_kw: DoubleArray,
    last_kw: DoubleArray,
    frozen_kw: DoubleArray,
    low_kw: DoubleArray,
    high_kw: DoubleArray,
) -> None:
    """Score one settled forecast of each of some meters, and persistence beside it.

    Args:
        state: (meters,) records of `SCORES`, changed in place.
        actual_kw: (meters,) the readings in kW.
        forecast_kw: (meters,) the forecasts for them.
        last_kw: (meters,) the readings before, which are the forecasts of persistence.
        frozen_kw: (meters,) the forecasts of the frozen network.
        low_kw: (meters,) lower ends of the bands.
        high_kw: (meters,) upper ends of the bands.
    """
    state["settled"] += 1
    share = 1.0 / state["settled"]
    error = np.minimum(np.abs(actual_kw - forecast_kw), MAX_ERROR_KW)
    frozen = np.minimum(np.abs(actual_kw - frozen_kw), MAX_ERROR_KW)
    persistence = np.minimum(np.abs(actual_kw - last_kw), MAX_ERROR_KW)
    inside = (low_kw <= actual_kw) & (actual_kw <= high_kw)
    for name, value in (
        ("mse_kw2", error * error),
        ("mae_kw", error),
        ("persistence_mse_kw2", persistence * persistence),
        ("frozen_mse_kw2", frozen * frozen),
        ("coverage", inside),
    ):
        state[name] += (value - state[name]) * share
