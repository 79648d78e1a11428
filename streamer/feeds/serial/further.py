"""Voltage, current and reactive power from the OBIS registers of a meter.

Of several phases, the voltage is the mean, and current and reactive power are sums. The reactive
power is the imported one (+Q, inductive) minus the exported one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from streamer.feeds.address import Address
from streamer.feeds.values import (
    MalformedError,
    further_options,
    further_places,
    measure_of,
)
from streamer.feeds.values.units import unit_symbol

ValueOf = Callable[[str, str], float | None]
"""Value of a register, in the unit of a channel; None if the meter does not send it."""

_PLUS, _MINUS = "3.7", "4.7"
_PLUS_PHASES: Final = ("23.7", "43.7", "63.7")
_MINUS_PHASES: Final = ("24.7", "44.7", "64.7")

REGISTERS: Final[Mapping[str, tuple[str, ...]]] = {
    "voltage": ("32.7", "52.7", "72.7"),
    "current": ("31.7", "51.7", "71.7"),
    "reactive": (_PLUS, _MINUS, *_PLUS_PHASES, *_MINUS_PHASES),
}
"""Registers of each channel, named as in `streamer.feeds.serial.obis`."""

FURTHER_OPTIONS: Final = further_options(
    "",
    is_known="voltage, current and reactive, separated by commas, as far as the meter sends them",
    unit=False,
    scale=False,
)
"""The option that `chosen_further` reads."""


class Further(NamedTuple):
    """Values of the further channels in a telegram.

    Attributes:
        values: the value of each channel that was sent, in its unit; NaN if it is unknown.
        problems: reasons why values cannot be read.
    """

    values: Mapping[str, float]
    problems: tuple[str, ...] = ()


NOTHING: Final = Further({})
"""Of a telegram that has no further channels, or of which none are wanted."""


def chosen_further(address: Address) -> tuple[str, ...]:
    """Read the names of the further channels.

    Raises:
        UsageError: a name is unknown, or has a place.
    """
    names = []
    for name, places in further_places(address).items():
        if name not in REGISTERS:
            raise address.wrong(
                "channels", f"the meter has no {name}; give {' or '.join(REGISTERS)}"
            )
        if places:
            raise address.wrong("channels", f"the registers are known; give {name} alone")
        names.append(name)
    return tuple(names)


def registers_of(names: Sequence[str]) -> frozenset[str]:
    """Return all registers of some channels."""
    return frozenset(register for name in names for register in REGISTERS[name])


def read_further(names: Sequence[str], value_of: ValueOf) -> Further:
    """Return the values of further channels, without those that the meter does not send.

    Args:
        names: the channels.
        value_of: value of a register for a channel; it raises MalformedError if it cannot be read.

    >>> registers = {"32.7": 230.0, "52.7": 232.0, "72.7": 0.0, "3.7": 0.1, "4.7": 0.25}
    >>> read_further(["voltage", "current", "reactive"], lambda name, _: registers.get(name))
    Further(values={'voltage': 231.0, 'reactive': -0.15}, problems=())
    """
    values: dict[str, float] = {}
    problems: list[str] = []
    for name in names:
        try:
            value = _value(name, value_of)
        except MalformedError as error:
            value = math.nan
            problems.append(str(error))
        if value is not None:
            values[name] = value
    return Further(values, tuple(problems))


def in_unit(value: float, unit: str, name: str) -> float | None:
    """Convert a value to the unit of a channel; None if its unit is that of another quantity."""
    per_unit = measure_of(name).units.get(unit_symbol(unit))
    return None if per_unit is None else value / per_unit


def _value(name: str, value_of: ValueOf) -> float | None:
    def found(registers: Sequence[str]) -> list[float]:
        values = [value_of(register, name) for register in registers]
        return [value for value in values if value is not None]

    if name != "reactive":
        phases = found(REGISTERS[name])
        return _rounded(measure_of(name).together(phases)) if phases else None
    for plus, minus in (((_PLUS,), (_MINUS,)), (_PLUS_PHASES, _MINUS_PHASES)):
        drawn, fed = found(plus), found(minus)
        if drawn or fed:
            return _rounded(sum(drawn) - sum(fed))
    return None


def _rounded(value: float) -> float:
    return round(value, 9)
