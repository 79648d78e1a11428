"""Publication over MQTT to a real broker: mosquitto as packaged by Debian."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from streamer.feeds.address import Secret
from streamer.publishing import WatchedMeter
from streamer.publishing.background import Background
from streamer.publishing.mqtt.publisher import MqttPublisher
from streamer.publishing.mqtt.settings import read_settings
from streamer.readings import Notice, Step
from streamer.sinks.items import About
from tests.feeds.broker import MISSING, PASSWORD, USER, Broker, free_port, running
from tests.publishing.mqtt.listener import Listener, listening
from tests.publishing.mqtt.made import HOUSE, START, heard_at, steps

pytestmark = [
    pytest.mark.mosquitto,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]

VERSIONS = pytest.mark.parametrize("version", [3, 5])
ABOUT = About("meter", "homes")
MINUTES = "streamer/house/minute"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running(tmp_path_factory.mktemp("open")) as broker:
        yield broker


@pytest.fixture
def disposable_broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker that a test may kill."""
    with running(tmp_path) as broker:
        yield broker


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamer.publishing.mqtt.publisher._RETAINED_S", 0.05)


class Published:
    """A publisher in the background, with the clock of the stream that it is given."""

    def __init__(self, background: Background, meter: WatchedMeter, told: list[Notice]) -> None:
        self.sink = background.sink(meter)
        self.told = told
        self.now = START
        self._changed = threading.Condition()
        background.report_to(self._tell)

    def give(self, *items: Step | About) -> None:
        for item in items:
            if isinstance(item, Step):
                self.now = heard_at(item)
            self.sink.write(item)

    def texts(self) -> list[str]:
        with self._changed:
            return [notice.text for notice in self.told]

    def until_told(self, part: str, within_s: float = 20.0) -> Notice:
        """Wait for a notice with a text, and return it."""

        def found() -> Notice | None:
            return next((each for each in self.told if part in each.text), None)

        with self._changed:
            assert self._changed.wait_for(lambda: found() is not None, within_s), self.told
            notice = found()
        assert notice is not None
        return notice

    def _tell(self, notice: Notice) -> None:
        with self._changed:
            self.told.append(notice)
            self._changed.notify_all()


@contextmanager
def publishing(
    url: str, *, meter: WatchedMeter = HOUSE, password: str | None = None
) -> Iterator[Published]:
    """A publication that is closed at the end of the block."""
    settings = read_settings(url, Secret(password) if password else None, where="--publish")
    told: list[Notice] = []
    made: list[Published] = []

    def now() -> datetime:
        return made[0].now if made else START

    background = Background(
        lambda report: [MqttPublisher(settings, report, now=now)], now=now, retry_s=(0.05,)
    )
    made.append(Published(background, meter, told))
    background.start()
    try:
        yield made[0]
    finally:
        background.close()


def _minutes(listener: Listener) -> list[str]:
    return [each.json["at"] for each in listener.of(MINUTES)]


def _has(listener: Listener, topic: str, payload: str | None = None) -> Callable[[], bool]:
    if payload is None:
        return lambda: bool(listener.of(topic))
    return lambda: listener.last(topic) == payload


@VERSIONS
def test_states_minutes_and_announcements_arrive(broker: Broker, version: int) -> None:
    url = f"mqtt://localhost:{broker.port}/v{version}?version={version}"
    with (
        listening(broker.port, f"v{version}/#", f"homeassistant/+/v{version}_house/#") as heard,
        publishing(url) as published,
    ):
        published.give(ABOUT, *steps(2))
        heard.until(_has(heard, f"v{version}/house/status", "online"))
        heard.until(lambda: len(heard.of(f"v{version}/house/minute")) == 2)
        heard.until(_has(heard, f"v{version}/status", "online"))
        assert f"homeassistant/sensor/v{version}_house/next/config" in heard.topics()
        assert not [each for each in heard.heard if each.retained]
    assert published.texts() == []


def test_a_late_subscriber_gets_announcements_and_availability_alone(broker: Broker) -> None:
    with publishing(f"mqtt://localhost:{broker.port}/late") as published:
        with listening(broker.port, "late/#") as heard:
            published.give(ABOUT, *steps(60))
            heard.until(lambda: len(heard.of("late/house/minute")) == 60)
            heard.until(_has(heard, "late/status", "online"))
        with listening(broker.port, "late/#", "homeassistant/+/late_house/#") as fresh:
            fresh.until(_has(fresh, "homeassistant/binary_sensor/late_house/unit/config"))
            fresh.until(_has(fresh, "late/status"))
            assert {each for each in fresh.topics() if "/config" not in each} == {"late/status"}
            assert all(each.retained for each in fresh.heard)


def test_the_end_marks_everything_as_offline(broker: Broker) -> None:
    with listening(broker.port, "end/#") as heard:
        with publishing(f"mqtt://localhost:{broker.port}/end") as published:
            published.give(ABOUT, *steps(2))
            heard.until(_has(heard, "end/status", "online"))
            published.give(steps(3)[2])
        heard.until(_has(heard, "end/status", "offline"))
        heard.until(_has(heard, "end/house/status", "offline"))
        assert len(heard.of("end/house/minute")) == 3


def test_each_minute_arrives_once_and_in_order_over_a_kill_of_the_broker(
    disposable_broker: Broker,
) -> None:
    broker, made = disposable_broker, steps(300)
    with publishing(f"mqtt://localhost:{broker.port}") as published:
        with listening(broker.port) as heard:
            published.give(ABOUT, *made[:100])
            heard.until(lambda: len(heard.of(MINUTES)) == 100)
        broker.kill()
        lost = published.until_told("the broker")
        assert lost.kind == Notice.WARNING
        published.give(*made[100:200])
        broker.start()
        with listening(broker.port) as again:
            again.until(lambda: len(again.of(MINUTES)) == 100)
            back = published.until_told("connected again")
            published.give(*made[200:])
            again.until(lambda: len(again.of(MINUTES)) == 200)
            again.until(_has(again, "streamer/status", "online"))
            assert "homeassistant/sensor/streamer_house/next/config" in again.topics()
    assert back == Notice(
        Notice.EVENT,
        f"mqtt://localhost:{broker.port}/streamer: connected again; 100 messages waited",
    )
    at = [step.reading.at.isoformat() for step in made]
    assert _minutes(heard) + _minutes(again) == at
    assert len([text for text in published.texts() if "connected again" not in text]) <= 2


def test_a_broker_that_hangs_is_left_and_what_it_has_not_confirmed_is_sent_again(
    disposable_broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streamer.publishing.mqtt.publisher._ANSWER_S", 0.4)
    broker, made = disposable_broker, steps(3)
    with (
        publishing(f"mqtt://localhost:{broker.port}") as published,
        listening(broker.port) as heard,
    ):
        published.give(ABOUT, *made[:2])
        heard.until(lambda: len(heard.of(MINUTES)) == 2)
        broker.stop()
        published.give(made[2])
        assert published.until_told("lost the broker").text.endswith(": it does not respond")
        broker.resume()
        heard.until(lambda: _minutes(heard)[-1:] == [made[2].reading.at.isoformat()])
    at = _minutes(heard)
    assert at == sorted(at)
    assert set(at) == {step.reading.at.isoformat() for step in made}


def test_a_broker_that_is_away_is_reported_once_and_what_waits_is_counted() -> None:
    port = free_port()
    with publishing(f"mqtt://localhost:{port}") as published:
        published.give(ABOUT, *steps(10))
        published.until_told("no connection to the broker")
        assert published.texts() == [
            f"mqtt://localhost:{port}/streamer: no connection to the broker: Connection refused"
        ]
    assert published.until_told("could not be published").text.endswith(
        ": 10 messages could not be published"
    )


def test_a_wrong_login_is_one_line_without_the_password(tmp_path: Path) -> None:
    with running(tmp_path, users=True) as broker:
        url = f"mqtt://{USER}@localhost:{broker.port}"
        with publishing(url, password=f"{PASSWORD}8") as published:
            text = published.until_told("login").text
        assert text == (
            f"mqtt://localhost:{broker.port}/streamer: the broker refuses the login: not "
            "authorized; wrong user or password?"
        )
        with (
            listening(broker.port, user=USER, password=PASSWORD) as heard,
            publishing(url, password=PASSWORD) as published,
        ):
            published.give(ABOUT)
            heard.until(_has(heard, "streamer/status", "online"))


def test_tls_needs_a_trusted_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(tmp_path, tls=True) as broker:
        url = f"mqtts://localhost:{broker.port}"
        with publishing(url) as published:
            assert "give cafile=, or insecure=yes" in published.until_told("not trusted").text
        with listening(broker.port, cafile=broker.cafile) as heard:
            with publishing(f"{url}?cafile={broker.cafile}") as published:
                published.give(ABOUT)
                heard.until(_has(heard, "streamer/status", "online"))
            with publishing(f"{url}?insecure=yes") as published:
                published.give(ABOUT)
                assert published.until_told("certificate is not checked").kind == Notice.WARNING
        monkeypatch.setattr("streamer.publishing.mqtt.publisher._ANSWER_S", 0.3)
        with publishing(url.replace("mqtts", "mqtt")) as published:
            assert "is it MQTT without TLS?" in published.until_told("no answer").text


def test_a_user_who_may_not_write_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker accepts messages that it drops: the protocol does not report it."""
    monkeypatch.setattr("streamer.publishing.mqtt.publisher._ECHO_S", 0.7)
    rules = tmp_path / "acl"
    rules.write_text("topic read #\n")
    with (
        running(tmp_path, options=[f"acl_file {rules}"]) as broker,
        publishing(f"mqtt://localhost:{broker.port}") as published,
    ):
        published.give(ABOUT)
        text = published.until_told("does not come back").text
    assert text.endswith("may this user write streamer/#?")


def test_two_publications_with_the_same_prefix_are_found(disposable_broker: Broker) -> None:
    url = f"mqtt://localhost:{disposable_broker.port}"
    with publishing(url) as first, listening(disposable_broker.port) as heard:
        first.give(ABOUT)
        heard.until(_has(heard, "streamer/status", "online"))
        with publishing(url) as second:
            second.give(ABOUT)
            text = first.until_told("closed the connection; ").text
    assert text.endswith("does another program use the client_id streamer-streamer?")


def test_what_home_assistant_no_longer_needs_is_removed_from_the_broker(
    disposable_broker: Broker,
) -> None:
    port = disposable_broker.port
    url, topic = f"mqtt://localhost:{port}", "homeassistant/sensor/streamer_house/mean_15/config"
    with publishing(url) as published, listening(port, topic) as heard:
        published.give(ABOUT, *steps(2))
        heard.until(_has(heard, topic))
    with (
        listening(port, topic) as heard,
        publishing(url, meter=replace(HOUSE, horizons=(5,))) as published,
    ):
        heard.until(lambda: any(each.retained for each in heard.of(topic)))
        published.give(ABOUT, *steps(2))
        heard.until(_has(heard, topic, ""))


def test_a_start_of_home_assistant_is_answered(disposable_broker: Broker) -> None:
    broker = disposable_broker
    config = "homeassistant/sensor/streamer_house/next/config"
    with (
        publishing(f"mqtt://localhost:{broker.port}") as published,
        listening(broker.port) as heard,
    ):
        published.give(ABOUT, *steps(2))
        heard.until(_has(heard, config))
        broker.publish("homeassistant/status", "online")
        heard.until(_has(heard, "homeassistant/status"))

        def is_answered() -> bool:
            published.now += timedelta(seconds=5)
            published.sink.write(ABOUT)
            return len(heard.of(config)) == 2

        heard.until(is_answered)
