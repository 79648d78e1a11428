"""Fuzzing of Modbus registers: any words give a finite value, NaN, or the reason."""

from __future__ import annotations

import math
import struct
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from tests.fuzz import run

if TYPE_CHECKING:
    from streamer.feeds.modbus.registers import Registers

# The fuzzed modules are imported inside, since atheris must be imported first.


def one_input(data: bytes) -> None:
    """Decode the bytes as registers, in the way that the first two bytes select."""
    from streamer.feeds.values import MalformedError

    how, second = (*data[:2], 0, 0)[:2]
    choices = _choices()
    registers = choices[(how << 8 | second) % len(choices)]
    rest = data[2 : 2 + len(data[2:]) // 2 * 2]
    words = struct.unpack(f">{len(rest) // 2}H", rest)
    places = [address for block in registers.blocks() for address in range(block[0], sum(block))]
    with suppress(MalformedError):
        value = registers.value(dict(zip(places, words, strict=False)))
        assert not math.isinf(value)
        assert len(words) >= registers.count


@cache
def _choices() -> list[Registers]:
    from streamer.feeds.modbus.presets import PRESETS
    from streamer.feeds.modbus.registers import TYPES, Registers

    known = [preset.registers for preset in PRESETS.values()]
    return known + [
        Registers((0, 4), (8,), kind, little=little, scale=scale, scale_register=exponent)
        for kind in TYPES
        for little in (False, True)
        for scale in (1.0, -1e-3, 1e300)
        for exponent in (None, 12)
    ]


if __name__ == "__main__":
    seeds = [bytes([how, low]) + bytes(range(40)) for how in range(2) for low in range(0, 256, 16)]
    run(one_input, seeds, "streamer.feeds.modbus.registers", "streamer.feeds.modbus.presets")
