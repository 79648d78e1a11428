"""Options for solar and battery power beside the grid power: places, units and signs.

A place of solar power is given like that of the grid power in the same kind of feed. The power
is in the unit that the address gives for the grid power, unless ``solar_unit`` gives another;
sign and scale are its own, since they belong to a meter. The same holds for the battery.
"""

from __future__ import annotations

from collections.abc import Mapping

from streamer.errors import UsageError
from streamer.feeds import Pace
from streamer.feeds.address import Address
from streamer.feeds.pace import pace_of
from streamer.feeds.values.quantity import Quantity
from streamer.feeds.values.units import UNITS
from streamer.readings import CHANNELS

_SIGNS = {
    "solar": {"production": "import", "consumption": "export"},
    "battery": {"charge": "import", "discharge": "export"},
}
"""Meanings of a positive value, each with the sign of a grid power of the same factor."""

FROM_PRESET = "yes"
"""Value of ``solar`` and ``battery`` for the place that a preset knows."""

_OF = {"solar": "the solar power", "battery": "the battery's power"}


def channel_options(
    place: str,
    more: Mapping[str, str] | None = None,
    *,
    unit: bool = True,
    scale: bool = True,
    pace: bool = False,
) -> dict[str, str]:
    """Return the options of a kind of feed that can give solar and battery power.

    Args:
        place: help for the place, such as "place of {} in the JSON".
        more: further options by the end of their names, with their help.
        unit: whether there is an option for the unit.
        scale: whether there is an option for a factor.
        pace: whether there is an option for the pace.
    """
    options: dict[str, str] = {}
    for name in CHANNELS:
        of, (first, second) = _OF[name], _SIGNS[name]
        options[name] = place.format(of) + ("; only beside solar" if name == "battery" else "")
        for end, about in (more or {}).items():
            options[f"{name}_{end}"] = about.format(of)
        if unit:
            options[f"{name}_unit"] = f"unit of {of}; unit if not given"
        options[f"{name}_sign"] = f"what a positive value means: {first} (the default) or {second}"
        if scale:
            options[f"{name}_scale"] = f"factor by which {of} is multiplied"
        if pace:
            options[f"{name}_every"] = f"like every, for {of}"
    return options


def chosen_channels(address: Address, *also: str) -> list[str]:
    """Return the channels that an address gives.

    Args:
        address: the address.
        also: endings of options that give a channel as well, such as ``_path``.

    Raises:
        UsageError: an option belongs to a channel that is not given, or there is a battery alone.
    """
    chosen = [
        name for name in CHANNELS if any(f"{name}{end}" in address.options for end in ("", *also))
    ]
    for option in address.options:
        name = option.partition("_")[0]
        if name in CHANNELS and name not in chosen:
            raise address.wrong(option, f"it is for {name}=, so give that too")
    for name in chosen:
        if address.options.get(name) == "":
            raise address.wrong(name, "it is empty")
    if "battery" in chosen and "solar" not in chosen:
        raise UsageError(f"{address.shown}: option solar is missing: battery goes with it only")
    return chosen


def channel_sign(address: Address, name: str, default: str = "") -> str:
    """Return the sign of a channel: ``import`` if a positive value means what ours does.

    Raises:
        UsageError: the option is another word.
    """
    signs = _SIGNS[name]
    return signs[address.choice(f"{name}_sign", signs, default or next(iter(signs)))]


def channel_quantity(
    address: Address, name: str, *, unit: str | None = None, sign: str = "", required: bool = True
) -> Quantity:
    """Read unit, sign and scale of a channel.

    Args:
        address: the address.
        name: one of `CHANNELS`.
        unit: unit that a preset knows, unless the address gives one for this channel.
        sign: sign that a preset knows, likewise.
        required: whether the unit must be known from the address or from `unit`.

    Raises:
        UsageError: an option is missing or wrong.

    >>> address = Address.parse("stdin:?unit=kW&solar=pv&solar_sign=consumption")
    >>> channel_quantity(address, "solar").item(-2.5)
    Sample(kw=2.5, at=None, channel='solar')
    """
    option = f"{name}_unit"
    chosen = address.choice(option, UNITS) or unit
    if chosen is None:
        chosen = address.options.get("unit")
        if chosen is not None and chosen not in UNITS:
            raise UsageError(
                f"{address.shown}: option {option} is missing: {_OF[name]} cannot be an energy "
                f"register; give {option}=W or {option}=kW"
            )
    if chosen is None and required:
        address.need(option, f"give {option}=W or {option}=kW; it is never guessed")
    scale = address.number(f"{name}_scale", 1.0)
    if not scale:
        raise address.wrong(f"{name}_scale", "give a number other than 0")
    return Quantity(
        unit=chosen,
        sign=channel_sign(address, name, sign),
        scale=scale,
        comma=address.options.get("decimal") == "comma",
        channel=name,
    )


def channel_paces(address: Address, names: list[str], usual: Pace) -> Mapping[str, Pace]:
    """Return the pace of each channel of a meter that sends by itself.

    Args:
        address: the address.
        names: the channels.
        usual: the pace where the address gives none.

    Raises:
        UsageError: the option is neither a number nor the word ``change``.
    """
    return {name: pace_of(address, usual, option=f"{name}_every") for name in names}
