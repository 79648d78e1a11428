"""Forecasts that wait for the last of their minutes, with what they were made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from streamer.online.means.bands import KINDS, TERMS
from streamer.online.means.correction import COMMON
from streamer.readings.arrays import BoolArray, DoubleArray, IntArray
from streamer.readings.packing import packed, unpacked
from streamer.scores.means import COLUMNS

MAX_MINUTES = 60
"""Longest horizon."""

BATCH = 30
"""Readings of a mini-batch: what is learnt changes at every thirtieth reading."""

KEPT = MAX_MINUTES + BATCH
_ROOM = 128
_MAX_KW, _UNKNOWN_KW = 1e12, 1e13
"""Bound of the values in a saved state, and the value for one that is not known."""


class Waiting:
    """The last readings, one a row, with the forecasts that were issued at them.

    Rows are appended in place; when there is no more room, the last are moved to the front.

    Args:
        back: (horizons,) numbers of minutes, the first of which is the next reading.

    Attributes:
        end: number of rows.
        issued: (rows, 8, horizons) the rows of `streamer.scores.means` in kW, NaN where no
            forecast was issued or it has been dropped.
        actual: (rows, horizons) mean of the last minutes in kW, NaN where one was not measured.
        network: (rows, 2, horizons - 1) mean and median of the head itself in kW.
        correction: (rows, horizons - 1) correction of these at its full weight in kW.
        change: (rows, horizons - 1) change of the corrected mean from the last reading in kW.
        common: (rows, 9) regressors that are the same for all horizons.
        classes: (rows, 4) classes of the intervals.
    """

    def __init__(self, back: IntArray) -> None:
        horizons = len(back)
        rows, longer = KEPT + _ROOM, horizons - 1
        age = np.arange(KEPT, 0, -1)[:, None]
        # Of each horizon, what waits, and what a mini-batch has settled but not learnt from.
        self._needed = age <= back + BATCH
        self.end = KEPT
        self.issued = np.full((rows, COLUMNS, horizons), np.nan)
        self.actual = np.full((rows, horizons), np.nan)
        self.network = np.full((rows, 2, longer), np.nan)
        self.correction, self.change = np.zeros((2, rows, longer))
        self.common = np.zeros((rows, COMMON))
        self.classes = np.zeros((rows, KINDS), np.int64)

    def append(self, rows: int) -> slice:
        """Make room for new rows, `BATCH` at most, and return their place."""
        if self.end + rows > len(self.issued):
            for each in self._arrays():
                each[:KEPT] = each[self.end - KEPT : self.end]
            self.end = KEPT
        place = slice(self.end, self.end + rows)
        self.end = place.stop
        return place

    def put_none(self, place: slice) -> None:
        """Record that no forecast was issued at the readings of a place."""
        self.issued[place], self.network[place] = np.nan, np.nan
        self.correction[place] = self.change[place] = 0.0
        # Rows are used again: nothing of the one before may be left, nor be in a saved state.
        self.common[place], self.classes[place] = 0.0, 0

    def drop(self) -> None:
        """Drop all forecasts that wait: they are never settled."""
        self.put_none(slice(self.end - MAX_MINUTES, self.end))

    def state(self) -> dict[str, Any]:
        """What is still needed of the last rows, as plain JSON values."""
        kept = slice(self.end - KEPT, self.end)
        values = [_flat(each[kept])[self._needed_of(each)] for each in self._kw()]
        return {
            "kw": [packed(np.nan_to_num(each, nan=_UNKNOWN_KW)) for each in values],
            "common": packed(self.common[kept]),
            "classes": self.classes[kept].tolist(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        found: list[DoubleArray] = []
        for text, each in zip(state["kw"], self._kw(), strict=True):
            rows = np.full((KEPT, *each.shape[1:]), np.nan)
            needed = self._needed_of(each)
            values = unpacked(text, int(needed.sum()) * (each[0].size // each.shape[-1]))
            unknown = values == _UNKNOWN_KW
            if (np.abs(values[~unknown]) > _MAX_KW).any():
                raise ValueError("a forecast that waits is out of bounds")
            values = np.where(unknown, np.nan, values)
            _flat(rows)[needed] = values.reshape(-1, each[0].size // each.shape[-1])
            found.append(rows)
        common = unpacked(state["common"], KEPT * COMMON).reshape(KEPT, COMMON)
        classes = _classes(state["classes"])
        self.end = KEPT
        for each, values in zip(self._kw(), found, strict=True):
            each[:KEPT] = values
        self.common[:KEPT], self.classes[:KEPT] = common, classes

    def _needed_of(self, values: DoubleArray) -> BoolArray:
        """(rows, horizons) what is needed of the values, which may lack the first horizon."""
        return self._needed[:, -values.shape[-1] :]

    def _kw(self) -> tuple[DoubleArray, ...]:
        return self.issued, self.actual, self.network, self.correction, self.change

    def _arrays(self) -> tuple[np.ndarray[Any, Any], ...]:
        return *self._kw(), self.common, self.classes


def _flat(values: DoubleArray) -> DoubleArray:
    """A view (rows, horizons, others) of values (rows, horizons) or (rows, others, horizons)."""
    return values[:, :, None] if values.ndim == 2 else values.swapaxes(1, 2)


def _classes(rows: Any) -> np.ndarray[Any, Any]:
    found = np.array(rows)
    if found.shape != (KEPT, KINDS) or found.dtype.kind != "i":
        raise ValueError("the classes of the forecasts that wait are damaged")
    if found.min() < 0 or found.max() >= TERMS:
        raise ValueError("a class of a forecast that waits is out of bounds")
    return found
