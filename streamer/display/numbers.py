"""Numbers, shares and counts as text for people."""

from __future__ import annotations

NOTHING = "–"
"""Placeholder for a missing value: a zero would look like a perfect score."""


def number(value: float | None, form: str) -> str:
    """A number in a format, or a dash of the same width.

    >>> number(0.25, "6.3f"), number(None, "6.3f")
    (' 0.250', '     –')
    """
    if value is not None:
        return format(value, form)
    width = form.lstrip("+").partition(".")[0]
    return f"{NOTHING:>{int(width or 1)}}"


def percent(share: float | None, *, signed: bool = True) -> str:
    """A share as a percentage, with or without a sign.

    >>> percent(0.1234), percent(-0.5), percent(0.9, signed=False), percent(None)
    ('+12.3 %', '-50.0 %', '90.0 %', '–')
    """
    if share is None:
        return NOTHING
    return f"{100 * share:{'+' if signed else ''}.1f} %"


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "gap"), plural(2_000, "gap")
    ('1 gap', '2,000 gaps')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
