"""Events beside the minutes: changes of the connection, and warnings."""

from __future__ import annotations

import math
from collections.abc import Callable

from streamer.display.lines import printable
from streamer.readings import Link, Notice
from streamer.recording.store import Event

_EVERY_S = 10.0
"""Where no minute is written, events wait so long for others to be written with."""


class EventLog:
    """Makes events of links and notices, and decides when they are written by themselves.

    Args:
        add: takes the events.
        now: a clock in seconds.
        wall: the clock on the wall, as Unix seconds.
    """

    def __init__(
        self,
        add: Callable[[Event], None],
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
        """Take note of a connection, if its state has changed."""
        if link.state != self._state:
            self._state = link.state
            self._happened(link.state, f"{link.peer}: {link.text}".removesuffix(": "))

    def notice(self, notice: Notice) -> None:
        """Take note of a warning; other notices are not recorded."""
        if notice.kind == Notice.WARNING:
            self._happened(notice.kind, notice.text)

    def written(self) -> None:
        """Wait before events are written by themselves again."""
        self._due_at = self._now() + _EVERY_S

    def write_at_once(self) -> None:
        """Wait no longer."""
        self._due_at = -math.inf

    def _happened(self, kind: str, text: str) -> None:
        self._add(Event(int(self._wall()), kind, printable(text)))
