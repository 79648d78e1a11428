"""Alarms: those that are on in one line, and the latest ones with their times."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rich.text import Text

from streamer.dashboard.chart import ALARM_GLYPH
from streamer.dashboard.words import LABEL, WARNING, Part, fit, line, since, wrap
from streamer.readings import Alarm

MAX_ALARMS = 50
"""Alarms that are kept."""

_MIN_TEXT = 16
"""Fewest cells that the text of an alarm is cut to; with less room it is left out."""


def banner(alarms: Sequence[Alarm], now: datetime, width: int) -> Text:
    """The latest alarm, and as much about the others as fits.

    Args:
        alarms: the alarms that are on, oldest first; at least one.
        now: minute of the latest reading.
        width: width in cells.
    """
    *others, latest = alarms
    began = since(latest.kind, latest.at, now)
    sign: Part = (f"{ALARM_GLYPH} {began}", WARNING)
    count = f"{len(others)} more" if others else ""
    named = " · ".join(since(alarm.kind, alarm.at, now) for alarm in reversed(others))
    for tail in (named, count) if others else ("",):
        ending: list[Part] = [(" · ", LABEL), (tail, WARNING)] if tail else []
        whole = line(sign, (" · ", LABEL), latest.text, *ending)
        if whole.cell_len <= width:
            return whole
    room = width - line(sign, *ending).cell_len - 3
    if room >= _MIN_TEXT:
        return line(sign, (" · ", LABEL), fit(Text(latest.text), room, pad=False), *ending)
    long = line(sign, (_plus(alarms), WARNING))
    if long.cell_len <= width:
        return long
    return fit(shortest(alarms), width, pad=False)


def shortest(alarms: Sequence[Alarm]) -> Text:
    """The shortest text: the kind of the latest alarm, and the number of others."""
    return line((f"{ALARM_GLYPH} {alarms[-1].kind}{_plus(alarms)}", WARNING))


def _plus(alarms: Sequence[Alarm]) -> str:
    return f" +{len(alarms) - 1}" if len(alarms) > 1 else ""


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


def listed(entries: Sequence[RaisedAlarm], width: int, height: int) -> list[Text]:
    """The latest alarms with their times, newest last; as many as fit with all of their text."""
    if not entries:
        return [line((" none so far", LABEL))]
    rows: list[Text] = []
    for entry in reversed(entries):
        alarm, until = entry.alarm, entry.until
        end = f"to {until:%H:%M}" if until else "still on"
        when: Part = (f"{alarm.at:%m-%d %H:%M} {end:8}", LABEL if until else WARNING)
        text: Part = f"{alarm.kind}: {alarm.text}"
        if not until:
            text = (f"{ALARM_GLYPH} {text}", WARNING)
        lines = wrap(line(" ", when, "  "), text, width, height - len(rows))
        if not lines:
            break
        rows = lines + rows
    return rows
