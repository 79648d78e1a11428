"""Gradient boosted trees by LightGBM, the strongest baseline."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from streamer.display.lines import one_line
from streamer.errors import UsageError
from streamer.evaluation.forecasts import Advance
from streamer.evaluation.stretch import WARM_UP, Stretch
from streamer.extras import optional_import
from streamer.readings.arrays import DoubleArray, FloatArray

TREES = 400
SETTINGS: dict[str, Any] = {
    "objective": "regression",
    "learning_rate": 0.05,
    "num_leaves": 63,
    "min_data_in_leaf": 200,
    "seed": 1234,
    "deterministic": True,
    "force_col_wise": True,
    "verbosity": -1,
}
_BLOCK = 65_536


def import_lightgbm() -> ModuleType:
    """Import LightGBM.

    Raises:
        MissingExtraError: it is not installed.
        UsageError: a library of the system that it needs is missing.
    """
    try:
        with optional_import("the baseline lightgbm", "bench"):
            import lightgbm
    except OSError as error:
        raise UsageError(
            f"the baseline lightgbm cannot be loaded ({one_line(str(error))}); "
            "it needs the OpenMP library of GCC, Debian's libgomp1"
        ) from None
    module: ModuleType = lightgbm
    return module


def forecast_boosted(stretch: Stretch, advance: Advance) -> DoubleArray:
    """Forecast by trees for the next change, fitted on the readings before the stretch.

    Gradient boosting of Ke et al. 2017 (NeurIPS 30), for squared error, 400 trees of 63
    leaves, on the changes within a window of 49 readings and its last level: the inputs of
    a model. The training windows are held in memory: 0.2 GB per million.

    Args:
        stretch: the stretch to forecast.
        advance: called as the forecasts are made; the fit before takes most of the time.

    Returns:
        (minutes,) forecasts in kW.

    Raises:
        MissingExtraError: LightGBM is not installed.
    """
    lightgbm = import_lightgbm()
    training = stretch.kw[: stretch.start]
    windows = sliding_window_view(training[:-1], WARM_UP)
    targets = (training[WARM_UP:] - training[WARM_UP - 1 : -1]).astype(np.float32)
    trees = lightgbm.train(SETTINGS, lightgbm.Dataset(change_features(windows), targets), TREES)
    forecasts = stretch.last_kw.copy()
    windows = stretch.windows(WARM_UP)
    for start in range(0, len(windows), _BLOCK):
        change = trees.predict(change_features(windows[start : start + _BLOCK]))
        forecasts[start : start + _BLOCK] += change
        advance(len(change))
    return forecasts


def change_features(windows: DoubleArray) -> FloatArray:
    """The last level of each of (windows, 49) in kW, and the 48 changes before it."""
    features = np.empty(windows.shape, np.float32)
    features[:, 0] = windows[:, -1]
    for column in range(1, windows.shape[1]):
        np.subtract(
            windows[:, column], windows[:, column - 1], out=features[:, column], casting="same_kind"
        )
    return features
