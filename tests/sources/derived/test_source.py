"""Tests of the source of a derived meter."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from streamer.pipeline import Pipeline
from streamer.readings import MINUTE, Link, Notice, Reading, Sample, Step
from streamer.sources.derived import DerivedPowers, DerivedSource, Formula, PartSink
from streamer.sources.derived import join as joining
from streamer.sources.live.rewinding import Rewound
from streamer.testing import FixedForecaster

START = datetime(2026, 11, 29, 12, 0, tzinfo=UTC)


def _step(minute: int, kw: float) -> Step:
    pipeline = Pipeline(FixedForecaster(kw=0.5, window=1))
    return pipeline.push(Reading(START + minute * MINUTE, kw))


def _source(kw: str, **sides: str) -> tuple[DerivedSource, dict[str, PartSink]]:
    formulas = {side: Formula.parse(text) for side, text in sides.items()}
    powers = DerivedPowers(Formula.parse(kw), **formulas)
    source = DerivedSource("house", powers)
    return source, {name: source.part(name, lambda: 7.0, by_clock=True) for name in powers.names}


def _write(part: PartSink, minutes: Sequence[int], kw: float = 1.0) -> None:
    for minute in minutes:
        part.write(_step(minute, kw))


def _minutes(items: Sequence[object]) -> list[int]:
    readings = [item for item in items if isinstance(item, Reading)]
    return [round((reading.at - START) / MINUTE) for reading in readings]


def _texts(items: Sequence[object]) -> list[str]:
    return [item.text for item in items if isinstance(item, Notice)]


def test_a_reading_is_the_sum_of_those_of_its_parts() -> None:
    source, parts = _source("grid + 2*solar - battery")
    for name, kw in (("grid", 0.1), ("solar", 0.2), ("battery", -0.4)):
        parts[name].write(_step(0, kw))
    assert source.read() == [Reading(START, 0.9)]
    assert source.name == "house = grid + 2*solar - battery"
    assert source.late_s == 7.0


def test_a_minute_that_a_part_lacks_is_a_gap() -> None:
    source, parts = _source("grid + solar")
    _write(parts["grid"], range(6))
    _write(parts["solar"], (0, 1, 4, 5))
    assert _minutes(source.read()) == [0, 1, 4, 5]


def test_a_minute_waits_for_a_part_that_is_late() -> None:
    source, parts = _source("grid + solar")
    _write(parts["grid"], range(100))
    _write(parts["solar"], range(3))
    assert _minutes(source.read()) == [0, 1, 2]
    _write(parts["solar"], range(3, 100))
    assert _minutes(source.read()) == list(range(3, 100))


def test_recorded_minutes_are_done() -> None:
    source, parts = _source("grid + solar")
    _write(parts["grid"], range(5))
    _write(parts["solar"], range(2))
    source.resume_after(START + MINUTE)
    _write(parts["solar"], range(2, 5))
    assert _minutes(source.read()) == [2, 3, 4]


def test_solar_and_battery_power_are_sides_of_the_grid_power() -> None:
    source, parts = _source("grid", solar="-roof", battery="b1 + b2")
    for name, kw in (("grid", -1.0), ("roof", -2.5), ("b1", 0.25), ("b2", 0.5)):
        parts[name].write(_step(0, kw))
    (reading,) = source.read()
    assert reading == Reading(START, -1.0, 2.5, 0.75)
    assert source.name == "house = grid, solar -roof, battery b1 + b2"


def test_the_order_of_the_terms_does_not_make_another_meter() -> None:
    first, second = (
        DerivedPowers(Formula.parse(kw), solar=Formula.parse(solar))
        for kw, solar in (("b - 2*a", "d + c"), ("-2*a + b", "c + d"))
    )
    assert first.identity == second.identity == "-2*a + b, solar c + d"
    assert str(first) == "b - 2*a, solar d + c"


def test_panels_that_seem_to_draw_power_are_reported_and_the_minute_is_a_gap() -> None:
    source, parts = _source("grid", solar="roof")
    for minute, kw in enumerate((-0.01, -2.0, -2.0, 1.0, -2.0)):
        parts["roof"].write(_step(minute, kw))
    _write(parts["grid"], range(5))
    items = source.read()
    assert _minutes(items) == [0, 3]
    assert items[-2] == Reading(START, 1.0, 0.0)
    assert _texts(items) == 2 * [
        "house: solar is -2 kW, but panels draw none; if a positive value means consumption, "
        "give solar = '-(roof)'; skipped"
    ]


def test_panels_at_rest_are_reported_and_are_no_outage() -> None:
    source, parts = _source("grid", solar="roof")
    up = Link(Link.UP, "broker", since=START)
    for part in parts.values():
        part.write(up)
        part.write(_step(0, 0.004))
    assert _minutes(source.read()) == [0]
    assert source.late_s == 7.0 + 120.0
    parts["roof"].write(Link(Link.LOST, "inverter", "timed out", START))
    _write(parts["grid"], range(1, 5))
    items = source.read()
    assert _minutes(items) == [1, 2]
    assert {item.solar_kw for item in items if isinstance(item, Reading)} == {0.0}
    assert _texts(items) == ["house: no power of roof since 12:00, after 4 W: taken as 0"]
    assert not [item for item in items if isinstance(item, Link) and item.state != Link.UP]
    parts["roof"].write(_step(5, 0.02))
    _write(parts["grid"], (5,))
    items = source.read()
    assert _minutes(items) == [3, 4, 5]
    assert _texts(items) == []
    assert [item.state for item in items if isinstance(item, Link)] == [Link.LOST]


def test_recorded_minutes_of_panels_are_waited_for() -> None:
    source, parts = _source("grid", solar="roof")
    up = Link(Link.UP, "broker", since=START)
    _write(parts["grid"], range(10))
    parts["grid"].write(up)
    for minute, kw in enumerate((0.0, 0.005, 0.02)):
        parts["roof"].write(_step(minute, kw))
    _write(parts["roof"], range(3, 8), kw=0.0)
    readings = [item for item in source.read() if isinstance(item, Reading)]
    assert [reading.solar_kw for reading in readings] == [0.0, 0.005, 0.02, *[0.0] * 5]
    parts["roof"].write(up)
    _write(parts["grid"], (10,))
    assert _minutes(source.read()) == [8]


def test_panels_by_their_own_clock_are_waited_for() -> None:
    source = DerivedSource("house", DerivedPowers(Formula.parse("grid"), Formula.parse("roof")))
    grid = source.part("grid", lambda: 7.0, by_clock=False)
    roof = source.part("roof", lambda: 7.0, by_clock=False)
    roof.write(Link(Link.LOST, "inverter"))
    _write(roof, (0,), kw=0.0)
    _write(grid, range(100))
    assert _minutes(source.read()) == [0]
    _write(roof, (60,), kw=0.0)
    assert _minutes(source.read()) == list(range(1, 61))


def test_a_meter_of_panels_alone_has_no_rest() -> None:
    source, parts = _source("roof", solar="roof")
    _write(parts["roof"], (0, 1), kw=0.0)
    assert _minutes(source.read()) == [0, 1]


def test_the_link_is_the_worst_of_those_of_the_parts() -> None:
    source, parts = _source("grid + solar")
    up = Link(Link.UP, "broker", since=START)
    parts["grid"].write(up)
    parts["solar"].write(Link(Link.LOST, "inverter", "timed out", START, START + MINUTE))
    assert source.read() == [Link(Link.LOST, "solar", "timed out", START, START + MINUTE)]
    parts["grid"].write(Link(Link.SILENT, "meter", "nothing for 2 min", START))
    parts["solar"].write(up)
    assert source.read() == [Link(Link.SILENT, "grid", "nothing for 2 min", START)]
    parts["grid"].write(up)
    assert source.read() == [Link(Link.UP, "grid", since=START)]
    parts["solar"].write(replace(up, text="again"))
    parts["solar"].write(_step(0, 1.0))
    parts["grid"].write(_step(0, 1.0))
    assert _minutes(source.read()) == [0]


def test_the_present_power_is_known_while_that_of_all_parts_is() -> None:
    source, parts = _source("grid + solar")
    parts["grid"].write(Sample(0.5))
    parts["solar"].write(Sample(2.0, START))
    parts["solar"].write(Sample(9.0, START, "battery"))
    assert source.read() == [Sample(2.5, START)]
    parts["solar"].write(Link(Link.LOST, "inverter"))
    parts["grid"].write(Sample(0.6))
    assert source.read() == [Link(Link.LOST, "solar")]
    parts["solar"].write(Sample(float("nan")))
    parts["solar"].write(Sample(1.0))
    assert source.read() == [Sample(1.6)]
    parts["solar"].write(Sample(1.0, START))
    parts["grid"].write(Sample(0.6, START + MINUTE))
    assert source.read() == [Sample(1.6, START)]  # as old as the older one


def test_it_ends_when_no_further_minute_can_be_known() -> None:
    source, parts = _source("grid + solar")
    _write(parts["grid"], range(3))
    parts["grid"].close()
    _write(parts["solar"], range(2))
    assert _minutes(source.read()) == [0, 1]
    _write(parts["solar"], (2,))
    items = source.read()
    assert _minutes(items) == [2]
    assert _texts(items) == ["house: no further minutes, since grid has ended"]
    assert source.read() == []


def test_that_all_parts_have_ended_is_nothing_to_report() -> None:
    source, parts = _source("grid + solar")
    for part in parts.values():
        part.close()
        part.close()
    assert source.read() == []
    assert source.gathered() == []


def test_closing_ends_a_waiting_read() -> None:
    source, _ = _source("grid + solar")
    threading.Timer(0.01, source.close).start()
    assert source.read() == []


def test_minutes_that_waited_too_long_are_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MAX_WAITING", 2)
    source, parts = _source("grid + solar")
    _write(parts["grid"], range(5))
    assert _texts(source.read()) == [
        "house: minutes of grid have waited for the others for too long, and are gaps"
    ]
    _write(parts["grid"], (5,))
    assert source.gathered() == []


class _Rewinder:
    def __init__(self) -> None:
        self.asked: list[datetime] = []
        self.marks = 0

    def mark(self) -> None:
        self.marks += 1

    def rewind(self, now: datetime) -> Rewound:
        self.asked.append(now)
        return Rewound(START, "the clock was ahead")


def test_it_is_rewound_with_a_part_whose_clock_was_ahead() -> None:
    source, parts = _source("grid")
    rewinder = _Rewinder()
    source.rewind_by(rewinder)
    _write(parts["grid"], (0, 5000, 5001))
    assert (_minutes(source.read()), rewinder.marks) == ([0], 0)
    assert (_minutes(source.read()), rewinder.marks) == ([5000, 5001], 1)
    _write(parts["grid"], (1,))
    assert _texts(source.read()) == ["house: the clock was ahead"]
    assert rewinder.asked == [START + MINUTE]
    _write(parts["grid"], (2, 3))
    assert _minutes(source.read()) == [2, 3]


def test_recorded_minutes_of_a_part_are_no_sign_of_a_clock_that_was_ahead() -> None:
    source, parts = _source("grid")
    rewinder = _Rewinder()
    source.rewind_by(rewinder)
    source.resume_after(START + 5000 * MINUTE)
    _write(parts["grid"], range(4000, 4010))
    _write(parts["grid"], (5001,))
    assert _minutes(source.read()) == [5001]
    assert rewinder.asked == []
