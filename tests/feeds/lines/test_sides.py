from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import UsageError
from streamer.feeds import Pace
from streamer.feeds.address import Address
from streamer.feeds.lines.reader import SampleReader
from streamer.feeds.lines.sides import Records
from streamer.feeds.registry import open_feed
from streamer.feeds.values import MalformedError
from streamer.readings import Notice, Sample


def records(options: str) -> Records:
    return Records.of(Address.parse(f"stdin:?{options}"))


def powers(options: str, text: str) -> list[tuple[str, float]]:
    body = records(options).read_body(text)
    assert not body.problems
    return [(each.channel, each.kw) for each in body.items if isinstance(each, Sample)]


@pytest.mark.parametrize(
    ("options", "text", "expected"),
    [
        ("unit=W&solar=pv", '{"power": 250, "pv": 1500}', [("", 0.25), ("solar", 1.5)]),
        ("unit=W&solar=pv", '{"pv": 1500}', [("solar", 1.5)]),
        ("unit=W&solar=pv", '{"power_kw": 0.25}', [("", 0.25)]),
        ("unit=W&solar=pv", "250", [("", 0.25)]),
        ("solar=solar_kw", '{"power_w": 250, "solar_kw": 1.5}', [("", 0.25), ("solar", 1.5)]),
        (
            "path=a.power_w&solar=a.b,a.c&solar_unit=kW&solar_sign=consumption",
            '{"a": {"power_w": 250, "b": -1, "c": -0.5}}',
            [("", 0.25), ("solar", 1.5)],
        ),
        (
            "unit=W&solar=pv&battery=b&battery_sign=discharge&battery_scale=2",
            "house power=250,pv=1500,b=-100",
            [("", 0.25), ("solar", 1.5), ("battery", 0.2)],
        ),
        ("unit=W&solar=solar_w", "sun solar_w=1500i", [("solar", 1.5)]),
        ("unit=W&solar=l1,l2?&field=p", "house l1=1500", [("solar", 1.5)]),
        (
            "unit=W&solar=pv",
            '[{"power": 250}, {"pv": "1.5 kW"}]',
            [("", 0.25), ("solar", 1.5)],
        ),
    ],
)
def test_records_with_several_powers(
    options: str, text: str, expected: list[tuple[str, float]]
) -> None:
    assert powers(options, text) == pytest.approx(expected)


def test_values_of_a_record_have_its_time() -> None:
    body = records("unit=W&solar=pv").read('{"power": 250, "pv": 1500, "time": 1774745940}')
    grid, solar = body.items
    assert grid.at == solar.at is not None
    body = records("unit=W&solar=pv&precision=s").read("house power=250,pv=1500 1774745940")
    assert [each.at for each in body.items] == [grid.at, grid.at]


@pytest.mark.parametrize("value", ["null", '"unavailable"'])
def test_a_solar_power_that_is_unknown_leaves_the_grid_alone(value: str) -> None:
    body = records("unit=W&solar=pv").read(f'{{"power": 250, "pv": {value}}}')
    grid, solar = body.items
    assert grid == Sample(0.25)
    assert isinstance(solar, Sample)
    assert solar.channel == "solar"
    assert math.isnan(solar.kw)
    assert not body.problems


def test_a_solar_power_that_cannot_be_read_leaves_the_grid_alone() -> None:
    items = SampleReader("pipe", records("unit=W&solar=pv")).feed(b'{"power":250,"pv":"on"}\n')
    assert items[0] == Sample(0.25)
    assert isinstance(items[1], Sample)
    assert math.isnan(items[1].kw)
    assert items[2:] == [
        Notice(Notice.MALFORMED, "pipe: solar power: 'on' is not a number; skipped")
    ]


def test_a_record_without_any_of_the_powers_is_malformed() -> None:
    for line in ('{"temperature": 20}', "weather temperature=20"):
        body = records("unit=W&solar=pv").read(line)
        assert not body.items
        (problem,) = body.problems
        assert "power_kw, power_w, power or value is missing" in str(problem)


def test_the_format_of_a_request_holds_for_all_channels() -> None:
    body = records("unit=W&solar=pv").of_format("influx", "s").read("h power=1,pv=2 1774745940")
    assert len(body.items) == 2
    assert not body.problems


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: data.decode("latin-1")))
def test_any_text_is_read_or_refused(text: str) -> None:
    for options in ("unit=W&solar=pv&battery=b", "unit=W&format=json&solar=a[0]"):
        try:
            body = records(options).read_body(text)
        except MalformedError:
            continue
        for item in body.items:
            assert isinstance(item, Sample)
            assert not math.isinf(item.kw)


def test_channels_have_the_pace_of_the_grid_unless_it_is_given() -> None:
    url = "stdin:?unit=W&every=change&solar=a&battery=b&solar_every=30"
    assert getattr(open_feed(Address.parse(url)), "channels", None) == {
        "solar": Pace(every_s=30.0),
        "battery": Pace(on_change=True),
    }
    for url in ("stdin:?unit=W&solar=a", "tail:x.log?unit=W&solar=a", "push:?unit=W&solar=a"):
        feed = open_feed(Address.parse(url))
        assert getattr(feed, "channels", None) == {"solar": Pace()}
        feed.close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("unit=W&format=number&solar=a", "it is for records in JSON or line protocol"),
        ("solar=pv", "option solar_unit is missing: give solar_unit=W or solar_unit=kW"),
        ("unit=kWh&solar=pv", "the solar power cannot be an energy register"),
        ("unit=W&solar=a[", "is not a path"),
        ("unit=W&solar=,", "is not a path"),
        ("unit=W&battery=b", "option solar is missing: battery goes with it only"),
        ("unit=W&solar=a&solar_every=never", "give seconds, at most 86400, or change"),
    ],
)
def test_wrong_options_are_explained(options: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_feed(Address.parse(f"stdin:?{options}"))
