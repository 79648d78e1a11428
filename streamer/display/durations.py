"""Durations as text for people."""

from __future__ import annotations

import math


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
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days:,} d {hours} h" if hours else f"{days:,} d"
