"""Minutes that several streams of readings have in common.

No I/O and no clock. The result depends on the readings alone, not on when they arrive, as long as
no panels are later than is allowed.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from streamer.readings import Reading
from streamer.sources.live.minutes import MINUTE_S
from streamer.sources.live.rest import MAX_REST_S, REST_KW

MAX_WAITING = 100_000
"""Most minutes of a part that wait for the other parts: those of seventy days."""

_MAX_GAP_S = 10 * MINUTE_S  # between minutes of the others, over which panels remain at rest


class TimedPower(NamedTuple):
    """Power of a part in a minute: the minute in seconds since 1970 and as a time, and kW."""

    at_s: float
    at: datetime
    kw: float


class JoinedMinute(NamedTuple):
    """A minute that all parts have.

    Attributes:
        at: the minute.
        kws: power of each part in kW.
        resting: the last reading of each part that is at rest, by its place; its power is 0.
    """

    at: datetime
    kws: tuple[float, ...]
    resting: dict[int, TimedPower]


@dataclass
class _Part:
    """Readings of a part that wait for the others.

    Attributes:
        waiting: these readings, oldest first.
        last: the reading before them; None if there is none, or in doubt.
        late_s: allowed lateness of panels at rest, in stream time; infinite if it is unknown.
    """

    waiting: deque[TimedPower] = field(default_factory=deque)
    last: TimedPower | None = None
    late_s: float = math.inf

    def pass_before(self, at_s: float) -> None:
        """Drop what is earlier than a time."""
        while self.waiting and self.waiting[0].at_s < at_s:
            self.last = self.waiting.popleft()

    def is_at_rest(self, at_s: float) -> bool:
        """Whether panels are at rest in a minute for which they have no reading."""
        last = self.last
        return last is not None and last.kw <= REST_KW and at_s - last.at_s <= MAX_REST_S


class MinuteJoin:
    """Joins the readings of several parts by minute.

    A minute that one of them lacks is left out. It is certain that a part lacks it once the part
    has a later one; until then, the readings of the others wait.

    Inverters sleep at night. So the power of solar panels that had about zero in their last
    minute is 0 until their next one, as within a feed. That ends where the others have a gap, in
    which the panels may have been missed as well.

    Args:
        count: number of parts.
        panels: places of those that are solar panels; some of the others are none.

    Attributes:
        dropped: number of readings that waited too long, and were dropped.

    >>> from streamer.testing import readings
    >>> join, (first, second, third) = MinuteJoin(2), readings([0.25, 0.5, 0.75])
    >>> join.add(0, first), join.add(0, second)
    ([], [])
    >>> [minute.kws for minute in join.add(1, second)]
    [(0.5, 0.5)]
    """

    def __init__(self, count: int, panels: Collection[int] = ()) -> None:
        self.dropped = 0
        self._parts = [_Part() for _ in range(count)]
        self._panels = {place: self._parts[place] for place in sorted(panels)}
        self._measured = [each for place, each in enumerate(self._parts) if place not in panels]
        self._done_s = self._decided_s = -math.inf

    def resume_after(self, after: datetime | None) -> None:
        """Treat a minute, and all before it, as done; None if none is."""
        self._done_s = self._decided_s = -math.inf if after is None else after.timestamp()
        for part in self._parts:
            part.pass_before(math.nextafter(self._done_s, math.inf))

    def allow(self, place: int, late_s: float) -> None:
        """Set the allowed lateness of panels: seconds of stream time behind the others."""
        self._parts[place].late_s = late_s

    def add(self, place: int, reading: Reading) -> list[JoinedMinute]:
        """Take the next reading of a part; returns the minutes that are known with it."""
        part = self._parts[place]
        entry = TimedPower(reading.at.timestamp(), reading.at, reading.kw)
        # Of a clock that was ahead, the part repeats the time.
        while part.waiting and part.waiting[-1].at_s >= entry.at_s:
            part.waiting.pop()
        if entry.at_s <= self._done_s:
            part.last = entry
            return []
        part.waiting.append(entry)
        if len(part.waiting) > MAX_WAITING:
            part.last = part.waiting.popleft()
            self.dropped += 1
        return self._joined()

    def is_at_rest(self, place: int) -> bool:
        """Whether a part is panels whose silence means that they are at rest."""
        part = self._panels.get(place)
        newest_s = max(
            (each.waiting[-1].at_s for each in self._measured if each.waiting), default=0
        )
        at_s = max(self._decided_s, newest_s)
        return part is not None and not part.waiting and part.is_at_rest(at_s)

    def can_continue_without(self, places: Sequence[int]) -> bool:
        """Whether there may be another minute although some parts have ended."""
        return all(self._parts[place].waiting or self.is_at_rest(place) for place in places)

    def _joined(self) -> list[JoinedMinute]:
        joined: list[JoinedMinute] = []
        while all(part.waiting for part in self._measured):
            at_s = max(part.waiting[0].at_s for part in self._measured)
            for part in self._measured:
                part.pass_before(at_s)
            if not all(part.waiting and part.waiting[0].at_s == at_s for part in self._measured):
                continue
            reached_s = min(part.waiting[-1].at_s for part in self._measured)
            if not all(_is_decided(panel, at_s, reached_s) for panel in self._panels.values()):
                break
            minute = self._minute(at_s)
            if minute is not None:
                joined.append(minute)
        return joined

    def _minute(self, at_s: float) -> JoinedMinute | None:
        """The minute that all measured parts begin with; None if panels lack it."""
        is_gap = at_s - self._decided_s > _MAX_GAP_S and math.isfinite(self._decided_s)
        self._done_s = self._decided_s = at_s
        resting: dict[int, TimedPower] = {}
        kws: list[float] = []
        at = self._measured[0].waiting[0].at
        for place, part in enumerate(self._parts):
            if part.waiting and part.waiting[0].at_s == at_s:
                part.last = part.waiting.popleft()
                kws.append(part.last.kw)
            elif is_gap:
                part.last = None
            elif part.last is not None and part.is_at_rest(at_s):
                resting[place] = part.last
                kws.append(0.0)
        return JoinedMinute(at, tuple(kws), resting) if len(kws) == len(self._parts) else None


def _is_decided(panel: _Part, at_s: float, reached_s: float) -> bool:
    """Whether panels have a minute, or certainly lack it.

    Args:
        panel: the panels.
        at_s: the minute.
        reached_s: time that all others have reached.
    """
    panel.pass_before(at_s)
    if panel.waiting:
        return True
    return panel.is_at_rest(at_s) and reached_s - at_s >= panel.late_s
