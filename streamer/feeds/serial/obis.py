"""Active power and energy from the OBIS registers of a meter.

A register is named here by the groups C and D of its OBIS code, and E for a tariff: ``1.7`` is
the imported power and ``1.8.2`` the imported energy of tariff 2 (IEC 62056-61).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple, TypeVar

from streamer.feeds.address import Address
from streamer.feeds.values import SIGNS, MalformedError

T = TypeVar("T")

Register = Callable[[str], float | None]
"""Value of a register in kW or kWh; None if the meter does not send it."""

OBIS_OPTIONS: Final = {
    "sign": "what a positive value means: import or export; needed for a power without a "
    "direction (15.7.0), and for the exported one alone (2.7.0)",
    "counter": "yes: mean power from the energy registers, for a meter that sends no power",
}
"""The options that `sign_of` and `MeterOutput` read."""

_SUM, _IMPORT, _EXPORT, _ABSOLUTE = "16.7", "1.7", "2.7", "15.7"
_IMPORT_TARIFF_1: Final = "1.7.1"
"""Instead of 1.7.0, from Hager's eHZ361: the signed power."""

_PHASE_SUMS: Final = ("36.7", "56.7", "76.7")
_PHASE_IMPORTS: Final = ("21.7", "41.7", "61.7")
_PHASE_EXPORTS: Final = ("22.7", "42.7", "62.7")
_TARIFFS: Final = (1, 2, 3, 4)

_TOTALS: Final = (_SUM, _IMPORT, _IMPORT_TARIFF_1, _EXPORT, _ABSOLUTE)
POWERS: Final = frozenset((*_TOTALS, *_PHASE_SUMS, *_PHASE_IMPORTS, *_PHASE_EXPORTS))
"""All registers from which `power_kw` may take the power."""

ENERGIES: Final = frozenset(
    [f"{way}.8" for way in (1, 2)] + [f"{way}.8.{tariff}" for way in (1, 2) for tariff in _TARIFFS]
)
"""All registers from which `energy_of` may take the energy."""


def power_kw(
    register: Register, sign: float | None = None, direction: float | None = None
) -> float | None:
    """Power in kW, import positive; None if no register reports it.

    The signed sum counts first, then import minus export, then the same of the phases that the
    meter has, and last the power without a direction.

    Args:
        register: returns the value of each register in `POWERS`.
        sign: factor for the power, 1 or -1; None if it was not given.
        direction: factor for the power without a direction: 1 for import, -1 for export; None
            if it is unknown, and the sign has to be given.

    Raises:
        MalformedError: the meter sends nothing but a power whose direction is unknown, or the
            exported one.

    >>> power_kw({"1.7": 0.0, "2.7": 0.9}.get), power_kw({"21.7": 0.2, "22.7": 0.5}.get)
    (-0.9, -0.3)
    >>> power_kw({"15.7": 0.25}.get, -1.0), power_kw({"15.7": 0.25}.get, direction=-1.0)
    (-0.25, -0.25)
    """
    kw = _power_kw(register, 1.0 if direction is None and sign is not None else direction)
    if kw is None:
        kw = _exported_kw(register, is_wanted=sign == SIGNS["export"])
    return kw if not kw or sign is None else kw * sign


def _power_kw(register: Register, direction: float | None) -> float | None:
    if (total := register(_SUM)) is not None:
        return total
    for name in (_IMPORT, _IMPORT_TARIFF_1):
        if (drawn := register(name)) is not None:
            return drawn - (register(_EXPORT) or 0.0)
    if signed := _values(register, _PHASE_SUMS):
        return sum(signed)
    if phases := _values(register, _PHASE_IMPORTS):
        return sum(phases) - sum(_values(register, _PHASE_EXPORTS))
    absolute = register(_ABSOLUTE)
    if absolute and direction is None and not math.isnan(absolute):
        raise MalformedError(
            "15.7.0 is a power without a direction; add sign=import for a house that never feeds "
            "in, sign=export for a meter of the feed-in alone"
        )
    return absolute * (direction or 1.0) if absolute else absolute


def _exported_kw(register: Register, *, is_wanted: bool) -> float | None:
    """The exported power of a meter that sends no other; None without."""
    total = register(_EXPORT)
    phases = _values(register, _PHASE_EXPORTS)
    if total is None and not phases:
        return None
    if not is_wanted:
        raise MalformedError(
            "the meter sends only its exported power (2.7.0); add sign=export for a meter of the "
            "feed-in alone"
        )
    return sum(phases) if total is None else total


class Energy(NamedTuple):
    """Energy that a meter has counted.

    Attributes:
        kwh: imported minus exported energy in kWh; NaN if the meter does not know it.
        is_net: whether the meter sends the exported energy.
    """

    kwh: float
    is_net: bool = False


def energy_of(register: Register, sign: float | None = None) -> Energy | None:
    """Return the counted energy; None if no register reports it.

    The export alone counts for a meter whose sign is export.

    Args:
        register: returns the value of each register in `ENERGIES`.
        sign: factor for the energy, 1 or -1; None if it was not given.

    >>> energy_of({"1.8.1": 100.5, "1.8.2": 20.0, "2.8": 70.25}.get)
    Energy(kwh=50.25, is_net=True)
    """
    drawn, fed = _energy(register, 1), _energy(register, 2)
    if drawn is None:
        return None if fed is None or sign != SIGNS["export"] else Energy(-fed)
    factor = 1.0 if sign is None else sign
    return Energy(factor * drawn) if fed is None else Energy(factor * (drawn - fed), is_net=True)


def _energy(register: Register, way: int) -> float | None:
    total = register(f"{way}.8")
    tariffs = _values(register, [f"{way}.8.{tariff}" for tariff in _TARIFFS])
    return total if total is not None or not tariffs else sum(tariffs)


def _values(register: Register, names: Sequence[str]) -> list[float]:
    return [value for value in map(register, names) if value is not None]


def of_one_channel(channels: Mapping[int, Mapping[str, T]]) -> Mapping[str, T]:
    """Registers of the channel that holds the powers: 0, or the only one.

    Args:
        channels: the registers of each channel (group B of the OBIS code), by their names.

    Raises:
        MalformedError: several channels have a power, and none of them is 0.

    >>> of_one_channel({0: {"1.8": 5.0}, 1: {"1.7": 0.25}})
    {'1.7': 0.25}
    """
    powers = sorted(channel for channel, found in channels.items() if POWERS & found.keys())
    if len(powers) > 1 and powers[0]:
        raise MalformedError(f"powers of channels {powers[0]} and {powers[1]}, and none of 0")
    return channels[powers[0] if powers else min(channels)] if channels else {}


def code(name: str) -> str:
    """The OBIS code of a register, in full.

    >>> code("1.7"), code("1.8.2")
    ('1-0:1.7.0', '1-0:1.8.2')
    """
    return f"1-0:{name}" if name.count(".") > 1 else f"1-0:{name}.0"


def sign_of(address: Address) -> float | None:
    """Read the option ``sign`` of an address: 1 for import, -1 for export, None without it.

    Raises:
        UsageError: the option is another word.
    """
    sign = address.choice("sign", SIGNS)
    return None if sign is None else SIGNS[sign]
