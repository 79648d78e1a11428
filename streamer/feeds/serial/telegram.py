"""Contents of P1 and D0 telegrams (IEC 62056-21): values and time from their lines.

A line is an OBIS code and its value, ``1-0:1.7.0*255(000247.37*W)``. Meters with a D0 interface
leave parts of the code out, as in ``1.7.0(0.247*kW)``, or write 255 for the tariff.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from streamer.feeds.serial.demand import read_demand
from streamer.feeds.serial.framing import ARC
from streamer.feeds.serial.further import NOTHING, Further, in_unit, read_further, registers_of
from streamer.feeds.serial.obis import (
    ENERGIES,
    POWERS,
    Energy,
    code,
    energy_of,
    of_one_channel,
    power_kw,
)
from streamer.feeds.values import SIGNS, MalformedError, measure_of
from streamer.readings.meterdemand import MeterDemand

_LINE = re.compile(
    rb"^\x02?(?:([01])-([0-9]{1,3}):)?"  # medium and channel; electricity or none
    rb"([0-9]{1,2}\.[78])(?:\.([0-9]{1,3}))?"
    rb"(?:[*.&]255)?(?=\()([^\r\n]*)",  # 255 for the present value, others for past ones
    re.MULTILINE,
)
_VALUE = re.compile(rb"\( *([+-]?[0-9]{1,12}(?:\.[0-9]{1,12})?)(?: *\* *([A-Za-z]+))? *\)")
_UNKNOWN = re.compile(rb"\([ *-]*(?:\*[A-Za-z]+)?\)")
_POWER_UNITS: Final = {"W": 1000.0, "kW": 1.0, "KW": 1.0, "MW": 0.001}
_ENERGY_UNITS: Final = {"Wh": 1000.0, "kWh": 1.0, "KWh": 1.0, "KWH": 1.0, "MWh": 0.001}
_TOTALS = ("", "0", "255")
"""Tariffs that mean all of them; EasyMeter's Q3D writes 255."""

_TIME = re.compile(rb"^0-0:1\.0\.0(?:[*.]255)?\(([0-9]{12})([SW])\)", re.MULTILINE)
_VERSION = re.compile(rb"^(?:1-3:0\.2\.8|0-0:96\.1\.4)(?:[*.]255)?\(", re.MULTILINE)
"""Version of DSMR (or of the Belgian e-MUCS); present from DSMR 4 on."""

_ZONES = {b"S": timezone(timedelta(hours=2)), b"W": timezone(timedelta(hours=1))}

_UNSET_BEFORE = 2010
"""A clock that was never set starts at 2000 or 1970."""

_SLASH = re.compile(rb"/(?=[A-Za-z]{3}[0-9A-I])")
_STX, _ETX = b"\x02", b"\x03"


@dataclass(frozen=True, slots=True)
class Telegram:
    """Contents of a telegram.

    Attributes:
        kw: power in kW, import positive; NaN if the meter does not know it, None if it sends
            none.
        at: time by the meter's clock; None if it is missing, or the clock is not set.
        energy: the counted energy; None if the meter sends none.
        further: values of the further channels that are wanted.
        demand: demand registers; None if the meter sends none.
    """

    kw: float | None
    at: datetime | None = None
    energy: Energy | None = None
    further: Further = NOTHING
    demand: MeterDemand | None = None


@dataclass(frozen=True, slots=True)
class Defaults:
    """Values of what telegrams may leave open, and what is wanted of them.

    Attributes:
        unit: unit of powers that are sent without one, ``W`` or ``kW``; empty for none.
        sign: meaning of a positive value, 1 for import and -1 for export; None if not given.
        channels: names of the further channels.
    """

    unit: str = ""
    sign: float | None = None
    channels: tuple[str, ...] = ()


def parse_telegram(text: bytes, defaults: Defaults | None = None) -> Telegram:
    r"""Parse a telegram.

    Args:
        text: bytes from the slash to the exclamation mark, with the CRC or the block check
            character and what precedes it, if present.
        defaults: values of what the telegram leaves open.

    Raises:
        MalformedError: the telegram is damaged, or a value is not certain.

    >>> parse_telegram(b"/ESY5Q3DA1024\r\n\r\n1-0:1.7.255*255(000247.37*W)\r\n!").kw
    0.24737
    """
    defaults = defaults or Defaults()
    body = _checked(text)
    registers = _registers(body, registers_of(defaults.channels))
    energies = {name: value for name, value in registers.items() if name in ENERGIES}

    def kw(name: str) -> float | None:
        return _value(name, registers.get(name), _POWER_UNITS, defaults.unit)

    def kwh(name: str) -> float | None:
        return _value(name, energies.get(name), _ENERGY_UNITS, "")

    power = power_kw(kw, defaults.sign)
    try:
        energy = energy_of(kwh, defaults.sign)
    except MalformedError:
        if power is None:
            raise
        energy = None  # the power is valid even if the energy is not
    further = NOTHING
    if defaults.channels:
        further = read_further(
            defaults.channels,
            lambda register, name: _further_value(register, registers.get(register), name),
        )
    at, demand = _time(body), None
    if defaults.sign != SIGNS["export"]:  # a meter of the feed-in alone has no demand
        demand = read_demand(body, at, _demand_kw, _time_of)
    return Telegram(power, at, energy, further, demand)


def _checked(text: bytes) -> bytes:
    """The lines of a telegram whose checksum is right, if it should have one."""
    body, _, end = text.partition(b"!")
    if _STX in body:
        return _block_checked(text, body)
    if not end:
        if _VERSION.search(body):
            raise MalformedError("a telegram of DSMR 4 or later without its CRC")
        return body
    # A slash in the name of the meter also looks like the beginning of a telegram.
    name_end = len(body.partition(b"\n")[0])
    starts = [0, *(match.start() for match in _SLASH.finditer(body, 1, name_end))]
    # A server may have changed the ends of the lines, of which the meter computed the CRC.
    sent = body if b"\r" in body else body.replace(b"\n", b"\r\n")
    checksum = end.upper().zfill(4)
    if not any(b"%04X" % ARC.of(sent[start:] + b"!") == checksum for start in starts):
        raise MalformedError("a telegram with a wrong CRC")
    return body


def _block_checked(text: bytes, body: bytes) -> bytes:
    block, end = text.partition(_STX)[2][:-1], text[-1:]
    parity = 0
    for byte in block:
        parity ^= byte
    if block[-1:] != _ETX or end != bytes([parity]):
        raise MalformedError("a telegram with a wrong block check character")
    return body


def _registers(body: bytes, further: frozenset[str]) -> Mapping[str, bytes]:
    """Values of the power, energy and further registers, all of one channel."""
    wanted = POWERS | ENERGIES | further
    channels: dict[int, dict[str, bytes]] = {}
    for medium, channel, register, tariff, value in _LINE.findall(body):
        part = tariff.decode()
        name = register.decode() + ("" if part in _TOTALS else f".{int(part)}")
        if name not in wanted or (medium == b"0" and int(channel)):
            continue
        found = channels.setdefault(int(channel or 0), {})
        if name in found and found[name] != value:
            raise MalformedError(f"a telegram with two values of {code(name)}")
        found[name] = value
    return of_one_channel(channels)


def _value(
    name: str, value: bytes | None, units: Mapping[str, float], given_unit: str
) -> float | None:
    if value is None:
        return None
    if _UNKNOWN.fullmatch(value):
        return math.nan
    match = _VALUE.fullmatch(value)
    unit = given_unit if match is None or match[2] is None else match[2].decode()
    if match is not None and unit in units:
        return float(match[1]) / units[unit]
    shown = f"{code(name)}{value[:40].decode('ascii', 'replace')}"
    if match is not None and not unit and units is _POWER_UNITS:
        raise MalformedError(f"{shown} has no unit; add unit=W or unit=kW")
    raise MalformedError(
        f"{shown} is not {'a power' if name in POWERS else 'an energy'} in a "
        f"unit such as {next(iter(units))}"
    )


def _further_value(register: str, value: bytes | None, name: str) -> float | None:
    """Value of a register in the unit of a channel; None without, NaN if it is unknown."""
    if value is None:
        return None
    if _UNKNOWN.fullmatch(value):
        return math.nan
    match = _VALUE.fullmatch(value)
    if match is not None and match[2] is not None:
        number = in_unit(float(match[1]), match[2].decode(), name)
        if number is not None:
            return number
    shown = f"{code(register)}{value[:40].decode('ascii', 'replace')}"
    raise MalformedError(f"{shown} is not a {measure_of(name).what} with its unit")


def _demand_kw(value: bytes) -> float | None:
    """A demand in kW, which is not negative; None if it cannot be read."""
    match = _VALUE.fullmatch(value)
    if match is None or match[2] is None or match[2].decode() not in _POWER_UNITS:
        return None
    kw = float(match[1]) / _POWER_UNITS[match[2].decode()]
    return kw if kw >= 0.0 else None


def _time(body: bytes) -> datetime | None:
    match = _TIME.search(body)
    return None if match is None else _time_of(match[1], match[2])


def _time_of(digits: bytes, zone: bytes) -> datetime | None:
    try:
        moment = datetime.strptime(digits.decode(), "%y%m%d%H%M%S")
    except ValueError:
        return None  # the power is valid even if the clock is not
    return moment.replace(tzinfo=_ZONES[zone]) if moment.year >= _UNSET_BEFORE else None
