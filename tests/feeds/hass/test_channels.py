"""Entities of solar and battery power beside that of the grid power."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing

import pytest

from streamer.errors import RefusedError, UsageError
from streamer.feeds import Feed, Pace
from streamer.feeds.hass.states import Entity
from streamer.readings import Sample
from streamer.testing import check_source, read_feed
from tests.feeds.hass.test_hass import HomeAssistant, open_entity
from tests.feeds.serving import fails

WATTS = {"unit_of_measurement": "W"}
BOTH = "sensor.power?solar=sensor.pv&battery=sensor.battery&battery_sign=discharge"


@pytest.fixture
def house() -> Iterator[HomeAssistant]:
    with HomeAssistant() as house:
        house.states |= {
            "sensor.pv": {"s": "1.5", "a": {"unit_of_measurement": "kW"}},
            "sensor.battery": {"s": "-400", "a": WATTS},
        }
        yield house


def powers(feed: Feed, count: int) -> list[tuple[str, float]]:
    found = [item for item in read_feed(feed, count) if isinstance(item, Sample)]
    return [(each.channel, each.kw) for each in found]


def test_all_entities_are_read_in_one_subscription(house: HomeAssistant) -> None:
    feed = open_entity(house, BOTH)
    change = Pace(on_change=True)
    assert getattr(feed, "channels", None) == {"solar": change, "battery": change}
    assert powers(feed, 3) == [("", 0.25), ("solar", 1.5), ("battery", 0.4)]
    house.send({"c": {"sensor.pv": {"+": {"s": "1.75"}}}})
    assert powers(feed, 1) == [("solar", 1.75)]
    house.send({"c": {name: {"+": {"s": "100"}} for name in ("sensor.power", "sensor.battery")}})
    assert powers(feed, 2) == [("", 0.1), ("battery", -0.1)]
    assert house.commands == ["subscribe_entities"]
    check_source(feed, samples=0)


def test_an_inverter_that_is_unavailable_leaves_the_grid_alone(house: HomeAssistant) -> None:
    house.states["sensor.pv"]["s"] = "unavailable"
    with closing(open_entity(house, "sensor.power?solar=sensor.pv")) as feed:
        (_, grid), (channel, kw) = powers(feed, 2)
        assert grid == 0.25
        assert channel == "solar"
        assert math.isnan(kw)
        house.change(s="300")
        assert powers(feed, 1) == [("", 0.3)]


def test_an_entity_that_does_not_exist_is_named(house: HomeAssistant) -> None:
    error = fails(open_entity(house, "sensor.power?solar=sensor.power_kitchn"), RefusedError)
    assert "sensor.power_kitchn does not exist" in error
    assert "sensor.power_kitchen" in error


def test_an_energy_counter_is_no_solar_power(house: HomeAssistant) -> None:
    house.states["sensor.energy"]["a"] = {
        "unit_of_measurement": "kWh",
        "state_class": "total_increasing",
    }
    error = fails(open_entity(house, "sensor.power?solar=sensor.energy"), RefusedError)
    assert "sensor.energy is in kWh, but solar power cannot be a counter; give" in error


def test_an_entity_that_is_not_known_is_unknown_in_its_channel() -> None:
    sample = Entity("sensor.pv", channel="solar").sample()
    assert isinstance(sample, Sample)
    assert sample.channel == "solar"
    assert math.isnan(sample.kw)


@pytest.mark.parametrize(
    "options", ["solar=power", "solar=sensor.power", "solar=sensor.a&battery=sensor.a"]
)
def test_each_channel_needs_an_entity_of_its_own(house: HomeAssistant, options: str) -> None:
    with pytest.raises(UsageError, match=r"give the id of another entity, like sensor\.solar"):
        open_entity(house, f"sensor.power?{options}")
