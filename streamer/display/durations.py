"""Durations as text for people."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime


def duration(seconds: float) -> str:
    """A time to wait in hours, minutes and seconds, rounded up.

    >>> duration(0.2), duration(83.0), duration(3683.0)
    ('0:01', '1:23', '1:01:23')
    """
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def lasting(seconds: float) -> str:
    """Time since something began, in coarser units the longer it is.

    >>> lasting(8.4), lasting(150.0), lasting(3700.0), lasting(200_000.0)
    ('8 s', '2 min', '1 h 1 min', '2 d 7 h')
    """
    whole = max(0, int(seconds))
    days, hours, minutes, rest = _split(whole)
    parts = [(days, "d"), (hours, "h")] if days else [(hours, "h"), (minutes, "min")]
    return _joined(parts) or f"{rest} s"


def apart(seconds: float) -> str:
    """The distance between two times, in the two largest units.

    >>> apart(12.4), apart(-200.0), apart(3600.0), apart(2.6 * 86400)
    ('12 s', '3 min 20 s', '1 h', '2 days 14 h')
    """
    days, hours, minutes, rest = _split(round(abs(seconds)))
    parts = [(days, "day" if days == 1 else "days"), (hours, "h"), (minutes, "min"), (rest, "s")]
    while len(parts) > 1 and not parts[0][0]:
        parts.pop(0)
    return _joined(parts[:2]) or "0 s"


def since(what: str, began: datetime, now: datetime) -> str:
    """A state and the time of its beginning, with the date if that is not today's.

    >>> since("drift", datetime(2010, 3, 20, 17, 3), datetime(2010, 3, 21))
    'drift since 03-20 17:03'
    """
    form = "%H:%M" if began.date() == now.date() else "%m-%d %H:%M"
    return f"{what} since {began:{form}}"


def length(minutes: int, *, space: str = " ") -> str:
    r"""A number of minutes in minutes, hours or days.

    Args:
        minutes: number of minutes.
        space: text between a number and its unit.

    >>> length(7), length(135), length(60), length(3 * 1440 + 60)
    ('7 min', '2 h 15 min', '1 h', '3 d 1 h')
    """
    days, hours, rest, _ = _split(60 * minutes)
    parts = [(days, "d"), (hours, "h"), (0 if days else rest, "min")]
    return _joined(parts, space) or f"0{space}min"


def _split(seconds: int) -> tuple[int, int, int, int]:
    """Split seconds into days, hours, minutes and seconds."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return *divmod(hours, 24), minutes, seconds


def _joined(parts: Iterable[tuple[int, str]], space: str = " ") -> str:
    """The parts that are not zero, as text."""
    return " ".join(f"{count:,}{space}{unit}" for count, unit in parts if count)
