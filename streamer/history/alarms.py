"""The latest alarms of a stream, with their ends."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from streamer.readings import Alarm

MAX_ALARMS = 50
"""Alarms that are kept."""


@dataclass(frozen=True, slots=True)
class RaisedAlarm:
    """An alarm and its end.

    Attributes:
        alarm: the alarm.
        until: minute in which it was over; None while it is on.
    """

    alarm: Alarm
    until: datetime | None = None


class AlarmLog:
    """The latest alarms."""

    def __init__(self) -> None:
        self._raised: deque[RaisedAlarm] = deque(maxlen=MAX_ALARMS)

    def see(self, raised: Iterable[Alarm], over: Iterable[Alarm], at: datetime) -> None:
        """Add the alarms that were raised in a minute, and end those that were over."""
        ended = {(alarm.kind, alarm.at) for alarm in over}
        if ended:
            for index, entry in enumerate(self._raised):
                if entry.until is None and (entry.alarm.kind, entry.alarm.at) in ended:
                    self._raised[index] = replace(entry, until=at)
        self._raised.extend(map(RaisedAlarm, raised))

    def entries(self) -> tuple[RaisedAlarm, ...]:
        """The alarms, newest last."""
        return tuple(self._raised)
