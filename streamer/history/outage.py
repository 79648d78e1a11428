"""Outages of the connection to a meter, and the age of its values, in words."""

from __future__ import annotations

import math
from datetime import datetime

from streamer.display.durations import lasting
from streamer.history import HistorySnapshot
from streamer.readings import Link

_STALE_S = 60
"""Seconds after which the age of the latest sample is shown."""


def is_down(snapshot: HistorySnapshot) -> bool:
    """Whether the meter is away or silent, so that all values may be old."""
    link = snapshot.link
    return snapshot.live and not snapshot.ended and link is not None and link.state != Link.UP


def age(snapshot: HistorySnapshot) -> str:
    """Age of the latest sample as text; empty while it is recent or unknown."""
    sample, now = snapshot.sample, snapshot.now
    if is_down(snapshot) or sample is None or sample.at is None or now is None:
        return ""
    seconds = (now - sample.at).total_seconds()
    return f"{lasting(seconds)} ago" if seconds >= _STALE_S else ""


def outage(snapshot: HistorySnapshot) -> list[str]:
    """The outage of the connection in several wordings, longest first; none without a meter."""
    link, now = snapshot.link, snapshot.now
    if link is None or now is None:
        return []
    if link.state != Link.LOST:
        name = f"meter silent{_for(link.since, now)}"
        return [f"{name}, but connected", name, "meter silent"]
    name = f"{link.peer} away"
    long = name + _for(link.since, now)
    again, soon = (next_try(link, now, how) for how in ("trying again", "again"))
    retried = f"{long}, {again}" if again else long
    why = f": {link.text}" if link.text else ""
    return [retried + why, retried, f"{long}, {soon}" if soon else long, long, name]


def _for(began: datetime | None, now: datetime) -> str:
    return "" if began is None else f" for {lasting((now - began).total_seconds())}"


def next_try(link: Link, now: datetime, how: str) -> str:
    """Time of the next attempt to connect, after a few words; empty if it is not known."""
    if link.retry_at is None:
        return ""
    seconds = math.ceil((link.retry_at - now).total_seconds())
    if seconds <= 0:
        return f"{how} now"
    return f"{how} in {seconds} s" if seconds < 100 else f"{how} in {lasting(seconds)}"
