"""Names and places of further channels, and values of several phases together."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.errors import UsageError
from streamer.feeds.address import Address
from streamer.feeds.values import Quantity, further_places, further_quantity, measure_of
from streamer.feeds.values.further import split_places
from streamer.feeds.values.malformed import MalformedError
from streamer.feeds.values.measures import MEASURES, POWER, words_for

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True).filter(
    lambda name: name not in ("power", "solar", "battery")
)
PLACES = st.from_regex(r"[a-z.]{1,4}(\[\"[a-z,:\]]{0,3}\"\])?[a-z.@/]{0,3}", fullmatch=True)


def address(channels: str, **options: str) -> Address:
    return Address("stdin", options={"channels": channels, **options})


@settings(max_examples=25)
@given(st.dictionaries(NAMES, st.lists(PLACES, unique=True, max_size=3), min_size=1, max_size=5))
def test_places_are_read_as_they_were_written(places: dict[str, list[str]]) -> None:
    text = ",".join(
        f"{name}:{place}" if place else name
        for name, each in places.items()
        for place in (each or [""])
    )
    assert further_places(address(text)) == {name: tuple(each) for name, each in places.items()}


@settings(max_examples=60)
@given(st.text("ab,:[\"\\]'", max_size=20))
def test_no_letter_is_lost_between_places(text: str) -> None:
    assert ",".join(split_places(text)) == text


@settings(max_examples=60)
@given(st.lists(st.one_of(st.just(0.0), st.floats(-400.0, 400.0)), min_size=1, max_size=4))
def test_phases_together(numbers: list[float]) -> None:
    connected = [number for number in numbers if number]
    volts = Quantity("V", channel="voltage").together(*numbers)
    amps = Quantity("A", channel="current").together(*numbers)
    assert amps == pytest.approx(math.fsum(numbers), abs=1e-9)
    mean = math.fsum(connected) / len(connected) if connected else 0.0
    assert volts == pytest.approx(mean, abs=1e-9)


def test_what_is_added_and_subtracted_again_leaves_nothing() -> None:
    numbers = (0.096, 2589.537, 2589.537)
    power = Quantity("W")
    assert power.together(*numbers, *(-number for number in numbers)) == 0.0
    assert power.together(1e308, 1e308) == math.inf
    assert math.isnan(power.together(math.inf, -math.inf))


def test_an_unknown_phase_makes_the_value_unknown() -> None:
    for name in ("voltage", "current"):
        assert math.isnan(Quantity(None, channel=name).together(230.0, math.nan))


@pytest.mark.parametrize("name", ["", "solar", "boiler", "sub_1", "volts", "reactivepower"])
def test_any_other_name_is_a_power(name: str) -> None:
    assert measure_of(name) is POWER


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("voltage", "231.5 V", 231.5),
        ("voltage_l1", "0.23 kV", 230.0),
        ("current", "1500 mA", 1.5),
        ("reactive", "250 VAr", 0.25),
        ("reactive", "-0.25 kvar", -0.25),
        ("boiler", "2000 W", 2.0),
        ("sub_1", "2 kW", 2.0),
    ],
)
def test_units_are_converted(name: str, value: str, expected: float) -> None:
    quantity = further_quantity(address(name, unit="W"), name)
    assert quantity.number(value) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("voltage", "1 W"), ("voltage", "1 Hz"), ("current", "1 V"), ("reactive", "1 W")),
        *(("reactive", "1 VA"), ("boiler", "1 var"), ("boiler", "1 kWh")),
    ],
)
def test_the_unit_of_another_quantity_is_refused(name: str, value: str) -> None:
    quantity = further_quantity(address(name, unit="W"), name)
    with pytest.raises(MalformedError, match=f"not in a unit of {quantity.measure.what}"):
        quantity.number(value)


@pytest.mark.parametrize(
    ("name", "grid", "unit"),
    [
        *(("reactive", "W", "var"), ("reactive", "kW", "kvar"), ("reactive", "kWh", None)),
        *(("boiler", "W", "W"), ("boiler", "kWh", None), ("boiler", "imp", None)),
        *(("voltage", "W", "V"), ("current", "kWh", "A")),
    ],
)
def test_the_unit_of_a_value_without_one(name: str, grid: str, unit: str | None) -> None:
    given = address(name, unit=grid)
    assert further_quantity(given, name, required=False).unit == unit
    if unit is None:
        with pytest.raises(UsageError, match=f"give channel_units={name}:"):
            further_quantity(given, name)


def test_each_quantity_counts_in_its_own_unit() -> None:
    for measure in (POWER, *MEASURES.values()):
        assert measure.units[measure.unit] == 1.0
        assert {measure.known, measure.usual or measure.unit} <= measure.units.keys()


def test_words() -> None:
    names = ["voltage", "voltage_l1", "reactive", "boiler", "sub_1"]
    assert [words_for(name) for name in names] == [
        "voltage",
        "voltage_l1",
        "reactive power",
        "boiler power",
        "sub_1 power",
    ]
