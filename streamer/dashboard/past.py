"""Minutes of the past: those seen in this session, and those of a recording before it."""

from __future__ import annotations

import math
import threading
from array import array
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

from streamer.errors import StreamerError
from streamer.readings import Alarm, Step
from streamer.readings.seconds import seconds_of

if TYPE_CHECKING:
    from streamer.readings.minutes import Minutes

BLOCK = 4096
"""Minutes in a block."""

MAX_BLOCKS = 129
"""Blocks kept in memory: somewhat more than a leap year, 15 MB."""

MAX_ALARMS = 10_000
"""Alarms kept in memory."""

_NAN = math.nan
_T = TypeVar("_T")


class Archive(Protocol):
    """Older minutes, on disk. Times are in Unix seconds.

    Every method may raise a `StreamerError` if the archive cannot be read now.
    """

    def first_at(self) -> int | None:
        """Time of the oldest minute; None if there is none."""

    def minutes(self, start: int, end: int) -> Minutes:
        """Minutes from `start` on and before `end`."""

    def alarm_before(self, at: int) -> Alarm | None:
        """The last alarm raised before a time."""

    def alarm_after(self, at: int) -> Alarm | None:
        """The first alarm raised after a time."""


class SeenMinutes:
    """The minutes seen in this session, in bounded memory: the oldest are dropped.

    One thread may add while another one reads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks = deque([_Block()], maxlen=MAX_BLOCKS)
        self._alarms: deque[Alarm] = deque(maxlen=MAX_ALARMS)

    @property
    def first_at(self) -> int | None:
        """Time of the oldest minute; None if there is none."""
        with self._lock:
            at = self._blocks[0].at
            return at[0] if at else None

    @property
    def last_at(self) -> int | None:
        """Time of the newest minute; None if there is none."""
        with self._lock:
            at = self._blocks[-1].at
            return at[-1] if at else None

    def add(self, step: Step) -> None:
        """Add the minute of a step, which is later than all before."""
        with self._lock:
            if len(self._blocks[-1].at) == BLOCK:
                self._blocks.append(_Block())
            self._blocks[-1].add(step)

    def add_alarm(self, alarm: Alarm) -> None:
        """Add an alarm that was raised."""
        with self._lock:
            self._alarms.append(alarm)

    def minutes(self, start: int, end: int) -> Minutes:
        """Minutes from `start` on and before `end`."""
        from streamer.readings.minutes import joined

        with self._lock:
            blocks = [block for block in self._blocks if block.overlaps(start, end)]
            parts = [block.minutes() for block in blocks or [self._blocks[-1]]]
        return joined([part.between(start, end) for part in parts])

    def alarm_before(self, at: int) -> Alarm | None:
        """The last alarm raised before a time."""
        with self._lock:
            return next((a for a in reversed(self._alarms) if seconds_of(a.at) < at), None)

    def alarm_after(self, at: int) -> Alarm | None:
        """The first alarm raised after a time."""
        with self._lock:
            return next((a for a in self._alarms if seconds_of(a.at) > at), None)


class _Block:
    """Some minutes in order of time, as arrays that grow; without NumPy, which loads slowly."""

    def __init__(self) -> None:
        self.at = array("q")
        self._utc_offset = array("q")
        self._powers = tuple(array("f") for _ in range(4))
        self._alarm = array("b")

    def overlaps(self, start: int, end: int) -> bool:
        return bool(self.at) and self.at[0] < end and self.at[-1] >= start

    def add(self, step: Step) -> None:
        at, settled = step.reading.at, step.settled
        offset = at.utcoffset() if at.tzinfo else None
        self.at.append(seconds_of(at))
        self._utc_offset.append(int(offset.total_seconds()) if offset else 0)
        kw, forecast_kw, low_kw, high_kw = self._powers
        kw.append(step.reading.kw)
        forecast_kw.append(_NAN if settled is None else settled.kw)
        low_kw.append(_NAN if settled is None else settled.low_kw)
        high_kw.append(_NAN if settled is None else settled.high_kw)
        self._alarm.append(step.alarms != () and any(alarm.at == at for alarm in step.alarms))

    def minutes(self) -> Minutes:
        """A copy of them."""
        import numpy as np

        from streamer.readings.minutes import Minutes

        at, utc_offset = (np.array(column, np.int64) for column in (self.at, self._utc_offset))
        kw, forecast_kw, low_kw, high_kw = (np.array(p, np.float32) for p in self._powers)
        alarm = np.array(self._alarm, np.bool_)
        return Minutes(at, utc_offset, kw, forecast_kw, low_kw, high_kw, alarm)


class Past:
    """The minutes seen, and where they begin, those of an archive.

    If the archive cannot be read, it counts as empty until `retry` is called.

    Args:
        seen: minutes of this session.
        archive: older minutes, if any.

    Attributes:
        error: reason for which the archive cannot be read; empty if it can.
    """

    def __init__(self, seen: SeenMinutes, archive: Archive | None = None) -> None:
        self.error = ""
        self._seen = seen
        self._archive = archive
        self._archived_from: int | None = None
        self._page: tuple[int, int, Minutes] | None = None

    def retry(self) -> None:
        """Let the archive be read again, after an error."""
        self.error = ""

    @property
    def last_at(self) -> int | None:
        """Time of the newest minute; None if there is none."""
        return self._seen.last_at

    @property
    def first_at(self) -> int | None:
        """Time of the oldest minute; None if there is none."""
        seen = self._seen.first_at
        if seen is not None and self._archived_from is None:
            self._archived_from = self._ask(lambda archive: archive.first_at())
        if seen is None or self._archived_from is None:
            return seen
        return min(seen, self._archived_from)

    def minutes(self, start: int, end: int) -> Minutes:
        """Minutes from `start` on and before `end`."""
        seen, first = self._seen.minutes(start, end), self._seen.first_at
        if first is None or start >= first:
            return seen
        from streamer.readings.minutes import joined

        older = self._archived(start, min(end, first))
        return seen if older is None else joined([older, seen])

    def alarm_before(self, at: int) -> Alarm | None:
        """The last alarm raised before a time."""
        found = self._seen.alarm_before(at)
        if found is not None:
            return found
        first = self._seen.first_at
        bound = at if first is None else min(at, first)
        return self._ask(lambda archive: archive.alarm_before(bound))

    def alarm_after(self, at: int) -> Alarm | None:
        """The first alarm raised after a time."""
        first = self._seen.first_at
        if first is not None and at < first:
            found = self._ask(lambda archive: archive.alarm_after(at))
            if found is not None and seconds_of(found.at) < first:
                return found
        return self._seen.alarm_after(at)

    def _archived(self, start: int, end: int) -> Minutes | None:
        """A page of the archive, which is kept until another one is asked for."""
        if self._page is None or self._page[:2] != (start, end):
            minutes = self._ask(lambda archive: archive.minutes(start, end))
            if minutes is None:
                return None
            self._page = start, end, minutes
        return self._page[2]

    def _ask(self, question: Callable[[Archive], _T | None]) -> _T | None:
        """The answer of the archive; None if there is none, or it cannot be read."""
        if self._archive is None or self.error:
            return None
        try:
            return question(self._archive)
        except StreamerError as error:
            self.error = str(error)
            return None
