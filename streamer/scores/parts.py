"""Running and rolling errors of one forecaster, and scores of its bands.

Running means are river's `stats.Mean`, on which its regression metrics are built.
The rolling means are our own: river's `utils.Rolling` subtracts the values that leave the
window, so that rounding errors accumulate, and one huge error never disappears entirely.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from streamer.readings import BandScores, ErrorScores
from streamer.readings.arrays import DoubleArray
from streamer.readings.saved import number
from streamer.scores.rolling import RollingMean

HOUR = 60
DAY = 1440

MAX_ERROR_KW = 1e150
"""Errors in kW are clipped to this bound, whose square is still finite."""


def sizes(error_kw: DoubleArray) -> DoubleArray:
    """Sizes of errors in kW, clipped."""
    return np.minimum(np.abs(error_kw), MAX_ERROR_KW)


class RunningErrors:
    """Errors of one forecaster."""

    def __init__(self) -> None:
        # Imported at first use: river loads scipy, which would delay the first screen.
        from river import stats

        self._squared = stats.Mean()
        self._absolute = stats.Mean()
        self._hour = RollingMean(HOUR)
        self._day = RollingMean(DAY)

    def update(self, absolute: float, squared: float) -> ErrorScores:
        """Add one error: its size in kW, clipped, and its square."""
        self._squared.update(squared)
        self._absolute.update(absolute)
        return ErrorScores(
            self._squared.get(),
            self._absolute.get(),
            self._hour.update(squared),
            self._day.update(squared),
        )

    def update_many(self, absolute: DoubleArray, squared: DoubleArray) -> None:
        """Add errors (errors,) in turn, as with `update`."""
        self._squared.update_many(squared)
        self._absolute.update_many(absolute)
        self._hour.update_many(squared)
        self._day.update_many(squared)

    def get(self) -> ErrorScores:
        """The scores so far."""
        if not self._squared.n:
            return ErrorScores()
        return ErrorScores(
            self._squared.get(), self._absolute.get(), self._hour.get(), self._day.get()
        )

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs, as plain JSON values."""
        return {
            "mse_kw2": self._squared.get(),
            "mae_kw": self._absolute.get(),
            "hour": self._hour.state(),
            "day": self._day.state(),
        }

    def restore(self, state: Mapping[str, Any], settled: int) -> None:
        """Continue from a saved state of `settled` forecasts."""
        if settled:
            # A mean takes its first value unchanged, at any weight.
            self._squared.update(number(state["mse_kw2"]), w=settled)
            self._absolute.update(number(state["mae_kw"]), w=settled)
        self._hour.restore(state["hour"])
        self._day.restore(state["day"])


class RunningBand:
    """Coverage, width and Winkler score of the bands."""

    def __init__(self, confidence: float) -> None:
        from river import stats

        self._confidence = confidence
        self._per_kw_outside = 2.0 / (1.0 - confidence)
        self._inside = stats.Mean()
        self._width = stats.Mean()
        self._winkler = stats.Mean()
        self._day_inside = RollingMean(DAY)
        self._day_width = RollingMean(DAY)

    def update(self, actual_kw: float, low_kw: float, high_kw: float) -> BandScores:
        """Add one band, and the reading in or beside it."""
        width = min(high_kw - low_kw, MAX_ERROR_KW)
        if low_kw <= actual_kw <= high_kw:
            inside, outside = 1.0, 0.0
        else:
            inside = 0.0
            outside = min(max(low_kw - actual_kw, actual_kw - high_kw, 0.0), MAX_ERROR_KW)
        self._inside.update(inside)
        self._width.update(width)
        self._winkler.update(width + self._per_kw_outside * outside)
        return BandScores(
            self._confidence,
            self._inside.get(),
            self._day_inside.update(inside),
            self._width.get(),
            self._day_width.update(width),
            self._winkler.get(),
        )

    def update_many(
        self,
        actual_kw: DoubleArray,
        low_kw: DoubleArray,
        high_kw: DoubleArray,
    ) -> None:
        """Add bands (forecasts,) in turn, and the readings in or beside them."""
        below = np.clip(low_kw - actual_kw, 0.0, MAX_ERROR_KW)
        above = np.clip(actual_kw - high_kw, 0.0, MAX_ERROR_KW)
        inside = ((below == 0.0) & (above == 0.0)).astype(np.float64)
        width = np.minimum(high_kw - low_kw, MAX_ERROR_KW)
        self._inside.update_many(inside)
        self._width.update_many(width)
        self._winkler.update_many(width + self._per_kw_outside * np.maximum(below, above))
        self._day_inside.update_many(inside)
        self._day_width.update_many(width)

    def get(self) -> BandScores:
        """The scores so far."""
        if not self._inside.n:
            return BandScores(self._confidence)
        return BandScores(
            self._confidence,
            self._inside.get(),
            self._day_inside.get(),
            self._width.get(),
            self._day_width.get(),
            self._winkler.get(),
        )

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs, as plain JSON values."""
        return {
            "coverage": self._inside.get(),
            "width_kw": self._width.get(),
            "winkler_kw": self._winkler.get(),
            "day_inside": self._day_inside.state(),
            "day_width": self._day_width.state(),
        }

    def restore(self, state: Mapping[str, Any], settled: int) -> None:
        """Continue from a saved state of `settled` forecasts."""
        if settled:
            self._inside.update(number(state["coverage"]), w=settled)
            self._width.update(number(state["width_kw"]), w=settled)
            self._winkler.update(number(state["winkler_kw"]), w=settled)
        self._day_inside.restore(state["day_inside"])
        self._day_width.restore(state["day_width"])
