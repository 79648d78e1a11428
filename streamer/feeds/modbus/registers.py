"""Values in the registers of Modbus meters: places, formats, and requests."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from streamer.feeds.values import MalformedError, measure_of

TYPES: Final = {
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}
"""Types of values, as the format letters of `struct`."""

POWER_UNITS: Final = {"W": 1e3, "kW": 1.0, "mW": 1e6, "MW": 1e-3}
"""Units of power, each with its number per kW."""

ENERGY_UNITS: Final = {"Wh": 1e3, "kWh": 1.0, "MWh": 1e-3}
"""Units of energy, each with its number per kWh."""

FUNCTIONS: Final = {"3": "holding register", "4": "input register"}

_INTEGERS: Final = {
    name: ({-(1 << bits - 1), (1 << bits - 1) - 1} if name.startswith("int") else {(1 << bits) - 1})
    for name, bits in (
        (name, int(name.lstrip("uint"))) for name in TYPES if not name.startswith("float")
    )
}
"""Integers that mean an unknown value, or one out of range: of SunSpec and SMA the
lowest signed and highest unsigned one, of Huawei the highest signed one."""

_MAX_EXPONENT: Final = 10
"""Highest scale factor of SunSpec; the lowest is its negative."""

_MAX_COUNT: Final = 125
"""Highest number of registers in one request (Modbus Application Protocol, 6.3)."""

_MAX_GAP: Final = 16


class Block(NamedTuple):
    """Registers that one request reads.

    Attributes:
        address: the first register.
        size: number of registers.
    """

    address: int
    size: int


@dataclass(frozen=True)
class Registers:
    """Places and format of a value in a meter's registers: a power, an energy, or a voltage, say.

    Attributes:
        plus: first registers of the values that are added, counted from 0 as in the protocol.
        minus: first registers of the values that are subtracted.
        type: type of the values.
        function: Modbus function code, 3 or 4.
        little: whether the low word comes first.
        scale: factor for the values, the sign included.
        scale_register: register of an exponent of ten (int16) for the values, as in SunSpec.
        per_kw: number of units per kW or kWh, or per unit of the channel.
        is_energy: whether the values are energies.
        channel: name of the channel; empty for the grid power.
    """

    plus: tuple[int, ...]
    minus: tuple[int, ...] = ()
    type: str = "float32"
    function: str = "4"
    little: bool = False
    scale: float = 1.0
    scale_register: int | None = None
    per_kw: float = 1e3
    is_energy: bool = False
    channel: str = ""

    def __str__(self) -> str:
        return f"{FUNCTIONS[self.function]} 0x{self.plus[0]:04X}"

    @property
    def count(self) -> int:
        """Number of registers that one value takes."""
        return struct.calcsize(f">{TYPES[self.type]}") // 2

    def scaled(self, factor: float) -> Registers:
        """The same registers with another factor in their scale."""
        return replace(self, scale=self.scale * factor)

    def blocks(self, max_gap: int = _MAX_GAP) -> list[Block]:
        """Requests that read all registers.

        Args:
            max_gap: number of registers between two values that are read with them.

        >>> Registers((2600, 2601, 2610), type="int16").blocks()
        [Block(address=2600, size=11)]
        >>> Registers((2600, 2601, 2610), type="int16").blocks(max_gap=0)
        [Block(address=2600, size=2), Block(address=2610, size=1)]
        """
        blocks: list[Block] = []
        for address, count in sorted(self._places()):
            first, end = address, address + count
            if blocks:
                last = blocks[-1]
                if (
                    first - (last.address + last.size) <= max_gap
                    and max(end, last.address + last.size) - last.address <= _MAX_COUNT
                ):
                    first, end = last.address, max(end, last.address + last.size)
                    blocks.pop()
            blocks.append(Block(first, end - first))
        return blocks

    def value(self, words: Mapping[int, int]) -> float:
        """Convert the contents of the registers to kW, kWh or the channel's unit.

        The value is NaN if one of them is unknown.

        Args:
            words: contents of the registers, 16 bits each, by their addresses.

        Raises:
            MalformedError: the registers do not hold a power or an energy.

        >>> Registers((0x34,)).value({0x34: 0x43C8, 0x35: 0x0000})
        0.4
        >>> Registers((2600, 2601), type="int16").value({2600: 300, 2601: 0xFF9C})
        0.2
        """
        total = measure_of(self.channel).together(
            [self._number(words, address) for address in self.plus]
            + [-self._number(words, address) for address in self.minus]
        )
        value = total * self.scale * self._factor(words) / self.per_kw
        if math.isinf(value):
            what = "n energy" if self.is_energy else f" {measure_of(self.channel).what}"
            raise MalformedError(f"{self}: {total!r} is not a{what}")
        return value

    def _places(self) -> Iterator[tuple[int, int]]:
        for address in self.plus + self.minus:
            yield address, self.count
        if self.scale_register is not None:
            yield self.scale_register, 1

    def _factor(self, words: Mapping[int, int]) -> float:
        if self.scale_register is None:
            return 1.0
        exponent = _decode("int16", _words(words, self.scale_register, 1))
        if abs(exponent) > _MAX_EXPONENT:
            raise MalformedError(
                f"{FUNCTIONS[self.function]} 0x{self.scale_register:04X}: {exponent:g} is not a "
                "scale factor"
            )
        return float(10.0**exponent)

    def _number(self, words: Mapping[int, int], address: int) -> float:
        found = _words(words, address, self.count)
        return _decode(self.type, found[::-1] if self.little else found)


def _words(words: Mapping[int, int], address: int, count: int) -> list[int]:
    found = [words.get(address + offset, -1) for offset in range(count)]
    if not all(0 <= word < 0x10000 for word in found):
        raise MalformedError(f"register 0x{address:04X}: a word is missing")
    return found


def _decode(kind: str, words: Sequence[int]) -> float:
    """Decode one value; NaN if it is unknown."""
    packed = struct.pack(f">{len(words)}H", *words)
    (value,) = struct.unpack(f">{TYPES[kind]}", packed)
    return math.nan if value in _INTEGERS.get(kind, ()) else float(value)
