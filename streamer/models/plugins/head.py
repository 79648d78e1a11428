"""Heads of forecasters for the mean of the next minutes, checked where they answer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from streamer.models import MeansHead
from streamer.models.plugins.faults import MAX_FORECAST_KW, FaultError, Faults
from streamer.readings import Notice
from streamer.readings.arrays import DoubleArray, FloatArray

_VALUES = 4
"""Mean and three quantiles of each horizon."""


class CheckedHead:
    """Head whose answers are finite and of the right shape.

    Where it raises an exception or gives something else, the last reading is taken in place of its
    forecasts, which is what their skill is measured against. The first fault of each kind
    is reported.

    Args:
        head: the head.
        name: name of the forecaster, for messages.
    """

    def __init__(self, head: MeansHead, name: str) -> None:
        self.minutes = tuple(head.minutes)
        self._head = head
        self._faults = Faults(name)

    def one(self, hidden: FloatArray, features: FloatArray, last_kw: float) -> DoubleArray:
        """Forecast at one reading: (horizons, 4) in kW."""
        return self._checked(lambda: self._head.one(hidden, features, last_kw), np.array(last_kw))

    def many(self, hidden: FloatArray, features: FloatArray, last_kw: DoubleArray) -> DoubleArray:
        """Forecast at each of several readings: (readings, horizons, 4) in kW."""
        return self._checked(lambda: self._head.many(hidden, features, last_kw), last_kw)

    def gathered(self) -> list[Notice]:
        """Notices about new kinds of faults since the last call."""
        return self._faults.gathered()

    def _checked(
        self, answer: Callable[[], NDArray[np.float64]], last_kw: DoubleArray
    ) -> DoubleArray:
        shape = (*last_kw.shape, len(self.minutes), _VALUES)
        persistence = np.broadcast_to(last_kw[..., None, None], shape)
        try:
            found = np.asarray(answer(), np.float64)
            if found.shape != shape:
                raise FaultError("shape", f"gave an array of shape {found.shape}, not {shape}")
        except Exception as error:  # noqa: BLE001 - of anybody's code
            self._add(error)
            return persistence.copy()
        # NaN compares as false.
        fits = np.asarray((np.abs(found) <= MAX_FORECAST_KW).all(axis=(-2, -1)))
        if fits.all():
            return found
        self._add(FaultError("finite", "gave a mean that is not finite, or not plausible"))
        return np.where(fits[..., None, None], found, persistence)

    def _add(self, error: Exception) -> None:
        self._faults.add(error, "horizons", None, effect="the last reading is taken in its place")
