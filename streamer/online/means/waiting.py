"""Forecasts that wait for the last of their minutes, with what they were made from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

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
_MAX_KW, _UNKNOWN_KW = 1e12, 1e13
"""Bound of the values in a saved state, and the value for one that is not known."""


class Rows(NamedTuple):
    """Consecutive readings, one a row, with the forecasts that were issued at them.

    Attributes:
        issued: (rows, 8, horizons) the rows of `streamer.scores.means` in kW, NaN where no
            forecast was issued or it has been dropped.
        actual: (rows, horizons) mean of the last minutes in kW, NaN where one was not measured.
        network: (rows, 2, horizons - 1) mean and median of the head itself in kW.
        correction: (rows, horizons - 1) correction of these at its full weight in kW.
        change: (rows, horizons - 1) change of the corrected mean from the last reading in kW.
        common: (rows, 9) regressors that are the same for all horizons.
        classes: (rows, 4) classes of the intervals.
    """

    issued: DoubleArray
    actual: DoubleArray
    network: DoubleArray
    correction: DoubleArray
    change: DoubleArray
    common: DoubleArray
    classes: IntArray

    @classmethod
    def without_forecasts(cls, actual: DoubleArray) -> Rows:
        """Those of readings at which no forecast was issued.

        Args:
            actual: (rows, horizons) mean of the last minutes at each.
        """
        rows, horizons = actual.shape
        longer = horizons - 1
        return cls(
            np.full((rows, COLUMNS, horizons), np.nan),
            actual,
            np.full((rows, 2, longer), np.nan),
            np.zeros((rows, longer)),
            np.zeros((rows, longer)),
            np.zeros((rows, COMMON)),
            np.zeros((rows, KINDS), np.int64),
        )

    def part(self, rows: slice) -> Rows:
        """Some of the rows."""
        return Rows._make(each[rows] for each in self)


class Waiting:
    """The last readings with their forecasts, of which the older wait to be settled.

    The arrays are never changed, but replaced, so that whoever has them may read them in any
    thread.

    Args:
        back: (horizons,) numbers of minutes, the first of which is the next reading.

    Attributes:
        rows: the last `KEPT` readings.
    """

    def __init__(self, back: IntArray) -> None:
        age = np.arange(KEPT, 0, -1)[:, None]
        # Of each horizon, what waits, and what a mini-batch has settled but not learnt from.
        self._needed = age <= back + BATCH
        self.rows = Rows.without_forecasts(np.full((KEPT, len(back)), np.nan))
        # Of the forecast that a row settles, for each horizon as many rows before.
        places = np.arange(COLUMNS * len(back)).reshape(COLUMNS, len(back))
        self._due = places - places.size * back

    def append(self, rows: Rows) -> None:
        """Append new rows, `BATCH` at most."""
        joined = map(np.concatenate, zip(self.rows, rows, strict=True))
        self.rows = Rows._make(each[-KEPT:] for each in joined)

    def drop(self) -> None:
        """Drop all forecasts that wait: they are never settled."""
        kept = self.rows.part(slice(-MAX_MINUTES))
        dropped = Rows.without_forecasts(self.rows.actual[-MAX_MINUTES:])
        self.rows = Rows._make(map(np.concatenate, zip(kept, dropped, strict=True)))

    def due(self, issued: DoubleArray) -> DoubleArray:
        """(rows, 8, horizons) the forecasts that further readings settle, at the last of each.

        Args:
            issued: (rows, 8, horizons) forecasts issued at these, `BATCH` at most.
        """
        return self._take(np.concatenate([self.rows.issued[-MAX_MINUTES:], issued]), len(issued))

    def settled_last(self) -> DoubleArray:
        """(rows, 8, horizons) the forecasts that the readings of the last mini-batch settled."""
        return self._take(self.rows.issued, BATCH)

    def _take(self, issued: DoubleArray, last: int) -> DoubleArray:
        """The forecasts that the last rows settle."""
        first = np.arange(len(issued) - last, len(issued)) * self._due.size
        due: DoubleArray = issued.reshape(-1).take(self._due + first[:, None, None])
        return due

    def state(self) -> dict[str, Any]:
        """What is still needed of the last rows, as plain JSON values."""
        values = [_flat(each)[self._needed_of(each)] for each in self._kw()]
        return {
            "kw": [packed(np.nan_to_num(each, nan=_UNKNOWN_KW)) for each in values],
            "common": packed(self.rows.common),
            "classes": self.rows.classes.tolist(),
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
        issued, actual, network, correction, change = found
        self.rows = Rows(issued, actual, network, correction, change, common, classes)

    def _needed_of(self, values: DoubleArray) -> BoolArray:
        """(rows, horizons) what is needed of the values, which may lack the first horizon."""
        return self._needed[:, -values.shape[-1] :]

    def _kw(self) -> tuple[DoubleArray, ...]:
        return self.rows[:5]


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
