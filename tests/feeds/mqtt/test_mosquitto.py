"""MQTT with a real broker: mosquitto, as Debian packs it."""

from __future__ import annotations

import gc
import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from streamer.errors import LinkError, RefusedError
from streamer.feeds import Feed, mqtt
from streamer.feeds.address import Address
from streamer.feeds.registry import open_feed
from streamer.readings import Link, Notice, Sample
from streamer.testing import check_source, read_feed
from tests.feeds.broker import MISSING, PASSWORD, USER, Broker, running

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]

VERSIONS = pytest.mark.parametrize("version", [3, 5])


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running(tmp_path_factory.mktemp("open")) as broker:
        yield broker


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running(tmp_path_factory.mktemp("guarded"), users=True) as broker:
        yield broker


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running(tmp_path_factory.mktemp("encrypted"), tls=True) as broker:
        yield broker


@pytest.fixture
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker to be killed."""
    with running(tmp_path_factory.mktemp("mortal")) as broker:
        yield broker


def _subscribed(url: str) -> Feed:
    """A feed that has connected."""
    feed = open_feed(Address.parse(url))
    while not any(isinstance(item, Link) for item in _read(feed)):
        pass
    return feed


def _read(feed: Feed) -> list[object]:
    watchdog = threading.Timer(10.0, feed.close)
    watchdog.start()
    try:
        items = feed.read()
    finally:
        watchdog.cancel()
    assert items
    return list(items)


def _samples(feed: Feed, number: int) -> list[float]:
    return [item.kw for item in read_feed(feed, number) if isinstance(item, Sample)]


def _error_of(feed: Feed) -> LinkError:
    with pytest.raises(LinkError) as caught:
        read_feed(feed, 1000)
    assert str(caught.value).startswith(feed.name)
    assert PASSWORD not in str(caught.value)
    return caught.value


@VERSIONS
def test_numbers(broker: Broker, version: int) -> None:
    feed = _subscribed(f"mqtt://localhost:{broker.port}/home/power?unit=W&version={version}")
    broker.publish("home/another", "1")
    broker.publish("home/power", "250", "-1500.5")
    assert check_source(feed, samples=2) == [Sample(0.25), Sample(-1.5005)]


def test_json_with_a_time_and_what_cannot_be_read(broker: Broker) -> None:
    feed = _subscribed(f"mqtt://localhost:{broker.port}/j?unit=kW&path=p[0]&time=t&sign=export")
    broker.publish("j", b"\x00\xff", "{", '{"p":[]}', '{"p":[1.5],"t":1774745940}')
    items = read_feed(feed, 1)
    feed.close()
    assert [item.kind for item in items[:-1] if isinstance(item, Notice)] == ["malformed"] * 3
    assert items[-1] == Sample(-1.5, datetime(2026, 3, 29, 0, 59, tzinfo=UTC))


@pytest.mark.parametrize(
    ("url", "messages", "kw"),
    [
        ("plug?preset=tasmota-energy", {"tele/plug/SENSOR": '{"ENERGY":{"Power":[52,5]}}'}, 0.057),
        ("head?preset=tasmota-sml", {"tele/head/SENSOR": '{"SML":{"Power_curr":-89}}'}, -0.089),
        ("em?preset=shelly-em", {"em/status/em:0": '{"id":0,"total_act_power":410.2}'}, 0.4102),
        ("em?preset=shelly-em1", {"em/status/em1:0": '{"id":0,"act_power":41.5}'}, 0.0415),
        (
            "em?preset=shelly-rpc",
            {"em/events/rpc": '{"params":{"ts":1.5,"em:0":{"id":0,"total_act_power":7}}}'},
            0.007,
        ),
        ("plug?preset=zigbee2mqtt", {"zigbee2mqtt/plug": '{"power":24,"voltage":230}'}, 0.024),
        ("p?preset=statestream&unit=W", {"homeassistant/sensor/p/state": "321.0"}, 0.321),
        (
            "?preset=dsmr-reader",
            {
                "dsmr/reading/electricity_currently_delivered": "0.100",
                "dsmr/reading/electricity_currently_returned": "0.350",
            },
            -0.25,
        ),
        (
            "?preset=dsmr-reader-json",
            {
                "dsmr/json": '{"timestamp":"2026-03-01T12:00:00Z",'
                '"electricity_currently_delivered":"0.1","electricity_currently_returned":"0.35"}'
            },
            -0.25,
        ),
    ],
)
def test_presets(broker: Broker, url: str, messages: dict[str, str], kw: float) -> None:
    feed = _subscribed(f"mqtt://localhost:{broker.port}/{url}")
    for topic, payload in messages.items():
        broker.publish(topic, payload)
    assert _samples(feed, 1) == pytest.approx([kw])
    feed.close()


@VERSIONS
def test_a_retained_value_is_no_sample_but_is_subtracted(broker: Broker, version: int) -> None:
    broker.publish("solar", "350", retain=True)
    broker.publish("grid", "999", retain=True)
    feed = _subscribed(
        f"mqtt://localhost:{broker.port}/grid?unit=W&minus_topic=solar&version={version}"
    )
    broker.publish("grid", "100", retain=True)
    assert _samples(feed, 1) == [-0.25]
    feed.close()


@VERSIONS
def test_user_and_password(guarded: Broker, version: int) -> None:
    where = f"localhost:{guarded.port}/p?unit=W&version={version}"
    feed = _subscribed(f"mqtt://{USER}:{PASSWORD}@{where}")
    guarded.publish("p", "1")
    assert _samples(feed, 1) == [0.001]
    feed.close()
    for user, hint in ((f"{USER}:{PASSWORD[:-1]}@", "wrong user or password?"), ("", "it wants")):
        feed = open_feed(Address.parse(f"mqtt://{user}{where}"))
        error = _error_of(feed)
        feed.close()
        assert isinstance(error, RefusedError)
        assert hint in str(error)


@VERSIONS
def test_tls(encrypted: Broker, version: int) -> None:
    where = f"mqtts://localhost:{encrypted.port}/p?unit=W&version={version}"
    for option in (f"cafile={encrypted.cafile}", "insecure=yes"):
        feed = _subscribed(f"{where}&{option}")
        encrypted.publish("p", "2")
        assert _samples(feed, 1) == [0.002]
        feed.close()


def test_tls_without_check_is_said(encrypted: Broker) -> None:
    feed = open_feed(Address.parse(f"mqtts://localhost:{encrypted.port}/p?unit=W&insecure=yes"))
    warning = _read(feed)[0]
    feed.close()
    # It was closed while it connected: what that may leave behind is an error here.
    gc.collect()
    assert isinstance(warning, Notice)
    assert "the broker's certificate is not checked" in warning.text


def test_tls_that_is_not_to_be_trusted(encrypted: Broker, broker: Broker) -> None:
    for url, kind, words in (
        (f"localhost:{encrypted.port}/p?", RefusedError, "self-signed certificate"),
        (f"127.0.0.1:{encrypted.port}/p?cafile={encrypted.cafile}", RefusedError, "mismatch"),
        (f"localhost:{broker.port}/p?", LinkError, f"does it speak TLS at port {broker.port}?"),
    ):
        feed = open_feed(Address.parse(f"mqtts://{url}&unit=W"))
        error = _error_of(feed)
        feed.close()
        assert type(error) is kind
        assert words in str(error)


def test_a_tls_port_spoken_to_in_the_clear(
    encrypted: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "_ANSWER_S", 0.3)
    feed = open_feed(Address.parse(f"mqtt://localhost:{encrypted.port}/p?unit=W"))
    assert "does it speak MQTT there, without TLS?" in str(_error_of(feed))
    feed.close()


@VERSIONS
def test_goes_on_after_the_broker_was_killed(mortal: Broker, version: int) -> None:
    feed = _subscribed(f"mqtt://localhost:{mortal.port}/p?unit=W&version={version}")
    mortal.publish("p", "1")
    assert _samples(feed, 1) == [0.001]
    mortal.kill()
    error = _error_of(feed)
    assert type(error) is LinkError
    assert "the broker is gone: it has closed the connection" in str(error)
    error = _error_of(feed)
    assert type(error) is LinkError
    assert "Connection refused" in str(error)
    mortal.start()
    assert _read(feed) == [Link(Link.UP, "broker", "subscribed to p")]
    mortal.publish("p", "2")
    assert _samples(feed, 1) == [0.002]
    feed.close()


def test_a_broker_that_hangs(mortal: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt, "_ANSWER_S", 0.3)
    feed = _subscribed(f"mqtt://localhost:{mortal.port}/p?unit=W&keepalive=1")
    mortal.stop()
    assert "it does not answer any more" in str(_error_of(feed))
    assert "no answer from the broker" in str(_error_of(feed))
    feed.close()


@VERSIONS
def test_the_broker_keeps_messages_while_we_are_away(broker: Broker, version: int) -> None:
    url = (
        f"mqtt://localhost:{broker.port}/kept{version}?unit=W&path=p&time=t&version={version}"
        f"&client_id=test{version}&session=60"
    )
    _subscribed(url).close()
    start = datetime(2026, 3, 1, tzinfo=UTC)
    times = [start + timedelta(seconds=second) for second in range(5)]
    for number, at in enumerate(times):
        message = json.dumps({"p": number, "t": at.isoformat()})
        broker.publish(f"kept{version}", message, qos=1)
    feed = _subscribed(url)
    samples = [item for item in read_feed(feed, 5) if isinstance(item, Sample)]
    feed.close()
    assert samples == [Sample(number / 1e3, at) for number, at in enumerate(times)]


def test_a_topic_that_we_may_not_read(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    # mosquitto takes the subscription all the same, and sends nothing.
    folder = tmp_path_factory.mktemp("denied")
    (folder / "acl").write_text("topic read allowed/#\ntopic write #\n")
    monkeypatch.setattr(mqtt, "_SILENCE_S", 0.2)
    with running(folder, options=[f"acl_file {folder / 'acl'}"]) as broker:
        feed = _subscribed(f"mqtt://localhost:{broker.port}/denied?unit=W")
        broker.publish("denied", "1")
        (warning,) = _read(feed)
        feed.close()
    assert isinstance(warning, Notice)
    assert "nothing has come on denied" in warning.text
    assert "are we allowed to read it?" in warning.text


def test_a_burst_is_read_in_full_and_in_order(broker: Broker) -> None:
    feed = _subscribed(f"mqtt://localhost:{broker.port}/burst?unit=kW")
    broker.publish_lines("burst", map(str, range(2000)))
    start = time.monotonic()
    assert _samples(feed, 2000) == list(range(2000))
    feed.close()
    assert time.monotonic() - start < 5.0
