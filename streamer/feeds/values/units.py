"""Units of power and energy, and the direction of a positive value."""

from __future__ import annotations

from dataclasses import dataclass

from streamer.feeds.address import Address

UNITS = {"mW": 1e6, "W": 1e3, "kW": 1.0, "MW": 1e-3, "GW": 1e-6}
"""Units of power, each with its number per kW."""

ENERGY_UNITS = {"Wh": 1e3, "kWh": 1.0, "MWh": 1e-3}
"""Units of an energy register, each with its number per kWh."""

PULSES = "imp"
"""Unit of a register that counts the pulses of a meter."""

SIGNS = {"import": 1.0, "export": -1.0}
"""Meanings of a positive value, each with the factor that makes import positive."""

POWER_OPTIONS = {
    "unit": f"unit of the power: {', '.join(UNITS)}",
    "sign": "what a positive value means: import (the default) or export",
}
"""The options that `Power.of` reads."""

# Spelled out by Domoticz and IoTaWatt, among others.
_SPELLINGS = {
    "watt": "W",
    "watts": "W",
    "Watt": "W",
    "Watts": "W",
    "kilowatt": "kW",
    "kilowatts": "kW",
    "pulses": PULSES,
    "volt": "V",
    "volts": "V",
    "Volt": "V",
    "Volts": "V",
    "ampere": "A",
    "amperes": "A",
    "Ampere": "A",
    "Amperes": "A",
    "amp": "A",
    "amps": "A",
    "Amps": "A",
    **dict.fromkeys(("VAr", "VAR", "Var"), "var"),
    **dict.fromkeys(("kVAr", "kVAR", "kVar", "KVAr", "KVAR"), "kvar"),
}


def unit_symbol(unit: str) -> str:
    """Return the symbol of a unit; unknown ones are returned unchanged.

    >>> unit_symbol(" Watts"), unit_symbol("kWh"), unit_symbol("furlong")
    ('W', 'kWh', 'furlong')
    """
    unit = unit.strip()
    return _SPELLINGS.get(unit, unit)


@dataclass(frozen=True)
class Power:
    """Conversion of a number to a power in kW, import positive.

    Attributes:
        unit: one of `UNITS`.
        sign: meaning of a positive number, ``import`` or ``export``.

    >>> Power("W").kw(250.0), Power("kW", sign="export").kw(1.5)
    (0.25, -1.5)
    """

    unit: str
    sign: str = "import"

    @classmethod
    def of(cls, address: Address, *, unit: str | None = None, sign: str = "import") -> Power:
        """Read the options ``unit`` and ``sign`` of an address.

        Args:
            address: the address.
            unit: unit if the address has none; None if the option is required.
            sign: sign if the address has none.

        Raises:
            UsageError: an option is missing or wrong.
        """
        if unit is None:
            address.need("unit", "give unit=W or unit=kW; it is never guessed")
        chosen = address.choice("unit", UNITS, unit or "")
        return cls(chosen, address.choice("sign", SIGNS, sign))

    def kw(self, value: float) -> float:
        """Convert a number of this unit and sign to kW."""
        return value / UNITS[self.unit] * SIGNS[self.sign]
