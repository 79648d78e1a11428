"""Progress as text: a percentage, and a bar of a given width."""

from __future__ import annotations

import math


def done(share: float) -> str:
    """A share of work as a percentage, rounded down: 100 only when all is done.

    >>> done(0.454), done(0.9999), done(1.0)
    ('45 %', '99 %', '100 %')
    """
    return f"{math.floor(100 * share)} %"


def bar(share: float, width: int) -> tuple[str, str]:
    """The two parts of a bar: the share that is done, and the rest.

    >>> bar(0.25, 8)
    ('━━', '──────')
    """
    thick = round(share * width)
    return "━" * thick, "─" * (width - thick)
