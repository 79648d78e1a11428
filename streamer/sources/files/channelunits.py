"""Units of the channels that a model takes, and of the columns that may hold them."""

from __future__ import annotations

from streamer.feeds.values.units import ENERGY_UNITS
from streamer.feeds.values.units import UNITS as POWER_UNITS
from streamer.sources.files.units import measure_of, words_of

WH_PER_MINUTE = "Wh/min"
"""Unit of an energy in Wh of each minute, as of the sub-meters in the UCI file."""

_PER_UNIT = {
    "kW": {**POWER_UNITS, **ENERGY_UNITS, WH_PER_MINUTE: 1000.0 / 60.0},
    "kvar": {"kvar": 1.0, "var": 1000.0},
    "kVA": {"kVA": 1.0, "VA": 1000.0},
    "V": {"V": 1.0, "mV": 1000.0, "kV": 0.001},
    "A": {"A": 1.0, "mA": 1000.0},
}
"""Numbers of units of a column in one unit of a channel."""

_WORDS = {unit.lower(): unit for unit in ("kvar", "var", "kVA", "VA", "V", "mV", "kV", "A", "mA")}

_COMMON = frozenset(("V", "A"))
"""Units that are meant where a column does not name any."""

QUANTITIES = {
    "kW": "power",
    "kvar": "reactive power",
    "kVA": "apparent power",
    "V": "voltage",
    "A": "current",
    "Hz": "frequency",
    "°C": "temperature",
}
"""Quantities of the units of channels, in the words of `measure_of`."""


USUAL_UNITS = {"reactive": "kvar", "voltage": "V", "current": "A", "apparent": "kVA"}
"""Units in which models take the channels of these names; others are powers in kW."""

ALL_UNITS = frozenset((*QUANTITIES, *(unit for known in _PER_UNIT.values() for unit in known)))
"""Units that an option may give for the column of a channel."""


def units_of(unit: str) -> tuple[str, ...]:
    """Units in which a column may have a channel that a model takes in a unit.

    >>> units_of("kvar"), units_of("Hz")
    (('kvar', 'var'), ('Hz',))
    """
    return tuple(_PER_UNIT.get(unit, (unit,)))


def per_unit(given: str, unit: str) -> float:
    """Number of units of a column in one unit of the channel.

    >>> per_unit("var", "kvar"), per_unit("Hz", "Hz")
    (1000.0, 1.0)
    """
    return _PER_UNIT.get(unit, {}).get(given, 1.0)


def unit_in(column: str, unit: str) -> str | None:
    """The unit that a column's name gives for a channel; None if it has to be asked for.

    >>> unit_in("Q_total_var", "kvar"), unit_in("reactive", "kvar"), unit_in("U1", "V")
    ('var', None, 'V')
    """
    if unit == "kW":
        return measure_of(column).unit
    units = units_of(unit)
    named = [_WORDS[word] for word in words_of(column) if word in _WORDS]
    found = next((each for each in named if each in units), None)
    if found is None and (unit in _COMMON or len(units) == 1):
        return unit
    return found
