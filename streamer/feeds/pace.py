"""Pace of meters that send by themselves, as an option of their address."""

from __future__ import annotations

import math

from streamer.feeds import Pace
from streamer.feeds.address import Address

PACE_OPTION = {
    "every": "usual seconds between two values, or change if only changes are sent; learnt from "
    "the values if not given"
}
"""The option that `pace_of` reads."""

_CHANGE = "change"
_MAX_EVERY_S = 86400.0


def pace_of(address: Address, usual: Pace | None = None, *, option: str = "every") -> Pace:
    """Read the option ``every`` of a feed whose meter sends by itself.

    Args:
        address: the address.
        usual: the pace if the address gives none.
        option: name of the option.

    Raises:
        UsageError: the option is neither a number nor the word ``change``.

    >>> pace_of(Address.parse("mqtt://h/t?every=10")).every_s
    10.0
    """
    text = address.text(option)
    if text is None:
        return usual or Pace()
    if text == _CHANGE:
        return Pace(on_change=True)
    try:
        every_s = float(text)
    except ValueError:
        every_s = math.nan
    if not 0.01 <= every_s <= _MAX_EVERY_S:
        raise address.wrong(option, f"give seconds, at most {_MAX_EVERY_S:g}, or {_CHANGE}")
    return Pace(every_s=every_s)
