"""Fitted regressors of any library, which take the last readings as one row of features."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from streamer.models.plugins.window import Window
from streamer.readings.arrays import DoubleArray


class FittedForecaster:
    """Forecasts by a function from (1, window) readings in kW, oldest first, to the next one.

    Args:
        name: its name.
        window: number of readings that the function takes.
        predict: the function, which returns one number in kW, in an array of any shape.
    """

    def __init__(self, name: str, window: int, predict: Callable[[DoubleArray], object]) -> None:
        self.name = name
        self.window = window
        self._predict = predict

    def forecast(self, window: Window) -> DoubleArray:
        """Forecast the reading after a window, in kW."""
        return np.asarray(self._predict(window.kw[None, :]), np.float64).reshape(-1)
