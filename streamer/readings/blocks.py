"""Readings as arrays: the same values as one by one, without an object for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat
from typing import Any, overload

import numpy as np

from streamer.errors import ReadingError
from streamer.readings import Alarm, Reading, SettledDemand, Step
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
        solar_kw: (readings,) power of the solar panels in kW; None where it is not measured.
        battery_kw: (readings,) power into the battery in kW likewise.
        channels: (readings, channels) the further channels that the model takes, in their own
            units; None for a model of the power alone.

    Raises:
        ReadingError: the arrays have other shapes or types.

    >>> at = np.array(["2010-03-19T17:00", "2010-03-19T17:01"], "datetime64[s]")
    >>> block = ReadingBlock(at, np.array([0.25, 0.75]))
    >>> block[1].kw, len(block[:1])
    (0.75, 1)
    """

    __slots__ = ("at", "battery_kw", "channels", "kw", "solar_kw")

    def __init__(
        self,
        at: TimeArray,
        kw: DoubleArray,
        solar_kw: DoubleArray | None = None,
        battery_kw: DoubleArray | None = None,
        channels: DoubleArray | None = None,
    ) -> None:
        if at.dtype.kind == "M" and np.datetime_data(at.dtype)[0] not in _PLAIN_UNITS:
            at = at.astype("datetime64[us]")
        at.flags.writeable = False
        self.at = at
        self.kw = _powers(kw, at)
        self.solar_kw = None if solar_kw is None else _powers(solar_kw, at)
        self.battery_kw = None if battery_kw is None else _powers(battery_kw, at)
        self.channels = None if channels is None else _rows(channels, at)

    @classmethod
    def of(cls, readings: Sequence[Reading]) -> ReadingBlock:
        """The block of these readings, none of which may have a time zone.

        Raises:
            ReadingError: solar power, battery power or channels are measured in only some of
                them.
        """
        at = np.array([reading.at for reading in readings], "datetime64[us]")
        kw = np.array([reading.kw for reading in readings], np.float64)
        solar = _measured([reading.solar_kw for reading in readings], "solar")
        battery = _measured([reading.battery_kw for reading in readings], "battery")
        return cls(at, kw, solar, battery, _channels([reading.channels for reading in readings]))

    @property
    def consumption_kw(self) -> DoubleArray:
        """(readings,) power that the house itself uses in kW, as `Reading.consumption_kw`."""
        kw = self.kw if self.solar_kw is None else self.kw + self.solar_kw
        return kw if self.battery_kw is None else kw - self.battery_kw

    def __len__(self) -> int:
        return len(self.kw)

    @overload
    def __getitem__(self, index: int) -> Reading: ...
    @overload
    def __getitem__(self, index: slice) -> ReadingBlock: ...
    def __getitem__(self, index: int | slice) -> Reading | ReadingBlock:
        solar, battery, channels = self.solar_kw, self.battery_kw, self.channels
        if isinstance(index, slice):
            return ReadingBlock(
                self.at[index],
                self.kw[index],
                None if solar is None else solar[index],
                None if battery is None else battery[index],
                None if channels is None else channels[index],
            )
        return Reading(
            self.at[index].item(),
            self.kw[index].item(),
            None if solar is None else solar[index].item(),
            None if battery is None else battery[index].item(),
            () if channels is None else tuple(channels[index].tolist()),
        )

    def __iter__(self) -> Iterator[Reading]:
        columns: list[Iterable[Any]] = [
            repeat(None) if kw is None else kw.tolist() for kw in (self.solar_kw, self.battery_kw)
        ]
        if self.channels is not None:
            columns.append(map(tuple, self.channels.tolist()))
        return map(Reading, self.at.tolist(), self.kw.tolist(), *columns)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ReadingBlock):
            return NotImplemented
        pairs = [(getattr(self, name), getattr(other, name)) for name in self.__slots__]
        return all(a is b if a is None or b is None else np.array_equal(a, b) for a, b in pairs)

    __hash__ = None  # type: ignore[assignment]  # it compares by value, like any array


def _powers(kw: DoubleArray, at: TimeArray) -> DoubleArray:
    """The powers as a read-only array of float64, checked against their times."""
    if at.shape != kw.shape or at.ndim != 1:
        raise ReadingError(f"times of shape {at.shape} do not match powers of shape {kw.shape}")
    return _doubles(kw, at)


def _rows(channels: DoubleArray, at: TimeArray) -> DoubleArray | None:
    """The channels (readings, channels) likewise; None if there are none."""
    if channels.ndim != 2 or len(channels) != len(at):
        raise ReadingError(
            f"channels of shape {channels.shape} do not match times of shape {at.shape}; give "
            "them as (readings, channels)"
        )
    return _doubles(channels, at) if channels.shape[1] else None


def _doubles(kw: DoubleArray, at: TimeArray) -> DoubleArray:
    if at.dtype.kind != "M" or kw.dtype.kind not in "fiu":
        raise ReadingError(
            f"times of type {at.dtype} and powers of type {kw.dtype}; give arrays of "
            "datetime64 and float64"
        )
    if kw.dtype != np.float64:
        kw = kw.astype(np.float64)
    kw.flags.writeable = False
    return kw


def _measured(values: Sequence[float | None], name: str) -> DoubleArray | None:
    """The values as an array; None if none of them is measured."""
    missing = sum(value is None for value in values)
    if missing == len(values):
        return None
    if missing:
        raise ReadingError(f"{missing} of {len(values)} readings have no {name} power")
    return np.array(values, np.float64)


def _channels(values: Sequence[tuple[float, ...]]) -> DoubleArray | None:
    """The channels as an array; None if no reading has any."""
    counts = sorted({len(each) for each in values})
    if len(counts) > 1:
        raise ReadingError(f"some readings have {counts[0]} channels, some {counts[-1]}")
    return np.array(values, np.float64) if counts and counts[0] else None


@dataclass(frozen=True, slots=True, eq=False)
class BlockResult:
    """Result of a block of readings, without a step for each.

    Attributes:
        readings: the block.
        settled_kw: (readings,) the mean forecast in kW, as shown, that each reading settled;
            NaN where it settled none.
        last: the step of the last reading.
        alarms: those raised within the block, oldest first.
        settled_demand: demand intervals that ended within the block, oldest first.
    """

    readings: ReadingBlock
    settled_kw: DoubleArray
    last: Step
    alarms: tuple[Alarm, ...] = ()
    settled_demand: Sequence[SettledDemand] = ()

    def settled_between(self, start: datetime, end: datetime) -> bool:
        """True if a forecast was settled at a minute from `start` to `end`, both included."""
        at = self.readings.at
        inside = (at >= np.datetime64(start)) & (at <= np.datetime64(end))
        return bool((inside & ~np.isnan(self.settled_kw)).any())
