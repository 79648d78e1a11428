"""Readings as arrays: the same values as one by one, without an object for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import overload

import numpy as np

from streamer.errors import ReadingError
from streamer.readings import Alarm, Reading, Step
from streamer.readings.arrays import DoubleArray, TimeArray

_PLAIN_UNITS = ("h", "m", "s", "ms", "us")
"""Units of ``datetime64`` whose items are `datetime` values."""


class ReadingBlock(Sequence[Reading]):
    """Consecutive readings without a time zone; each `Reading` is made when it is accessed.

    The arrays become read-only, and belong to the block from then on.

    Args:
        at: (readings,) minutes as ``datetime64``; one without a time of day, or finer than
            microseconds, is converted to ``datetime64[us]``.
        kw: (readings,) mean active power in kW; other numbers are converted to float64.

    Raises:
        ReadingError: the arrays have other shapes or types.

    >>> at = np.array(["2010-03-19T17:00", "2010-03-19T17:01"], "datetime64[s]")
    >>> block = ReadingBlock(at, np.array([0.25, 0.75]))
    >>> block[1].kw, len(block[:1])
    (0.75, 1)
    """

    __slots__ = ("at", "kw")

    def __init__(self, at: TimeArray, kw: DoubleArray) -> None:
        if at.shape != kw.shape or at.ndim != 1:
            raise ReadingError(f"times of shape {at.shape} do not match powers of shape {kw.shape}")
        if at.dtype.kind != "M" or kw.dtype.kind not in "fiu":
            raise ReadingError(
                f"times of type {at.dtype} and powers of type {kw.dtype}; give arrays of "
                "datetime64 and float64"
            )
        if np.datetime_data(at.dtype)[0] not in _PLAIN_UNITS:
            at = at.astype("datetime64[us]")
        if kw.dtype != np.float64:
            kw = kw.astype(np.float64)
        at.flags.writeable = kw.flags.writeable = False
        self.at = at
        self.kw = kw

    @classmethod
    def of(cls, readings: Sequence[Reading]) -> ReadingBlock:
        """The block of these readings, none of which may have a time zone."""
        at = np.array([reading.at for reading in readings], "datetime64[us]")
        return cls(at, np.array([reading.kw for reading in readings], np.float64))

    def __len__(self) -> int:
        return len(self.kw)

    @overload
    def __getitem__(self, index: int) -> Reading: ...
    @overload
    def __getitem__(self, index: slice) -> ReadingBlock: ...
    def __getitem__(self, index: int | slice) -> Reading | ReadingBlock:
        if isinstance(index, slice):
            return ReadingBlock(self.at[index], self.kw[index])
        return Reading(self.at[index].item(), self.kw[index].item())

    def __iter__(self) -> Iterator[Reading]:
        return map(Reading, self.at.tolist(), self.kw.tolist())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ReadingBlock):
            return NotImplemented
        return np.array_equal(self.at, other.at) and np.array_equal(self.kw, other.kw)

    __hash__ = None  # type: ignore[assignment]  # it compares by value, like any array


@dataclass(frozen=True, slots=True, eq=False)
class BlockResult:
    """Result of a block of readings, without a step for each.

    Attributes:
        readings: the block.
        settled_kw: (readings,) the mean forecast in kW, as shown, that each reading settled;
            NaN where it settled none.
        last: the step of the last reading.
        alarms: those raised within the block, oldest first.
    """

    readings: ReadingBlock
    settled_kw: DoubleArray
    last: Step
    alarms: tuple[Alarm, ...] = ()

    def settled_between(self, start: datetime, end: datetime) -> bool:
        """True if a forecast was settled at a minute from `start` to `end`, both included."""
        at = self.readings.at
        inside = (at >= np.datetime64(start)) & (at <= np.datetime64(end))
        return bool((inside & ~np.isnan(self.settled_kw)).any())
