"""Changes of alarms and connections, derived from the successive states in a stream."""

from __future__ import annotations

from datetime import datetime

from streamer.display.durations import lasting
from streamer.readings import Alarm, Link, Step


class AlarmWatch:
    """Compares the alarms of each step with those of the one before.

    >>> from streamer.pipeline import Pipeline
    >>> from streamer.testing import FixedForecaster, readings
    >>> watch = AlarmWatch()
    >>> for step in Pipeline(FixedForecaster()).push_many(readings([0.3] * 15 + [0.4])):
    ...     raised, over = watch.see(step)
    ...     for alarm in raised:
    ...         print(f"{step.reading.at:%H:%M} {alarm.kind}")
    ...     for alarm in over:
    ...         print(f"{step.reading.at:%H:%M} {alarm.kind} over")
    17:14 stuck
    17:15 stuck over
    """

    def __init__(self) -> None:
        self._on: tuple[Alarm, ...] = ()

    def see(self, step: Step) -> tuple[list[Alarm], list[Alarm]]:
        """Alarms raised at this reading, and alarms that are over with it."""
        before, now = self._on, step.alarms
        if not before and not now:
            return [], []
        self._on = now
        raised = [alarm for alarm in now if alarm not in before]
        over = [alarm for alarm in before if alarm not in now]
        return raised, over


class OutageWatch:
    """Compares each state of a connection with the one before; a retry is not a change.

    Attributes:
        lost: number of times that an established connection was lost.
        away_s: total length of the outages that have ended, in seconds.
        away: the first report of the present outage; None while connected.
        reached: whether the connection was ever established.

    >>> watch = OutageWatch()
    >>> for link in (Link(Link.UP), Link(Link.LOST, text="timed out"), Link(Link.UP)):
    ...     for state, text in watch.see(link):
    ...         print(state, "-", text)
    lost - meter away: timed out
    up - meter back
    """

    def __init__(self) -> None:
        self.lost = 0
        self.away_s = 0.0
        self.away: Link | None = None
        self.reached = False
        self._silent: Link | None = None

    def see(self, link: Link) -> list[tuple[str, str]]:
        """Changes to report: the state that each is about, and a line of text."""
        if link.state == Link.LOST:
            if self.away:
                return []
            self.away, self._silent = link, None
            self.lost += self.reached
            return [(Link.LOST, f"{link.peer} away{_why(link)}")]
        changes = self._back(link)
        if link.state == Link.SILENT:
            if not self._silent:
                self._silent = link
                changes.append((Link.SILENT, f"meter silent{_why(link)}"))
        elif self._silent:
            after = _after(self._silent.since, link.since)
            changes.append((Link.UP, f"meter heard again{after}"))
            self._silent = None
        return changes

    def _back(self, link: Link) -> list[tuple[str, str]]:
        """The end of an outage, if one is under way."""
        away, self.away = self.away, None
        was_reached, self.reached = self.reached, True
        if away is None:
            return []
        if was_reached and away.since and link.since:
            self.away_s += max(0.0, (link.since - away.since).total_seconds())
        word = "back" if was_reached else "reached"
        return [(Link.UP, f"{link.peer} {word}{_after(away.since, link.since)}")]


def _why(link: Link) -> str:
    return f": {link.text}" if link.text else ""


def _after(began: datetime | None, ended: datetime | None) -> str:
    if began is None or ended is None:
        return ""
    return f" after {lasting((ended - began).total_seconds())}"
