"""Measured quantities of channels: their units, and the value of several phases together.

A channel's quantity follows from the first part of its name: ``voltage`` and ``voltage_l1`` are
voltages. All channels of other names are active powers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from streamer.feeds.values.units import UNITS

_MAX_V, _MAX_A = 1000.0, 1000.0


@dataclass(frozen=True)
class Measure:
    """A measured quantity.

    Attributes:
        what: the quantity in words.
        unit: unit of its values in readings.
        units: units that values of a meter may have, each with its number per `unit`.
        known: unit in which meters that are known by a preset send it.
        usual: unit of values that have none of their own; empty if it depends on the meter.
        is_mean: whether phases together have the mean of their values, not the sum.
        most: magnitude in `unit` above which a value is implausible; None for that of a power.
        beyond: description of such a value.
    """

    what: str
    unit: str
    units: Mapping[str, float]
    known: str
    usual: str = ""
    is_mean: bool = False
    most: float | None = None
    beyond: str = "more than a household draws"

    def together(self, numbers: Sequence[float]) -> float:
        """Return the value of several phases: the sum, or for a voltage the mean.

        Phases of exactly 0 V are not connected, and are left out of the mean.

        >>> MEASURES["voltage"].together([230.0, 232.0, 0.0])
        231.0
        """
        if not self.is_mean:
            return sum(numbers)
        connected = [number for number in numbers if number]
        return sum(connected) / len(connected) if connected else 0.0


POWER: Final = Measure("power", "kW", UNITS, known="W")

MEASURES: Final = {
    "reactive": Measure(
        "reactive power",
        "kvar",
        {"mvar": 1e6, "var": 1e3, "kvar": 1.0, "Mvar": 1e-3},
        known="var",
    ),
    "voltage": Measure(
        "voltage",
        "V",
        {"mV": 1e3, "V": 1.0, "kV": 1e-3},
        known="V",
        usual="V",
        is_mean=True,
        most=_MAX_V,
        beyond="not the voltage of a household",
    ),
    "current": Measure(
        "current",
        "A",
        {"mA": 1e3, "A": 1.0, "kA": 1e-3},
        known="A",
        usual="A",
        most=_MAX_A,
    ),
}
"""The quantities other than active power, by the first part of a channel's name."""


def kind_of(channel: str) -> str:
    """Return one of the names in `MEASURES`, or ``power``.

    >>> kind_of("voltage_l1"), kind_of("boiler")
    ('voltage', 'power')
    """
    first = channel.partition("_")[0]
    return first if first in MEASURES else "power"


@cache
def measure_of(channel: str) -> Measure:
    """Return the quantity of a channel; an empty name is the grid power.

    >>> measure_of("voltage_l1").unit, measure_of("boiler").unit, measure_of("reactive").unit
    ('V', 'kW', 'kvar')
    """
    return MEASURES.get(kind_of(channel), POWER)


def words_for(channel: str) -> str:
    """Return a channel's name for messages.

    >>> words_for("solar"), words_for("voltage"), words_for("reactive"), words_for("current_l1")
    ('solar power', 'voltage', 'reactive power', 'current_l1')
    """
    what = measure_of(channel).what
    return f"{channel} power" if what.endswith("power") else channel
