"""Entities of further channels: voltage, current, reactive power, sub-meters."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing

import pytest

from streamer.errors import RefusedError, UsageError
from streamer.feeds import Feed, Pace
from streamer.feeds.hass.states import Entity
from streamer.readings import Sample
from streamer.testing import read_feed
from tests.feeds.hass.test_hass import HomeAssistant, open_entity
from tests.feeds.serving import fails

ALL = (
    "sensor.power?channels=voltage:sensor.u,current:sensor.i,reactive:sensor.q,boiler:sensor.b"
    "&channel_scales=boiler:-1"
)


def entity(state: str, unit: str) -> dict[str, object]:
    return {"s": state, "a": {"unit_of_measurement": unit}}


@pytest.fixture
def house() -> Iterator[HomeAssistant]:
    with HomeAssistant() as house:
        house.states |= {
            "sensor.u": entity("231.5", "V"),
            "sensor.i": entity("1500", "mA"),
            "sensor.q": entity("250", "VAr"),
            "sensor.b": entity("-2", "kW"),
        }
        yield house


def values(feed: Feed, count: int) -> dict[str, float]:
    found = [item for item in read_feed(feed, count) if isinstance(item, Sample)]
    return {each.channel: each.kw for each in found}


def test_all_entities_are_read_in_one_subscription(house: HomeAssistant) -> None:
    with closing(open_entity(house, ALL)) as feed:
        change = Pace(on_change=True)
        names = ["voltage", "current", "reactive", "boiler"]
        assert getattr(feed, "channels", None) == dict.fromkeys(names, change)
        assert values(feed, 5) == pytest.approx(
            {"": 0.25, "voltage": 231.5, "current": 1.5, "reactive": 0.25, "boiler": 2.0}
        )
        house.send({"c": {"sensor.u": {"+": {"s": "230"}}}})
        assert values(feed, 1) == {"voltage": 230.0}
        assert house.commands == ["subscribe_entities"]


def test_an_entity_that_is_unavailable_leaves_the_power_alone(house: HomeAssistant) -> None:
    house.states["sensor.u"]["s"] = "unavailable"
    with closing(open_entity(house, "sensor.power?channels=voltage:sensor.u")) as feed:
        found = values(feed, 2)
        assert found[""] == 0.25
        assert math.isnan(found["voltage"])


@pytest.mark.parametrize(
    ("channel", "unit", "problem"),
    [
        ("voltage", "W", "sensor.x is in W; for voltage give one in mV, V, kV"),
        ("current", "V", "sensor.x is in V; for current give one in mA, A, kA"),
        ("reactive", "VA", "sensor.x is in VA; for reactive power give one in mvar, var, kvar"),
        ("boiler", "V", "sensor.x is in V; for boiler power give one in mW, W, kW"),
        ("boiler", "kWh", "sensor.x is in kWh, but boiler power cannot be a counter; give an enti"),
        ("boiler", "", "sensor.x has no unit; for boiler power give one in mW, W, kW"),
    ],
)
def test_an_entity_of_another_quantity_is_refused(channel: str, unit: str, problem: str) -> None:
    found = Entity("sensor.x", channel=channel)
    found.apply({"a": {"sensor.x": entity("1", unit)}})
    with pytest.raises(RefusedError) as error:
        found.sample()
    assert problem in str(error.value)


def test_an_entity_that_does_not_exist_is_named_with_those_of_its_quantity(
    house: HomeAssistant,
) -> None:
    url = "sensor.power?channels=voltage:sensor.uu"
    error = fails(open_entity(house, url), RefusedError)
    assert "sensor.uu does not exist" in error
    assert "is it sensor.u?" in error


@pytest.mark.parametrize(
    ("channels", "problem"),
    [
        ("voltage", "the place of voltage is not known; give it, as in voltage:PLACE"),
        ("voltage:l1", "give one entity for voltage, like sensor.voltage"),
        ("voltage:sensor.a,voltage:sensor.b", "give one entity for voltage, like sensor.voltage"),
        ("voltage:sensor.a,current:sensor.a", "sensor.a is given twice"),
        ("voltage:sensor.power", "sensor.power is given twice"),
    ],
)
def test_each_channel_needs_one_entity_of_its_own(
    house: HomeAssistant, channels: str, problem: str
) -> None:
    with pytest.raises(UsageError) as error:
        open_entity(house, f"sensor.power?channels={channels}")
    assert problem in str(error.value)
