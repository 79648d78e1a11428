from __future__ import annotations

import re

import pytest

from streamer.feeds import FeedKind
from streamer.feeds.address import Address
from streamer.feeds.advice import Advice
from streamer.feeds.registry import load_kind, schemes


def _advice(url: str) -> Advice:
    address = Address.parse(url)
    return Advice.of(load_kind(address.scheme), address)


@pytest.mark.parametrize(
    ("url", "unit"),
    [
        ("mqtt://broker/topic?unit=kW", "if the meter sends W, give unit=W"),
        ("mqtt://broker/topic?unit=W", ""),
        ("mqtt://broker/plug?preset=tasmota-energy", ""),
        ("stdin:?unit=kWh", "if the meter sends Wh, give unit=Wh"),
        ("homewizard://meter", ""),
        ("modbus://meter?preset=sdm630", ""),
        ("modbus://meter?register=52&unit=W", "check register, type and word_order"),
    ],
)
def test_advice_about_values_that_are_too_large(url: str, unit: str) -> None:
    assert _advice(url).unit == unit


@pytest.mark.parametrize(
    ("url", "pace"),
    [
        ("homewizard://meter", ""),
        ("homewizard://meter?every=300", "give every=10"),
        ("http://meter/#unit=W&every=61", "give every=10"),
        ("http://meter/#unit=W&every=60", ""),
        ("mqtt://broker/plug?preset=tasmota-energy", ""),
    ],
)
def test_advice_about_values_that_are_too_rare(url: str, pace: str) -> None:
    assert _advice(url).pace == pace


@pytest.mark.parametrize("scheme", schemes())
@pytest.mark.parametrize("options", ["unit=kW", "unit=kWh", "every=100", "register=1"])
def test_no_option_is_advised_that_the_feed_does_not_take(scheme: str, options: str) -> None:
    separator = "#" if scheme in ("http", "https") else "?"
    advice = _advice(f"{scheme}://host/path{separator}{options}")
    named = re.findall(r"\b(\w+)=", f"{advice.unit} {advice.pace}")
    assert set(named) <= set(load_kind(scheme).options)


def test_a_feed_may_be_said_to_send_changes_only_if_it_takes_that() -> None:
    kind = FeedKind("test", "x://y", lambda address: None, {"every": "seconds, or change"})
    advice = Advice.of(kind, Address.parse("x://y"))
    assert advice.pace == "if it sends changes only, give every=change"
    for options in ("every=120", "every=change", "preset=meter"):
        assert Advice.of(kind, Address.parse(f"x://y?{options}")) == Advice()
