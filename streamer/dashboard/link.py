"""State of the connection to a live meter, as text that depends on the present time."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from streamer.dashboard import alarms
from streamer.dashboard.chart import ALARM_GLYPH
from streamer.dashboard.words import LABEL, WARNING, choose, fit, line
from streamer.display.durations import since
from streamer.display.numbers import NOTHING
from streamer.history import HistorySnapshot
from streamer.history.outage import age, is_down, next_try, outage
from streamer.readings import Link

_STATES = {Link.UP: "up", Link.LOST: "away", Link.SILENT: "silent"}

_MIN_TEXT = 16
"""Fewest cells that the reason of an outage is cut to; with less room it is left out."""


def state(snapshot: HistorySnapshot, speed: str) -> str:
    """State of the connection while it is down, otherwise the speed."""
    if not is_down(snapshot) or snapshot.link is None:
        return speed
    return _STATES.get(snapshot.link.state, snapshot.link.state)


def state_since(snapshot: HistorySnapshot) -> list[str]:
    """State of the connection and its beginning, in several lengths, longest first."""
    link, now = snapshot.link, snapshot.now
    if link is None or now is None:
        return [NOTHING]
    name = _STATES.get(link.state, link.state)
    return [since(name, link.since, now), name] if link.since else [name]


def moment(snapshot: HistorySnapshot) -> tuple[str, ...]:
    """All texts that change with time alone."""
    return (age(snapshot), *(outage(snapshot) if is_down(snapshot) else ()))


def banner(snapshot: HistorySnapshot, width: int) -> Text:
    """The outage of the connection, or otherwise the alarms; empty without either.

    An outage comes first, because then no other value is fresh; the alarms follow if there is
    room.
    """
    last = snapshot.last
    on = last.alarms if last else ()
    at = last.reading.at if last else None
    if not is_down(snapshot):
        return alarms.banner(on, at, width) if on and at else Text()
    signs = [line((f"{ALARM_GLYPH} {text}", WARNING)) for text in outage(snapshot)]
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
    if not is_down(snapshot) or link is None or now is None or link.state != Link.LOST:
        return ""
    return ": ".join(part for part in (next_try(link, now, "trying again"), link.text) if part)
