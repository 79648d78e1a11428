"""Further channels in records: voltage, current, reactive power, sub-meters."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import SourceError, UsageError
from streamer.feeds.address import Address
from streamer.feeds.lines.reader import SampleReader
from streamer.feeds.lines.sides import Records
from streamer.feeds.registry import open_feed
from streamer.readings import Sample


def records(options: str) -> Records:
    return Records.of(Address.parse(f"stdin:?{options}"))


def values(options: str, text: str) -> dict[str, float]:
    body = records(options).read_body(text)
    assert not body.problems
    return {each.channel: each.kw for each in body.items if isinstance(each, Sample)}


@pytest.mark.parametrize(
    ("options", "text", "expected"),
    [
        (
            "unit=W&channels=voltage,current,reactive,boiler",
            '{"power": 250, "voltage": 231.5, "current": 1.5, "reactive": 100, "boiler": 2000}',
            {"": 0.25, "voltage": 231.5, "current": 1.5, "reactive": 0.1, "boiler": 2.0},
        ),
        (
            "channels=voltage,current,reactive,boiler",
            '{"power_kw": 0.25, "voltage_v": 231, "current_a": 2, "reactive_kvar": 0.1, '
            '"boiler_kw": 2}',
            {"": 0.25, "voltage": 231.0, "current": 2.0, "reactive": 0.1, "boiler": 2.0},
        ),
        (
            "unit=kW&channels=voltage:u,boiler:b.w&channel_units=voltage:mV,boiler:W",
            '{"power": 0.25, "u": 230000, "b": {"w": 2000}}',
            {"": 0.25, "voltage": 230.0, "boiler": 2.0},
        ),
        (
            "unit=W&channels=voltage:l[0].u,voltage:l[1].u,current:l[0].i,current:l[1].i",
            '{"power": 250, "l": [{"u": 230, "i": 1}, {"u": 232, "i": 2.5}]}',
            {"": 0.25, "voltage": 231.0, "current": 3.5},
        ),
        (
            "unit=W&channels=voltage:l[*].u,reactive:l[*].q",
            '{"power": 250, "l": [{"u": 230, "q": 50}, {"u": 232, "q": -20}, {"u": 0, "q": 0}]}',
            {"": 0.25, "voltage": 231.0, "reactive": 0.03},
        ),
        (
            "unit=W&channels=reactive:q,boiler:b&channel_scales=reactive:-1,boiler:0.1",
            "house power=250,q=100,b=2000i",
            {"": 0.25, "reactive": -0.1, "boiler": 0.2},
        ),
        (
            "unit=W&channels=voltage,reactive",
            '{"power": 250, "unit": "W", "voltage": "230.5 V", "reactive": "0.1 kvar"}',
            {"": 0.25, "voltage": 230.5, "reactive": 0.1},
        ),
        (
            "unit=W&channels=voltage:u,voltage:v",
            "house power=250,u=230,v=234",
            {"": 0.25, "voltage": 232.0},
        ),
        ("unit=W&channels=voltage", '{"voltage": 230}', {"voltage": 230.0}),
        ("unit=W&channels=voltage", '{"power": 250}', {"": 0.25}),
        ("unit=W&channels=voltage", "250", {"": 0.25}),
        (
            'unit=W&channels=voltage:["u,1"].v,boiler:p[id=b,1].w',
            '{"power": 250, "u,1": {"v": 230}, "p": [{"id": "b,1", "w": 500}]}',
            {"": 0.25, "voltage": 230.0, "boiler": 0.5},
        ),
        (
            "unit=W&solar=pv&channels=sub_1:s1",
            '{"power": 250, "pv": 100, "s1": 50}',
            {"": 0.25, "solar": 0.1, "sub_1": 0.05},
        ),
    ],
)
def test_records_with_further_channels(options: str, text: str, expected: dict[str, float]) -> None:
    assert values(options, text) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"power": 250, "voltage": "250 W"}', "voltage: '250 W' is not in a unit of voltage (mV"),
        ('{"power": 250, "voltage": "high"}', "voltage: 'high' is not a number"),
        ('{"power": 250, "reactive": "300 VA"}', "reactive power: '300 VA' is not in a unit of re"),
        ('{"power": 250, "reactive": "1 kvarh"}', "reactive power: '1 kvarh' is not in a unit of"),
        ('{"power": 250, "boiler": "1.5 kWh"}', "boiler power: '1.5 kWh' is not in a unit of pow"),
    ],
)
def test_the_value_of_another_quantity_is_refused_and_the_power_read(
    text: str, problem: str
) -> None:
    body = records("unit=W&channels=voltage,reactive,boiler").read(text)
    (error,) = body.problems
    assert str(error).startswith(problem)
    assert body.items[0] == Sample(0.25)
    (unknown,) = body.items[1:]
    assert isinstance(unknown, Sample)
    assert math.isnan(unknown.kw)


def test_a_value_that_the_meter_does_not_know_is_unknown() -> None:
    grid, volts = records("unit=W&channels=voltage").read('{"power": 250, "voltage": null}').items
    assert grid == Sample(0.25)
    assert isinstance(volts, Sample)
    assert volts.channel == "voltage"
    assert math.isnan(volts.kw)


def test_a_value_that_cannot_be_read_is_unknown_from_the_time_of_its_record_on() -> None:
    body = records("unit=W&channels=voltage").read('{"power": 1, "voltage": "1 W", "time": 1e9}')
    grid, volts = body.items
    assert grid.at == volts.at is not None
    assert len(body.problems) == 1


def test_a_unit_that_neither_record_nor_address_gives_ends_the_stream() -> None:
    reader = SampleReader("stdin", records("channels=boiler"))
    with pytest.raises(SourceError, match="channel_units=boiler:kW"):
        reader.feed(b'{"boiler": 250}\n')


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ("channels=power:p", "power is the grid power"),
        ("channels=solar:pv", "give solar= for solar power"),
        ("channels=", "write it like voltage:PLACE"),
        ("channels=voltage:", "the place of voltage is empty"),
        ("channels=1st:p", "write it like voltage:PLACE"),
        ("channels=voltage:u,voltage:u", "voltage is given twice"),
        ("channels=voltage:u,voltage", "voltage is given twice"),
        ("channels=voltage:a[", "is not a path"),
        ("channels=voltage:u&channel_units=voltage:W", "W is no unit of voltage; give one of mV"),
        ("channels=voltage:u&channel_units=voltage", "write it like voltage:mV"),
        ("channels=voltage:u&channel_units=boiler:W", "boiler is not one of channels="),
        ("channels=voltage:u&channel_scales=voltage:0", "give voltage a number other than 0"),
        ("channels=voltage:u&channel_scales=voltage:nan", "give voltage a number other than 0"),
        ("channels=voltage:u&format=number", "it is for records in JSON or line protocol"),
        ("channels=" + ",".join(f"c{i}:p{i}" for i in range(21)), "at most 20 channels"),
    ],
)
def test_an_option_that_is_wrong_is_named(options: str, problem: str) -> None:
    with pytest.raises(UsageError) as error:
        open_feed(Address.parse(f"stdin:?unit=W&{options}"))
    assert problem in str(error.value)


def test_the_unit_of_a_place_is_never_guessed() -> None:
    with pytest.raises(UsageError, match="give channel_units=boiler:kW"):
        records("unit=kWh&channels=boiler:b")
    with pytest.raises(UsageError, match="give channel_units=reactive:kvar"):
        records("channels=reactive:q")


def test_the_feed_declares_its_channels() -> None:
    feed = open_feed(Address.parse("stdin:?unit=W&solar=pv&channels=voltage,boiler:b&every=10"))
    assert list(feed.channels) == ["solar", "voltage", "boiler"]
    assert {pace.every_s for pace in feed.channels.values()} == {10.0}
    feed.close()


@given(st.text("ab1,:[]\"'\\= ", max_size=24))
def test_any_option_is_read_or_refused(text: str) -> None:
    with suppress(UsageError):
        found = records(f"unit=W&channels={text}")
        assert 1 <= len(found.channels) == len(set(found.channels))
