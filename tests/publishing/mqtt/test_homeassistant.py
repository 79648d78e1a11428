"""The entities in a real Home Assistant, of `streamer watch` as people run it.

They take some eight minutes, and are run by hand; CONTRIBUTING.md has the steps.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.feeds.broker import MISSING, Broker, running
from tests.feeds.hass.realhass import RealHomeAssistant, find_hass
from tests.publishing.mqtt.listener import Listener, listening
from tests.publishing.mqtt.test_command import is_connected, watching, write_minutes

pytestmark = [
    pytest.mark.homeassistant,
    pytest.mark.mosquitto,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
    pytest.mark.skipif(
        "STREAMER_TEST_HASS" not in os.environ,
        reason="needs Home Assistant: STREAMER_TEST_HASS=/path/to/hass, or =install",
    ),
]

POWER, NEXT, MEAN, CONNECTED = (
    "sensor.streamer_house_power",
    "sensor.streamer_house_next",
    "sensor.streamer_house_mean_15",
    "binary_sensor.streamer_house_connected",
)
MINUTES = 55
EXPIRY_S = 130.0
"""Seconds after which a value is unavailable by itself, with the default allowed lateness."""

PER_DEVICE = "?discovery_payload=device"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture(scope="module")
def home(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHomeAssistant]:
    hass = find_hass(os.environ["STREAMER_TEST_HASS"])
    home = RealHomeAssistant(hass, tmp_path_factory.mktemp("hass"))
    try:
        home.start()
        home.add_mqtt(broker.port)
        yield home
    finally:
        home.stop()


@pytest.fixture(scope="module", autouse=True)
def _no_complaints(home: RealHomeAssistant) -> Iterator[None]:
    """Its log has neither an error nor a warning about what was published."""
    yield
    about_us = ("streamer", "template", "mqtt.entity", "mqtt.mixins", "mqtt.discovery")
    # When a device was given up and is then removed, as it asks for, it warns of that all the same.
    expected = "No device components to cleanup"
    found = [line for line in home.log() if any(part in line for part in about_us)]
    assert [line for line in found if expected not in line] == []


@contextmanager
def published(
    broker: Broker, folder: Path, options: str = "", *further: str
) -> Iterator[subprocess.Popen[bytes]]:
    """A watch that publishes forecasts of the present."""
    url = f"mqtt://localhost:{broker.port}/streamer{options}"
    with (
        listening(broker.port) as heard,
        watching(folder, "--publish", url, *further, within_s=400.0) as child,
    ):
        heard.until(lambda: is_connected(heard), 60.0)
        write_minutes(folder, MINUTES)
        heard.until(lambda: _is_fresh(heard), 60.0)
        yield child


@contextmanager
def continued(folder: Path) -> Iterator[None]:
    """Samples of the present for the time of the block, one a second."""
    ended = threading.Event()

    def write() -> None:
        while not ended.wait(1.0):
            sample = {"time": datetime.now(UTC).isoformat(), "power": 0.3}
            with (folder / "meter.log").open("a") as log:
                log.write(json.dumps(sample) + "\n")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _is_fresh(heard: Listener) -> bool:
    found = heard.of("streamer/house/entities")
    return bool(found) and found[-1].json["next"] is not None


def until(condition: Callable[[], bool], what: str, within_s: float) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {within_s:g} s"
        time.sleep(0.2)


def _is_there(home: RealHomeAssistant, entity: str = NEXT) -> bool:
    return home.state(entity) not in (None, "unavailable", "unknown")


def _is_away(home: RealHomeAssistant, entity: str = NEXT) -> bool:
    return home.state(entity) == "unavailable"


def _ours(home: RealHomeAssistant) -> dict[str, str]:
    return {name: state for name, state in home.entities().items() if ".streamer_" in name}


def test_entities_appear_with_the_published_values(
    home: RealHomeAssistant, broker: Broker, tmp_path: Path
) -> None:
    with listening(broker.port) as heard, published(broker, tmp_path):
        until(lambda: _is_there(home) and _is_there(home, POWER), "states", 30.0)
        found = _ours(home)
        values = heard.of("streamer/house/entities")[-1].json
        assert len(found) == len(values) - 1 + 2  # the attributes; the power and the connection
        for name, state in found.items():
            key = name.split("streamer_house_")[1]
            if (value := values.get(key)) is None:
                assert key in ("power", "connected") or state == "unknown"
            elif name.startswith("binary_sensor."):
                assert state == value.lower()
            else:
                assert float(state) == pytest.approx(value, abs=5e-4)
        assert float(found[POWER]) == 0.3
        assert found[CONNECTED] == "on"
        attributes = home.attributes(MEAN)
        assert attributes["unit_of_measurement"] == "kW"
        assert attributes["device_class"] == "power"
        assert attributes["friendly_name"] == "House Next 15 minutes"
        assert attributes["high_kw"] == values["attributes"]["mean_15"]["high_kw"]
        assert home.attributes("sensor.streamer_house_skill")["settled"] > 0


def test_a_kill_makes_them_unavailable_and_a_start_brings_them_back(
    home: RealHomeAssistant, broker: Broker, tmp_path: Path
) -> None:
    with published(broker, tmp_path) as child:
        until(lambda: _is_there(home), "a state", 30.0)
        child.send_signal(signal.SIGKILL)
        until(lambda: set(_ours(home).values()) == {"unavailable"}, "the last will", 5.0)
    (tmp_path / "meter.log").unlink()
    with published(broker, tmp_path):
        until(lambda: _is_there(home), "a state", 30.0)


def test_a_restart_of_the_broker_is_survived(
    home: RealHomeAssistant, broker: Broker, tmp_path: Path
) -> None:
    with published(broker, tmp_path), continued(tmp_path):
        until(lambda: _is_there(home), "a state", 30.0)
        broker.kill()
        until(lambda: _is_away(home), "the loss", 10.0)
        broker.start()
        until(lambda: _is_there(home), "a state", 60.0)


def test_a_restart_of_home_assistant_is_survived(
    home: RealHomeAssistant, broker: Broker, tmp_path: Path
) -> None:
    with published(broker, tmp_path), continued(tmp_path):
        until(lambda: _is_there(home), "a state", 30.0)
        home.stop()
        home.start()
        until(lambda: _is_there(home), "a state", 30.0)


def test_an_entity_that_is_no_longer_published_is_removed(
    home: RealHomeAssistant, broker: Broker, tmp_path: Path
) -> None:
    with published(broker, tmp_path):
        until(lambda: _is_there(home, MEAN), "a state", 30.0)
    (tmp_path / "meter.log").unlink()
    with published(broker, tmp_path, "", "--horizons", "5"):
        until(lambda: home.state(MEAN) is None, "the removal", 30.0)
        until(lambda: _is_there(home), "a state", 30.0)


def test_a_silent_meter_is_unavailable_and_reported(
    home: RealHomeAssistant, broker: Broker, tmp_path: Path
) -> None:
    with published(broker, tmp_path):
        until(lambda: _is_there(home), "a state", 30.0)
        until(lambda: _is_away(home), "its staleness", EXPIRY_S)
        assert home.state(CONNECTED) in ("on", "off")


def test_a_value_expires_even_if_neither_program_nor_broker_reports_it(
    home: RealHomeAssistant, broker: Broker, tmp_path: Path
) -> None:
    """A program that hangs, with a broker that does not expect to hear of it."""
    with published(broker, tmp_path, "?keepalive=10000") as child:
        until(lambda: _is_there(home), "a state", 30.0)
        child.send_signal(signal.SIGSTOP)
        until(lambda: _is_away(home), "its expiry", EXPIRY_S + 5.0)
        assert home.state(CONNECTED) == "on"
        child.send_signal(signal.SIGCONT)


def test_the_form_of_the_announcement_can_be_changed_both_ways(
    home: RealHomeAssistant, broker: Broker, tmp_path: Path
) -> None:
    if home.version() < (2024, 11):
        pytest.skip("this Home Assistant does not know devices")
    with published(broker, tmp_path):
        until(lambda: _is_there(home), "a state", 30.0)
        before = set(_ours(home))
    single = "homeassistant/sensor/streamer_house/next/config"
    device = "homeassistant/device/streamer_house/config"
    for options, replaced in ((PER_DEVICE, single), ("", device)):
        (tmp_path / "meter.log").unlink()
        with listening(broker.port) as heard, published(broker, tmp_path, options):
            heard.until(lambda topic=replaced: heard.last(topic) == "", 30.0)
            until(lambda: _is_there(home) and _is_there(home, POWER), "states", 30.0)
            assert set(_ours(home)) == before
