"""Tests of several meters together: their names and formulas."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.commands.meternames import key_of, named
from streamer.commands.meterset import ordered, with_parts
from streamer.commands.watch import Watch
from streamer.errors import ConfigError, FormatError, MissingExtraError, UsageError
from streamer.feeds.address import Address

TAIL = Address.parse("tail:meter.log?unit=W")


def _job(name: str, *, record: str | None = None, address: Address | None = TAIL) -> Watch:
    path = None if record is None else Path(record)
    return Watch(address, record=path, name=name, where=f"a.toml: {name}")


def _complete(**formulas: str) -> list[Watch]:
    """Meters grid and solar, and one for each formula."""
    jobs = [_job("grid"), _job("Solar roof"), *(_job(name, address=None) for name in formulas)]
    return with_parts(jobs, [{}, {}, *({"derive": text} for text in formulas.values())])


@given(st.text(min_size=1, max_size=40))
def test_a_key_is_fit_for_topics_and_paths(name: str) -> None:
    key = key_of(name)
    assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", key)
    assert key_of(key) == key


@pytest.mark.parametrize("name", ["two\nlines", "\x1b[2J", "x" * 41, " grid"])
def test_a_name_is_short_and_printable(name: str) -> None:
    with pytest.raises(UsageError, match="give up to 40 printable characters"):
        _job(name)


def test_the_only_meter_is_called_house() -> None:
    meter = Watch(TAIL).published()
    assert (meter.name, meter.key) == ("House", "house")
    assert Watch(TAIL, name="Flat 2").published().key == "flat_2"


def test_formulas_have_names_or_keys_of_meters() -> None:
    *_, house, other = _complete(house="grid + solar_roof", other="2*house")
    assert house.derived is not None
    assert str(house.derived) == "grid + solar_roof"
    assert other.part_keys == ("house",)


def test_parts_come_before_what_is_derived_from_them() -> None:
    jobs = [_job("a", address=None), _job("b", address=None), _job("c")]
    found = with_parts(jobs, [{"derive": "b"}, {"derive": "c"}, {}])
    assert ordered(found) == [2, 1, 0]


def test_sides_of_a_meter_are_formulas_too() -> None:
    jobs = [_job("grid"), _job("roof"), _job("house", address=None)]
    *_, house = with_parts(jobs, [{}, {}, {"derive": "grid", "solar": "-roof"}])
    assert str(house.derived) == "grid, solar -roof"
    assert house.part_keys == ("grid", "roof")


@pytest.mark.parametrize(
    ("formulas", "message"),
    [
        ({"house": "grid + x"}, "house derive: no watched meter is called 'x'; others: grid, sol"),
        ({"house": "grid +"}, "house derive: 'grid +': a name or a number is missing before the"),
        ({"house": "house"}, "house derive: it depends on itself: house → house"),
        ({"a": "b", "b": "c", "c": "b"}, "b derive: it depends on itself: b → c → b"),
    ],
)
def test_wrong_formulas_are_named(formulas: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        _complete(**formulas)
    assert str(error.value).startswith("a.toml: ")
    assert message in str(error.value)


def test_a_meter_is_in_a_formula_under_one_name() -> None:
    jobs = [_job("Grid"), _job("house", address=None)]
    with pytest.raises(ConfigError, match="'Grid' is in it under another name, too"):
        with_parts(jobs, [{}, {"derive": "Grid + grid"}])


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (_job("a"), _job("a"), "a.toml: a name: a is that of a, too"),
        (_job("A b"), _job("a-b"), "a.toml: a-b name: a-b is that of A b, too, as a_b"),
        (_job("a", record="x.db"), _job("b", record="./x.db"), "b record: x.db is that of a, too"),
    ],
)
def test_names_and_recordings_are_unique(first: Watch, second: Watch, message: str) -> None:
    with pytest.raises(ConfigError) as error:
        with_parts([first, second], [{}, {}])
    assert message in str(error.value)


def test_one_meter_may_read_standard_input() -> None:
    stdin = Address.parse("stdin:?unit=W")
    with pytest.raises(ConfigError, match="b url: standard input is that of a, too"):
        with_parts([_job("a", address=stdin), _job("b", address=stdin)], [{}, {}])


@pytest.mark.parametrize(
    "error", [UsageError("x: wrong"), MissingExtraError("x", "mqtt"), FormatError("f:1", "no")]
)
def test_errors_name_the_table_once(error: Exception) -> None:
    text = str(error)
    for _ in range(2):
        with pytest.raises(type(error)), named("a.toml: [[watch]] 2"):
            raise error
    assert str(error) == f"a.toml: [[watch]] 2: {text}"


def test_a_derived_meter_has_no_channels() -> None:
    *_, house = _complete(house="grid")
    with pytest.raises(UsageError, match="the model takes reactive, which a derived meter cannot"):
        house._derived_source(["reactive"])
