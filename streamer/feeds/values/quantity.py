"""The measured quantity of a feed: active power, an energy register, or that of a channel."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from streamer.errors import UsageError
from streamer.feeds.address import Address
from streamer.feeds.values.malformed import MalformedError, quoted
from streamer.feeds.values.measures import Measure, measure_of
from streamer.feeds.values.numbers import is_unknown, split_unit
from streamer.feeds.values.units import ENERGY_UNITS, PULSES, SIGNS, UNITS, unit_symbol
from streamer.readings import CHANNELS, CounterSample, Sample

_ALL_UNITS = (*UNITS, *ENERGY_UNITS, PULSES)

_DECIMALS = 12

_SUBTRACTING = frozenset({"minus", "minus_topic", "sign_path"})
"""Options by which export is subtracted."""

QUANTITY_OPTIONS = {
    "unit": f"unit of the power: {', '.join(UNITS)}; or, for a meter that has only an energy "
    f"register: {', '.join(ENERGY_UNITS)}, or {PULSES} (pulses, with per_kwh)",
    "per_kwh": f"number of pulses for each kWh, with unit={PULSES}",
    "sign": "what a positive value means: import (the default) or export",
    "scale": "factor by which each value is multiplied",
    "decimal": "decimal mark of numbers sent as text: point (the default) or comma",
}
"""The options that `Quantity.of` reads."""


@dataclass(frozen=True)
class Quantity:
    """Conversion of values to a power in kW or an energy in kWh, import positive.

    The values of a channel that is no active power are in its own unit, such as V.

    Attributes:
        unit: unit of values that have none of their own; None if each must have one.
        sign: meaning of a positive number, ``import`` or ``export``.
        scale: factor for each value.
        per_kwh: pulses for each kWh, with the unit ``imp``.
        comma: whether text has a decimal comma.
        net: whether export is subtracted, so that an energy register may fall.
        channel: what is measured; empty for the grid power.

    >>> Quantity("W").item(Quantity("W").number("250.3 W"))
    Sample(kw=0.2503, at=None, channel='')
    >>> Quantity("kWh").item(1000.01)
    CounterSample(kwh=1000.01, at=None, net=False)
    """

    unit: str | None
    sign: str = "import"
    scale: float = 1.0
    per_kwh: float = math.nan
    comma: bool = False
    net: bool = False
    channel: str = ""

    @classmethod
    def of(
        cls,
        address: Address,
        *,
        unit: str | None = None,
        sign: str = "import",
        scale: float = 1.0,
        required: bool = True,
    ) -> Quantity:
        """Read the options `QUANTITY_OPTIONS` of an address.

        Args:
            address: the address.
            unit: unit if the address has none.
            sign: sign if the address has none.
            scale: factor if the address has none.
            required: whether a unit must be known from the address or from `unit`.

        Raises:
            UsageError: an option is missing or wrong.
        """
        if unit is None and required:
            address.need(
                "unit",
                "give unit=W or unit=kW, or unit=kWh for an energy register; it is never guessed",
            )
        chosen = address.choice("unit", _ALL_UNITS) or unit
        if (chosen == PULSES) != ("per_kwh" in address.options):
            raise (
                UsageError(
                    f"{address.shown}: option per_kwh is missing: give the number of pulses for "
                    "each kWh, which is printed on the meter"
                )
                if chosen == PULSES
                else address.wrong("per_kwh", f"it is for unit={PULSES}")
            )
        scale = address.number("scale", scale)
        if not scale:
            raise address.wrong("scale", "give a number other than 0")
        return cls(
            unit=chosen,
            sign=address.choice("sign", SIGNS, sign),
            scale=scale,
            per_kwh=address.number("per_kwh", math.nan, least=1e-6),
            comma=address.choice("decimal", ("point", "comma"), "point") == "comma",
            net=not _SUBTRACTING.isdisjoint(address.options),
        )

    @property
    def is_energy(self) -> bool:
        """Whether the quantity is an energy register."""
        return self.unit in ENERGY_UNITS or self.unit == PULSES

    @property
    def measure(self) -> Measure:
        """The quantity of the channel, if it is no energy register."""
        return measure_of(self.channel)

    @property
    def units(self) -> Mapping[str, float]:
        """The units that values may have, each with its number per kW, kWh or V, for instance."""
        if not self.is_energy:
            return self.measure.units if self.channel else UNITS
        return ENERGY_UNITS if math.isnan(self.per_kwh) else {PULSES: self.per_kwh, **ENERGY_UNITS}

    def number(self, value: object, unit: object = None) -> float:
        """Convert a value to kW, kWh or the channel's unit; NaN where it is unknown.

        The sign is the one that it has.

        Args:
            value: a number, or the text of one, which may end with a unit.
            unit: the unit that the message gives beside it; None if it does not.

        Raises:
            MalformedError: the value is not a number, or its unit is another quantity's.
            MissingUnitError: no unit is known.
        """
        if is_unknown(value):
            return math.nan
        number, own = split_unit(value, comma=self.comma)
        if own:
            name = unit_symbol(own)
            if name not in self.units:
                raise MalformedError(
                    f"{quoted(value)} is not in a unit of {self._units_known}{self._remedy(name)}"
                )
        elif unit is not None:
            name = self.check_unit(unit)
        elif self.unit is not None:
            name = self.unit
        else:
            remedy = "unit=W or unit=kW in the feed's address, or power_w or power_kw in the record"
            if self.channel and self.channel not in CHANNELS:
                remedy = f"channel_units={self.channel}:{self.measure.unit} in the feed's address"
            raise MissingUnitError(f"the unit is missing; give {remedy}")
        return number * self.scale / self.units[name]

    def check_unit(self, unit: object) -> str:
        """Return the symbol of a unit that a message gives.

        Raises:
            MalformedError: it is not a unit of this quantity.
        """
        name = unit_symbol(unit) if isinstance(unit, str) else ""
        if name not in self.units:
            raise MalformedError(
                f"the unit is {quoted(unit)}, not a unit of {self._units_known}{self._remedy(name)}"
            )
        return name

    @property
    def _units_known(self) -> str:
        what = "energy" if self.is_energy else self.measure.what
        return f"{what} ({', '.join(self.units)})"

    def _remedy(self, name: str) -> str:
        if self.channel:
            return ""
        if name in ENERGY_UNITS and not self.is_energy:
            return f"; if it is an energy register, give unit={name}"
        return f"; give unit={name}" if name in UNITS and self.is_energy else ""

    def together(self, *numbers: float) -> float:
        """Return the value of several parts: their sum, or for a voltage the mean of the phases."""
        if not (self.channel and self.measure.is_mean):
            return added(*numbers)
        return round(self.measure.together(numbers), _DECIMALS)

    def item(self, number: float, at: datetime | None = None) -> Sample | CounterSample:
        """Return the item for a number in kW or kWh, of the sign that it has.

        Raises:
            MalformedError: the number is infinite.
        """
        number *= SIGNS[self.sign]
        if math.isinf(number):
            raise MalformedError("the value is infinite")
        if self.is_energy:
            return CounterSample(number, at, self.net)
        return Sample(number, at, self.channel)

    def unknown(self, at: datetime | None = None) -> Sample | CounterSample:
        """Return the item for a value that the meter does not know."""
        return self.item(math.nan, at)


def added(*numbers: float) -> float:
    """Return a sum in kW or kWh, without the digits that only floating point adds.

    >>> 0.1 - 0.35, added(0.1, -0.35), added(0.1 + 0.2)
    (-0.24999999999999997, -0.25, 0.30000000000000004)
    """
    if len(numbers) < 2 or not all(map(math.isfinite, numbers)):
        return sum(numbers)
    try:
        return round(math.fsum(numbers), _DECIMALS)
    except OverflowError:
        return sum(numbers)


class MissingUnitError(MalformedError):
    """A value whose unit neither the message nor the address gives."""
