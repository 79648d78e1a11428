"""Protocol of a store of older minutes, such as a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from streamer.readings import Alarm

if TYPE_CHECKING:
    from streamer.readings.bins import Bins


class Archive(Protocol):
    """Older minutes, on disk. Times are in Unix seconds.

    Every method may raise a `StreamerError` if the archive cannot be read now.
    """

    def first_at(self) -> int | None:
        """Time of the oldest minute; None if there is none."""

    def bins(self, start: int, seconds: int, count: int, *, before: int) -> Bins:
        """Sums over bins of so many seconds from `start` on, of the minutes before a time."""

    def utc_offset(self, before: int) -> int | None:
        """Offset from UTC in seconds at the last minute before a time; None if there is none."""

    def alarm_before(self, at: int) -> Alarm | None:
        """The last alarm raised before a time."""

    def alarm_after(self, at: int) -> Alarm | None:
        """The first alarm raised after a time."""
