"""Remedies that suit a feed: only options that it takes, for messages to people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamer.feeds.polling import POLL_OPTIONS

if TYPE_CHECKING:
    from streamer.feeds import FeedKind
    from streamer.feeds.address import Address

_SMALLER = {"kW": "W", "MW": "kW", "kWh": "Wh", "MWh": "kWh"}
_MAX_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class Advice:
    """Remedies for values of a feed that cannot be right.

    Attributes:
        unit: what to do if values are too large; empty if nothing is known.
        pace: what to do if samples arrive too rarely; empty if nothing is known.
    """

    unit: str = ""
    pace: str = ""

    @classmethod
    def of(cls, kind: FeedKind, address: Address) -> Advice:
        """Remedies for an address of a kind of feed.

        >>> from streamer.feeds.address import Address
        >>> from streamer.feeds.lines import STDIN
        >>> Advice.of(STDIN, Address.parse("stdin:?unit=kW")).unit
        'if the meter sends W, give unit=W'
        >>> Advice.of(STDIN, Address.parse("stdin:?unit=W"))
        Advice(unit='', pace='if it sends changes only, give every=change')
        """
        return cls(kind.unit_remedy or _unit(kind, address), _pace(kind, address))


def _unit(kind: FeedKind, address: Address) -> str:
    if "register" in address.options and "word_order" in kind.options:
        return "check register, type and word_order"
    smaller = _SMALLER.get(address.options.get("unit", ""))
    if smaller is None or "unit" not in kind.options:
        return ""
    return f"if the meter sends {smaller}, give unit={smaller}"


def _pace(kind: FeedKind, address: Address) -> str:
    about, given = kind.options.get("every", ""), address.options.get("every")
    if about != POLL_OPTIONS["every"]:
        # There the option says how often the meter sends by itself, or that it sends changes.
        takes_change = "change" in about and given is None and "preset" not in address.options
        return "if it sends changes only, give every=change" if takes_change else ""
    try:
        every_s = float(given or 0.0)
    except ValueError:
        return ""
    return "give every=10" if every_s > _MAX_EVERY_S else ""
