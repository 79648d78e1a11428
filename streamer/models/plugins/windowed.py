"""Forecasters of windows in blocks, asked one window at a time."""

from __future__ import annotations

import numpy as np

from streamer.models import Forecaster, channels_of
from streamer.models.plugins.faults import checked_answer
from streamer.models.plugins.window import Window
from streamer.readings.arrays import DoubleArray


class Windowed:
    """A `Forecaster`, such as a network of this package, as a `SimpleForecaster`.

    It keeps nothing between two windows, each of which is computed as a whole.

    Args:
        forecaster: the forecaster.
    """

    def __init__(self, forecaster: Forecaster) -> None:
        self.window = forecaster.window
        self.levels = forecaster.levels
        self.channels = channels_of(forecaster)
        self._forecaster = forecaster

    def forecast(self, window: Window) -> DoubleArray:
        """The mean and the quantiles of the reading after a window, in kW."""
        columns = [window.kw, *(window.channels[name] for name in self.channels)]
        values = np.column_stack(columns) if self.channels else window.kw
        answer = checked_answer(self._forecaster.forecast(values[None]), 1, len(self.levels))
        return np.concatenate([answer.mean_kw, answer.quantiles_kw[0]])
