"""Running scores of many meters.

The arithmetic is that of `streamer.scores.running`.
"""

from __future__ import annotations

import numpy as np

from streamer.readings.arrays import DoubleArray, Records
from streamer.scores.running import MAX_ERROR_KW

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
