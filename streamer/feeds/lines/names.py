"""The usual names of a value in a record, which may include its unit."""

from __future__ import annotations

from collections.abc import Mapping

from streamer.feeds.values import MalformedError, MissingError, Quantity
from streamer.feeds.values.layout import unit_known

_POWER = {"power_kw": "kW", "power_w": "W"}
_ENERGY = {"energy_kwh": "kWh", "energy_wh": "Wh"}

_AMBIGUOUS = "mMG"
"""First letters of units that are not known by their name in small letters, as mW and MW."""


def named_units(quantity: Quantity) -> Mapping[str, str]:
    """Return the names that include the unit, each with that unit."""
    if quantity.channel:
        units = [unit for unit in quantity.units if unit[0] not in _AMBIGUOUS]
        return {f"{quantity.channel}_{unit.lower()}": unit for unit in units}
    return _ENERGY if quantity.is_energy else _POWER


def find_name(values: Mapping[str, object], quantity: Quantity, option: str) -> str:
    """Return the one of the usual names that holds the value.

    Args:
        values: the record.
        quantity: the measured quantity.
        option: the option that gives other names, for errors.

    Raises:
        MissingError: the record has none of them.
        MalformedError: it has several.

    >>> find_name({"time": 1, "power_w": 250}, Quantity("W"), "path")
    'power_w'
    """
    named = tuple(named_units(quantity))
    plain: tuple[str, ...] = ("energy" if quantity.is_energy else "power", "value")
    if quantity.channel:
        plain = (quantity.channel,)
    for names in (named, plain):
        found = [name for name in names if name in values]
        if len(found) > 1:
            raise MalformedError(f"it has both {' and '.join(found)}; choose one with {option}=")
        if found:
            return found[0]
    raise MissingError(f"{', '.join(named)}, {' or '.join(plain)} is missing")


def unit_of(name: str, unit: object, quantity: Quantity) -> str | None:
    """Return the unit that a record gives, by the name of its value or in ``unit``.

    In the record of several channels, the latter counts for those whose quantity it has.

    Raises:
        MalformedError: it is not a unit of the quantity, or the two contradict each other.
    """
    if quantity.channel and not unit_known(quantity, unit):
        unit = None
    given = None if unit is None else quantity.check_unit(unit)
    named = named_units(quantity).get(name)
    if named and given not in (None, named):
        raise MalformedError(f"it has {name}, but the unit {given}")
    return named or given
