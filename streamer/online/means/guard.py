"""Guard of the means' forecasts: pulled towards persistence where they are no better."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from streamer.online.means.bands import LEVELS
from streamer.online.means.correction import MAX_KW
from streamer.readings.arrays import DoubleArray, IntArray
from streamer.readings.packing import packed, unpacked

CLASSES = 2 * LEVELS
"""Classes of forecasts: each level of the last reading, with the mean below or above it."""

_PRIOR_KW2 = 0.5
_HALF_LIFE_MINUTES = 10 * 1440
_MAX_SUM = 1e12


class MeanGuard:
    """Weights of the forecast changes from the last reading, by horizon and class.

    A network that has never seen a car being charged expects it to end at any minute, and costs
    more than "the last reading continues" until the correction has learnt otherwise. So the
    change of each forecast is weighted by the least-squares coefficient, from 0 to 1, of the
    changes that came on those that were forecast, in its class: by the level of the last reading,
    and by direction.

    **Source.** As `streamer.online.guard`, of which this is the form for several horizons;
    shrinkage of a regression by progressive validation (Copas 1983, Journal of the Royal
    Statistical Society B 45).

    **Guarantee.** In a class where no multiple of the forecast changes is better than
    persistence, weighted forecasts lose by no more than a prior of 0.5 kW² costs.

    **What breaks it.** A class that is good on most days and bad on one; half of what is known
    is of the last ten days.

    Args:
        horizons: number of horizons.
    """

    def __init__(self, horizons: int) -> None:
        self._size, self._gain = np.zeros((2, CLASSES, horizons))
        self._weights = np.ones((CLASSES, horizons))
        self._columns = np.arange(horizons)

    def see(self, change_kw: DoubleArray, levels: IntArray) -> DoubleArray:
        """Weighted changes, (rows, horizons) in kW.

        Args:
            change_kw: (rows, horizons) mean forecasts less the last reading.
            levels: (rows, 1) levels of the last readings.
        """
        weighted: DoubleArray = self._weights[2 * levels + (change_kw > 0.0), self._columns]
        weighted *= change_kw
        return weighted

    def learn(self, change_kw: DoubleArray, came_kw: DoubleArray, levels: IntArray) -> None:
        """Learn from a mini-batch of settled forecasts.

        Args:
            change_kw: (rows, horizons) changes that were forecast, before they were weighted.
            came_kw: (rows, horizons) changes that came; NaN where none was settled.
            levels: (rows, horizons) levels of the readings that they were issued at.
        """
        known = ~(np.isnan(came_kw) | np.isnan(change_kw))
        change = np.clip(np.where(known, change_kw, 0.0), -MAX_KW, MAX_KW)
        came = np.clip(np.where(known, came_kw, 0.0), -MAX_KW, MAX_KW)
        places = (2 * levels + (change > 0.0)) * len(self._columns) + self._columns
        kept = 0.5 ** (len(change) / _HALF_LIFE_MINUTES)
        for sums, values in ((self._size, change * change), (self._gain, change * came)):
            added = np.bincount(places.ravel(), values.ravel(), sums.size)
            sums *= kept
            sums += added.reshape(sums.shape)
        self._weigh()

    def state(self) -> dict[str, Any]:
        """Everything that the next weights depend on, as plain JSON values."""
        return {"size": packed(self._size), "gain": packed(self._gain)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        shape = self._size.shape
        size, gain = (
            unpacked(state[name], self._size.size).reshape(shape) for name in ("size", "gain")
        )
        if size.min() < 0.0 or max(size.max(), np.abs(gain).max()) > _MAX_SUM:
            raise ValueError("the evidence of the means' guard is out of bounds")
        self._size, self._gain = size, gain
        self._weigh()

    def _weigh(self) -> None:
        weights = (self._gain + _PRIOR_KW2) / (self._size + _PRIOR_KW2)
        self._weights = np.minimum(np.maximum(weights, 0.0), 1.0)
