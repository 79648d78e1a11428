from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from streamer.errors import UsageError
from streamer.feeds import Pace
from streamer.feeds.address import Address
from streamer.feeds.mqtt.layout import MessageLayout
from streamer.feeds.mqtt.messages import MessageReader
from streamer.feeds.mqtt.sides import side_layouts
from streamer.feeds.registry import open_feed
from streamer.readings import Link, Notice, Reading, Sample
from streamer.sources.live import open_source
from streamer.testing import check_source
from tests.feeds.broker import MISSING, Broker, running
from tests.feeds.serving import read_once

needs_mosquitto = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]


def sides(rest: str) -> list[MessageLayout]:
    address = Address.parse(f"mqtt://h/{rest}")
    return side_layouts(address, MessageLayout.of(address))


def take(layout: MessageLayout, *messages: tuple[str, bytes]) -> list[tuple[str, float]]:
    reader = MessageReader(layout)
    taken = [reader.take(topic, payload) for topic, payload in messages]
    return [(each.channel, each.kw) for each in taken if isinstance(each, Sample)]


def test_a_topic_of_plain_numbers() -> None:
    (layout,) = sides("grid?unit=W&solar=pv/power")
    assert take(layout, ("pv/power", b"1500"), ("grid", b"250")) == [("solar", 1.5)]
    assert layout.pace == Pace()


def test_a_place_in_the_messages_of_the_grid_power() -> None:
    (layout,) = sides("grid?unit=W&path=g&time=t&partial=yes&solar_path=p[*].w&every=10")
    assert take(layout, ("grid", b'{"g":1,"p":[{"w":2000},{"w":500}],"t":1774745940}')) == [
        ("solar", 2.5)
    ]
    assert take(layout, ("grid", b'{"g":1,"t":1774745940}')) == []
    assert layout.pace == Pace(every_s=10.0)


def test_several_topics_are_added_and_have_a_unit_sign_and_pace_of_their_own() -> None:
    solar, battery = sides(
        "em?preset=shelly-em&solar=a,b&solar_unit=W&battery=c&battery_unit=kW"
        "&battery_sign=discharge&battery_path=x&battery_time=t&battery_every=change"
    )
    assert take(solar, ("a", b"100"), ("b", b"250"), ("c", b"9")) == [("solar", 0.35)]
    assert take(battery, ("c", b'{"x": 1.5, "t": 1774745940}')) == [("battery", -1.5)]
    assert solar.pace == Pace()
    assert battery.pace == Pace(on_change=True)
    assert battery.is_dated


@pytest.mark.parametrize(
    ("rest", "message"),
    [
        ("t?unit=W&solar=a%2B", r"the topic 'a\+' has a wildcard"),
        ("t?unit=W&solar=a,", "the topic '' is not valid"),
        ("t?unit=kWh&solar=a", "option solar_unit is missing: the solar power cannot be"),
        ("em?preset=shelly-em&solar=a", "option solar_unit is missing: give solar_unit=W"),
        ("t?unit=W&solar=a&solar_time=t", "a time is in the JSON of one topic; give solar_path"),
        ("t?unit=W&solar=a,b&solar_path=p&solar_time=t", "a time is in the JSON of one topic"),
        ("a/+/p?parts=2&unit=W&path=p&solar_path=q", "give solar= too"),
        ("t?unit=W&battery=b", "option solar is missing"),
        (
            "t?unit=W&path=p&time=t&client_id=x&session=60&solar=a",
            "give solar_time too, or kept messages count as new",
        ),
    ],
)
def test_wrong_options_are_explained(rest: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_feed(Address.parse(f"mqtt://h/{rest}"))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running(tmp_path_factory.mktemp("sides")) as broker:
        yield broker


class TestMosquitto:
    pytestmark = needs_mosquitto

    def test_topics_of_all_channels_are_read(self, broker: Broker) -> None:
        url = (
            f"mqtt://localhost:{broker.port}/grid?unit=W&path=p&solar=pv&battery_path=b"
            "&battery_sign=discharge"
        )
        feed = open_feed(Address.parse(url))
        while not any(isinstance(item, Link) for item in read_once(feed)):
            pass
        broker.publish("grid", '{"p": -500, "b": -100}')
        broker.publish("pv", "1500")
        broker.publish("pv", "broken")
        found = check_source(feed, samples=4)
        assert [(each.channel, each.kw) for each in found[:3] if isinstance(each, Sample)] == [
            ("", -0.5),
            ("battery", 0.1),
            ("solar", 1.5),
        ]
        assert isinstance(found[3], Sample)
        assert found[3].channel == "solar"
        assert math.isnan(found[3].kw)

    def test_readings_have_all_powers(self, broker: Broker) -> None:
        url = (
            f"mqtt://localhost:{broker.port}/g?unit=W&path=p&time=t&solar=s&solar_path=p"
            "&solar_time=t"
        )
        source = open_source(url, by="feed")
        with closing(source):
            items = [*source.read()]
            while not any(isinstance(item, Link) for item in items):
                items += source.read()
            minute = 60 * (time.time() // 60)
            for second in range(0, 200, 10):
                for topic, watts in (("g", 250), ("s", 1500)):
                    broker.publish(topic, f'{{"p": {watts}, "t": {minute + second}}}')
            while sum(isinstance(item, Reading) for item in items) < 3:
                items += source.read()
        readings = [item for item in items if isinstance(item, Reading)]
        assert [(each.kw, each.solar_kw, each.battery_kw) for each in readings] == [
            (0.25, 1.5, None)
        ] * 3
        assert not [item for item in items if isinstance(item, Notice)]
