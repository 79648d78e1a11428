"""Options for further channels, for models that take them: names, places, units and factors.

``channels=voltage:l1.u,voltage:l2.u,boiler:boiler.w`` gives each channel a name, which gives
its quantity (see `streamer.feeds.values.measures`), and a place, written as that of the grid power.
A name that is given several times has several phases. A name alone is for a preset, or a kind of
meter, that knows its place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from streamer.errors import UsageError
from streamer.feeds import Pace
from streamer.feeds.address import Address
from streamer.feeds.values.measures import MEASURES, measure_of
from streamer.feeds.values.pathsum import PathSum
from streamer.feeds.values.quantity import Quantity
from streamer.feeds.values.units import ENERGY_UNITS, PULSES, unit_symbol
from streamer.readings import CHANNELS

GRID: Final = "power"
"""Name of the grid power among the inputs of a model."""

Places = Mapping[str, tuple[str, ...]]
"""Places of each channel, in the order of the address; none for the place that a preset knows."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_MAX_CHANNELS = 20
_OPENING, _CLOSING = "[", "]"

_REACTIVE: Final = {"mW": "mvar", "W": "var", "kW": "kvar", "MW": "Mvar"}
"""Unit of a reactive power by that of the active power in the same address."""


def further_options(
    place: str, *, is_known: str = "", unit: bool = True, scale: bool = True
) -> dict[str, str]:
    """Return the options of a kind of feed that can give further channels.

    Args:
        place: what a place is, such as "place in the JSON"; empty if there are only known ones.
        is_known: the names that need no place, and where.
        unit: whether there is an option for the units.
        scale: whether there is an option for factors.
    """
    about = "further channels, for models that take them: "
    if place:
        about += f"name:place, separated by commas, with the {place}; a name is voltage, current, "
        about += "reactive, or any other for a power, such as boiler; the same name again is "
        about += "another phase"
        about += f"; {is_known}" if is_known else ""
    else:
        about += is_known
    options = {"channels": about}
    if unit:
        options["channel_units"] = (
            "their units, as in voltage:mV,boiler:W; if not given, V, A, and for powers unit"
        )
    if scale:
        options["channel_scales"] = "factors for their values, as in voltage:0.1,boiler:-1"
    return options


def further_places(address: Address) -> Places:
    """Return the further channels that an address gives, with their places.

    Raises:
        UsageError: the option is wrong, or another one belongs to a channel that is not given.

    >>> address = Address.parse('http://meter#unit=W&channels=voltage:u[0],voltage:u[1],current')
    >>> further_places(address)
    {'voltage': ('u[0]', 'u[1]'), 'current': ()}
    """
    found: dict[str, tuple[str, ...]] = {}
    for name, place in _items(address, "channels"):
        if name == GRID:
            raise address.wrong("channels", "power is the grid power, which is always read")
        if name in CHANNELS:
            raise address.wrong("channels", f"give {name}= for {name} power")
        if place == "":
            raise address.wrong("channels", f"the place of {name} is empty")
        before = found.get(name)
        if before is not None and (place is None or not before or place in before):
            raise address.wrong("channels", f"{name} is given twice; give each phase its own place")
        found[name] = (before or ()) + (() if place is None else (place,))
    if len(found) > _MAX_CHANNELS:
        raise address.wrong("channels", f"give at most {_MAX_CHANNELS} channels")
    for option in ("channel_units", "channel_scales"):
        for name, _ in _items(address, option):
            if name not in found:
                raise address.wrong(option, f"{name} is not one of channels=")
    return found


def further_quantity(
    address: Address, name: str, *, unit: str | None = None, required: bool = True
) -> Quantity:
    """Read unit and factor of a further channel.

    Args:
        address: the address.
        name: the channel.
        unit: unit that a preset knows.
        required: whether the unit must be known from the address or from `unit`.

    Raises:
        UsageError: an option is missing or wrong, or the unit is that of another quantity.

    >>> address = Address.parse("stdin:?unit=W&channels=reactive:q&channel_scales=reactive:-1")
    >>> quantity = further_quantity(address, "reactive")
    >>> quantity.item(quantity.number(250))
    Sample(kw=-0.25, at=None, channel='reactive')
    """
    measure = measure_of(name)
    text = dict(_items(address, "channel_units")).get(name)
    chosen = None if text is None else unit_symbol(text)
    if chosen is not None and chosen not in measure.units:
        known = ", ".join(measure.units)
        raise address.wrong("channel_units", f"{text} is no unit of {name}; give one of {known}")
    chosen = chosen or unit or measure.usual or _unit_by_grid(address, name)
    if chosen is None and required:
        raise UsageError(
            f"{address.shown}: option channel_units is missing: give channel_units={name}:"
            f"{measure.unit}, or whatever unit the meter sends {name} in; it is never guessed"
        )
    return Quantity(
        unit=chosen,
        scale=_scale(address, name),
        comma=address.options.get("decimal") == "comma",
        channel=name,
    )


def has_unit(address: Address, name: str) -> bool:
    """Whether an address gives the unit of a further channel."""
    return name in dict(_items(address, "channel_units"))


def further_path(address: Address, places: Sequence[str]) -> PathSum:
    """Return the places of a further channel in JSON.

    Raises:
        UsageError: one of them is no path.
    """
    try:
        return PathSum.parse(",".join(places))
    except ValueError as error:
        raise address.wrong("channels", str(error)) from None


def further_paces(names: Collection[str], pace: Pace) -> dict[str, Pace]:
    """Return the pace of each further channel: that of the grid power."""
    return dict.fromkeys(names, pace)


def no_place(address: Address, name: str, known: Collection[str]) -> UsageError:
    """Return the error to raise for a channel without a place that nothing knows.

    Args:
        address: the address.
        name: the channel.
        known: the channels whose place is known.
    """
    remedy = f"the place of {name} is not known; give it, as in {name}:PLACE"
    if known:
        remedy += f" (known without a place: {', '.join(known)})"
    return address.wrong("channels", remedy)


def _unit_by_grid(address: Address, name: str) -> str | None:
    unit = address.options.get("unit")
    if measure_of(name) is MEASURES["reactive"]:
        return _REACTIVE.get(unit or "")
    if unit in ENERGY_UNITS or unit == PULSES:
        return None
    return unit if unit in measure_of(name).units else None


def _scale(address: Address, name: str) -> float:
    text = dict(_items(address, "channel_scales")).get(name)
    if text is None:
        return 1.0
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not scale or not math.isfinite(scale):
        raise address.wrong("channel_scales", f"give {name} a number other than 0")
    return scale


def _items(address: Address, option: str) -> Iterator[tuple[str, str | None]]:
    """The names in an option, each with the text after its colon; None without a colon."""
    text = address.options.get(option)
    if text is None:
        return
    for item in split_places(text):
        name, colon, place = item.partition(":")
        if not _NAME.fullmatch(name.strip()) or (option != "channels" and not colon):
            example = {"channel_units": "mV", "channel_scales": "0.1"}.get(option, "PLACE")
            raise address.wrong(option, f"write it like voltage:{example},current:{example}")
        yield name.strip(), place.strip() if colon else None


def split_places(text: str) -> list[str]:
    """Split a text at its commas, except for those in brackets, where names may be quoted.

    >>> split_places('voltage:["a,b"].u,boiler:p[id=7]')
    ['voltage:["a,b"].u', 'boiler:p[id=7]']
    """
    items, start, quote, is_inside = [], 0, "", False
    position = 0
    while position < len(text):
        letter = text[position]
        if quote:
            if letter == "\\":
                position += 1
            elif letter == quote:
                quote = ""
        elif is_inside and letter in "\"'":
            quote = letter
        elif letter in (_OPENING, _CLOSING):
            is_inside = letter == _OPENING
        elif letter == "," and not is_inside:
            items.append(text[start:position])
            start = position + 1
        position += 1
    return [*items, text[start:]]
