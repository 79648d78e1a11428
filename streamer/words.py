"""How values are put in lines of text for a person."""

from __future__ import annotations

import math

NOTHING = "–"
"""Stands where there is nothing to say yet: a zero would look like a perfect score."""


def number(value: float | None, form: str) -> str:
    """A number by a format, or a dash of the same width.

    >>> number(0.25, "6.3f"), number(None, "6.3f")
    (' 0.250', '     –')
    """
    if value is not None:
        return format(value, form)
    width = form.lstrip("+").partition(".")[0]
    return f"{NOTHING:>{int(width or 1)}}"


def percent(share: float | None, *, signed: bool = True) -> str:
    """A share as a percentage, with its sign or for what has none.

    >>> percent(0.1234), percent(-0.5), percent(0.9, signed=False), percent(None)
    ('+12.3 %', '-50.0 %', '90.0 %', '–')
    """
    if share is None:
        return NOTHING
    return f"{100 * share:{'+' if signed else ''}.1f} %"


def done(share: float) -> str:
    """How much is done as a percentage, which is 100 only when all is.

    >>> done(0.454), done(0.9999), done(1.0)
    ('45 %', '99 %', '100 %')
    """
    return f"{math.floor(100 * share)} %"


def bar(share: float, width: int) -> tuple[str, str]:
    """The two parts of a bar: what is done, and what is not.

    >>> bar(0.25, 8)
    ('━━', '──────')
    """
    thick = round(share * width)
    return "━" * thick, "─" * (width - thick)


def duration(seconds: float) -> str:
    """A time to wait, in hours, minutes and seconds; a second that has begun counts.

    >>> duration(0.2), duration(83.0), duration(3683.0)
    ('0:01', '1:23', '1:01:23')
    """
    minutes, rest = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def lasting(seconds: float) -> str:
    """How long something has been so: the coarser, the longer it has been.

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


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "gap"), plural(2_000, "gap")
    ('1 gap', '2,000 gaps')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
