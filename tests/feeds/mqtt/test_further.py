"""Further channels in MQTT: voltage, current, reactive power, sub-meters."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from streamer.errors import UsageError
from streamer.feeds import Pace
from streamer.feeds.address import Address
from streamer.feeds.mqtt.layout import MessageLayout
from streamer.feeds.mqtt.messages import MessageReader
from streamer.feeds.mqtt.presets import CHANGES, PRESETS
from streamer.feeds.mqtt.sides import side_layouts
from streamer.feeds.registry import open_feed
from streamer.feeds.values import MEASURES, MalformedError
from streamer.readings import Link, Sample
from streamer.testing import read_feed
from tests.feeds.broker import MISSING, Broker, running
from tests.feeds.serving import read_once


def layouts(rest: str) -> list[MessageLayout]:
    address = Address.parse(f"mqtt://h/{rest}")
    return side_layouts(address, MessageLayout.of(address))


def values(rest: str, *messages: tuple[str, Any]) -> dict[str, float]:
    """The last value of each channel after some messages; JSON unless they are bytes."""
    found = {}
    for layout in layouts(rest):
        reader = MessageReader(layout)
        for topic, message in messages:
            payload = message if isinstance(message, bytes) else json.dumps(message).encode()
            item = reader.take(topic, payload)
            if isinstance(item, Sample):
                found[item.channel] = item.kw
    return found


@pytest.mark.parametrize(
    ("rest", "messages", "expected"),
    [
        (
            "meter?unit=W&path=p&channels=voltage:u,current:i[*],reactive:q,boiler:b.w",
            [("meter", {"p": 1, "u": 231, "i": [1, 2.5], "q": 100, "b": {"w": 2000}})],
            {"voltage": 231.0, "current": 3.5, "reactive": 0.1, "boiler": 2.0},
        ),
        (
            "meter/power?unit=kW&channels=voltage:meter/l1,voltage:meter/l2,boiler:boiler/power",
            [("meter/l1", b"230"), ("meter/l2", b"234 V"), ("boiler/power", b"2")],
            {"voltage": 232.0, "boiler": 2.0},
        ),
        (
            "meter?unit=W&path=p&channels=voltage:v@grid/l1,voltage:v@grid/l2,boiler:@boiler/power",
            [("grid/l1", {"v": 230}), ("grid/l2", {"v": 0}), ("boiler/power", b"2000")],
            {"voltage": 230.0, "boiler": 2.0},
        ),
        (
            'meter?unit=W&path=p&channels=voltage:["u@1"].v&channel_scales=voltage:0.1',
            [("meter", {"p": 1, "u@1": {"v": 2305}})],
            {"voltage": 230.5},
        ),
        (
            "x?preset=shelly-em&channels=voltage,current",
            [("x/status/em:0", {"total_act_power": 1, "a_voltage": 230, "b_voltage": 232,
                                "c_voltage": 231, "total_current": 5.5})],
            {"voltage": 231.0, "current": 5.5},
        ),
        (
            "x?preset=shelly-em1&channels=voltage,current",
            [("x/status/em1:0", {"act_power": 1, "voltage": 230, "current": 2})],
            {"voltage": 230.0, "current": 2.0},
        ),
        (
            "x?preset=shelly-rpc&channels=voltage,current",
            [("x/events/rpc", {"params": {"em:0": {"total_act_power": 1, "a_voltage": 230,
                                                   "total_current": 5.5}}})],
            {"voltage": 230.0, "current": 5.5},
        ),
        (
            "x?preset=shelly-switch&channels=voltage,current",
            [("x/status/switch:0", {"apower": 1, "voltage": 230, "current": 2})],
            {"voltage": 230.0, "current": 2.0},
        ),
        (
            "x?preset=shelly1-3em&channels=voltage,current",
            [(f"shellies/x/emeter/{phase}/{name}", str(value + phase).encode())
             for name, value in (("voltage", 230), ("current", 1)) for phase in (0, 1, 2)],
            {"voltage": 231.0, "current": 6.0},
        ),
        (
            "x?preset=shelly1-em&channels=voltage,reactive",
            [("shellies/x/emeter/0/voltage", b"229.9"),
             ("shellies/x/emeter/0/reactive_power", b"-30.5")],
            {"voltage": 229.9, "reactive": -0.0305},
        ),
        (
            "x?preset=tasmota-energy&channels=voltage,current,reactive",
            [("tele/x/SENSOR", {"ENERGY": {"Power": [52, 5], "ReactivePower": [40, 9],
                                           "Voltage": 235, "Current": [0.278, 0.044]}})],
            {"voltage": 235.0, "current": 0.322, "reactive": 0.049},
        ),
        (
            "x?preset=zigbee2mqtt&channels=voltage,current",
            [("zigbee2mqtt/x", {"power": 9, "voltage_a": 230, "voltage_b": 231, "voltage_c": 232,
                                "current_a": 1, "current_b": 2, "current_c": 3})],
            {"voltage": 231.0, "current": 6.0},
        ),
        (
            "x?preset=zigbee2mqtt&channels=voltage,current",
            [("zigbee2mqtt/x", {"power": 9, "voltage": 230, "current": 1.5})],
            {"voltage": 230.0, "current": 1.5},
        ),
        (
            "amsreader?preset=amsreader&channels=voltage,current",
            [("amsreader", {"data": {"P": 1, "PO": 0, "U1": 230, "U2": 0, "U3": 232,
                                     "I1": 1.25, "I2": 0, "I3": 2}})],
            {"voltage": 231.0, "current": 3.25},
        ),
        (
            "openWB?preset=openwb&channels=voltage,current",
            [(f"openWB/evu/{name}Phase{phase}", str(value + phase).encode())
             for name, value in (("V", 229), ("A", 0)) for phase in (1, 2, 3)],
            {"voltage": 231.0, "current": 6.0},
        ),
    ],
)  # fmt: skip
def test_places_of_channels(
    rest: str, messages: list[tuple[str, Any]], expected: dict[str, float]
) -> None:
    assert values(rest, *messages) == pytest.approx(expected)


def test_every_channel_of_a_preset_has_a_known_unit() -> None:
    assert {name for each in PRESETS.values() for name in each.channels} <= MEASURES.keys()


def test_the_pace_is_that_of_the_power_where_the_device_is_the_same() -> None:
    shared, own = layouts("x?preset=shelly1-em&channels=voltage,boiler:@b&channel_units=boiler:W")
    assert (shared.pace, own.pace) == (CHANGES, Pace())
    (shared,) = layouts("m?unit=W&path=p&channels=voltage:u&every=10")
    assert shared.pace == Pace(every_s=10.0)


def test_a_message_of_the_power_that_lacks_the_channel_is_skipped_where_it_may() -> None:
    (layout,) = layouts("m?unit=W&path=p&partial=yes&channels=voltage:u")
    assert MessageReader(layout).take("m", b'{"p": 1}') is None
    (layout,) = layouts("m?unit=W&path=p&channels=voltage:u")
    with pytest.raises(MalformedError, match="u is missing"):
        MessageReader(layout).take("m", b'{"p": 1}')


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        (b"250 W", "'250 W' is not in a unit of voltage"),
        (b'{"value": 1}', "is not a number"),
    ],
)
def test_a_value_of_another_quantity_is_refused(payload: bytes, problem: str) -> None:
    (layout,) = layouts("m?unit=W&channels=voltage:u")
    with pytest.raises(MalformedError, match=problem):
        MessageReader(layout).take("u", payload)


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("m?unit=W&channels=voltage", "the place of voltage is not known"),
        ("x?preset=shelly1-em&channels=current", r"known without a place: voltage, reactive\)"),
        ("m?unit=W&channels=voltage:a%2B", r"the topic 'a\+' of voltage has a wildcard"),
        ("m?unit=W&path=p&channels=voltage:u@", "the topic '' of voltage is not valid"),
        ("m?unit=W&path=p&channels=voltage:u@a,voltage:v@b", "give the same path in each of the"),
        ("m?unit=W&path=p&channels=voltage:u[", "is not a path"),
        ("a/+/p?parts=2&unit=W&path=p&channels=voltage:u", "has a wildcard"),
        ("x?preset=shelly-em&channels=boiler:@b", "give channel_units=boiler:kW"),
        (
            "t?unit=W&path=p&time=t&client_id=x&session=60&channels=voltage:@u",
            "kept messages of voltage have no time and count as new",
        ),
    ],
)
def test_wrong_options_are_explained(rest: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_feed(Address.parse(f"mqtt://h/{rest}"))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running(tmp_path_factory.mktemp("further")) as broker:
        yield broker


@pytest.mark.mosquitto
@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
def test_topics_of_all_channels_are_read(broker: Broker) -> None:
    url = f"mqtt://localhost:{broker.port}/grid?unit=W&path=p&channels=voltage:u,boiler:@boiler"
    with closing(open_feed(Address.parse(url))) as feed:
        assert list(feed.channels) == ["voltage", "boiler"]
        while not any(isinstance(item, Link) for item in read_once(feed)):
            pass
        broker.publish("grid", '{"p": -500, "u": 231.5}')
        broker.publish("boiler", "2000")
        broker.publish("boiler", "230 V")
        found = [item for item in read_feed(feed, 4) if isinstance(item, Sample)]
    assert [(each.channel, each.kw) for each in found[:3]] == [
        ("", -0.5),
        ("voltage", 231.5),
        ("boiler", 2.0),
    ]
    assert found[3].channel == "boiler"
    assert math.isnan(found[3].kw)
