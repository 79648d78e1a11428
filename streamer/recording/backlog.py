"""Queue of what could not be written yet, and of what was written last."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice

from streamer.display.numbers import plural
from streamer.recording.minutes import EventRow, Minute
from streamer.recording.notifications import Notification

WEEK = 7 * 24 * 60
"""Largest number of minutes kept; older ones are dropped."""

DAY = 24 * 60
"""Number of written minutes kept, in case that the file is damaged by another program."""

_MAX_EVENTS = 1000
_MAX_NOTIFICATIONS = 1000


class Backlog:
    """Minutes, events and notifications that are not written yet.

    Attributes:
        minutes: minutes in order of time.
        events: events in order of time; only the last ones, if there are very many.
        notifications: the latest state of each notification, by its key; only the last ones, too.
    """

    def __init__(self) -> None:
        self.minutes: deque[Minute] = deque()
        self.events: deque[EventRow] = deque(maxlen=_MAX_EVENTS)
        self.notifications: dict[str, Notification] = {}
        self._written_notifications: dict[str, Notification] = {}
        self._written: deque[Minute] = deque(maxlen=DAY)
        self._lost_now = 0

    @property
    def waiting(self) -> str:
        """Number of waiting minutes, for display."""
        count = len(self.minutes)
        if not count:
            return "new minutes will be written later"
        return f"{plural(count, 'minute')} {'waits' if count == 1 else 'wait'} to be written"

    def keep(self, notifications: Iterable[Notification]) -> None:
        """Add notifications, each in place of its former state."""
        self.notifications.update((each.key, each) for each in notifications)
        _shorten(self.notifications)

    def trim(self) -> bool:
        """Drop minutes beyond a week; returns whether these are the first ones."""
        excess = len(self.minutes) - WEEK
        if excess <= 0:
            return False
        for _ in range(excess):
            self.minutes.popleft()
        begins = not self._lost_now
        self._lost_now += excess
        return begins

    def take_back(self) -> int:
        """Let what was written last wait again, for a new file; returns the number of minutes."""
        self.notifications = {**self._written_notifications, **self.notifications}
        count = len(self._written)
        self.minutes.extendleft(reversed(self._written))
        self._written.clear()
        return count

    def forget_after(self, at: int) -> None:
        """Do not keep written minutes later than a time in Unix seconds: they were set aside."""
        while self._written and self._written[-1].at > at:
            self._written.pop()

    def abandon(self) -> int:
        """Empty the queue at the end; returns the number of minutes lost with it, and before."""
        minutes, lost = self.clear()
        return minutes + lost

    def clear(self) -> tuple[int, int]:
        """Empty the queue after writing; returns the numbers of minutes in it and of lost ones."""
        counts = len(self.minutes), self._lost_now
        self._written.extend(self.minutes)
        self.minutes.clear()
        self.events.clear()
        self._written_notifications.update(self.notifications)
        _shorten(self._written_notifications)
        self.notifications.clear()
        self._lost_now = 0
        return counts


def _shorten(notifications: dict[str, Notification]) -> None:
    """Drop the oldest of very many."""
    for key in list(islice(notifications, max(len(notifications) - _MAX_NOTIFICATIONS, 0))):
        del notifications[key]
