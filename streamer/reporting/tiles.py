"""Key figures of a page, each with its name."""

from __future__ import annotations

from streamer.reporting.markup import Markup, join, tag
from streamer.reporting.words import HARD


def tile(label: str, value: str, unit: str, more: str = "") -> Markup:
    """A figure for a list of the class `figures`.

    Args:
        label: its name.
        value: the value.
        unit: the value's unit; may be empty.
        more: text below it; may be empty.
    """
    small = join(HARD, tag("small", unit)) if unit else None
    below = tag("span", more, class_="more") if more else None
    shown = tag("dd", tag("span", value, small, class_="value"), below)
    return tag("div", tag("dt", label), shown)
