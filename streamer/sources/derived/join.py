"""Minutes that several streams of readings have in common.

No I/O and no clock. The result depends on the readings alone, not on when they arrive.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from streamer.readings import Reading

MAX_WAITING = 100_000
"""Most minutes of a part that wait for the other parts: those of seventy days."""


class JoinedMinute(NamedTuple):
    """A minute that all parts have.

    Attributes:
        at: the minute.
        kws: power of each part in kW.
    """

    at: datetime
    kws: tuple[float, ...]


class MinuteJoin:
    """Joins the readings of several parts by minute.

    A minute that one of them lacks is left out. It is certain that a part lacks it once the part
    has a later one; until then, the readings of the others wait.

    Args:
        count: number of parts.

    Attributes:
        dropped: number of readings that waited too long, and were dropped.

    >>> from streamer.testing import readings
    >>> join, (first, second, third) = MinuteJoin(2), readings([0.25, 0.5, 0.75])
    >>> join.add(0, first), join.add(0, second), join.add(1, second)
    ([], [], [JoinedMinute(at=datetime.datetime(2010, 3, 19, 17, 1), kws=(0.5, 0.5))])
    """

    def __init__(self, count: int) -> None:
        self.dropped = 0
        self._waiting: list[deque[tuple[float, datetime, float]]] = [deque() for _ in range(count)]
        self._done_s = -math.inf

    def resume_after(self, after: datetime | None) -> None:
        """Treat a minute, and all before it, as done; None if none is."""
        self._done_s = -math.inf if after is None else after.timestamp()
        for waiting in self._waiting:
            while waiting and waiting[0][0] <= self._done_s:
                waiting.popleft()

    def add(self, part: int, reading: Reading) -> list[JoinedMinute]:
        """Take the next reading of a part; returns the minutes that are known with it."""
        at_s, waiting = reading.at.timestamp(), self._waiting[part]
        # Of a clock that was ahead, the part repeats the time.
        while waiting and waiting[-1][0] >= at_s:
            waiting.pop()
        if at_s <= self._done_s:
            return []
        waiting.append((at_s, reading.at, reading.kw))
        if len(waiting) > MAX_WAITING:
            waiting.popleft()
            self.dropped += 1
        return self._joined()

    def can_continue_without(self, parts: Sequence[int]) -> bool:
        """Whether there may be another minute although some parts have ended."""
        return all(self._waiting[part] for part in parts)

    def _joined(self) -> list[JoinedMinute]:
        joined = []
        while all(self._waiting):
            newest_s = max(waiting[0][0] for waiting in self._waiting)
            for waiting in self._waiting:
                while waiting and waiting[0][0] < newest_s:
                    waiting.popleft()
            if not all(self._waiting):
                break
            if all(waiting[0][0] == newest_s for waiting in self._waiting):
                minute = [waiting.popleft() for waiting in self._waiting]
                joined.append(JoinedMinute(minute[0][1], tuple(kw for _, _, kw in minute)))
                self._done_s = newest_s
        return joined
