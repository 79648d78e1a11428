"""Zero-shot forecasts by Fracast-0, a time-series foundation model with bundled weights."""

from __future__ import annotations

import numpy as np

from streamer.errors import UsageError
from streamer.extras import optional_import
from streamer.models.plugins.window import Window
from streamer.readings.arrays import DoubleArray

_WEIGHTS = ("w8", "fp32")


class FracastForecaster:
    """Forecasts the next reading and its deciles from the last 1,440 readings.

    The model has 85,001 parameters, and has not been trained on this house. It gives deciles alone;
    their mean is taken for the expected value.

    Args:
        weights: ``w8`` for the weights in 8 bits, which fracast takes by default, or ``fp32``.

    Raises:
        UsageError: there are no such weights.
        MissingExtraError: fracast is not installed.
    """

    name = "fracast"
    window = 1440

    def __init__(self, weights: str = _WEIGHTS[0]) -> None:
        if weights not in _WEIGHTS:
            raise UsageError(f"fracast has no weights {weights!r}: give fracast or fracast:fp32")
        with optional_import("the forecaster fracast", "fracast"):
            from fracast import FracastModel
        self._model = FracastModel.from_pretrained(weights=weights)
        self.levels = tuple(map(float, self._model.quantiles))

    def forecast(self, window: Window) -> DoubleArray:
        """Forecast the mean and the deciles of the reading after a window, in kW."""
        deciles = np.sort(np.asarray(self._model.forecast(window.kw, horizon=1)[0], np.float64))
        return np.concatenate([[deciles.mean()], deciles])
