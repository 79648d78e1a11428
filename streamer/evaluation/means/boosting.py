"""Gradient boosted trees by LightGBM for the mean of the next minutes, fitted for each horizon."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from streamer.evaluation.boosting import SETTINGS, TREES, change_features, import_lightgbm
from streamer.evaluation.forecasts import Advance
from streamer.evaluation.means.targets import MeanTargets, elapsed_clocks
from streamer.evaluation.stretch import WARM_UP, Stretch
from streamer.online.history import History
from streamer.readings.arrays import FloatArray, IntArray

MAX_ROWS = 500_000
"""Maximum number of windows that the trees of one horizon are fitted on."""

_BLOCK = 65_536


def forecast_boosted_means(
    stretch: Stretch, minutes: tuple[int, ...], advance: Advance
) -> FloatArray:
    """Forecast by trees for the change from the last reading, fitted before the stretch.

    The inputs are those of the baseline for the next reading, and beside them those of a
    model's head: means, profile and calendar of the readings so far.

    Args:
        stretch: the stretch to forecast, with enough readings before it.
        minutes: the horizons.
        advance: called with the issues forecast of each horizon; the fits before take most of
            the time.

    Returns:
        (issues, horizons, 1) forecasts in kW.

    Raises:
        MissingExtraError: LightGBM is not installed.
    """
    lightgbm = import_lightgbm()
    inputs = _Inputs(stretch)
    training = Stretch(stretch.kw[: stretch.start], stretch.at[: stretch.start])
    past, now = MeanTargets(training), MeanTargets(stretch)
    forecasts = np.empty((now.issues, len(minutes), 1), np.float32)
    for column, horizon in enumerate(minutes):
        issues = past.settled(horizon)
        issues = issues[:: -(-len(issues) // MAX_ROWS)]
        change = past.actual_kw(horizon, issues) - past.last_kw[issues]
        data = lightgbm.Dataset(inputs.at(training.first - 1 + issues), change.astype(np.float32))
        trees = lightgbm.train(SETTINGS, data, TREES)
        for start in range(0, now.issues, _BLOCK):
            block = np.arange(start, min(start + _BLOCK, now.issues))
            change = trees.predict(inputs.at(stretch.first - 1 + block))
            forecasts[block, column, 0] = now.last_kw[block] + change
            advance(len(block))
    return forecasts


class _Inputs:
    """Inputs of the trees at readings of a recording."""

    def __init__(self, stretch: Stretch) -> None:
        self._windows = sliding_window_view(stretch.kw, WARM_UP)
        self._history = History().extend(*elapsed_clocks(stretch.at), stretch.kw)

    def at(self, rows: IntArray) -> FloatArray:
        """(rows, inputs) at these readings, each the last of a whole window."""
        windows = self._windows[rows - WARM_UP + 1]
        return np.concatenate([change_features(windows), self._history[rows]], axis=1)
