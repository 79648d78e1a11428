"""Tests of the forecasting pipeline."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, astuple
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from streamer.errors import ReadingError, StateError, UsageError
from streamer.models import load_model
from streamer.models.forecaster import NetworkForecaster
from streamer.online.guard import TRIAL
from streamer.pipeline import Pipeline
from streamer.readings import Counts, Reading, Step
from streamer.readings.blocks import ReadingBlock
from streamer.readings.gaps import GapRule
from streamer.testing import START, FixedForecaster, readings
from tests.agreement import AGREEMENT_KW

WINDOW = 49


@cache
def _model() -> NetworkForecaster:
    """The shipped model, which pipelines may share."""
    return load_model()


def _assert_close(some: tuple[Any, ...], others: tuple[Any, ...], tolerance: float) -> None:
    """As `pytest.approx` compares them, in a tenth of its time."""
    pairs = zip(some, others, strict=True)
    assert all(a == b or abs(a - b) <= tolerance for a, b in pairs), (some, others)


def _assert_alike(one: Step, other: Step, tolerance: float = AGREEMENT_KW) -> None:
    """Equal except for rounding in the computations of the network."""
    assert one.reading == other.reading
    assert (one.gap_minutes, one.buffered, one.counts) == (
        other.gap_minutes,
        other.buffered,
        other.counts,
    )
    for mine, theirs in ((one.settled, other.settled), (one.forecast, other.forecast)):
        assert (mine is None) == (theirs is None)
        if mine is not None and theirs is not None:
            assert (mine.at, mine.last_kw) == (theirs.at, theirs.last_kw)
            _assert_close(
                (mine.kw, *astuple(mine)[3:]), (theirs.kw, *astuple(theirs)[3:]), tolerance
            )
    assert one.scores.settled == other.scores.settled
    for mine, theirs in (
        (one.scores.model, other.scores.model),
        (one.scores.persistence, other.scores.persistence),
        (one.scores.frozen, other.scores.frozen),
        (one.scores.band, other.scores.band),
        (one.adaptation, other.adaptation),
    ):
        assert (mine is None) == (theirs is None)
        if mine is not None and theirs is not None:
            _assert_close(astuple(mine), astuple(theirs), tolerance)
    assert [(alarm.kind, alarm.at) for alarm in one.alarms] == [
        (alarm.kind, alarm.at) for alarm in other.alarms
    ]


def test_steps_equal_an_independent_computation(sample_kw: np.ndarray) -> None:
    kw = sample_kw[:400]
    pipeline = Pipeline(_model())
    steps = [pipeline.push(reading) for reading in readings(kw)]
    forecasts = _model().forecast(sliding_window_view(kw, WINDOW)).mean_kw
    assert [step.forecast for step in steps[: WINDOW - 1]] == [None] * (WINDOW - 1)
    assert [step.settled for step in steps[:WINDOW]] == [None] * WINDOW
    frozen = [step.forecast.frozen_kw for step in steps if step.forecast]
    np.testing.assert_allclose(frozen, forecasts, rtol=0, atol=AGREEMENT_KW)
    issued = [step.forecast.kw for step in steps if step.forecast]
    bands = [(step.forecast.low_kw, step.forecast.high_kw) for step in steps if step.forecast]
    low, high = np.array(bands[:TRIAL]).T
    np.testing.assert_array_equal(issued[:TRIAL], np.clip(frozen[:TRIAL], low, high))
    errors = kw[WINDOW:] - np.array(issued[:-1])
    for settled, step in enumerate(steps[WINDOW:], start=1):
        assert step.settled == steps[WINDOW + settled - 2].forecast
        assert step.error_kw == errors[settled - 1]
        assert step.scores.settled == settled
        assert step.scores.model.mse_kw2 == pytest.approx(np.mean(errors[:settled] ** 2), rel=1e-9)
    assert [step.buffered for step in steps[:52]] == [*range(1, 51), 50, 50]


def test_forecast_is_for_the_next_minute_and_includes_persistence() -> None:
    pipeline = Pipeline(FixedForecaster(window=2, spread_kw=0.1))
    first, second = pipeline.push_many(readings([0.4, 0.6]))
    assert first.forecast is None
    assert second.forecast is not None
    assert second.forecast.at == second.reading.at + timedelta(minutes=1)
    assert second.forecast.last_kw == 0.6
    assert second.forecast.frozen_kw == second.forecast.median_kw == 0.6
    assert second.forecast.low_kw == pytest.approx(0.5)
    assert second.forecast.high_kw == pytest.approx(0.7)


def test_forecaster_without_quantiles_has_a_band_and_no_median() -> None:
    step = Pipeline(FixedForecaster(window=2)).push_many(readings([0.4, 0.6]))[1]
    assert step.forecast is not None
    assert step.forecast.median_kw is None
    assert step.forecast.low_kw < 0.6 < step.forecast.high_kw


def _with_gaps(kw: np.ndarray, seed: int) -> list[Reading]:
    rng = np.random.default_rng(seed)
    at, found = START, []
    for value in kw.tolist():
        found.append(Reading(at, value))
        at += timedelta(minutes=1 + int(rng.choice([0, 1, 5, 30], p=[0.97, 0.01, 0.01, 0.01])))
    return found


SIZES = [
    *((GapRule("skip"), size) for size in (1, 48, 50, 400)),
    *((GapRule("reset", 3), size) for size in (1, 7, 49, 51)),
    *((GapRule("reset", 0), size) for size in (48, 50, 400)),
]
"""Sizes of blocks on either side of a window, with each rule."""


@pytest.mark.parametrize(("rule", "block"), SIZES)
def test_blocks_give_the_steps_of_single_readings(
    sample_kw: np.ndarray, rule: GapRule, block: int
) -> None:
    stream = _with_gaps(sample_kw[:400], seed=block)
    single, blocks = Pipeline(_model(), gaps=rule), Pipeline(_model(), gaps=rule)
    one_by_one = [single.push(reading) for reading in stream]
    together = [
        step
        for start in range(0, len(stream), block)
        for step in blocks.push_many(stream[start : start + block])
    ]
    assert len(together) == len(one_by_one)
    for mine, theirs in zip(together, one_by_one, strict=True):
        _assert_alike(mine, theirs)
        assert mine.scores.persistence == theirs.scores.persistence


def test_single_readings_and_blocks_may_be_mixed(sample_kw: np.ndarray) -> None:
    stream = _with_gaps(sample_kw[:600], seed=1)
    rule = GapRule("reset", 3)
    single, pipeline = Pipeline(_model(), gaps=rule), Pipeline(_model(), gaps=rule)
    expected = [single.push(reading) for reading in stream]
    steps, rng = [], np.random.default_rng(0)
    while len(steps) < len(stream):
        size = int(rng.integers(1, 80))
        part = stream[len(steps) : len(steps) + size]
        steps += pipeline.push_many(part) if size % 2 else [pipeline.push(r) for r in part]
    for mine, theirs in zip(steps, expected, strict=True):
        _assert_alike(mine, theirs)


def _states_alike(one: Pipeline, other: Pipeline) -> None:
    """The same state except for rounding in the running means."""
    mine, theirs = one.state(), other.state()
    for who, names in (
        ("model", ("mse_kw2", "mae_kw")),
        ("persistence", ("mse_kw2", "mae_kw")),
        ("frozen", ("mse_kw2", "mae_kw")),
        ("band", ("coverage", "width_kw", "winkler_kw")),
        ("point", ("means",)),
        ("lead", ("sum", "mean", "squares", "day")),
    ):
        # A lead is a difference, whose rounding is that of its parts.
        least = 1e-12 if who == "lead" else 1e-300
        for name in names:
            theirs["scores"][who][name] = pytest.approx(
                theirs["scores"][who][name], rel=1e-12, abs=least
            )
    assert mine == theirs


@pytest.mark.parametrize(("rule", "size"), SIZES)
def test_push_block_ends_in_the_same_state_as_push_many(
    sample_kw: np.ndarray, rule: GapRule, size: int
) -> None:
    stream = _with_gaps(sample_kw[:400], seed=size)
    stepping, skimming = Pipeline(_model(), gaps=rule), Pipeline(_model(), gaps=rule)
    for start in range(0, len(stream), size):
        part = stream[start : start + size]
        steps = stepping.push_many(part)
        result = skimming.push_block(ReadingBlock.of(part))
        _assert_alike(result.last, steps[-1], tolerance=1e-12)
        settled = [math.nan if step.settled is None else step.settled.kw for step in steps]
        np.testing.assert_array_equal(result.settled_kw, settled)
        assert list(result.readings) == part
    if stepping.state()["scores"]:
        _states_alike(skimming, stepping)


@settings(max_examples=60)
@given(
    gaps=st.lists(st.sampled_from([0, 0, 0, 0, 0, 0, 1, 3, 4, 900]), min_size=1, max_size=150),
    sizes=st.lists(st.integers(1, 70), min_size=1, max_size=8),
    policy=st.sampled_from(["skip", "reset"]),
)
def test_blocks_singles_and_steps_may_be_mixed(
    gaps: list[int], sizes: list[int], policy: str
) -> None:
    minutes = np.cumsum(np.array(gaps) + 1).tolist()
    stream = [Reading(START + timedelta(minutes=m), m % 7 / 4) for m in minutes]
    forecaster, rule = FixedForecaster(window=5, spread_kw=0.1), GapRule(policy, 3)
    single, mixed = Pipeline(forecaster, gaps=rule), Pipeline(forecaster, gaps=rule)
    expected = [single.push(reading) for reading in stream]
    done, turn = 0, 0
    while done < len(stream):
        part = stream[done : done + sizes[turn % len(sizes)]]
        if turn % 3 == 0:
            last = mixed.push_block(ReadingBlock.of(part)).last
        elif turn % 3 == 1:
            last = mixed.push_many(part)[-1]
        else:
            last = [mixed.push(reading) for reading in part][-1]
        done, turn = done + len(part), turn + 1
        _assert_alike(last, expected[done - 1], tolerance=1e-12)


def test_invalid_block_leaves_the_pipeline_unchanged() -> None:
    pipeline = Pipeline(FixedForecaster(window=2))
    good = readings([0.1, 0.2, 0.3])
    pipeline.push_block(ReadingBlock.of(good))
    before = pipeline.state()
    later = readings([0.4, 0.5, 0.6], start=START + timedelta(hours=1))
    bad = [
        ([later[0], Reading(later[1].at, math.nan), later[2]], "not a finite number"),
        ([later[1], later[0]], "does not come after"),
        (good, "does not come after"),
    ]
    for block, message in bad:
        with pytest.raises(ReadingError, match=message):
            pipeline.push_block(ReadingBlock.of(block))
        assert pipeline.state() == before
    with pytest.raises(ValueError, match="empty"):
        pipeline.push_block(ReadingBlock.of([]))


def test_block_without_zone_is_rejected_after_readings_with_zone() -> None:
    pipeline = Pipeline(FixedForecaster(window=2))
    pipeline.push(Reading(START.replace(tzinfo=UTC), 0.1))
    later = readings([0.2], start=START + timedelta(hours=1))
    with pytest.raises(ReadingError, match="with and without a zone"):
        pipeline.push_block(ReadingBlock.of(later))


@pytest.mark.xdist_group("tensorflow")
def test_engines_give_the_same_steps(sample_kw: np.ndarray) -> None:
    stream = readings(sample_kw[:300])
    ours = Pipeline(_model()).push_many(stream)
    reference = Pipeline(load_model(engine="tensorflow")).push_many(stream)
    for mine, theirs in zip(ours, reference, strict=True):
        _assert_alike(mine, theirs)


def test_skipped_gap_keeps_the_buffer() -> None:
    pipeline = Pipeline(FixedForecaster(kw=0.0, window=2))
    steps = pipeline.push_many(readings([0.1, 0.2, math.nan, math.nan, 0.3]))
    assert steps[2].gap_minutes == 2
    assert steps[2].settled == steps[1].forecast
    assert steps[2].buffered == 3
    assert steps[2].counts == Counts(readings=3, gaps=1, gap_minutes=2, resets=0)


def test_reset_clears_the_buffer_and_the_waiting_forecast() -> None:
    pipeline = Pipeline(FixedForecaster(kw=0.0, window=2), gaps=GapRule("reset", 1))
    kw = [0.1, 0.2, math.nan, 0.3, math.nan, math.nan, 0.4, 0.5]
    steps = pipeline.push_many(readings(kw))
    assert [step.buffered for step in steps] == [1, 2, 3, 1, 2]
    assert steps[2].settled is not None
    assert steps[3].settled is steps[3].forecast is None
    assert steps[4].forecast is not None
    assert steps[4].counts == Counts(readings=5, gaps=2, gap_minutes=3, resets=1)


def test_steps_do_not_depend_on_later_readings(sample_kw: np.ndarray) -> None:
    kw = sample_kw[:200].copy()
    before = Pipeline(_model()).push_many(readings(kw))
    kw[150:] += 1.0
    after = Pipeline(_model()).push_many(readings(kw))
    assert before[:150] == after[:150]
    assert before[150].forecast != after[150].forecast


@pytest.mark.parametrize("kw", [math.nan, math.inf, -math.inf])
def test_non_finite_reading_leaves_the_pipeline_unchanged(kw: float) -> None:
    pipeline = Pipeline(FixedForecaster(window=2))
    pipeline.push_many(readings([0.1, 0.2]))
    before = pipeline.state()
    bad = Reading(START + timedelta(minutes=3), kw)
    with pytest.raises(ReadingError, match="not a finite number"):
        pipeline.push(bad)
    with pytest.raises(ReadingError, match="not a finite number"):
        pipeline.push_many([Reading(START + timedelta(minutes=2), 0.3), bad])
    assert pipeline.state() == before


def test_time_that_does_not_advance_is_rejected() -> None:
    pipeline = Pipeline(FixedForecaster(window=2))
    first, second = readings([0.1, 0.2])
    pipeline.push(second)
    for late in (first, second):
        with pytest.raises(ReadingError, match="does not come after"):
            pipeline.push(late)
    with pytest.raises(ReadingError, match="with and without a zone"):
        pipeline.push(Reading(datetime(2030, 1, 1, tzinfo=UTC), 0.1))


def test_empty_block_gives_no_steps() -> None:
    assert Pipeline(FixedForecaster()).push_many([]) == []


@settings(max_examples=6)
@given(at=st.integers(0, 180), by_block=st.booleans())
def test_restored_pipeline_continues_bit_for_bit(
    sample_kw: np.ndarray, at: int, by_block: bool
) -> None:
    stream = _with_gaps(sample_kw[:200], seed=5)
    rule = GapRule("reset", 20)
    undisturbed = Pipeline(_model(), gaps=rule)
    if by_block:
        undisturbed.push_many(stream[:at])
    else:
        for reading in stream[:at]:
            undisturbed.push(reading)
    state = json.loads(json.dumps(undisturbed.state()))
    restored = Pipeline(_model(), gaps=rule)
    restored.restore(state)
    assert restored.state() == state
    for reading in stream[at:]:
        assert restored.push(reading) == undisturbed.push(reading)
    assert restored.state() == undisturbed.state()


@pytest.mark.parametrize("engines", [("numpy", "auto"), ("auto", "numpy")])
def test_state_of_one_engine_is_continued_by_another(
    sample_kw: np.ndarray, engines: tuple[str, str]
) -> None:
    stream = _with_gaps(sample_kw[:400], seed=5)
    first, second = (Pipeline(load_model(engine=engine)) for engine in engines)
    first.push_many(stream[:200])
    second.restore(json.loads(json.dumps(first.state())))
    expected = first.push_many(stream[200:])
    found = second.push_many(stream[200:300]) + [second.push(one) for one in stream[300:]]
    for mine, theirs in zip(found, expected, strict=True):
        _assert_alike(mine, theirs)


def test_state_is_small_and_has_no_engine_cache() -> None:
    pipeline = Pipeline(_model())
    pipeline.push_many(readings(np.full(60, 0.5)))
    state = pipeline.state()
    assert len(state["buffer_kw"]) == 50
    assert "hidden" not in json.dumps(state)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 99}, "version 99"),
        ({"window": 10}, "window of 10"),
        ({"buffer_kw": None}, "damaged"),
        ({"counts": {"readings": 1, "bogus": 2}}, "damaged"),
        ({"last_at": "yesterday"}, "damaged"),
        ({"waiting": {}}, "damaged"),
        ({"online": None}, "damaged"),
        ({"alarms": {}}, "damaged"),
    ],
)
def test_incompatible_state_is_rejected(change: dict[str, Any], message: str) -> None:
    pipeline = Pipeline(FixedForecaster())
    with pytest.raises(StateError, match=message):
        pipeline.restore({**Pipeline(FixedForecaster()).state(), **change})


_ANY_FINITE = st.floats(allow_nan=False, allow_infinity=False)


def _numbers(value: object) -> list[float]:
    """All numbers in a step, at any depth."""
    if isinstance(value, float):
        return [value]
    if isinstance(value, dict):
        return [number for part in value.values() for number in _numbers(part)]
    if isinstance(value, (list, tuple)):
        return [number for part in value for number in _numbers(part)]
    return []


@settings(max_examples=15)
@given(
    kw=st.lists(
        _ANY_FINITE | st.sampled_from([1.7e308, -1.7e308, 1e300, 0.0, 1e-320, 0.3]),
        min_size=50,
        max_size=150,
    ),
    repeats=st.sampled_from([1, 1, 5]),
    by_block=st.booleans(),
)
def test_any_finite_readings_give_finite_numbers(
    kw: list[float], repeats: int, by_block: bool
) -> None:
    pipeline = Pipeline(_model())
    stream = readings(kw * repeats)
    steps = pipeline.push_many(stream) if by_block else [pipeline.push(each) for each in stream]
    for step in steps:
        assert all(map(math.isfinite, _numbers(asdict(step))))
        assert step.error_kw is None or math.isfinite(step.error_kw)
        if step.forecast is not None:
            assert step.forecast.low_kw <= step.forecast.high_kw
    state = json.loads(json.dumps(pipeline.state(), allow_nan=False))
    restored = Pipeline(_model())
    restored.restore(state)
    assert restored.state() == state


@pytest.fixture(scope="module")
def day_and_a_half(sample_kw: np.ndarray) -> list[Reading]:
    """Smaller loads than those trained on, and long enough for a correction to be shown."""
    return _with_gaps(0.3 * sample_kw[:2200], seed=3)


def test_blocks_and_single_readings_learn_the_same(day_and_a_half: list[Reading]) -> None:
    single, many, skimming = (Pipeline(_model()) for _ in range(3))
    one_by_one = [single.push(reading) for reading in day_and_a_half]
    together: list[Step] = []
    for start in range(0, len(day_and_a_half), 333):
        part = day_and_a_half[start : start + 333]
        together += many.push_many(part)
        last = skimming.push_block(ReadingBlock.of(part)).last
        _assert_alike(last, together[-1], tolerance=1e-9)
    for mine, theirs in zip(together, one_by_one, strict=True):
        _assert_alike(mine, theirs)
    corrected = [step.adaptation.shown for step in one_by_one if step.forecast and step.adaptation]
    assert not any(corrected[:1440])
    assert any(corrected)


def test_alarms_of_a_block_equal_those_of_its_steps(day_and_a_half: list[Reading]) -> None:
    faulty = [
        Reading(reading.at, reading.kw * (1000.0 if 1000 <= minute < 1030 else 1.0))
        for minute, reading in enumerate(day_and_a_half)
    ]
    stepping, skimming = Pipeline(_model()), Pipeline(_model())
    steps = [stepping.push(reading) for reading in faulty]
    raised = [
        (alarm.kind, alarm.at)
        for step in steps
        for alarm in step.alarms
        if alarm.at == step.reading.at
    ]
    found = []
    for start in range(0, len(faulty), 501):
        result = skimming.push_block(ReadingBlock.of(faulty[start : start + 501]))
        found += [(alarm.kind, alarm.at) for alarm in result.alarms]
    assert found == raised
    assert raised


@settings(max_examples=2)
@given(at=st.integers(1400, 2100))
def test_adaptation_is_restored_bit_for_bit(day_and_a_half: list[Reading], at: int) -> None:
    undisturbed, restored = Pipeline(_model()), Pipeline(_model())
    undisturbed.push_block(ReadingBlock.of(day_and_a_half[:at]))
    restored.restore(json.loads(json.dumps(undisturbed.state())))
    assert restored.state() == undisturbed.state()
    for reading in day_and_a_half[at : at + 90]:
        assert restored.push(reading) == undisturbed.push(reading)
    assert restored.state() == undisturbed.state()


def test_without_adaptation_the_mean_is_the_networks_own(day_and_a_half: list[Reading]) -> None:
    steps = Pipeline(_model(), adapt=False).push_many(day_and_a_half)
    assert all(step.adaptation is None and step.scores.frozen is None for step in steps)
    forecasts = [step.forecast for step in steps if step.forecast]
    assert all(forecast.kw == forecast.frozen_kw for forecast in forecasts)
    assert all(each.low_kw <= each.point_kw <= each.high_kw for each in forecasts)


def test_the_mean_and_the_point_are_inside_the_band(day_and_a_half: list[Reading]) -> None:
    steps = Pipeline(_model()).push_many(day_and_a_half)
    forecasts = [step.forecast for step in steps if step.forecast]
    assert all(f.low_kw <= f.kw <= f.high_kw for f in forecasts)
    assert all(f.low_kw <= f.point_kw <= f.high_kw for f in forecasts)
    assert all(f.point_kw == f.median_kw for f in forecasts)


def test_a_state_without_a_guard_begins_it_anew(day_and_a_half: list[Reading]) -> None:
    pipeline, restored = Pipeline(_model()), Pipeline(_model())
    pipeline.push_many(day_and_a_half[:300])
    state = pipeline.state()
    assert state["online"]["guard"]["settled"] == 251
    del state["online"]["guard"]
    restored.restore(state)
    step = restored.push(day_and_a_half[300])
    assert restored.state()["online"]["guard"]["settled"] == 1
    assert step.scores.settled == 252


@pytest.mark.parametrize(
    "wrong", [{"sums": "AAAA"}, {"settled": -1}, {"places": [0, 99]}, {"waiting": [0.0, math.nan]}]
)
def test_a_state_with_a_damaged_guard_is_refused(wrong: dict[str, object]) -> None:
    pipeline = Pipeline(FixedForecaster())
    state = pipeline.state()
    state["online"]["guard"].update(wrong)
    with pytest.raises(StateError, match="damaged"):
        pipeline.restore(state)


def test_state_of_other_settings_is_rejected() -> None:
    saved = Pipeline(FixedForecaster()).state()
    with pytest.raises(StateError, match=r"confidence 0\.9, this pipeline has 0\.8"):
        Pipeline(FixedForecaster(), confidence=0.8).restore(saved)
    with pytest.raises(StateError, match="saved state is adapted, this pipeline is not"):
        Pipeline(FixedForecaster(), adapt=False).restore(saved)


def test_confidence_out_of_range_is_rejected() -> None:
    for confidence in (0.0, 1.0, -1.0, 90.0, math.nan):
        with pytest.raises(UsageError, match="must be between 0 and 1"):
            Pipeline(FixedForecaster(), confidence=confidence)
