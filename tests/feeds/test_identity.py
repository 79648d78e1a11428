"""Tests of what makes two addresses those of one meter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.feeds.address import Address, Credentials, Secret
from streamer.feeds.identity import identity
from streamer.feeds.registry import load_kind, schemes


def of(url: str) -> str:
    return identity(Address.parse(url))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mqtt://broker/a?unit=W", "mqtt://broker/a?unit=kW&qos=1"),
        ("mqtt://me:swordfish@broker/a?unit=W", "mqtt://you@broker/a?unit=W"),
        ("shelly://10.0.0.2?id=1&component=em1", "shelly://10.0.0.2?component=em1&id=1&every=1"),
        ("http://m/s?id=0#path=p&unit=W", "http://m/s?id=0#unit=W&path=p&every=9&timeout=3"),
        ("http://m/s?id=0&apikey=a#path=p&unit=W", "http://m/s?apikey=b&id=0#path=p&unit=W"),
        ("dsmr:///dev/ttyUSB0", "dsmr:///dev/ttyUSB0?baud=9600&mode=7E1"),
        ("modbus://m?register=52&type=int16", "modbus://m?register=52&type=int32&scale=10"),
        ("tail:house.log?unit=W", "tail:house.log?unit=W&from=start"),
        ("hass://house/sensor.power", "hass://house/sensor.power?insecure=1&sign=export"),
        ("mqtt://broker/a", "mqtt://Broker:1883/a"),
        ("homewizard://10.0.0.2", "homewizard://10.0.0.2:80/"),
        ("mqtt://h/a?solar=b", "mqtt://h/a?solar=b&solar_unit=kW&solar_sign=consumption"),
        ("mqtt://h/a?solar=b", "mqtt://h/a?solar=b&solar_scale=2&solar_every=9&solar_time=t"),
    ],
)
def test_how_a_value_is_read_does_not_make_another_meter(one: str, other: str) -> None:
    assert of(one) == of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("mqtt://broker/a?unit=W", "mqtt://broker/b?unit=W"),
        ("mqtt://broker/a?unit=W", "mqtt://other/a?unit=W"),
        ("mqtt://broker/a?path=p&unit=W", "mqtt://broker/a?path=q&unit=W"),
        ("mqtt://broker/a?unit=W", "mqtt://broker/a?unit=W&minus_topic=b"),
        ("shelly://10.0.0.2", "shelly://10.0.0.3"),
        ("shelly://10.0.0.2", "shelly://10.0.0.2?component=em1"),
        ("shelly://10.0.0.2?id=0", "shelly://10.0.0.2?id=1"),
        ("http://m/s?id=0#path=p&unit=W", "http://m/s?id=1#path=p&unit=W"),
        ("http://m/s?id=0#path=p&unit=W", "http://m/s?id=0#path=q&unit=W"),
        ("modbus://m?preset=sdm630&device=1", "modbus://m?preset=sdm630&device=2"),
        ("modbus://m?register=52", "modbus://m?register=53"),
        ("sml://bridge:5001", "sml://bridge:5002"),
        ("hass://house/sensor.power", "hass://house/sensor.power_2"),
        ("homewizard://10.0.0.2", "shelly://10.0.0.2"),
        ("mqtt://broker/a", "mqtt://broker/a?solar=b"),
        ("mqtt://broker/a?solar=b", "mqtt://broker/a?solar=b&solar_path=p"),
        ("modbus://m?register=5&solar=6", "modbus://m?register=5&solar=6&solar_device=2"),
    ],
)
def test_what_is_measured_makes_another_meter(one: str, other: str) -> None:
    assert of(one) != of(other)


@given(st.text(min_size=1).filter(lambda text: text.isprintable()))
def test_secrets_are_never_in_it(secret: str) -> None:
    address = Address.parse("hass://me:swordfish@house/sensor.power")
    hidden = identity(address)
    credentials = Credentials(user=secret, password=Secret(secret), token=Secret(secret))
    assert identity(Address("hass", "house", path="/sensor.power", credentials=credentials)) == (
        hidden
    )


@pytest.mark.parametrize(
    "query",
    [
        "apikey=swordfish",
        "access_token=swordfish",
        "q=swordfish-swordfish-swordfish",
        "pw=1&PASSWORD=swordfish",
    ],
)
def test_a_secret_in_a_web_query_is_not_in_it(query: str) -> None:
    assert "swordfish" not in of(f"http://meter/status?{query}#path=power&unit=W")


def test_long_values_of_a_web_query_still_count() -> None:
    one, other = (of(f"http://meter/s?device={letter * 40}#unit=W") for letter in "ab")
    assert one != other
    assert "a" * 25 not in one


@pytest.mark.parametrize("scheme", schemes())
def test_each_example_has_a_printable_identity(scheme: str) -> None:
    text = of(load_kind(scheme).example)
    assert ":" in text
    assert text.isprintable()
