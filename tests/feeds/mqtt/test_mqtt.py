"""MQTT feeds without a broker: messages, and a server with scripted answers."""

from __future__ import annotations

import json
import math
import socket
import threading
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import LinkError, RefusedError, UsageError
from streamer.feeds import mqtt
from streamer.feeds.address import Address
from streamer.feeds.mqtt.bounds import MAX_MESSAGE_BYTES
from streamer.feeds.mqtt.layout import MessageLayout
from streamer.feeds.mqtt.messages import MessageReader
from streamer.feeds.mqtt.presets import PRESETS
from streamer.feeds.registry import open_feed
from streamer.feeds.values import MalformedError
from streamer.readings import Link, Notice, Sample
from streamer.testing import check_source, read_feed
from tests.feeds.fakemeters import tcp_meter, until_hung_up


def _layout(url: str) -> MessageLayout:
    return MessageLayout.of(Address.parse(url))


def _kw(url: str, payload: str | bytes) -> float | None:
    layout = _layout(url)
    data = payload if isinstance(payload, bytes) else payload.encode()
    sample = MessageReader(layout).take(layout.topic, data)
    return None if sample is None else sample.kw


TASMOTA = '{"Time":"2026-03-01T12:00:00","ENERGY":{"Total":2.8,"Power":%s,"Voltage":235}}'
SML = '{"Time":"2026-03-01T12:00:00","%s":{"Total_in":34507.4761,"%s":-894}}'
SHELLY_RPC = (
    '{"src":"meter","dst":"meter/events","method":"NotifyStatus","params":{"ts":1.6,"%s":'
    '{"id":0,"total_act_power":1011.5}}}'
)


@pytest.mark.parametrize(
    ("url", "payload", "kw"),
    [
        ("mqtt://h/a/b?unit=W", "250", 0.25),
        ("mqtt://h/a/b?unit=kW", b" -1.5\r\n", -1.5),
        ("mqtt://h/a/b?unit=W&sign=export", "250", -0.25),
        ("mqtt://h/a/b?unit=W&path=p[1].w", '{"p":[0,{"w":"30"}]}', 0.03),
        ("mqtt://h/a/b?unit=W", "250.3 W", 0.2503),
        ("mqtt://h/a/b?unit=W", "0.25 kW", 0.25),
        ("mqtt://h/a/b?unit=W", "250,3 W", 0.2503),
        ("mqtt://h/a/b?unit=W&decimal=comma", "1.250,5", 1.2505),
        ("mqtt://h/a/b?unit=W&scale=0.1", "2503", 0.2503),
        # A script of Tasmota without a name: Trucki2Shelly-Gateway issue 17.
        (
            'mqtt://h/a/b?unit=W&path=[""].P',
            '{"Time":"t","":{"Total_in":2173.5,"P":-136.39}}',
            -0.13639,
        ),
        ("mqtt://h/a/b?unit=W&path=in&minus=out", '{"in":100,"out":350}', -0.25),
        ("mqtt://h/a/b?unit=W&path=p&sign_path=f", '{"p":100,"f":"producing"}', -0.1),
        (
            "mqtt://h/a/b?unit=W&path=a,b&sign_path=x,y&export_if=true",
            '{"a":100,"b":30,"x":true,"y":false}',
            -0.07,
        ),
        ("mqtt://h/x?preset=tasmota-energy", TASMOTA % "860", 0.86),
        ("mqtt://h/x?preset=tasmota-energy", TASMOTA % "[52,5,-7]", 0.05),
        ("mqtt://h/x?preset=tasmota-energy&path=ENERGY.Power[1]", TASMOTA % "[52,5]", 0.005),
        ("mqtt://h/x?preset=tasmota-sml", SML % ("SML", "Power_curr"), -0.894),
        ("mqtt://h/x?preset=tasmota-sml&path=MT175.P", SML % ("MT175", "P"), -0.894),
        ("mqtt://h/x?preset=shelly-em", '{"id":0,"total_act_power":1011.5}', 1.0115),
        ("mqtt://h/x?preset=shelly-em1", '{"id":0,"act_power":-1899.8}', -1.8998),
        ("mqtt://h/x?preset=shelly-rpc", SHELLY_RPC % "em:0", 1.0115),
        ("mqtt://h/x?preset=zigbee2mqtt", '{"linkquality":39,"power":2441}', 2.441),
        ("mqtt://h/x?preset=statestream&unit=kW", "0.42", 0.42),
        (
            "mqtt://h?preset=dsmr-reader-json",
            '{"timestamp":"2026-03-01T12:00:00Z","electricity_currently_delivered":"00.196",'
            '"electricity_currently_returned":"00.000"}',
            0.196,
        ),
    ],
)
def test_power_of_a_message(url: str, payload: str | bytes, kw: float) -> None:
    assert _kw(url, payload) == pytest.approx(kw, abs=1e-12)


@pytest.mark.parametrize(
    ("url", "payload"),
    [
        ("mqtt://h/a?unit=W", "unavailable"),
        ("mqtt://h/a?unit=W", b" Unknown\n"),
        ("mqtt://h/a?unit=W", ""),
        ("mqtt://h/a?unit=W", "nan"),
        ("mqtt://h/a?unit=W", "NULL"),
        ("mqtt://h/a?unit=W&path=p", ""),
        ("mqtt://h/a?unit=W&path=p,q", '{"p":1,"q":"None"}'),
        ("mqtt://h/a?unit=W&path=p&sign_path=f", '{"p":1,"f":null}'),
        ("mqtt://h/a?unit=W&path=p", '{"p":null}'),
        ("mqtt://h/a?unit=W&path=p&minus=q", '{"p":1,"q":"unknown"}'),
        ("mqtt://h/a?preset=tasmota-energy", TASMOTA % "[52,null]"),
    ],
)
def test_an_unknown_power_is_nan(url: str, payload: str | bytes) -> None:
    kw = _kw(url, payload)
    assert kw is not None
    assert math.isnan(kw)


@pytest.mark.parametrize(
    ("url", "payload", "why"),
    [
        ("mqtt://h/a?unit=W", "1.2 kWh", "not in a unit of power (mW, W, kW, MW, GW)"),
        ("mqtt://h/a?unit=W", "230 V", "not in a unit of power"),
        ("mqtt://h/a?unit=W", "300 VA", "not in a unit of power"),
        ("mqtt://h/a?unit=kWh", "300 W", "not in a unit of energy (Wh, kWh, MWh)"),
        ("mqtt://h/a?unit=W", "1,5", "give decimal=comma if this is a decimal comma"),
        ("mqtt://h/a?unit=W", b"\xff\x00\x1b[2J", "not a number"),
        ("mqtt://h/a?unit=W", '{"p":1}', "not a number"),
        ("mqtt://h/a?unit=W", b"1" * 2_000_000, "2000000 bytes"),
        ("mqtt://h/a?unit=W&path=p", "12", "p is missing"),
        ("mqtt://h/a?unit=W&path=p", '{"p":', "not JSON"),
        ("mqtt://h/a?unit=W&path=p", "[" * 100_000, "not JSON"),
        ("mqtt://h/a?unit=W&path=p", '{"q":1,"r":{"s.t":2,"\\u001b":3},"u":"v"}', 'q, r["s.t"]$'),
        ("mqtt://h/a?unit=W&path=p", '{"p":{}}', "not a number"),
        ("mqtt://h/a?unit=W&path=p", '{"p":[1,2]}', "not a number"),
        ("mqtt://h/a?unit=W&path=p&time=t", '{"p":1}', "t is missing"),
        ("mqtt://h/a?unit=W&path=p&time=t", '{"p":1,"t":"noon"}', "not a time"),
        (
            "mqtt://h/a?unit=GW&path=p&minus=q",
            '{"p":1.7e308,"q":-1.7e308}',
            "the value is infinite",
        ),
        ("mqtt://h/a?preset=tasmota-energy", TASMOTA % "[]", "not a number"),
        ("mqtt://h/a?preset=zigbee2mqtt", "[1]", "power is missing"),
    ],
)
def test_malformed_messages_give_the_reason(url: str, payload: str | bytes, why: str) -> None:
    with pytest.raises(MalformedError) as caught:
        _kw(url, payload)
    text = str(caught.value)
    assert text.endswith(why[:-1]) if why.endswith("$") else why in text
    assert text.isprintable()


_URLS = st.sampled_from(
    ["mqtt://h/a?unit=W", "mqtt://h/a?unit=kW&path=p&minus=q&time=t"]
    + [f"mqtt://h/a?preset={name}&unit=W" for name in PRESETS]
)
_KEYS = st.sampled_from(
    ["p", "q", "t", "power", "ENERGY", "Power", "SML", "Power_curr", "params", "em:0"]
) | st.text(max_size=5)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
)


@given(_URLS, st.binary() | _VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_message_gives_a_sample_or_a_malformed_error(url: str, payload: bytes) -> None:
    layout = _layout(url)
    reader = MessageReader(layout)
    samples: list[Sample | None] = []
    problems: list[str] = []
    for topic in layout.topics.values:
        try:
            samples.append(reader.take(topic, payload))
        except MalformedError as error:
            problems.append(str(error))
    assert all(text.isprintable() for text in problems)
    for sample in samples:
        assert sample is None or not math.isinf(sample.kw)
        assert sample is None or sample.at is None or sample.at.tzinfo is UTC


def test_the_time_is_read_from_the_message() -> None:
    layout = _layout("mqtt://h/a?unit=W&path=p&time=t")
    sample = MessageReader(layout).take("a", b'{"p":5,"t":"2026-03-29T01:59:00+01:00"}')
    assert sample == Sample(0.005, datetime(2026, 3, 29, 0, 59, tzinfo=UTC))


def test_messages_without_power_are_skipped_where_the_preset_expects_them() -> None:
    reader = MessageReader(_layout("mqtt://h/plug?preset=zigbee2mqtt"))
    assert reader.take("zigbee2mqtt/plug", b'{"linkquality":90,"state":"ON"}') is None
    assert reader.lacking == "power is missing; it contains linkquality"
    assert reader.awaited == ("zigbee2mqtt/plug",)


def test_a_topic_is_subtracted_once_both_have_a_value() -> None:
    reader = MessageReader(_layout("mqtt://h/in?minus_topic=out&unit=W"))
    assert reader.take("in", b"100") is None
    assert reader.awaited == ("out",)
    assert reader.take("out", b"350") == Sample(-0.25)
    assert reader.take("in", b"500") == Sample(0.15)
    with pytest.raises(MalformedError, match="out: 'x' is not a number"):
        reader.take("out", b"x")
    assert reader.take("another", b"1") is None


def test_a_retained_value_completes_a_pair_but_makes_no_sample() -> None:
    reader = MessageReader(_layout("mqtt://h/in?minus_topic=out&unit=W"))
    assert reader.take("out", b"350", retained=True) is None
    assert reader.take("in", b"900", retained=True) is None
    assert reader.awaited == ()
    assert reader.take("in", b"100") == Sample(-0.25)


@pytest.mark.parametrize(
    ("url", "topics"),
    [
        ("mqtt://h/a/b/c?unit=W", "a/b/c"),
        ("mqtt://h//a?unit=W", "/a"),
        ("mqtt://h/a%20b/%24x?unit=W", "a b/$x"),
        ("mqtt://h/plug?preset=tasmota-energy", "tele/plug/SENSOR"),
        ("mqtt://h/home/plug/tele/SENSOR?preset=tasmota-energy", "home/plug/tele/SENSOR"),
        ("mqtt://h/plug?preset=tasmota-sml", "tele/plug/SENSOR"),
        ("mqtt://h/em?preset=shelly-em", "em/status/em:0"),
        ("mqtt://h/em?preset=shelly-em1", "em/status/em1:0"),
        ("mqtt://h/em?preset=shelly-rpc", "em/events/rpc"),
        ("mqtt://h/em/status/em:0?preset=shelly-em", "em/status/em:0"),
        ("mqtt://h/plug?preset=zigbee2mqtt", "zigbee2mqtt/plug"),
        ("mqtt://h/p?preset=statestream&unit=W", "homeassistant/sensor/p/state"),
        ("mqtt://h?preset=dsmr-reader-json", "dsmr/json"),
        (
            "mqtt://h?preset=dsmr-reader",
            "dsmr/reading/electricity_currently_delivered "
            "dsmr/reading/electricity_currently_returned",
        ),
        ("mqtt://h/my/in?preset=dsmr-reader&minus_topic=my/out", "my/in my/out"),
    ],
)
def test_topics_follow_from_address_and_preset(url: str, topics: str) -> None:
    assert " ".join(_layout(url).topics.values) == topics


@pytest.mark.parametrize("name", PRESETS)
def test_the_help_lists_each_preset(name: str) -> None:
    assert f"\n{name}: {PRESETS[name].about}" in mqtt.OPTIONS["preset"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mqtt://h/a", "option unit is missing"),
        ("mqtt://h/a?unit=VA", "unit='VA': give mW or W or kW"),
        ("mqtt://h/a?preset=statestream", "option unit is missing"),
        ("mqtt://h/a?preset=toaster", "preset='toaster': give amsreader or"),
        ("mqtt://h?unit=W", "the topic is missing"),
        ("mqtt:///a?unit=W", "the host is missing"),
        ("mqtt://h:0/a?unit=W", "the host is missing"),
        ("mqtt://h/a/%23?unit=W", "'a/#' has a wildcard"),
        ("mqtt://h/a/+/b?unit=W", "'a/+/b' has a wildcard"),
        ("mqtt://h/a%00?unit=W", "is not valid"),
        ("mqtt://h/a?unit=W&minus_topic=", "the topic '' is not valid"),
        ("mqtt://h/a?unit=W&minus_topic=a", "a topic other than the first"),
        ("mqtt://h/a?unit=W&minus=x", "so path must be given too"),
        ("mqtt://h/a?unit=W&time=x", "so path must be given too"),
        ("mqtt://h/a?unit=W&path=p&time=x&minus_topic=b", "combined with several topics"),
        ("mqtt://h/a?unit=W&sign_path=x", "so path must be given too"),
        ("mqtt://h/a?unit=W&parts=3", "it is for a topic with the wildcard +"),
        ("mqtt://h/a/+?unit=W&parts=1.5", "give a whole number"),
        ("mqtt://h/a?unit=W&plus_topic=a", "a topic other than the first"),
        ("mqtt://h/a?unit=W&plus_topic=b,b", "a topic is given twice"),
        ("mqtt://h/a?unit=W&availability=", "the topic '' is not valid"),
        ("mqtt://h/a?unit=W&every=often", "give seconds, at most 86400, or change"),
        ("mqtt://h?preset=victron", "the device's name is missing"),
        ("mqtt://h/a/b%2B?unit=W", "+ replaces a whole level"),
        ("mqtt://h/a?unit=W&path=p[x]", "is not a path"),
        ("mqtt://h/a?unit=W&qos=2", "qos='2': give 0 or 1"),
        ("mqtt://h/a?unit=W&version=4", "version='4': give 3 or 5"),
        ("mqtt://h/a?unit=W&keepalive=0", "keepalive='0': give a number at least 1"),
        ("mqtt://h/a?unit=W&session=60", "option client_id is missing"),
        ("mqtt://h/a?unit=W&session=60&client_id=x", "give time too"),
        ("mqtt://h/a?unit=W&cafile=ca.pem", "is for mqtts:// only"),
        ("mqtt://h/a?unit=W&insecure=yes", "is for mqtts:// only"),
        ("mqtts://h/a?unit=W&cafile=/nowhere/ca.pem", "No such file"),
        ("mqtts://h/a?unit=W&insecure=perhaps", "give yes or no"),
        ("mqtt://:swordfish@h/a?unit=W", "a password is given, but no user"),
        ("mqtt://h/a?unit=W&client_id=\udcff", "cannot be printed"),
        ("mqtt://h/a?unit=W&colour=red", "unknown option 'colour'"),
    ],
)
def test_wrong_addresses_are_usage_errors(url: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_feed(Address.parse(url))
    assert words in str(caught.value)
    assert "swordfish" not in str(caught.value)


def test_a_cafile_without_a_certificate_is_a_usage_error(tmp_path: Path) -> None:
    cafile = tmp_path / "ca.pem"
    cafile.write_text("nothing")
    with pytest.raises(UsageError, match="contains no certificate"):
        open_feed(Address.parse(f"mqtts://h/a?unit=W&cafile={cafile}"))


def test_the_name_has_the_topic_and_no_secrets() -> None:
    feed = open_feed(Address.parse("mqtt://me:swordfish@h/plug?preset=zigbee2mqtt"))
    assert feed.name == "mqtt://h/zigbee2mqtt/plug"
    feed.close()


_CONNACK = b"\x20\x02\x00\x00"


def _publish(topic: str, payload: bytes, *, retain: bool = False) -> bytes:
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + payload
    assert len(body) < 128
    return bytes([0x31 if retain else 0x30, len(body)]) + body


def _packet(stream: socket.socket) -> bytes:
    head = stream.recv(2)
    return head + (stream.recv(head[1]) if len(head) == 2 and head[1] else b"")


@contextmanager
def _server(
    *messages: bytes, connack: bytes = _CONNACK, granted: int = 0, hangs_up: bool = False
) -> Iterator[str]:
    """Accepts CONNECT and SUBSCRIBE, sends the given bytes, and yields the start of the URL."""
    pytest.importorskip("aiomqtt")

    def serve(client: socket.socket) -> None:
        with client:
            _packet(client)
            client.sendall(connack)
            properties = b"\0" if len(connack) > 4 else b""
            unsent = b"".join(messages)
            while subscribe := _packet(client):
                if subscribe[0] != 0x82:
                    continue
                answer = subscribe[2:4] + properties + bytes([granted])
                client.sendall(bytes([0x90, len(answer)]) + answer + unsent)
                unsent = b""
                if hangs_up:
                    break

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
                serve(client)
            except OSError:
                if listener.fileno() < 0:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"mqtt://me:swordfish@127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(5.0)


def _error_of(url: str) -> LinkError:
    feed = open_feed(Address.parse(url))
    try:
        with pytest.raises(LinkError) as caught:
            read_feed(feed, 1)
    finally:
        feed.close()
    text = str(caught.value)
    assert text.startswith(feed.name)
    assert "swordfish" not in text
    assert text.isprintable()
    return caught.value


def _items(url: str, is_last: Callable[[object], bool]) -> Sequence[object]:
    feed = open_feed(Address.parse(url))
    items: list[object] = []
    watchdog = threading.Timer(10.0, feed.close)
    watchdog.start()
    while not any(map(is_last, items)):
        block = feed.read()
        assert block, items
        items.extend(block)
    watchdog.cancel()
    feed.close()
    return items


def _is_warning(item: object) -> bool:
    return isinstance(item, Notice) and item.kind == Notice.WARNING


def test_conforms_to_the_feed_protocol() -> None:
    with _server(_publish("a", b"9", retain=True), _publish("a", b"1")) as url:
        feed = open_feed(Address.parse(f"{url}/a?unit=W"))
        assert check_source(feed, samples=1) == [Sample(0.001)]
    with _server(_publish("a", b"x"), _publish("a", b"2")) as url:
        up, malformed, unknown, sample = _items(
            f"{url}/a?unit=W", lambda item: item == Sample(0.002)
        )
    assert isinstance(unknown, Sample)
    assert math.isnan(unknown.kw)
    assert up == Link(Link.UP, "broker", "subscribed to a")
    assert isinstance(malformed, Notice)
    assert malformed.text.endswith("/a: 'x' is not a number; the value is unknown")
    assert sample == Sample(0.002)


_HUGE = b"\xff\xff\xff\x7f"
"""The largest length of a packet that can be written: 256 MB."""


@pytest.mark.parametrize("command", [0x30, 0xD0], ids=["a message", "the answer to a ping"])
def test_a_huge_packet_ends_the_connection_before_it_is_in_memory(command: int) -> None:
    with _server(bytes([command]) + _HUGE + b"\0\x01a") as url:
        tracemalloc.start()
        try:
            error = _error_of(f"{url}/a?unit=W")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert type(error) is LinkError
    assert "the broker sends a packet of 268,435,455 bytes" in str(error)
    assert str(error).endswith("is the topic a correct?")
    assert peak < 20e6


def test_a_huge_answer_to_the_login_ends_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "_ANSWER_S", 0.3)
    with _server(connack=b"\x20" + _HUGE) as url:
        assert "a packet of 268,435,455 bytes" in str(_error_of(f"{url}/a?unit=W"))


def _publish_large(size: int) -> bytes:
    length = size + 3
    digits = bytes([length & 127 | 128, length >> 7 & 127 | 128, length >> 14])
    return b"\x30" + digits + b"\0\x01a" + b"1".rjust(size)


def test_a_flood_of_messages_does_not_fill_the_memory() -> None:
    message = _publish_large(MAX_MESSAGE_BYTES)

    def flood(client: socket.socket) -> None:
        _packet(client)
        client.sendall(_CONNACK)
        client.sendall(b"\x90\x03" + _packet(client)[2:4] + b"\0")
        for _ in range(60):
            client.sendall(message)
        client.sendall(_publish("a", b"2"))
        until_hung_up(client)

    with tcp_meter(flood) as port:
        tracemalloc.start()
        try:
            url = f"mqtt://127.0.0.1:{port}/a?unit=W"
            items = _items(url, lambda item: item == Sample(0.002))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(items) == 1 + 60 + 1
    assert peak < 20e6


def test_the_largest_message_is_received() -> None:
    message = _publish_large(MAX_MESSAGE_BYTES + 1)
    with _server(message, _publish("a", b"2")) as url:
        items = _items(f"{url}/a?unit=W", lambda item: item == Sample(0.002))
    notice = items[1]
    assert isinstance(notice, Notice)
    assert "a message of 1048577 bytes" in notice.text


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (2, RefusedError, "client identifier not valid; try another client_id"),
        (3, LinkError, "refuses the connection: server unavailable"),
        (4, RefusedError, "bad user name or password; wrong user or password?"),
        (5, RefusedError, "not authorized; wrong user or password?"),
    ],
)
def test_refused_logins_are_explained(code: int, kind: type[LinkError], words: str) -> None:
    with _server(connack=bytes([0x20, 2, 0, code])) as url:
        error = _error_of(f"{url}/a?unit=W")
    assert type(error) is kind
    assert words in str(error)


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (0x01, RefusedError, "unsupported protocol version; try the option version"),
        (0x86, RefusedError, "wrong user or password?"),
        (0x89, LinkError, "server busy"),
        (0x8A, RefusedError, "banned"),
    ],
)
def test_refused_logins_are_explained_in_version_5(
    code: int, kind: type[LinkError], words: str
) -> None:
    with _server(connack=bytes([0x20, 3, 0, code, 0]), hangs_up=True) as url:
        error = _error_of(f"{url}/a?unit=W&version=5")
    assert type(error) is kind
    assert words in str(error)


def test_a_refused_subscription_is_refused() -> None:
    with _server(granted=0x80) as url:
        error = _error_of(f"{url}/a?unit=W")
    assert isinstance(error, RefusedError)
    assert "refuses the subscription to a" in str(error)


def test_a_refused_subscription_has_the_reason_in_version_5() -> None:
    with _server(connack=b"\x20\x03\x00\x00\x00", granted=0x87) as url:
        error = _error_of(f"{url}/a?unit=W&version=5")
    assert isinstance(error, RefusedError)
    assert "Not authorized" in str(error)


def test_another_client_with_our_name_is_reported() -> None:
    with _server(b"\xe0\x02\x8e\x00", connack=b"\x20\x03\x00\x00\x00") as url:
        error = _error_of(f"{url}/a?unit=W&version=5")
    assert type(error) is LinkError
    assert "another client has connected with our client_id" in str(error)


def test_an_unreachable_or_silent_broker_is_a_link_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "_ANSWER_S", 0.2)
    with _server(connack=b"HTTP/1.1 400 Bad Request\r\n\r\n") as url:
        error = _error_of(f"{url}/a?unit=W")
    assert type(error) is LinkError
    assert "is it MQTT without TLS?" in str(error)


@given(st.binary(max_size=60))
def test_invalid_bytes_are_a_lost_connection(noise: bytes) -> None:
    with _server(noise, _publish("a", b"1"), hangs_up=True) as url:
        feed = open_feed(Address.parse(f"{url}/a?unit=W"))
        with pytest.raises(LinkError):
            read_feed(feed, 1000)
        feed.close()


def test_a_silent_topic_causes_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "_SILENCE_S", 0.05)
    with _server() as url:
        warning = _items(f"{url}/plug?preset=tasmota-energy", _is_warning)[-1]
    assert isinstance(warning, Notice)
    assert (
        "nothing has arrived on tele/plug/SENSOR for 0.05 s; is the topic correct" in warning.text
    )
    assert "TelePeriod" in warning.text


def test_the_warning_names_the_numbers_that_arrive_instead_of_power(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mqtt, "_SILENCE_S", 0.05)
    with _server(_publish("tele/x/SENSOR", b'{"Time":"t","MT175":{"E_in":1.5,"P":7}}')) as url:
        warning = _items(f"{url}/x?preset=tasmota-sml", _is_warning)[-1]
    assert isinstance(warning, Notice)
    assert "SML.Power_curr is missing; it contains MT175.E_in, MT175.P" in warning.text
