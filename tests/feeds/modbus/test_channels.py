from __future__ import annotations

import math
from collections.abc import Iterator

import pytest

from streamer.errors import RefusedError, UsageError
from streamer.feeds import Feed, FeedItem, Pace
from streamer.feeds.address import Address
from streamer.feeds.modbus.options import chosen_sides
from streamer.feeds.modbus.presets import PRESETS
from streamer.feeds.modbus.registers import Registers
from streamer.readings import Sample
from streamer.testing import check_source, read_feed
from tests.feeds.modbus.test_client import Meter, open_meter

GRID = "register=10&type=int16&unit=W&every=0.5"


@pytest.fixture
def meter() -> Iterator[Meter]:
    with Meter() as meter:
        meter.set(10, ">h", -1500)
        yield meter


def samples(feed: Feed, count: int) -> list[Sample]:
    try:
        items: list[FeedItem] = read_feed(feed, count)
    finally:
        feed.close()
    return [item for item in items if isinstance(item, Sample)][:count]


def test_all_registers_are_read_in_each_round(meter: Meter) -> None:
    meter.set(20, ">h", 2500)
    meter.set(30, ">I", 7500)
    meter.set(32, ">I", 500)
    feed = open_meter(
        meter.port,
        f"{GRID}&solar=20&battery=30&battery_minus=32&battery_type=uint32"
        "&battery_scale=0.1&battery_sign=discharge",
    )
    assert getattr(feed, "channels", None) == {"solar": Pace(0.5), "battery": Pace(0.5)}
    found = check_source(feed, samples=3)
    assert [(each.kw, each.channel) for each in found[:3] if isinstance(each, Sample)] == [
        (-1.5, ""),
        (2.5, "solar"),
        (pytest.approx(-0.7), "battery"),
    ]


def test_a_device_that_sleeps_behind_the_gateway_does_not_break_the_grid(meter: Meter) -> None:
    feed = open_meter(meter.port, f"{GRID}&solar=20&solar_device=7&timeout=0.1")
    found = samples(feed, 4)
    assert [(each.kw, each.channel) for each in found if not each.channel] == [(-1.5, "")] * 2
    assert all(math.isnan(each.kw) for each in found if each.channel == "solar")


def test_a_solar_register_that_does_not_exist_is_refused(meter: Meter) -> None:
    meter.missing = {20}
    with pytest.raises(RefusedError, match=r"0x0014 does not exist .*; check solar, type, fc"):
        samples(open_meter(meter.port, f"{GRID}&solar=20"), 4)


def test_the_format_of_solar_power_is_that_of_the_grid_power_unless_it_is_given() -> None:
    sides = "solar=1,2&solar_scale_register=3&battery=0x10&battery_type=float32&battery_fc=4"
    address = Address.parse(
        f"modbus://h?register=9&type=int16&fc=3&word_order=little&unit=kW&scale=7&{sides}"
        "&battery_word_order=big&battery_unit=W&battery_device=3&device=2"
    )
    solar, battery = chosen_sides(address)
    assert solar.registers == Registers(
        (1, 2), type="int16", function="3", little=True, scale_register=3, per_kw=1.0
    )
    assert battery.registers == Registers((16,))
    assert (solar.device, battery.device) == (2, 3)


@pytest.mark.parametrize(
    "name", [name for name, preset in PRESETS.items() if preset.solar is not None]
)
def test_presets_know_their_solar_power(name: str) -> None:
    known = PRESETS[name]
    with_battery = "&battery=yes" if known.battery is not None else ""
    sides = chosen_sides(Address.parse(f"modbus://h?preset={name}&solar=yes{with_battery}"))
    assert [side.registers for side in sides] == [
        each for each in (known.solar, known.battery) if each is not None
    ]
    assert all(side.device == known.device for side in sides)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("preset=sdm630&solar=yes", "no preset knows it; give its register"),
        ("preset=sdm630&solar=12", "option solar_unit is missing"),
        ("register=1&unit=W&solar=x", "give a whole number from 0 to 65535"),
        ("register=1&unit=kWh&solar=2", "cannot be an energy register"),
        ("register=1&unit=W&solar=2&solar_unit=GW", "give W or kW or mW or MW"),
        ("register=1&unit=W&solar=2&solar_device=300", "give a whole number from 0 to 255"),
        ("register=1&unit=W&solar=2&solar_scale_register=3", "give one register, and a type"),
        ("register=1&unit=W&battery=2", "option solar is missing"),
        ("register=1&unit=W&solar_device=2", "it is for solar=, so give that too"),
    ],
)
def test_wrong_options_are_explained(options: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_meter(1, options)
