"""Tests of `streamer find`, with devices that zeroconf announces on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.util import find_spec
from unittest.mock import patch

import pytest

from tests.commandline import Done, streamer

if find_spec("zeroconf") is None:
    pytest.skip("zeroconf is not installed", allow_module_level=True)

from tests.feeds.discovery import announcing
from tests.feeds.discovery.announcing import LOOPBACK

# Loopback is one network for all processes: a device of one test is announced to every other.
pytestmark = pytest.mark.xdist_group("loopback")

SECONDS = "1.5"
"""Enough on a busy machine, too: a device waits up to 0.12 s before it answers."""


@pytest.fixture
def house() -> Iterator[None]:
    devices = (
        announcing.HOMEWIZARD,
        announcing.SHELLY,
        announcing.SHELLY_GEN1,
        announcing.HOME_ASSISTANT,
        announcing.ESPHOME,
        announcing.BROKER,
        announcing.Device("_http._tcp", "printer", 80),
    )
    with announcing.announcing(devices):
        yield


def _find(*arguments: str, seconds: str = SECONDS) -> Done:
    return streamer("find", "--interface", LOOPBACK, "--seconds", seconds, *arguments)


@pytest.mark.usefixtures("house")
def test_each_device_is_found_with_the_command_that_watches_it() -> None:
    done = _find()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "Meter reader: ESPHome 2024.3.0 at 192.168.1.20:6053 (meter-reader.local)\n"
        "  streamer watch 'http://192.168.1.20/sensor.power#path=value&unit=W'\n"
        "  put the sensor's id for POWER; needs web_server in its configuration. Otherwise read "
        "it through MQTT or Home Assistant\n"
        "Home: Home Assistant 2024.3.3 at 192.168.1.20:8123 (home.local)\n"
        "  streamer watch 'hass://192.168.1.20:8123/sensor.power'\n"
        "  put the entity of the grid power for sensor.power; needs a token: --token-file, or "
        "STREAMER_TOKEN\n"
        "shellyem3-244CAB41A9E1: Shelly (Gen1) at 192.168.1.20:80 "
        "(shellyem3-244cab41a9e1.local)\n"
        "  streamer watch 'shelly://192.168.1.20?gen=1&component=em'\n"
        "  component= and id= are a guess from its model\n"
        "p1meter-AABBCC: HomeWizard P1 meter HWE-P1 at 192.168.1.20:80 (p1meter-aabbcc.local)\n"
        "  streamer watch 'homewizard://192.168.1.20'\n"
        "Mosquitto: MQTT broker at 192.168.1.20:1883 (mosquitto.local)\n"
        "  streamer watch 'mqtt://192.168.1.20/TOPIC?unit=W'\n"
        "  put the topic for TOPIC; instead of unit=, a preset may suit (streamer sources mqtt)\n"
        "shellypro3em-a0dd6c9f4d5c: Shelly Pro3EM (Gen2) at 192.168.1.20:80 "
        "(shellypro3em-a0dd6c9f4d5c.local)\n"
        "  streamer watch 'shelly://192.168.1.20?component=em&id=0'\n"
        "  component= and id= are a guess from its model\n"
    )


@pytest.mark.usefixtures("house")
def test_as_json_there_is_an_object_a_line() -> None:
    devices = [json.loads(line) for line in _find("--format", "json").stdout.splitlines()]
    assert len(devices) == 6
    assert devices[3] == {
        "name": "p1meter-AABBCC",
        "kind": "HomeWizard P1 meter HWE-P1",
        "host": "p1meter-aabbcc.local",
        "address": "192.168.1.20:80",
        "url": "homewizard://192.168.1.20",
        "advice": "",
    }


def test_nothing_found_is_no_failure_but_explained() -> None:
    done = _find("--format", "json", seconds="0.4")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("streamer: nothing announced itself within 0.4 s; a firewall")


def test_an_address_of_another_machine_is_wrong_usage() -> None:
    done = streamer("find", "--interface", "192.0.2.1")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "streamer: error: --interface 192.0.2.1: this machine does not have this address\n"
    )


def test_without_a_network_one_line_says_so() -> None:
    with patch("zeroconf.asyncio.AsyncZeroconf", side_effect=RuntimeError("no interfaces")):
        done = streamer("find")
    assert done.returncode == 1
    assert done.stderr == (
        "streamer: error: the network cannot be searched: this machine is in none\n"
    )


def test_an_address_that_is_none_is_wrong_usage() -> None:
    done = streamer("find", "--interface", "localhost")
    assert done.returncode == 2
    assert "--interface" in done.stderr


def test_without_zeroconf_the_extra_is_named() -> None:
    with patch.dict("sys.modules", {"zeroconf": None}):
        done = streamer("find")
    assert done.returncode == 2
    assert "find" in done.stderr
    assert "needs an extra" in done.stderr
