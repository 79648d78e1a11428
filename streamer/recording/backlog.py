"""What waits to be written, while it cannot be."""

from __future__ import annotations

from collections import deque

from streamer.display.numbers import plural
from streamer.recording.store import Event, Minute

WEEK = 7 * 24 * 60
"""Minutes that may wait; older ones are not kept."""

_EVENTS = 1000


class Backlog:
    """Minutes and events that are not written yet.

    Attributes:
        minutes: in order of time.
        events: in order of time; the last of them only, if there are very many.
    """

    def __init__(self) -> None:
        self.minutes: deque[Minute] = deque()
        self.events: deque[Event] = deque(maxlen=_EVENTS)
        self._lost_now = 0

    @property
    def waiting(self) -> str:
        """How many minutes wait, for a person."""
        count = len(self.minutes)
        if not count:
            return "what comes waits to be written"
        return f"{plural(count, 'minute')} {'waits' if count == 1 else 'wait'} to be written"

    def trim(self) -> bool:
        """Drop what is older than a week; whether that has just begun."""
        excess = len(self.minutes) - WEEK
        if excess <= 0:
            return False
        for _ in range(excess):
            self.minutes.popleft()
        begins = not self._lost_now
        self._lost_now += excess
        return begins

    def clear(self) -> tuple[int, int]:
        """Forget what is written now: how many minutes that is, and how many went lost before."""
        counts = len(self.minutes), self._lost_now
        self.minutes.clear()
        self.events.clear()
        self._lost_now = 0
        return counts
