"""Presets of the MQTT feed, each with messages of the public shape, and sums over topics."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.feeds import Pace, mqtt
from streamer.feeds.address import Address
from streamer.feeds.mqtt.layout import MessageLayout
from streamer.feeds.mqtt.messages import MessageReader
from streamer.feeds.mqtt.presets import CHANGES, GROUPS, PRESETS
from streamer.feeds.registry import open_feed
from streamer.feeds.values import MalformedError
from streamer.readings import CounterSample, Link, Notice, Sample
from tests.feeds.broker import MISSING, Broker, running
from tests.feeds.serving import read_once

Messages = list[tuple[str, Any]]

# community.openenergymonitor.org, topic 20689.
GLOW = {
    "electricitymeter": {
        "timestamp": "2026-03-01T13:02:29Z",
        "energy": {"import": {"cumulative": 4595.563, "units": "kWh"}},
        "power": {"value": 0.623, "units": "kW"},
    }
}
# lib/JsonMqttHandler/json of amsreader-firmware.
AMS_LIST_1 = {"id": "x", "rssi": -60, "data": {"P": 250}, "realtime": {"h": 0.1}}
AMS_LIST_2 = {"id": "x", "data": {"lv": "AIDON_V0001", "P": 0, "Q": 12, "PO": 1500, "I1": 2.5}}

GRID = "N/c0/system/0/Ac/Grid"

CASES: list[tuple[str, Messages, float]] = [
    ("ams?preset=amsreader", [("ams", AMS_LIST_1)], 0.25),
    ("ams?preset=amsreader", [("ams", AMS_LIST_2)], -1.5),
    ("?preset=dsmr-reader", [("dsmr/reading/electricity_currently_delivered", "0.100"),
                             ("dsmr/reading/electricity_currently_returned", "0.350")], -0.25),
    ("?preset=dsmr-reader-json", [("dsmr/json", {
        "timestamp": "2026-03-01T12:00:00Z", "electricity_currently_delivered": "0.1",
        "electricity_currently_returned": "0.35"})], -0.25),
    ("4C11AE?preset=glow", [("glow/4C11AE/SENSOR/electricitymeter", GLOW)], 0.623),
    ("head?preset=tasmota-sml", [("tele/head/SENSOR", {"SML": {"Power_curr": -89}})], -0.089),
    ("chn0?preset=vzlogger", [("vzlogger/data/chn0/raw", "250.5")], 0.2505),
    ("emontx?preset=emonhub", [("emon/emontx/power1", "317")], 0.317),
    ("em?preset=shelly-em", [("em/status/em:0", {"id": 0, "total_act_power": 410.2})], 0.4102),
    ("em?preset=shelly-em1", [("em/status/em1:0", {"id": 0, "act_power": 41.5})], 0.0415),
    ("em?preset=shelly-rpc", [("em/events/rpc", {
        "params": {"ts": 1.5, "em:0": {"id": 0, "total_act_power": 7}}})], 0.007),
    ("p?preset=shelly-switch", [("p/status/switch:0", {"id": 0, "apower": 12.5})], 0.0125),
    ("shellyem3-1?preset=shelly1-3em", [
        ("shellies/shellyem3-1/emeter/0/power", "3269.48"),
        ("shellies/shellyem3-1/emeter/1/power", "147.60"),
        ("shellies/shellyem3-1/emeter/2/power", "193.11")], 3.61019),
    ("em?preset=shelly1-em", [("shellies/em/emeter/0/power", "-20.5")], -0.0205),
    ("plug?preset=shelly1-pm", [("shellies/plug/relay/0/power", "12.34")], 0.01234),
    ("plug?preset=tasmota-energy", [("tele/plug/SENSOR", {"ENERGY": {"Power": [52, 5]}})], 0.057),
    ("plug?preset=zigbee2mqtt", [("zigbee2mqtt/plug", {"power": 24, "voltage": 230})], 0.024),
    ("node/sensor/power/state?preset=esphome&unit=W", [("node/sensor/power/state", "250.0")], 0.25),
    ("?preset=evcc", [("evcc/site/grid/power", "-1234.5")], -1.2345),
    ("?preset=openwb", [("openWB/evu/W", "-250")], -0.25),
    ("p?preset=statestream&unit=W", [("homeassistant/sensor/p/state", "321.0")], 0.321),
    ("c0?preset=victron", [(f"{GRID}/L1/Power", {"value": 200}),
                           (f"{GRID}/L2/Power", {"value": 400}),
                           (f"{GRID}/L3/Power", {"value": 0})], 0.6),
    ("c0?preset=victron", [(f"{GRID}/NumberOfPhases", {"value": 1}),
                           (f"{GRID}/L2/Power", {"value": None}),
                           (f"{GRID}/L1/Power", {"value": 200})], 0.2),
]  # fmt: skip


def reader_of(rest: str) -> MessageReader:
    return MessageReader(MessageLayout.of(Address.parse(f"mqtt://h/{rest}")))


def payload_of(message: Any) -> bytes:
    return message.encode() if isinstance(message, str) else json.dumps(message).encode()


def take(reader: MessageReader, topic: str, message: Any, now_s: float = 0.0, **how: bool) -> Any:
    item = reader.take(topic, payload_of(message), now_s=now_s, **how)
    if isinstance(item, CounterSample):
        return item.kwh
    return None if item is None else item.kw


def test_each_preset_has_a_message() -> None:
    tested = {rest.partition("preset=")[2].partition("&")[0] for rest, *_ in CASES}
    assert tested == set(PRESETS)
    assert sum(map(len, GROUPS.values())) == len(PRESETS)


@pytest.mark.parametrize(("rest", "messages", "kw"), CASES)
def test_presets_read_the_messages_of_their_device(
    rest: str, messages: Messages, kw: float
) -> None:
    reader = reader_of(rest)
    *before, last = [take(reader, topic, message) for topic, message in messages]
    assert before == [None] * len(before)
    assert last == pytest.approx(kw)


def test_a_short_list_of_amsreader_says_nothing_about_export() -> None:
    reader = reader_of("ams?preset=amsreader")
    assert take(reader, "ams", {"data": {"P": 0}}) is None
    assert reader.lacking.startswith("data.PO|PO? is missing")


class TestSums:
    def test_a_reading_needs_all_parts_and_follows_each_change(self) -> None:
        reader = reader_of("a?plus_topic=b,c&minus_topic=d&unit=W")
        assert reader.awaited == ("a", "b", "c", "d")
        assert [take(reader, topic, "100") for topic in "abc"] == [None] * 3
        assert reader.awaited == ("d",)
        assert take(reader, "d", "50") == 0.25
        assert take(reader, "b", "0.2 kW") == 0.35
        assert take(reader, "d", "1000") == -0.6

    def test_a_wildcard_adds_the_given_number_of_topics(self) -> None:
        reader = reader_of("N/c0/system/0/Ac/Grid/+/Power?path=value&unit=W&parts=3")
        assert take(reader, f"{GRID}/L1/Power", {"value": 200}) is None
        assert take(reader, f"{GRID}/L1/Power", {"value": 300}) is None
        assert take(reader, f"{GRID}/L2/Power", {"value": 400}) is None
        assert take(reader, f"{GRID}/L3/Power", {"value": 0}) == 0.7
        assert take(reader, f"{GRID}/L1/Current", {"value": 1}) is None
        with pytest.raises(MalformedError, match="4 topics match, but parts=3 is given"):
            take(reader, f"{GRID}/L4/Power", {"value": 1})
        assert reader.awaited == ()

    def test_an_unknown_part_makes_the_sum_unknown(self) -> None:
        reader = reader_of("a?plus_topic=b&unit=W")
        take(reader, "a", "1")
        assert take(reader, "b", "2") == 0.003
        assert math.isnan(take(reader, "b", "unavailable"))
        assert math.isnan(take(reader, "a", "3"))
        assert take(reader, "b", "4") == 0.007
        with pytest.raises(MalformedError, match="b: 'x' is not a number"):
            take(reader, "b", "x")
        assert math.isnan(take(reader, "a", "3"))

    def test_a_part_that_is_not_sent_any_more_ends_the_sum(self) -> None:
        reader = reader_of("a?plus_topic=b&unit=W")
        for second in range(0, 60, 5):
            take(reader, "a", "1", second)
            assert take(reader, "b", "2", second) == 0.003
        assert take(reader, "a", "1", 80) == 0.003
        assert math.isnan(take(reader, "a", "1", 90))
        assert reader.stale == "b"
        assert take(reader, "b", "5", 95) == 0.006
        assert reader.stale == ""

    @pytest.mark.parametrize(("every", "valid_s"), [("20", 60.0), ("change", 86400.0)])
    def test_the_given_pace_limits_a_part(self, every: str, valid_s: float) -> None:
        reader = reader_of(f"a?plus_topic=b&unit=W&every={every}")
        take(reader, "b", "2")
        assert take(reader, "a", "1", valid_s) == 0.003
        assert math.isnan(take(reader, "a", "1", valid_s + 1))

    def test_an_unsteady_part_is_valid_for_ten_minutes_at_most(self) -> None:
        reader = reader_of("a?plus_topic=b&unit=W")
        for second in (0, 1000, 2000, 3000):
            take(reader, "b", "2", second)
        assert take(reader, "a", "1", 3600) == 0.003
        assert math.isnan(take(reader, "a", "1", 3601))

    def test_energy_registers_are_added_too(self) -> None:
        reader = reader_of("t1?plus_topic=t2&minus_topic=back&unit=Wh")
        take(reader, "t1", "1000")
        take(reader, "t2", "2000")
        assert take(reader, "back", "500") == 2.5
        assert reader.take("t1", b"1500") == CounterSample(3.0, net=True)
        item = reader.take("t1", b"unknown")
        assert isinstance(item, CounterSample)
        assert math.isnan(item.kwh)

    @given(
        st.lists(
            st.tuples(
                st.sampled_from("abcd"),
                st.one_of(st.none(), st.integers(-10_000, 10_000)),
                st.booleans(),
            )
        )
    )
    def test_any_order_gives_the_sum_of_the_last_values(
        self, messages: list[tuple[str, int | None, bool]]
    ) -> None:
        reader = reader_of("a?plus_topic=b&minus_topic=c&unit=kW")
        last: dict[str, float] = {}
        for topic, value, retained in messages:
            given_ = "null" if value is None else str(value)
            found = take(reader, topic, given_, retained=retained)
            if topic != "d":
                last[topic] = math.nan if value is None else value
            if topic == "d" or retained or len(last) < 3:
                assert found is None
            else:
                assert found == pytest.approx(last["a"] + last["b"] - last["c"], nan_ok=True)


class TestAvailability:
    @pytest.mark.parametrize(
        ("rest", "topic", "message"),
        [
            ("plug?preset=zigbee2mqtt", "zigbee2mqtt/plug/availability", "offline"),
            ("plug?preset=zigbee2mqtt", "zigbee2mqtt/plug/availability", {"state": "offline"}),
            ("plug?preset=zigbee2mqtt", "zigbee2mqtt/bridge/state", {"state": "offline"}),
            ("base/plug?preset=zigbee2mqtt", "base/plug/availability", "offline"),
            ("em?preset=shelly-em", "em/online", "false"),
            ("em?preset=shelly1-3em", "shellies/em/online", "false"),
            ("em?preset=shelly1-pm", "shellies/em/online", "false"),
            ("plug?preset=tasmota-energy", "tele/plug/LWT", "Offline"),
            ("?preset=evcc", "evcc/status", "offline"),
            ("node/sensor/p/state?preset=esphome&unit=W", "node/status", "offline"),
            ("a/b?unit=W&availability=a/online,c", "c", "0"),
        ],
    )
    def test_an_offline_device_is_unknown_at_once(
        self, rest: str, topic: str, message: Any
    ) -> None:
        reader = reader_of(rest)
        assert math.isnan(take(reader, topic, message, retained=True))
        assert reader.offline == topic
        for other in ("online", {"state": "online"}, "true"):
            assert take(reader, topic, other) is None
            assert reader.offline == ""
        assert take(reader, topic, "{") is None
        assert take(reader, topic, "perhaps") is None

    def test_values_from_before_are_not_added_afterwards(self) -> None:
        reader = reader_of("em?preset=shelly1-3em")
        topics = [f"shellies/em/emeter/{phase}/power" for phase in range(3)]
        assert [take(reader, topic, "100") for topic in topics] == [None, None, 0.3]
        assert math.isnan(take(reader, "shellies/em/online", "false"))
        assert take(reader, "shellies/em/online", "true") is None
        assert [take(reader, topic, "200") for topic in topics] == [None, None, 0.6]

    def test_statestream_reports_it_in_the_state(self) -> None:
        reader = reader_of("p?preset=statestream&unit=W")
        assert math.isnan(take(reader, "homeassistant/sensor/p/state", "unavailable"))


@pytest.mark.parametrize(
    ("rest", "pace"),
    [
        ("a?unit=W", Pace()),
        ("a?unit=W&every=10", Pace(every_s=10.0)),
        ("a?unit=W&every=change", Pace(on_change=True)),
        ("a?preset=zigbee2mqtt", CHANGES),
        ("a?preset=shelly-em", CHANGES),
        ("a?preset=statestream&unit=W", CHANGES),
        ("a?preset=tasmota-energy", Pace(every_s=300.0, setting="TelePeriod 10")),
        ("a?preset=tasmota-energy&every=10", Pace(every_s=10.0)),
    ],
)
def test_the_pace_follows_from_address_and_preset(rest: str, pace: Pace) -> None:
    feed = open_feed(Address.parse(f"mqtt://h/{rest}"))
    assert feed.pace == pace  # type: ignore[attr-defined]
    feed.close()


def test_messages_without_the_power_are_skipped_where_partial_is_given() -> None:
    reader = reader_of("a?path=p&unit=W")
    with pytest.raises(MalformedError, match="p is missing; it contains q"):
        take(reader, "a", {"q": 1})
    reader = reader_of("a?path=p&unit=W&partial=yes")
    assert take(reader, "a", {"q": 1}) is None


def test_a_measurement_sent_twice_makes_one_sample() -> None:
    reader = reader_of("x?preset=glow")
    topic = "glow/x/SENSOR/electricitymeter"
    assert take(reader, topic, GLOW) == 0.623
    assert take(reader, topic, GLOW) is None


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running(tmp_path_factory.mktemp("presets")) as broker:
        yield broker


@pytest.mark.mosquitto
@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")
class TestBroker:
    def test_victron_is_kept_alive(self, broker: Broker) -> None:
        keepalives = open_feed(
            Address.parse(f"mqtt://localhost:{broker.port}/R/c0/keepalive?unit=W")
        )
        assert isinstance(read_once(keepalives)[0], Link)
        feed = open_feed(Address.parse(f"mqtt://localhost:{broker.port}/c0?preset=victron"))
        assert isinstance(read_once(feed)[0], Link)
        for phase, watts in enumerate((200, 400, 0), start=1):
            broker.publish(f"{GRID}/L{phase}/Power", f'{{"value":{watts}}}')
        assert read_once(feed) == [Sample(0.6)]
        # The empty message of the keep-alive, which is an unknown value to the other feed.
        (unknown,) = read_once(keepalives)
        assert isinstance(unknown, Sample)
        assert math.isnan(unknown.kw)
        feed.close()
        keepalives.close()

    @pytest.mark.slow
    def test_phases_that_are_not_sent_any_more_are_noticed(
        self, broker: Broker, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hasty = replace(PRESETS["victron"], heartbeat_s=1.0)
        monkeypatch.setitem(PRESETS, "victron", hasty)
        feed = open_feed(Address.parse(f"mqtt://localhost:{broker.port}/c1?preset=victron"))
        read_once(feed)
        for phase in (1, 2, 3):
            broker.publish(f"N/c1/system/0/Ac/Grid/L{phase}/Power", '{"value":1}')
        assert read_once(feed) == [Sample(0.003)]
        notice, *items = read_once(feed)
        items += [] if items else read_once(feed)
        feed.close()
        assert isinstance(notice, Notice)
        assert "for long, so the sum is unknown" in notice.text
        assert isinstance(items[-1], Sample)
        assert math.isnan(items[-1].kw)

    def test_an_offline_device_ends_its_value(self, broker: Broker) -> None:
        broker.publish("zigbee2mqtt/p/availability", "offline", retain=True)
        feed = open_feed(Address.parse(f"mqtt://localhost:{broker.port}/p?preset=zigbee2mqtt"))
        items = read_once(feed)
        while not any(isinstance(item, Sample) for item in items):
            items += read_once(feed)
        assert math.isnan(items[-1].kw)  # type: ignore[attr-defined]
        broker.publish("zigbee2mqtt/p/availability", "online")
        broker.publish("zigbee2mqtt/p", '{"power": 24}')
        assert read_once(feed) == [Sample(0.024)]
        feed.close()

    def test_malformed_messages_end_the_value(self, broker: Broker) -> None:
        feed = open_feed(Address.parse(f"mqtt://localhost:{broker.port}/m?unit=W"))
        read_once(feed)
        broker.publish("m", "x")
        notice, sample = read_once(feed)
        feed.close()
        assert isinstance(notice, Notice)
        assert notice.text.endswith("/m: 'x' is not a number; the value is unknown")
        assert isinstance(sample, Sample)
        assert math.isnan(sample.kw)


@pytest.mark.parametrize("name", PRESETS)
def test_the_help_lists_each_preset(name: str) -> None:
    assert f"\n{name}: {PRESETS[name].about}" in mqtt.OPTIONS["preset"]
