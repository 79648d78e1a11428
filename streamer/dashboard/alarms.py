"""Alarms: those that are on in one line, and the latest ones with their times."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from streamer.dashboard.chart import ALARM_GLYPH
from streamer.dashboard.words import LABEL, WARNING, Part, fit, line, wrap
from streamer.display.durations import since
from streamer.history.alarms import RaisedAlarm
from streamer.readings import Alarm

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
