"""State of the connection to a live meter, as text that depends on the present time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from streamer.dashboard import alarms
from streamer.dashboard.chart import ALARM_GLYPH
from streamer.dashboard.words import LABEL, WARNING, choose, fit, line
from streamer.display.durations import lasting, since
from streamer.display.numbers import NOTHING
from streamer.history import HistorySnapshot
from streamer.readings import Link

_STATES = {Link.UP: "up", Link.LOST: "away", Link.SILENT: "silent"}

_MIN_TEXT = 16
"""Fewest cells that the reason of an outage is cut to; with less room it is left out."""

_STALE_S = 60
"""Seconds after which the age of the latest sample is shown."""


def down(snapshot: HistorySnapshot) -> bool:
    """Whether the meter is away or silent, so that all values may be old."""
    link = snapshot.link
    return snapshot.live and not snapshot.ended and link is not None and link.state != Link.UP


def state(snapshot: HistorySnapshot, speed: str) -> str:
    """State of the connection while it is down, otherwise the speed."""
    if not down(snapshot) or snapshot.link is None:
        return speed
    return _STATES.get(snapshot.link.state, snapshot.link.state)


def age(snapshot: HistorySnapshot) -> str:
    """Age of the latest sample as text; empty while it is recent or unknown."""
    sample, now = snapshot.sample, snapshot.now
    if down(snapshot) or sample is None or sample.at is None or now is None:
        return ""
    seconds = (now - sample.at).total_seconds()
    return f"{lasting(seconds)} ago" if seconds >= _STALE_S else ""


def state_since(snapshot: HistorySnapshot) -> list[str]:
    """State of the connection and its beginning, in several lengths, longest first."""
    link, now = snapshot.link, snapshot.now
    if link is None or now is None:
        return [NOTHING]
    name = _STATES.get(link.state, link.state)
    return [since(name, link.since, now), name] if link.since else [name]


def moment(snapshot: HistorySnapshot) -> tuple[str, ...]:
    """All texts that change with time alone."""
    return (age(snapshot), *(_outage(snapshot) if down(snapshot) else ()))


def banner(snapshot: HistorySnapshot, width: int) -> Text:
    """The outage of the connection, or otherwise the alarms; empty without either.

    An outage comes first, because then no other value is fresh; the alarms follow if there is
    room.
    """
    last = snapshot.last
    on = last.alarms if last else ()
    at = last.reading.at if last else None
    if not down(snapshot):
        return alarms.banner(on, at, width) if on and at else Text()
    signs = [line((f"{ALARM_GLYPH} {text}", WARNING)) for text in _outage(snapshot)]
    if on and at:
        shortest = alarms.shortest(on)
        # The last wordings lack the duration: better leave out the alarm.
        for sign in signs[: max(2, len(signs) - 2)]:
            room = width - sign.cell_len - 3
            if shortest.cell_len <= room:
                return line(sign, (" · ", LABEL), alarms.banner(on, at, room))
    return _cut(signs, width)


def _cut(signs: Sequence[Text], width: int) -> Text:
    """The longest wording with its reason cut short if enough remains, else the one that fits."""
    if signs[0].cell_len > width >= signs[1].cell_len + 2 + _MIN_TEXT:
        return fit(signs[0], width, pad=False)
    return choose(width, *signs)


def remedy(snapshot: HistorySnapshot) -> str:
    """Time of the next attempt to connect, and the reason of the outage; beside the banner."""
    link, now = snapshot.link, snapshot.now
    if not down(snapshot) or link is None or now is None or link.state != Link.LOST:
        return ""
    return ": ".join(part for part in (_again(link, now, "trying again"), link.text) if part)


def _outage(snapshot: HistorySnapshot) -> list[str]:
    """The outage in several wordings, longest first."""
    link, now = snapshot.link, snapshot.now
    if link is None or now is None:
        return []
    if link.state != Link.LOST:
        name = f"meter silent{_for(link.since, now)}"
        return [f"{name}, but connected", name, "meter silent"]
    name = f"{link.peer} away"
    long = name + _for(link.since, now)
    again, soon = (_again(link, now, how) for how in ("trying again", "again"))
    retried = f"{long}, {again}" if again else long
    why = f": {link.text}" if link.text else ""
    return [retried + why, retried, f"{long}, {soon}" if soon else long, long, name]


def _for(began: datetime | None, now: datetime) -> str:
    return "" if began is None else f" for {lasting((now - began).total_seconds())}"


def _again(link: Link, now: datetime, how: str) -> str:
    if link.retry_at is None:
        return ""
    seconds = math.ceil((link.retry_at - now).total_seconds())
    if seconds <= 0:
        return f"{how} now"
    return f"{how} in {seconds} s" if seconds < 100 else f"{how} in {lasting(seconds)}"
