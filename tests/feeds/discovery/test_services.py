"""Tests of the feeds of announced services: the URL of each is one that its feed accepts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.feeds.address import Address, Credentials, Secret
from streamer.feeds.discovery import Announcement
from streamer.feeds.discovery.services import SERVICES, found
from streamer.feeds.registry import open_feed
from tests.feeds.discovery import announcing
from tests.feeds.discovery.announcing import Device


def _announced(device: Device, **properties: str) -> Announcement:
    return Announcement(
        service=device.service,
        name=device.name,
        host=f"{device.name.lower()}.local",
        address=device.address,
        port=device.port,
        properties={**device.properties, **properties},
    )


@pytest.mark.parametrize(
    ("device", "kind", "url"),
    [
        (announcing.HOMEWIZARD, "HomeWizard P1 meter HWE-P1", "homewizard://192.168.1.20"),
        (
            announcing.HOMEWIZARD_V2,
            "HomeWizard P1 meter HWE-P1, API v2",
            "homewizard://192.168.1.20?api=2&insecure=1",
        ),
        (
            announcing.SHELLY,
            "Shelly Pro3EM (Gen2)",
            "shelly://192.168.1.20?component=em&id=0",
        ),
        (
            announcing.SHELLY_GEN1,
            "Shelly (Gen1)",
            "shelly://192.168.1.20?gen=1&component=em",
        ),
        (
            announcing.HOME_ASSISTANT,
            "Home Assistant 2024.3.3",
            "hass://192.168.1.20:8123/sensor.power",
        ),
        (
            announcing.ESPHOME,
            "ESPHome 2024.3.0",
            "http://192.168.1.20/sensor.power#path=value&unit=W",
        ),
        (announcing.BROKER, "MQTT broker", "mqtt://192.168.1.20/TOPIC?unit=W"),
        (
            Device("_secure-mqtt._tcp", "Mosquitto", 8883),
            "MQTT broker with TLS",
            "mqtts://mosquitto.local/TOPIC?unit=W",
        ),
    ],
)
def test_the_url_of_a_device_is_one_that_its_feed_accepts(
    device: Device, kind: str, url: str
) -> None:
    device_found = found(_announced(device))
    assert device_found is not None
    assert (device_found.kind, device_found.url) == (kind, url)
    open_feed(Address.parse(url, Credentials(token=Secret("token")))).close()


@pytest.mark.parametrize(
    ("app", "query"),
    [
        ("Pro3EM", "?component=em&id=0"),
        ("ProEM", "?component=em1&id=0"),
        ("EMG3", "?component=em1&id=0"),
        ("PlusPMMini", "?component=pm1&id=0"),
        ("MiniPMG3", "?component=pm1&id=0"),
        ("Plus1PM", "?component=switch&id=0"),
        ("Mini1PMG3", "?component=switch&id=0"),
        ("PlusPlugS", "?component=switch&id=0"),
        ("PlusHT", ""),
        ("", ""),
    ],
)
def test_the_component_of_a_shelly_follows_from_its_model(app: str, query: str) -> None:
    shelly = found(_announced(announcing.SHELLY, app=app))
    assert shelly is not None
    assert shelly.url == f"shelly://192.168.1.20{query}"
    assert shelly.advice


def test_a_homewizard_whose_api_is_off_says_so() -> None:
    ready = found(_announced(announcing.HOMEWIZARD))
    off = found(_announced(announcing.HOMEWIZARD, api_enabled="0"))
    assert ready is not None
    assert off is not None
    assert (ready.advice, off.advice) == ("", 'switch on "Local API" in its app first')


@pytest.mark.parametrize(
    "announced",
    [
        _announced(announcing.HOMEWIZARD, product_type="HWE-WTR"),
        _announced(announcing.HOMEWIZARD_V2, product_type="HWE-BAT"),
    ],
)
def test_what_measures_something_else_has_no_url(announced: Announcement) -> None:
    device = found(announced)
    assert device is not None
    assert device.url is None
    assert device.advice.startswith("it measures")


@pytest.mark.parametrize(
    "announced",
    [
        Announcement("_http._tcp", "printer", "printer.local", "10.0.0.3", 80),
        Announcement("_http._tcp", "shellyht-123456", "shellyht.local", "10.0.0.3", 80),
        Announcement("_http._tcp", "shellyem3-1", "s.local", "10.0.0.3", 80, {"gen": "2"}),
        Announcement("_ipp._tcp", "printer", "printer.local", "10.0.0.3", 631),
    ],
)
def test_other_services_are_left_out(announced: Announcement) -> None:
    assert found(announced) is None


def test_home_assistant_with_tls_and_unusual_ports() -> None:
    hass = found(_announced(announcing.HOME_ASSISTANT, internal_url="https://hass.home"))
    broker = found(replace(_announced(announcing.BROKER), port=1884, address="[fd00::1]"))
    assert hass is not None
    assert broker is not None
    assert hass.url == "hass://192.168.1.20:8123/sensor.power?tls=1"
    assert broker.url == "mqtt://[fd00::1]:1884/TOPIC?unit=W"
    assert broker.address == "[fd00::1]:1884"


@given(
    service=st.sampled_from(SERVICES),
    name=st.text(),
    host=st.text(),
    properties=st.dictionaries(
        st.sampled_from(["product_name", "product_type", "app", "gen", "version", "location_name"]),
        st.text(),
    ),
)
def test_no_text_of_a_device_breaks_a_line_or_reaches_the_command(
    service: str, name: str, host: str, properties: dict[str, str]
) -> None:
    device = found(Announcement(service, name, host, "10.0.0.3", 80, properties))
    if device is None:
        return
    assert all(text.isprintable() for text in (device.name, device.kind, device.host))
    if device.url is not None:
        assert not set(device.url) & set("'\" $`\\;|<>")
        assert device.url.isascii()
