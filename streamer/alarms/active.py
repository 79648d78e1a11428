"""Active alarms, and the end of each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from streamer.alarms.thresholds import HOUR, QUIET
from streamer.readings import Alarm
from streamer.readings.saved import number, whole

LASTS = {Alarm.ANOMALY: QUIET, Alarm.STUCK: 0, Alarm.UNIT: QUIET, Alarm.DRIFT: 6 * HOUR}
"""Readings for which an alarm stays active after its last cause, by kind."""


class ActiveAlarms:
    """The active alarms, at most one of a kind; each ends by itself.

    Attributes:
        shown: the active alarms, oldest first.
    """

    def __init__(self) -> None:
        self.shown: tuple[Alarm, ...] = ()
        self._on: dict[str, tuple[Alarm, int]] = {}
        self._next_off = 0

    def __contains__(self, kind: str) -> bool:
        return kind in self._on

    def start(self, kind: str, size: float, text: str, at: datetime, *, seen: int) -> None:
        """Raise an alarm, or extend the active one of the same kind.

        Args:
            kind: one of the kinds of `Alarm`.
            size: score as a multiple of the threshold.
            text: one line for a person.
            at: minute of the reading.
            seen: number of readings so far.
        """
        if kind not in self._on:
            self._on[kind] = (Alarm(kind, at, text, size), 0)
            self._show()
        self.keep(kind, seen=seen)

    def keep(self, kind: str, *, seen: int) -> None:
        """Extend the active alarm of a kind from now on."""
        self._on[kind] = (self._on[kind][0], seen + LASTS[kind])
        self._next_off = min(until for _, until in self._on.values())

    def clear(self, seen: int) -> None:
        """End the alarms that are over after so many readings."""
        if self._on and seen > self._next_off:
            self._on = {kind: entry for kind, entry in self._on.items() if entry[1] >= seen}
            self._show()

    def state(self) -> list[list[Any]]:
        """Everything that `restore` needs, as plain JSON values."""
        return [
            [alarm.kind, alarm.at.isoformat(), alarm.text, alarm.size, until]
            for alarm, until in self._on.values()
        ]

    def restore(self, state: Iterable[Iterable[Any]]) -> None:
        """Continue from a saved state.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        on = {}
        for kind, at, text, size, until in state:
            if kind not in LASTS or not isinstance(text, str):
                raise ValueError(f"{kind!r:.40} is not a kind of alarm, or has no text")
            on[kind] = Alarm(kind, datetime.fromisoformat(at), text, number(size)), whole(until)
        self._on = on
        self._show()

    def _show(self) -> None:
        self.shown = tuple(alarm for alarm, _ in self._on.values())
        self._next_off = min((until for _, until in self._on.values()), default=0)
