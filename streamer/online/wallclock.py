"""Elapsed minutes, minute of the day and weekend of the times of readings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import NamedTuple

import numpy as np

from streamer.readings import Reading
from streamer.readings.arrays import BoolArray, DoubleArray, IntArray, TimeArray
from streamer.readings.blocks import ReadingBlock
from streamer.readings.seconds import seconds_of

DAY = 1440
"""Minutes in a day."""

_SATURDAY = 5
_WEEKDAY_OF_1970 = 3
"""1970 began on a Thursday."""


HARMONICS = (1, 2, 3)
"""Those of the day: with periods of 24, 12 and 8 hours."""


class WallClock(NamedTuple):
    """Time of a reading, in whole minutes.

    Attributes:
        minute: minutes since the beginning of 1970: in UTC if the time has a zone, otherwise by
            its own clock. It does not go back where a clock with a zone is set back.
        day_minute: minutes since midnight by the clock on the wall, 0 to 1439.
        weekend: True on Saturday and Sunday, by the same clock.
    """

    minute: int
    day_minute: int
    weekend: bool


class WallClocks(NamedTuple):
    """Times of consecutive readings as arrays (readings,), with the fields of `WallClock`."""

    minutes: IntArray
    day_minutes: IntArray
    weekends: BoolArray


def wall_clock(at: datetime) -> WallClock:
    """Time of a reading in whole minutes, seconds left out.

    >>> wall_clock(datetime(1970, 1, 3, 0, 5, 59))
    WallClock(minute=2885, day_minute=5, weekend=True)
    """
    day_minute = at.hour * 60 + at.minute
    return WallClock(seconds_of(at) // 60, day_minute, at.weekday() >= _SATURDAY)


def wall_clocks(readings: Sequence[Reading]) -> WallClocks:
    """Times of consecutive readings, whether a block or values with a time zone."""
    if isinstance(readings, ReadingBlock):
        return wall_clocks_at(readings.at)
    found = np.array([wall_clock(reading.at) for reading in readings], np.int64).reshape(-1, 3)
    return WallClocks(found[:, 0], found[:, 1], found[:, 2] != 0)


def wall_clocks_at(at: TimeArray) -> WallClocks:
    """Times (readings,) without a time zone, as ``datetime64`` of any unit.

    >>> wall_clocks_at(np.array(["1970-01-03T00:05:59"], "datetime64[s]")).minutes.tolist()
    [2885]
    """
    minutes = at.astype("datetime64[m]").astype(np.int64)
    days, day_minutes = np.divmod(minutes, DAY)
    return WallClocks(minutes, day_minutes, (days + _WEEKDAY_OF_1970) % 7 >= _SATURDAY)


@cache
def harmonics() -> DoubleArray:
    """(2 × harmonics, day) sine and cosine of each harmonic at each minute of the day."""
    angle = 2.0 * np.pi / DAY * np.arange(DAY)
    found = np.array([part(n * angle) for n in HARMONICS for part in (np.sin, np.cos)])
    found.flags.writeable = False
    return found


def harmonics_of(day_minute: int) -> list[float]:
    """Sine and cosine of each harmonic at one minute of the day."""
    return _by_minute()[day_minute]


@cache
def _by_minute() -> list[list[float]]:
    found: list[list[float]] = harmonics().T.tolist()
    return found
