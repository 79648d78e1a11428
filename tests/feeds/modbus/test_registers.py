"""Registers of Modbus meters: decoding, requests, and known meters."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.feeds.modbus.presets import PRESETS
from streamer.feeds.modbus.registers import TYPES, Registers
from streamer.feeds.values import MalformedError
from tests.fuzz.fuzz_modbus import one_input

ADDRESSES = st.lists(st.integers(0, 400), min_size=1, max_size=6, unique=True).map(tuple)


def _words(address: int, layout: str, *values: float) -> dict[int, int]:
    packed = struct.pack(layout, *values)
    return dict(enumerate(struct.unpack(f">{len(packed) // 2}H", packed), address))


@given(st.binary(max_size=60))
def test_the_fuzz_target_accepts_any_bytes(data: bytes) -> None:
    one_input(data)


@given(value=st.floats(-1e6, 1e6, width=32), little=st.booleans())
def test_floats_are_decoded_exactly(value: float, little: bool) -> None:
    words = list(struct.unpack(">2H", struct.pack(">f", value)))
    registers = Registers((5,), little=little, per_kw=1.0)
    assert registers.value(dict(enumerate(words[::-1] if little else words, 5))) == value


@given(kind=st.sampled_from([name for name in TYPES if "int" in name]), data=st.data())
def test_integers_are_decoded_exactly_except_the_extreme_ones(
    kind: str, data: st.DataObject
) -> None:
    bits = int(kind.lstrip("uint"))
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if kind[0] == "i" else (0, (1 << bits) - 1)
    value = data.draw(st.one_of(st.integers(low, high), st.sampled_from([low, high])))
    kw = Registers((5,), type=kind, per_kw=1.0).value(_words(5, f">{TYPES[kind]}", value))
    if value == high or (value == low and low):
        assert math.isnan(kw)
    else:
        assert kw == float(value)


@pytest.mark.parametrize("exponent", [11, -11, 300])
def test_a_scale_factor_out_of_range_is_malformed(exponent: int) -> None:
    registers = Registers((5,), type="int16", scale_register=6)
    with pytest.raises(MalformedError, match=rf"0x0006: {exponent} is not a scale factor"):
        registers.value(_words(5, ">2h", 1, exponent))


def test_missing_words_are_malformed() -> None:
    with pytest.raises(MalformedError, match="register 0x0005: a word is missing"):
        Registers((5,)).value({5: 1})


@given(
    plus=ADDRESSES,
    minus=st.one_of(st.just(()), ADDRESSES),
    kind=st.sampled_from(sorted(TYPES)),
    max_gap=st.integers(0, 20),
)
def test_the_requests_read_every_register_once(
    plus: tuple[int, ...], minus: tuple[int, ...], kind: str, max_gap: int
) -> None:
    registers = Registers(plus, minus, type=kind, scale_register=401)
    blocks = registers.blocks(max_gap)
    read = [address for block in blocks for address in range(block.address, sum(block))]
    needed = {first + offset for first in plus + minus for offset in range(registers.count)}
    assert needed | {401} <= set(read)
    assert len(read) == len(set(read))
    assert all(block.size <= 125 for block in blocks)


@pytest.mark.parametrize(
    ("preset", "function", "blocks", "contents", "kw"),
    [
        ("abb-b", "3", [(0x5B14, 2)], _words(0x5B14, ">i", 123_456), 1.23456),
        ("dtsu666", "3", [(0x2012, 2)], _words(0x2012, ">f", 12345.0), 1.2345),
        ("em340", "4", [(0x28, 2)], {0x28: 12345, 0x29: 0}, 1.2345),
        ("em24", "4", [(0x28, 2)], {0x28: 0xFFF6, 0x29: 0xFFFF}, -0.001),
        ("fronius", "3", [(40097, 2)], _words(40097, ">f", -250.0), -0.25),
        ("fronius-int", "3", [(40087, 5)], _words(40087, ">5h", 250, 0, 0, 0, 1), 2.5),
        ("goodwe", "3", [(36025, 2)], _words(36025, ">i", 250), 0.25),
        ("growatt", "4", [(1021, 10)], _words(1021, ">I6HI", 3000, *[9] * 6, 500), 0.25),
        ("huawei", "3", [(37113, 2)], _words(37113, ">i", -1500), -1.5),
        ("huawei", "3", [(37113, 2)], _words(37113, ">i", 0x7FFFFFFF), math.nan),
        ("iem3000", "3", [(0x0BF3, 2)], _words(0x0BF3, ">f", 1.25), 1.25),
        ("janitza", "3", [(19026, 2)], _words(19026, ">f", 1250.0), 1.25),
        ("pac2200", "4", [(65, 2)], _words(65, ">f", 1250.0), 1.25),
        ("sma", "4", [(30865, 4)], _words(30865, ">2i", 100, 350), -0.25),
        ("sma", "4", [(30865, 4)], _words(30865, ">2i", -0x80000000, -0x80000000), math.nan),
        ("solaredge", "3", [(40206, 5)], _words(40206, ">5h", 12345, 0, 0, 0, -1), 1.2345),
        ("sungrow", "4", [(13009, 2)], {13009: 250, 13010: 0}, 0.25),
        ("victron", "4", [(820, 3)], _words(820, ">3h", 100, -50, 200), 0.25),
    ],
)
def test_presets_read_the_registers_of_the_manuals(
    preset: str, function: str, blocks: list[tuple[int, int]], contents: dict[int, int], kw: float
) -> None:
    registers = PRESETS[preset].registers
    assert registers.function == function
    assert registers.blocks() == blocks
    assert registers.value(contents) == pytest.approx(kw, nan_ok=True)
