"""Titles and texts of notifications, in plain English."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from typing import TYPE_CHECKING

from streamer.display.durations import lasting, length
from streamer.display.lines import one_line
from streamer.display.numbers import amount, percent, plural
from streamer.publishing.notify.silence import Back, Silent

if TYPE_CHECKING:
    from streamer.publishing.notify.summary import DaySummary

MAX_TITLE = 200
MAX_TEXT = 2000


def title_of(meter: str, what: str) -> str:
    """A title: the meter and what it is about.

    >>> title_of("House", "new peak ahead")
    'House: new peak ahead'
    """
    return one_line(f"{meter}: {what}")[:MAX_TITLE]


def alarm_text(at: datetime, text: str) -> str:
    """The text of an alarm with the time of its reading.

    >>> alarm_text(datetime(2026, 3, 1, 7, 30), "2.5 kW where 0.2 to 0.6 was expected")
    'At 07:30: 2.5 kW where 0.2 to 0.6 was expected.'
    """
    return f"At {at:%H:%M}: {one_line(text)}."[:MAX_TEXT]


def silent_text(silent: Silent, now: datetime) -> str:
    """The text about a silent meter, on the clock of its time.

    >>> since = datetime(2026, 3, 1, 7, 30)
    >>> silent_text(Silent(since, "", False), datetime(2026, 3, 1, 7, 40))
    'No reading has arrived since 07:30.'
    """
    since = _moment(silent.since, now)
    what = f"No reading has arrived since {since}"
    if silent.interrupted:
        what = f"Readings are missing again and again since {since}"
    return one_line(f"{what}: {silent.reason}." if silent.reason else f"{what}.")[:MAX_TEXT]


def back_text(back: Back) -> str:
    """The text about the end of a silence, on the clock of its times.

    >>> back_text(Back(datetime(2026, 3, 1, 7, 30), datetime(2026, 3, 1, 8, 5)))
    'Readings arrive again since 08:05. They were missing for 35 min.'
    """
    missing = lasting((back.until - back.since).total_seconds())
    return f"Readings arrive again since {back.until:%H:%M}. They were missing for {missing}."


def summary_title(found: DaySummary) -> str:
    """What a summary is about: the energy of the day."""
    return f"{amount(found.import_kwh, 1)} kWh on {_day(found.day)}"


def summary_text(found: DaySummary) -> str:
    """The text of a summary, one line for each matter."""
    return "\n".join(_summary_lines(found))[:MAX_TEXT]


def _summary_lines(found: DaySummary) -> Iterator[str]:
    energy = f"Energy: {amount(found.import_kwh, 1)} kWh drawn"
    if found.export_kwh >= 0.05:
        energy += f", {amount(found.export_kwh, 1)} kWh fed in"
    yield f"{energy}."
    if found.cost is not None:
        rest = ""
        if found.unpriced_minutes:
            rest = f", without {length(found.unpriced_minutes)} whose price is not known"
        yield f"Cost: {found.cost} {one_line(found.currency)}{rest}."
    if found.peak is not None:
        start, minutes, kw = found.peak
        name = {15: "quarter-hour", 60: "hour"}.get(minutes, f"{minutes} minutes")
        yield f"Highest {name}: {amount(kw, 2)} kW at {start:%H:%M}."
    alarms = [f"{count} × {one_line(kind)}" for kind, count in sorted(found.alarms.items())]
    yield f"Alarms: {', '.join(alarms)}." if alarms else "No alarms."
    if found.skill is not None:
        text = f"Forecast: skill {percent(found.skill)}"
        if found.coverage is not None:
            text += f", {percent(found.coverage, signed=False)} of the readings inside the band"
        yield f"{text}."
    if found.missing_minutes:
        text = f"Missing: {length(found.missing_minutes)}"
        if found.outages:
            text += f", connection lost or silent {plural(found.outages, 'time')}"
        yield f"{text}."
    if found.expired:
        yield f"Not delivered in time: {plural(found.expired, 'notification')}."


def _moment(at: datetime, now: datetime) -> str:
    """A time of day, with its date if that is not today's."""
    return f"{at:%H:%M}" if at.date() == now.date() else f"{at:%Y-%m-%d %H:%M}"


def _day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B}"
