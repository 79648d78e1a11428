"""Tests of the demand intervals in the pipeline."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.demand.settings import DemandRule
from streamer.errors import StateError
from streamer.online.layer import Adapt
from streamer.pipeline import Pipeline
from streamer.readings import Alarm, MeanForecast, Reading, SettledDemand, Step
from streamer.readings.blocks import ReadingBlock
from streamer.testing import FixedForecaster, readings
from tests.demand.streams import Stream, elapsed_of, intervals_of, streams

HORIZONS = (*range(2, 16), 30, 60)
WITHIN: dict[Adapt, float] = {True: 1e-12, "light": 1e-5}
"""Rounding of means in kW."""

QUARTER_PAST = datetime(2010, 3, 19, 17, 15)


def _pipeline(
    rule: DemandRule | None, horizons: tuple[int, ...] = HORIZONS, *, adapt: Adapt = True
) -> Pipeline:
    forecaster = FixedForecaster(window=2, spread_kw=0.1, horizons=horizons)
    return Pipeline(forecaster, demand=rule, adapt=adapt)


def _steps(pipeline: Pipeline, stream: Stream) -> list[Step]:
    return [pipeline.push(reading) for reading in stream.readings]


def _settled(steps: list[Step]) -> list[SettledDemand]:
    return [each for step in steps for each in step.settled_demand]


def _shown(steps: list[Step]) -> list[Any]:
    """What the steps have of demand intervals, with the texts of their times."""
    return [
        repr((step.demand, step.settled_demand, step.demand_scores, step.quarter_hours[-2:]))
        for step in steps
    ]


adapts: st.SearchStrategy[Adapt] = st.sampled_from([True, "light"])
rules = st.builds(DemandRule, minutes=st.sampled_from([15, 60]), net=st.booleans())


@settings(max_examples=25)
@given(streams(), rules, adapts)
def test_settled_intervals_are_those_of_the_whole_stream(
    stream: Stream, rule: DemandRule, adapt: Adapt
) -> None:
    length = rule.minutes
    found = _settled(_steps(_pipeline(rule, adapt=adapt), stream))
    expected = intervals_of(stream, length)
    if expected.start[-1] + length - 1 > stream.elapsed[-1]:  # the last one is running
        expected = replace(
            expected, **{name: column[:-1] for name, column in vars(expected).items()}
        )
    counted = expected.imported - expected.exported * rule.net
    assert [elapsed_of(each.end) - length for each in found] == expected.start.tolist()
    assert [length - each.unknown_minutes for each in found] == expected.minutes.tolist()
    np.testing.assert_allclose(
        [each.kw for each in found], np.maximum(counted, 0.0) / expected.minutes, atol=WITHIN[adapt]
    )
    np.testing.assert_allclose(
        [each.export_kw for each in found],
        expected.exported / expected.minutes,
        atol=WITHIN[adapt],
    )


@settings(max_examples=25)
@given(streams(), rules, st.sampled_from([False, "light"]))
def test_forecasts_are_of_the_minutes_so_far_and_the_rest(
    stream: Stream, rule: DemandRule, adapt: Adapt
) -> None:
    length = rule.minutes
    starts = stream.elapsed - stream.wall % length
    # A fleet's horizons are always corrected; without them, the last reading continues as well.
    horizons = () if adapt == "light" else HORIZONS
    for place, step in enumerate(_steps(_pipeline(rule, horizons, adapt=adapt), stream)):
        demand = step.demand
        assert demand is not None
        inside = starts[: place + 1] == starts[place]
        kw = stream.kw[: place + 1][inside]
        passed = stream.elapsed[place] - starts[place] + 1
        signed = kw if rule.net else np.maximum(kw, 0.0)
        assert elapsed_of(demand.end) == starts[place] + length
        assert demand.minutes_left == length - passed
        assert demand.unknown_minutes == passed - len(kw)
        assert demand.so_far_kw == pytest.approx(max(signed.mean(), 0.0), abs=1e-6)
        rest = signed[-1] * (length - passed)  # the fake forecasts the last reading
        expected = max(signed.mean() * passed + rest, 0.0) / length
        assert demand.kw == pytest.approx(expected, abs=1e-6)


@settings(max_examples=25)
@given(streams(), rules, adapts)
def test_the_bound_is_the_highest_complete_interval_of_the_month(
    stream: Stream, rule: DemandRule, adapt: Adapt
) -> None:
    highest: dict[tuple[int, int], SettledDemand] = {}
    for step in _steps(_pipeline(rule, adapt=adapt), stream):
        demand = step.demand
        assert demand is not None
        for each in step.settled_demand if demand.minutes_left else ():
            _raise(highest, each, rule)
        peak = highest.get((demand.start.year, demand.start.month))
        assert demand.month_peak_kw == (None if peak is None else pytest.approx(peak.kw))
        assert demand.bound_kw == ((demand.month_peak_kw or None) if peak else None)
        if demand.minutes_left and demand.bound_kw is not None:
            passed = rule.minutes - demand.minutes_left
            if not rule.net:
                total = demand.so_far_kw * passed + demand.margin_kw * demand.minutes_left
                assert total / rule.minutes == pytest.approx(
                    max(demand.bound_kw, demand.so_far_kw * passed / rule.minutes)
                )
        if not demand.minutes_left:
            for each in step.settled_demand:
                _raise(highest, each, rule)


def _raise(
    highest: dict[tuple[int, int], SettledDemand], each: SettledDemand, rule: DemandRule
) -> None:
    """Raise the peak of a month by a complete interval, or by what is surely in another."""
    month = each.start.year, each.start.month
    before = highest.get(month)
    if each.unknown_minutes:
        if rule.net or before is None:
            return
        measured = rule.minutes - each.unknown_minutes
        each = replace(each, kw=each.kw * measured / rule.minutes)
    if before is None or each.kw > before.kw:
        highest[month] = each


@settings(max_examples=25)
@given(streams(), rules, adapts, st.integers(1, 70))
def test_blocks_give_the_same_bits_as_single_readings(
    stream: Stream, rule: DemandRule, adapt: Adapt, size: int
) -> None:
    single, many, blocks = (_pipeline(rule, adapt=adapt) for _ in range(3))
    steps = _steps(single, stream)
    for start in range(0, len(steps), size):
        part = slice(start, start + size)
        assert _shown(many.push_many(stream.readings[part])) == _shown(steps[part])
        if stream.readings[0].at.tzinfo is None:
            result = blocks.push_block(ReadingBlock.of(stream.readings[part]))
            assert _shown([result.last]) == _shown(steps[part][-1:])
    assert many.state()["demand"] == single.state()["demand"]


@settings(max_examples=25)
@given(streams(), rules, adapts, st.data())
def test_a_restored_pipeline_continues_with_the_same_bits(
    stream: Stream, rule: DemandRule, adapt: Adapt, data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(stream.readings)))
    late = data.draw(st.integers(cut, len(stream.readings)))
    whole = _pipeline(rule, adapt=adapt)
    steps = _steps(whole, stream)
    pipeline = _pipeline(rule, adapt=adapt)
    pipeline.push_many(stream.readings[:cut])
    state = json.loads(json.dumps(pipeline.state()))
    # Minutes that come late are pushed again from before them.
    pipeline.push_many(stream.readings[cut:late])
    pipeline.restore(state)
    assert _shown(pipeline.push_many(stream.readings[cut:])) == _shown(steps[cut:])
    assert pipeline.state()["demand"] == whole.state()["demand"]


def test_a_quarter_hour_by_hand() -> None:
    pipeline = _pipeline(DemandRule(floor_kw=2.5))
    before = pipeline.push_many(readings([1.0] * 15, start=QUARTER_PAST - timedelta(minutes=15)))
    (settled,) = before[-1].settled_demand
    assert (settled.kw, settled.bound_kw, settled.exceeded) == (1.0, 2.5, False)
    steps = pipeline.push_many(readings([3.0] * 10 + [-1.0] * 5, start=QUARTER_PAST))
    demand = steps[4].demand
    assert demand is not None
    assert (demand.start, demand.end) == (QUARTER_PAST, QUARTER_PAST + timedelta(minutes=15))
    assert (demand.minutes_left, demand.unknown_minutes) == (10, 0)
    assert (demand.so_far_kw, demand.kw, demand.bound_kw) == (3.0, pytest.approx(3.0), 2.5)
    assert demand.margin_kw == pytest.approx((2.5 * 15 - 15.0) / 10)
    assert (demand.month_peak_kw, demand.month_peak_at) == (1.0, settled.start)
    (settled,) = steps[-1].settled_demand
    assert settled == SettledDemand(
        QUARTER_PAST,
        QUARTER_PAST + timedelta(minutes=15),
        2.0,
        0,
        2.5,
        False,
        QUARTER_PAST,
        pytest.approx(1 / 3),
    )
    assert [row.minutes for row in steps[-1].quarter_hours] == [15, 15]
    assert steps[-1].quarter_hours[-1].import_kwh == 0.5


def test_an_incomplete_interval_sets_no_peak_but_raises_one() -> None:
    pipeline = _pipeline(DemandRule())
    _, first = pipeline.push_many(
        [
            *readings([9.0], start=QUARTER_PAST + timedelta(minutes=14)),
            *readings([0.3], start=QUARTER_PAST + timedelta(minutes=15)),
        ]
    )
    assert first.demand is not None
    assert (first.demand.month_peak_kw, first.demand.bound_kw) == (None, None)
    pipeline.push_many(readings([0.3] * 14, start=QUARTER_PAST + timedelta(minutes=16)))
    # Ten of fifteen minutes are known: 6 kW on average at least.
    steps = pipeline.push_many(
        [
            *readings([9.0] * 10, start=QUARTER_PAST + timedelta(minutes=35)),
            *readings([0.3], start=QUARTER_PAST + timedelta(minutes=45)),
        ]
    )
    (settled,) = steps[-2].settled_demand
    assert (settled.unknown_minutes, settled.kw, settled.exceeded) == (5, 9.0, True)
    last = steps[-1].demand
    assert last is not None
    assert last.month_peak_kw == last.bound_kw == 6.0


def test_no_demand_intervals_are_kept_by_default() -> None:
    pipeline = _pipeline(None)
    (step,) = pipeline.push_many(readings([0.3]))
    assert (step.demand, step.settled_demand, step.quarter_hours) == (None, (), ())
    assert "demand" not in pipeline.state()


def test_without_forecasts_of_the_next_minutes_the_last_reading_continues() -> None:
    step = _pipeline(DemandRule(), ()).push_many(readings([1.0, 4.0]))[-1]
    assert step.demand is not None
    assert step.demand.kw == pytest.approx((1.0 + 4.0 * 14) / 15)
    assert (step.demand.low_kw, step.demand.p_raises_peak) == (None, None)


def test_a_second_reading_within_a_minute_is_left_out() -> None:
    first, second = readings([1.0, 4.0])
    second = replace(second, at=first.at + timedelta(seconds=20))
    step = _pipeline(DemandRule()).push_many([first, second])[-1]
    assert step.demand is not None
    assert step.demand.so_far_kw == 1.0
    assert [row.minutes for row in step.quarter_hours] == [1]


def _month(pipeline: Pipeline) -> tuple[float | None, datetime | None]:
    """Peak of the month at the next quarter-hour."""
    (step,) = pipeline.push_many(readings([0.0], start=QUARTER_PAST + timedelta(minutes=60)))
    assert step.demand is not None
    return step.demand.month_peak_kw, step.demand.month_peak_at


@pytest.mark.parametrize(
    ("rule", "peak"),
    [
        (DemandRule(limit_kw=3.0, alarms_per_month=1.0), (4.0, QUARTER_PAST)),
        (DemandRule(net=True), (4.0, QUARTER_PAST)),
        (DemandRule(60), (1.75, QUARTER_PAST + timedelta(minutes=-15))),
        (DemandRule(60, net=True), (0.75, QUARTER_PAST + timedelta(minutes=-15))),
    ],
)
def test_with_another_rule_energies_are_kept_and_peaks_found_in_them(
    rule: DemandRule, peak: tuple[float, datetime]
) -> None:
    pipeline = _pipeline(DemandRule())
    kw = [2.0] * 15 + [4.0] * 15 + [-4.0] * 15 + [1.0] * 15
    steps = pipeline.push_many(readings(kw, start=QUARTER_PAST - timedelta(minutes=15)))
    changed = _pipeline(rule)
    changed.restore(json.loads(json.dumps(pipeline.state())))
    (step,) = changed.push_many(readings([0.0], start=QUARTER_PAST + timedelta(minutes=45)))
    assert list(step.quarter_hours)[:-1] == list(steps[-1].quarter_hours)
    assert _month(changed) == peak


def test_a_state_without_demand_intervals_begins_anew() -> None:
    before = _pipeline(None)
    before.push_many(readings([1.0] * 40))
    pipeline = _pipeline(DemandRule())
    pipeline.restore(before.state())
    (step,) = pipeline.push_many(readings([1.0], start=QUARTER_PAST + timedelta(minutes=25)))
    assert [row.minutes for row in step.quarter_hours] == [1]
    assert step.demand is not None
    assert step.demand.unknown_minutes == 10


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ledger", {}),
        ("peaks", [[-1.0, "2010-03-19T17:00:00"]]),
        ("peaks", [[1.0, f"20{year}-03-19T17:00:00"] for year in range(10, 30)]),
        ("peaks", 3),
        ("interval", ["2010-03-19T17:15:00", 0, 0.0, 0.0, 9, 3]),
        ("interval", ["2010-03-19T17:15:00", 0, "0", 0.0, 1, 3]),
        ("interval", ["2010-03-19T17:15:00+00:00", 0, 0.0, 0.0, 1, 3]),
        ("interval", ["2010-03-19T18:15:00", 0, 0.0, 0.0, 1, 3]),
        ("interval", {}),
        ("probability", {}),
        ("scores", None),
        ("alarm", {"threshold": {"ended": -1}, "active": None}),
    ],
)
def test_a_damaged_state_is_an_error(key: str, value: Any) -> None:
    pipeline = _pipeline(DemandRule())
    pipeline.push_many(readings([1.0] * 20))
    state = pipeline.state()
    state["demand"][key] = value
    with pytest.raises(StateError, match="damaged"):
        pipeline.restore(state)


@pytest.mark.parametrize(
    "saved",
    [
        ["2010-03-19T17:19:00", 3, 1.0],
        ["2010-03-19T17:19:00", "", None],
        ["2010-03-19T17:19:00+00:00", "", 1.0],
        ["2010-03-19T17:20:00", "", 1.0],
        ["2010-03-19T17:14:00", "", 1.0],
        [],
    ],
)
def test_a_damaged_alarm_is_an_error(saved: Any) -> None:
    pipeline = _pipeline(DemandRule())
    pipeline.push_many(readings([1.0] * 20))
    state = pipeline.state()
    state["demand"]["alarm"]["active"] = saved
    with pytest.raises(StateError, match="damaged"):
        pipeline.restore(state)


def test_on_the_first_day_the_peak_of_the_month_is_not_worth_an_alarm() -> None:
    stream = [*_evening(hours=24), *readings([9.0] * 15, start=EVENING + timedelta(days=1))]
    steps = _pipeline(DemandRule()).push_many(stream)
    raised = [a for s in steps for a in s.alarms if a.kind == Alarm.PEAK and a.at == s.reading.at]
    (alarm,) = raised
    assert alarm.at >= EVENING + timedelta(days=1)
    assert "above this month's peak" in alarm.text
    floor = _pipeline(DemandRule(floor_kw=2.5)).push_many(stream[:180])
    first = next(a for s in floor for a in s.alarms if a.kind == Alarm.PEAK)
    assert "above the lowest peak that is charged" in first.text


def test_the_forecast_of_the_next_minutes_is_that_of_the_step() -> None:
    rule = DemandRule()
    for step in _pipeline(rule).push_many(readings([0.5, 2.0, 1.0, 3.0])):
        if step.next_means is None:
            continue
        assert step.demand is not None
        ahead = step.next_means.of(step.demand.minutes_left)
        assert isinstance(ahead, MeanForecast)
        known = step.demand.so_far_kw * (15 - step.demand.minutes_left)
        low_kw = (known + step.demand.minutes_left * max(ahead.low_kw, 0.0)) / 15
        assert step.demand.low_kw == pytest.approx(low_kw)


EVENING = datetime(2010, 3, 1, 17)


def _evening(hours: int = 3) -> list[Reading]:
    """From 17:00 on 0.2 kW, but for two quarter-hours of 5 kW from 18:00 on."""
    kw = np.full(hours * 60, 0.2)
    kw[60:90] = 5.0
    return readings(kw, start=EVENING)


def test_an_alarm_is_active_until_its_interval_ends() -> None:
    steps = _pipeline(DemandRule(limit_kw=3.0, price_per_kw_year=54.0)).push_many(_evening())
    warned = [s for s in steps if any(a.kind == Alarm.PEAK for a in s.alarms)]
    for start in (60, 75):
        first = next(s for s in warned if s.reading.at >= steps[start].reading.at)
        (alarm,) = [a for a in first.alarms if a.kind == Alarm.PEAK]
        assert alarm.at == first.reading.at
        assert first.demand is not None
        assert first.demand.start <= alarm.at < first.demand.end
        assert first.demand.p_raises_peak is not None
        assert first.demand.p_raises_peak > 0.5
        assert alarm.size >= 1.0
        assert "heading for 5.0 kW, 2.0 above the limit" in alarm.text
        assert "108 €" in alarm.text
        until = steps[start + 14]
        assert alarm in until.alarms
        (settled,) = until.settled_demand
        assert (settled.exceeded, settled.warned_at) == (True, alarm.at)
        assert alarm not in steps[start + 15].alarms
    assert {s.demand.start for s in warned if s.demand is not None} == {
        datetime(2010, 3, 1, 18),
        datetime(2010, 3, 1, 18, 15),
    }
    scores = steps[-1].demand_scores
    assert scores is not None
    assert (scores.exceeded, scores.found, scores.false_alarms) == (2, 2, 0)


def test_alarms_of_all_kinds_are_in_order_and_blocks_return_those_raised() -> None:
    stream = _evening()
    stream += readings([7.0] * 10, start=stream[-1].at + timedelta(minutes=1))
    steps = _pipeline(DemandRule(limit_kw=3.0)).push_many(stream)
    raised = [a for s in steps for a in s.alarms if a.at == s.reading.at]
    assert {Alarm.PEAK, Alarm.STUCK} <= {alarm.kind for alarm in raised}
    for step in steps:
        assert list(step.alarms) == sorted(step.alarms, key=lambda alarm: alarm.at)
    for size in (4, 7, 100, len(stream)):
        pipeline = _pipeline(DemandRule(limit_kw=3.0))
        found = []
        for start in range(0, len(stream), size):
            found += pipeline.push_block(ReadingBlock.of(stream[start : start + size])).alarms
        assert [(a.kind, a.at) for a in found] == [(a.kind, a.at) for a in raised]
        peaks = [[a for a in each if a.kind == Alarm.PEAK] for each in (found, raised)]
        assert peaks[0] == peaks[1]


def test_blocks_have_the_intervals_of_their_steps() -> None:
    stream = _evening(hours=6)
    del stream[130:170]
    steps = _pipeline(DemandRule(limit_kw=3.0)).push_many(stream)
    settled = [ended for step in steps for ended in step.settled_demand]
    assert len(settled) == 24 - 2
    assert any(ended.unknown_minutes for ended in settled)
    for size in (1, 4, 7, 100, len(stream)):
        pipeline = _pipeline(DemandRule(limit_kw=3.0))
        found: list[SettledDemand] = []
        for start in range(0, len(stream), size):
            block = ReadingBlock.of(stream[start : start + size])
            found += pipeline.push_block(block).settled_demand
        assert found == settled


def test_without_a_budget_there_are_no_alarms() -> None:
    rule = DemandRule(limit_kw=3.0, alarms_per_month=0.0)
    steps = _pipeline(rule).push_many(_evening())
    assert not any(alarm.kind == Alarm.PEAK for step in steps for alarm in step.alarms)


def test_a_restored_alarm_and_what_was_learnt_continue() -> None:
    rule = DemandRule(limit_kw=3.0)
    whole, pipeline = _pipeline(rule), _pipeline(rule)
    stream = _evening(hours=26)
    stream += readings([5.0] * 30, start=stream[-1].at + timedelta(minutes=1))
    cut = len(stream) - 20
    steps = whole.push_many(stream)
    assert any(a.kind == Alarm.PEAK for a in steps[cut - 1].alarms)
    before = _pipeline(rule)
    before.push_many(stream[:cut])
    pipeline.restore(json.loads(json.dumps(before.state())))
    assert _shown(pipeline.push_many(stream[cut:])) == _shown(steps[cut:])
    assert pipeline.state()["demand"] == whole.state()["demand"]


def test_with_another_bound_the_calibration_is_kept() -> None:
    before = _pipeline(DemandRule(limit_kw=3.0))
    before.push_block(ReadingBlock.of(_evening(hours=26)))
    changed = _pipeline(DemandRule(limit_kw=4.0))
    changed.restore(before.state())
    kept, begun = before.state()["demand"], changed.state()["demand"]
    assert begun["probability"] == kept["probability"]
    assert (begun["peaks"], begun["ledger"]) == (kept["peaks"], kept["ledger"])
    new = _pipeline(DemandRule(limit_kw=4.0)).state()["demand"]
    assert (begun["scores"], begun["alarm"]) == (new["scores"], new["alarm"])


def test_there_is_no_alarm_without_forecasts() -> None:
    kw = [0.1] * 60 + [9.0] * 15
    steps = _pipeline(DemandRule(limit_kw=1.0), ()).push_many(readings(kw))
    assert not any(alarm.kind == Alarm.PEAK for step in steps for alarm in step.alarms)
