"""Further channels in the registers of Modbus meters."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

import pytest

from streamer.errors import RefusedError, UsageError
from streamer.feeds import Pace
from streamer.feeds.address import Address
from streamer.feeds.modbus.options import chosen_sides
from streamer.feeds.modbus.presets import PRESETS
from streamer.feeds.modbus.registers import Registers
from streamer.feeds.values import MEASURES
from streamer.readings import Sample
from streamer.testing import read_feed
from tests.feeds.modbus.test_client import Meter, open_meter

GRID = "register=10&type=int16&unit=W&every=0.5"


@pytest.fixture
def meter() -> Iterator[Meter]:
    with Meter() as meter:
        meter.set(10, ">h", -1500)
        yield meter


def values(meter: Meter, options: str, count: int) -> dict[str, float]:
    feed = open_meter(meter.port, options)
    try:
        found = [item for item in read_feed(feed, count) if isinstance(item, Sample)]
    finally:
        feed.close()
    return {each.channel: each.kw for each in found[:count]}


def test_registers_of_channels_have_the_format_of_the_power(meter: Meter) -> None:
    for address, value in ((20, 2301), (21, 2321), (22, 0), (30, 150), (31, -50), (40, 2000)):
        meter.set(address, ">h", value)
    options = (
        f"{GRID}&channels=voltage:20,voltage:21,voltage:22,current:30,reactive:31,boiler:0x28"
        "&channel_scales=voltage:0.1,current:0.01,reactive:-1"
    )
    assert values(meter, options, 5) == pytest.approx(
        {"": -1.5, "voltage": 231.1, "current": 1.5, "reactive": 0.05, "boiler": 2.0}
    )
    feed = open_meter(meter.port, options)
    assert feed.channels == dict.fromkeys(["voltage", "current", "reactive", "boiler"], Pace(0.5))
    feed.close()


def test_a_channel_of_another_device(meter: Meter) -> None:
    meter.set(20, ">h", 2500)
    (side,) = chosen_sides(Address.parse(f"modbus://h?{GRID}&channels=boiler:20@7"))
    assert (side.device, side.registers.plus) == (7, (20,))
    found = values(meter, f"{GRID}&channels=boiler:20@7&timeout=0.1", 2)
    assert found[""] == -1.5
    assert math.isnan(found["boiler"])


def test_a_preset_knows_its_registers(meter: Meter) -> None:
    for address, value in (
        *((0x0034, 1200.0), (0x0000, 230.0), (0x0002, 232.0), (0x0004, 231.0)),
        *((0x0006, 1.5), (0x0008, 2.0), (0x000A, 0.25), (0x003C, -350.0)),
    ):
        meter.set(address, ">f", value)
    found = values(meter, "preset=sdm630&channels=voltage,current,reactive&every=0.5", 4)
    assert found == pytest.approx({"": 1.2, "voltage": 231.0, "current": 3.75, "reactive": -0.35})


@pytest.mark.parametrize("name", sorted(name for name, each in PRESETS.items() if each.channels))
def test_the_registers_of_presets_are_in_their_unit(name: str) -> None:
    raw = {"voltage": 231.0, "current": 1.5, "reactive": 0.25}
    preset = PRESETS[name]
    assert preset.channels.keys() <= MEASURES.keys()
    address = Address.parse(f"modbus://h?preset={name}&channels={','.join(preset.channels)}")
    for side in chosen_sides(address):
        registers = side.registers
        assert registers.channel == side.name
        assert registers.function == preset.registers.function
        number = raw[side.name] * registers.per_kw / registers.scale
        phases = len(registers.plus)
        words = {}
        for place in registers.plus:
            share = number if side.name == "voltage" else number / phases
            code = {"float32": ">f", "int32": ">i", "uint32": ">I"}[registers.type]
            packed = struct.pack(code, share if code == ">f" else round(share))
            pair = struct.unpack(">HH", packed)
            words.update(enumerate(pair[::-1] if registers.little else pair, place))
        assert registers.value(words) == pytest.approx(raw[side.name], rel=1e-3)


def test_an_unknown_register_makes_the_channel_unknown() -> None:
    registers = Registers((0, 1), type="int16", per_kw=1.0, channel="voltage")
    assert registers.value({0: 230, 1: 232}) == 231.0
    assert math.isnan(registers.value({0: 230, 1: 0x8000}))


def test_a_register_that_does_not_exist_is_named(meter: Meter) -> None:
    feed = open_meter(meter.port, f"{GRID}&channels=voltage:9999")
    with pytest.raises(RefusedError, match="check voltage in channels, type, fc and device"):
        read_feed(feed, 2)
    feed.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("preset=sdm72&channels=voltage", "the place of voltage is not known; give it, as in volt"),
        ("preset=sdm220&channels=reactive", r"known without a place: voltage, current\)"),
        (f"{GRID}&channels=voltage:x", "give a whole number from 0 to 65535"),
        (f"{GRID}&channels=voltage:1@300", "give a whole number from 0 to 255"),
        (f"{GRID}&channels=voltage:1,voltage:2@7", "all registers of voltage have to be of one de"),
        ("preset=sdm630&channels=boiler:20", "give channel_units=boiler:kW"),
        (f"{GRID}&channels=voltage", "the place of voltage is not known"),
    ],
)
def test_wrong_options_are_explained(options: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        chosen_sides(Address.parse(f"modbus://h?{options}"))
