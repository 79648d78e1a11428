"""EventRow log: changes of the connection, and warnings, recorded beside the minutes."""

from __future__ import annotations

import math
from collections.abc import Callable

from streamer.display.lines import printable
from streamer.readings import Link, Notice
from streamer.recording.minutes import EventRow

_EVERY_S = 10.0
"""Seconds for which events wait for others, if no minute is written with them."""

_MAX_TEXT = 1000
"""Characters of an event that are recorded."""


class EventLog:
    """Converts links and notices to events, and decides when to write them without a minute.

    Args:
        add: takes the events.
        now: a monotonic clock in seconds.
        wall: the wall clock, in Unix seconds.
    """

    def __init__(
        self,
        add: Callable[[EventRow], None],
        *,
        now: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._add = add
        self._now = now
        self._wall = wall
        self._due_at = -math.inf
        self._state = ""

    @property
    def is_due(self) -> bool:
        """Whether events may be written without a minute."""
        return self._now() >= self._due_at

    def link(self, link: Link) -> None:
        """Record the state of the connection, if it has changed."""
        if link.state != self._state:
            self._state = link.state
            self._add_event(link.state, f"{link.peer}: {link.text}".removesuffix(": "))

    def notice(self, notice: Notice) -> None:
        """Record a warning; other notices are ignored."""
        if notice.kind == Notice.WARNING:
            self._add_event(notice.kind, notice.text)

    def written(self) -> None:
        """Start the wait before events are written without a minute again."""
        self._due_at = self._now() + _EVERY_S

    def write_at_once(self) -> None:
        """Let waiting events be written at once."""
        self._due_at = -math.inf

    def _add_event(self, kind: str, text: str) -> None:
        self._add(EventRow(int(self._wall()), kind, printable(text)[:_MAX_TEXT]))
