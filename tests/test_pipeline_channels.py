"""Tests of the pipeline over readings with solar and battery power."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, astuple, replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view

from streamer.errors import ReadingError, StateError
from streamer.models import load_model
from streamer.online.battery import BatteryResponse
from streamer.online.guard import Guard
from streamer.online.solar import SolarForecast
from streamer.pipeline import Pipeline
from streamer.readings import Reading, Step
from streamer.readings.blocks import ReadingBlock
from streamer.readings.gaps import GapRule
from streamer.testing import START, FixedForecaster, readings
from tests.agreement import AGREEMENT_KW

WINDOW = 49


def _sky(count: int, seed: int = 0) -> np.ndarray:
    """Solar power: a day of 200 minutes, half of it dark, with clouds."""
    rng = np.random.default_rng(seed)
    clear = 3.0 * np.maximum(np.sin(np.arange(count) * (2 * math.pi / 200)), 0.0)
    return clear * np.where(rng.random(count) < 0.2, 0.3, 1.0)


def _sunny(
    consumption_kw: np.ndarray, *, battery: bool = False, seed: int = 0, solar: bool = True
) -> list[Reading]:
    """Readings of a house with these loads, one minute apart."""
    count = len(consumption_kw)
    rng = np.random.default_rng(seed + 1)
    sun = _sky(count, seed) if solar else np.zeros(count)
    # It follows half of the time, and is idle otherwise.
    following = (np.arange(count) // 60) % 2 == 0
    stored = np.where(following, sun - consumption_kw + rng.normal(0.0, 0.01, count), 0.0)
    if not battery:
        stored = np.zeros(count)
    return [
        Reading(START + timedelta(minutes=minute), *powers)
        for minute, powers in enumerate(
            zip(
                (consumption_kw - sun + stored).tolist(),
                sun.tolist() if solar else [None] * count,
                stored.tolist() if battery else [None] * count,
                strict=True,
            )
        )
    ]


def _forecasts(steps: list[Step], name: str) -> np.ndarray:
    return np.array([getattr(step.forecast, name) for step in steps if step.forecast])


@pytest.mark.parametrize("battery", [False, True])
def test_forecasts_equal_an_independent_computation(sample_kw: np.ndarray, battery: bool) -> None:
    stream = _sunny(sample_kw[:200], battery=battery)
    steps = Pipeline(load_model(), adapt=False).push_many(stream)
    grid, sun, stored = (
        np.array([getattr(each, name) or 0.0 for each in stream])
        for name in ("kw", "solar_kw", "battery_kw")
    )
    house = grid + sun - stored
    answer = load_model().forecast(sliding_window_view(house, WINDOW))
    now = slice(WINDOW - 1, None)
    solar = np.array([*map(SolarForecast().push, sun.tolist())])[now, 0]
    share = np.ones(len(solar))
    if battery:
        push = BatteryResponse().push
        share = np.array([*map(push, (grid - stored).tolist(), grid.tolist())])[now]

    def to_grid(house_kw: np.ndarray, solar_kw: np.ndarray) -> np.ndarray:
        return share * (house_kw - solar_kw + stored[now]) + (1.0 - share) * grid[now]

    low, high = _forecasts(steps, "low_kw"), _forecasts(steps, "high_kw")
    for name, expected in (
        ("consumption_kw", answer.mean_kw),
        ("solar_kw", solar),
        ("kw", to_grid(answer.mean_kw, solar)),
        ("frozen_kw", to_grid(answer.mean_kw, sun[now])),
        ("last_kw", grid[now]),
    ):
        found = _forecasts(steps, name)
        np.testing.assert_allclose(found, expected, rtol=0, atol=AGREEMENT_KW, err_msg=name)
    median = to_grid(answer.quantiles_kw[:, 1], sun[now])
    np.testing.assert_allclose(
        _forecasts(steps, "median_kw"), np.clip(median, low, high), rtol=0, atol=AGREEMENT_KW
    )
    errors = grid[WINDOW:] - _forecasts(steps, "kw")[:-1]
    assert steps[-1].scores.model.mse_kw2 == pytest.approx((errors**2).mean())
    persistence = np.diff(grid)[WINDOW - 1 :]
    assert steps[-1].scores.persistence.mse_kw2 == pytest.approx((persistence**2).mean())


def test_the_grid_power_is_guarded_by_what_the_battery_takes_on_itself(
    sample_kw: np.ndarray,
) -> None:
    """The adapter has no weight within a day, so what differs from the network is the guards'."""
    stream = _sunny(sample_kw[:600], battery=True)
    steps = Pipeline(FixedForecaster(kw=2.0, window=1)).push_many(stream)
    house, battery, guard, grid_guard = math.nan, BatteryResponse(), Guard(), Guard()
    sun = SolarForecast()
    for number, (reading, step) in enumerate(zip(stream, steps, strict=True)):
        assert reading.solar_kw is not None
        assert reading.battery_kw is not None
        if number:
            guard.settle(reading.consumption_kw)
            grid_guard.settle(reading.kw)
        before, house = house, reading.consumption_kw
        change = house - before if number else 0.0
        mean, _ = guard.see(2.0, math.nan, house, change, reading.at.hour // 6)
        share = battery.push(reading.kw - reading.battery_kw, reading.kw)
        response = sum(share > limit for limit in (0.1, 0.5, 0.9))
        grid = mean - sun.push(reading.solar_kw)[0] + reading.battery_kw
        grid = share * grid + (1.0 - share) * reading.kw
        mean, _ = grid_guard.see(grid, math.nan, reading.kw, change, response)
        forecast = step.forecast
        assert forecast is not None
        held = min(max(mean, forecast.low_kw), forecast.high_kw)
        assert forecast.kw == pytest.approx(held, abs=1e-9)


def test_the_consumption_is_forecast_as_if_it_were_all_there_is(sample_kw: np.ndarray) -> None:
    house = 0.3 * sample_kw[:1700]
    stream = _sunny(house, battery=True)
    forecaster = FixedForecaster(kw=1.0, spread_kw=0.3)
    found = _forecasts(Pipeline(forecaster).push_many(stream), "consumption_kw")
    plain = [Reading(each.at, each.consumption_kw) for each in stream]
    steps = Pipeline(forecaster).push_many(plain)
    low, high, shown, frozen = (
        _forecasts(steps, name) for name in ("low_kw", "high_kw", "kw", "frozen_kw")
    )
    # Only what is shown is held inside the interval.
    np.testing.assert_array_equal(np.clip(found, low, high), shown)
    assert (shown != np.clip(frozen, low, high)).any()


def test_the_band_is_of_the_grid_power_and_widens_with_the_sun() -> None:
    forecaster = FixedForecaster(kw=0.5, window=2, spread_kw=0.1)
    steady = [Reading(START + timedelta(minutes=m), -1.5, 2.0) for m in range(4)]
    (*_, calm) = Pipeline(forecaster).push_many(steady)
    assert calm.forecast is not None
    assert (calm.forecast.solar_kw, calm.forecast.consumption_kw) == (2.0, 0.5)
    assert calm.forecast.kw == calm.forecast.median_kw == -1.5
    assert calm.forecast.low_kw == pytest.approx(-1.6, abs=0.01)
    assert calm.forecast.high_kw == pytest.approx(-1.4, abs=0.01)
    cloud = [*steady[:3], Reading(steady[3].at, 0.0, 0.5)]
    (*_, rough) = Pipeline(forecaster).push_many(cloud)
    assert rough.forecast is not None
    # The sun may come back by more than it can still go: it has 0.5 kW left.
    assert rough.forecast.low_kw < rough.forecast.kw - 0.7
    assert rough.forecast.high_kw < rough.forecast.median_kw + 0.6


def test_without_channels_there_is_no_forecast_of_them() -> None:
    step = Pipeline(FixedForecaster(window=2)).push_many(readings([0.4, 0.6]))[1]
    assert step.forecast is not None
    assert step.forecast.consumption_kw is step.forecast.solar_kw is None


def test_battery_power_alone_is_a_channel() -> None:
    stream = _sunny(np.linspace(0.3, 0.8, 60), battery=True, solar=False)
    step = Pipeline(FixedForecaster(window=5, spread_kw=0.1)).push_many(stream)[-1]
    assert step.forecast is not None
    assert step.forecast.solar_kw is None
    assert step.forecast.consumption_kw == stream[-1].consumption_kw


def test_other_channels_empty_the_buffer_and_scores_continue() -> None:
    plain = readings([0.4, 0.5, 0.6])
    later = plain[-1].at + timedelta(minutes=1)
    sunny = [Reading(later + timedelta(minutes=m), 0.1, 0.5) for m in range(3)]
    back = readings([0.6], start=later + timedelta(minutes=3))
    steps = Pipeline(FixedForecaster(window=2)).push_many([*plain, *sunny, *back])
    assert [step.counts.resets for step in steps] == [0, 0, 0, 1, 1, 1, 2]
    assert [step.buffered for step in steps] == [1, 2, 3, 1, 2, 3, 1]
    assert [step.settled is not None for step in steps] == [False] * 2 + [True] + [False] * 2 + [
        True,
        False,
    ]
    assert steps[-1].scores.settled == 2
    assert [step.gap_minutes for step in steps] == [0] * 7


@pytest.mark.parametrize("name", ["kw", "solar_kw", "battery_kw"])
@pytest.mark.parametrize("kw", [math.nan, math.inf, -math.inf])
def test_powers_that_are_not_finite_leave_the_pipeline_unchanged(name: str, kw: float) -> None:
    pipeline = Pipeline(FixedForecaster(window=2))
    good = [Reading(START + timedelta(minutes=m), 0.5, 1.0, 0.25) for m in range(4)]
    pipeline.push_many(good[:2])
    before = pipeline.state()
    bad = replace(good[3], **{name: kw})
    message = f"{name.removesuffix('_kw')} power of reading at" if name != "kw" else "^reading at"
    for push in (
        lambda: pipeline.push(bad),
        lambda: pipeline.push_many([good[2], bad]),
        lambda: pipeline.push_block(ReadingBlock.of([good[2], bad])),
    ):
        with pytest.raises(ReadingError, match=rf"{message} .* not a finite number"):
            push()
        assert pipeline.state() == before


def test_powers_too_large_to_be_added_up_are_rejected() -> None:
    with pytest.raises(ReadingError, match="too large to be added up"):
        Pipeline(FixedForecaster(window=2)).push(Reading(START, 1.7e308, 1.7e308))


def _assert_alike(one: Step, other: Step, tolerance: float) -> None:
    for name in ("reading", "gap_minutes", "buffered", "counts"):
        assert getattr(one, name) == getattr(other, name)
    for mine, theirs in ((one.settled, other.settled), (one.forecast, other.forecast)):
        assert (mine is None) == (theirs is None)
        if mine is not None and theirs is not None:
            assert astuple(mine)[1:] == pytest.approx(astuple(theirs)[1:], abs=tolerance)
    assert one.scores.settled == other.scores.settled
    for mine, theirs in (
        (one.scores.model, other.scores.model),
        (one.scores.persistence, other.scores.persistence),
        (one.scores.band, other.scores.band),
    ):
        assert astuple(mine) == pytest.approx(astuple(theirs), abs=tolerance)
    assert [(alarm.kind, alarm.at) for alarm in one.alarms] == [
        (alarm.kind, alarm.at) for alarm in other.alarms
    ]


_POWERS = st.sampled_from([0.0, 0.0, 0.25, 1.5, 3.0, -0.005])


@settings(max_examples=60)
@given(
    rows=st.lists(
        st.tuples(st.sampled_from([0, 0, 0, 0, 0, 0, 0, 1, 3, 4, 900]), _POWERS, _POWERS, _POWERS),
        min_size=1,
        max_size=150,
    ),
    spells=st.lists(
        st.tuples(st.integers(1, 60), st.booleans(), st.booleans()), min_size=1, max_size=6
    ),
    sizes=st.lists(st.integers(1, 70), min_size=1, max_size=8),
    policy=st.sampled_from(["skip", "reset"]),
    at=st.integers(0, 150),
)
def test_blocks_singles_steps_and_restored_states_may_be_mixed(
    rows: list, spells: list, sizes: list[int], policy: str, at: int
) -> None:
    """Each spell of readings has channels of its own."""
    kinds = [kind for length, *kind in spells for _ in range(length)]
    stream, minute = [], 0
    for row, (gap, kw, solar, battery) in enumerate(rows):
        minute += gap + 1
        sunny, stored = kinds[row % len(kinds)]
        moment = START + timedelta(minutes=minute)
        stream.append(Reading(moment, kw, solar if sunny else None, battery if stored else None))
    forecaster, rule = FixedForecaster(window=5, spread_kw=0.1), GapRule(policy, 3)
    single, mixed = Pipeline(forecaster, gaps=rule), Pipeline(forecaster, gaps=rule)
    expected = [single.push(reading) for reading in stream]
    done, turn, restored = 0, 0, False
    while done < len(stream):
        part = stream[done : done + sizes[turn % len(sizes)]]
        if turn % 3 == 0:
            same = [each for each in part if _channels(each) == _channels(part[0])]
            part = part[: next((i for i, each in enumerate(part) if each not in same), len(part))]
            last = mixed.push_block(ReadingBlock.of(part)).last
        elif turn % 3 == 1:
            last = mixed.push_many(part)[-1]
        else:
            last = [mixed.push(reading) for reading in part][-1]
        done, turn = done + len(part), turn + 1
        _assert_alike(last, expected[done - 1], tolerance=1e-12)
        if done >= at and not restored:
            state = json.loads(json.dumps(mixed.state(), allow_nan=False))
            mixed = Pipeline(forecaster, gaps=rule)
            mixed.restore(state)
            assert mixed.state() == state
            restored = True


def _channels(reading: Reading) -> tuple[bool, bool]:
    return reading.solar_kw is not None, reading.battery_kw is not None


@pytest.mark.parametrize("learning", [False, True])
def test_blocks_give_the_steps_of_single_readings(sample_kw: np.ndarray, learning: bool) -> None:
    stream = _sunny(0.3 * sample_kw[: 1600 if learning else 250], battery=True)
    forecaster = FixedForecaster(kw=2.0, spread_kw=0.1) if learning else load_model()
    single, many, skimming = (Pipeline(forecaster) for _ in range(3))
    one_by_one = [single.push(reading) for reading in stream]
    for start in range(0, len(stream), 133):
        part = stream[start : start + 133]
        together = many.push_many(part)
        for mine, theirs in zip(together, one_by_one[start:], strict=False):
            _assert_alike(mine, theirs, AGREEMENT_KW)
        result = skimming.push_block(ReadingBlock.of(part))
        _assert_alike(result.last, together[-1], 1e-9)
        settled = [math.nan if step.settled is None else step.settled.kw for step in together]
        np.testing.assert_array_equal(result.settled_kw, settled)
    adaptation = one_by_one[-1].adaptation
    assert adaptation is not None
    assert adaptation.shown == learning


@settings(max_examples=5)
@given(at=st.integers(0, 180), battery=st.booleans())
def test_a_restored_pipeline_continues_bit_for_bit(
    sample_kw: np.ndarray, at: int, battery: bool
) -> None:
    stream = _sunny(sample_kw[:200], battery=battery)
    undisturbed, restored = Pipeline(load_model()), Pipeline(load_model())
    for reading in stream[:at]:
        undisturbed.push(reading)
    restored.restore(json.loads(json.dumps(undisturbed.state(), allow_nan=False)))
    for reading in stream[at:]:
        assert restored.push(reading) == undisturbed.push(reading)
    assert restored.state() == undisturbed.state()


def _older(state: dict[str, Any]) -> dict[str, Any]:
    """The state as it was saved before there were channels."""
    older = {name: value for name, value in state.items() if name not in ("net_load", "channels")}
    if older["waiting"] is not None:
        older["waiting"] = {
            name: value
            for name, value in older["waiting"].items()
            if name not in ("consumption_kw", "solar_kw")
        }
    return older


def test_an_older_state_continues_bit_for_bit() -> None:
    stream = readings(np.linspace(0.2, 0.9, 80))
    forecaster = FixedForecaster(window=5, spread_kw=0.1)
    undisturbed, restored = Pipeline(forecaster), Pipeline(forecaster)
    undisturbed.push_many(stream[:40])
    restored.restore(_older(undisturbed.state()))
    for reading in stream[40:]:
        assert restored.push(reading) == undisturbed.push(reading)


def test_solar_power_after_an_older_state_empties_the_buffer() -> None:
    stream = readings(np.linspace(0.2, 0.9, 41))
    older, pipeline = Pipeline(FixedForecaster(window=5)), Pipeline(FixedForecaster(window=5))
    older.push_many(stream[:40])
    pipeline.restore(_older(older.state()))
    step = pipeline.push(replace(stream[40], solar_kw=1.0))
    assert (step.buffered, step.counts.resets) == (1, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"net_load": {}},
        {"net_load": {"solar": [], "battery": [0.0, 0.0]}},
        {"net_load": 7},
        {"channels": [True]},
        {"channels": ["yes", "no"]},
        {"channels": None},
    ],
)
def test_a_damaged_state_is_rejected(change: dict[str, Any]) -> None:
    pipeline = Pipeline(FixedForecaster(window=5))
    pipeline.push_many(_sunny(np.linspace(0.2, 0.9, 20)))
    before = pipeline.state()
    with pytest.raises(StateError, match="damaged"):
        pipeline.restore({**before, **change})
    assert pipeline.state() == before


_ANY = st.floats(-8e307, 8e307) | st.sampled_from([1e300, -1e300, 0.0, 1e-320, 0.3, 2.0])


@settings(max_examples=12)
@given(rows=st.lists(st.tuples(_ANY, _ANY), min_size=50, max_size=120), battery=st.booleans())
def test_any_finite_powers_give_finite_numbers(rows: list, battery: bool) -> None:
    stream = [
        Reading(START + timedelta(minutes=m), kw, solar, kw / 4 if battery else None)
        for m, (kw, solar) in enumerate(rows)
    ]
    one, other = Pipeline(load_model()), Pipeline(load_model())
    steps = [one.push(reading) for reading in stream]
    last = other.push_block(ReadingBlock.of(stream)).last
    for step in (*steps, last):
        if step.forecast is not None:
            numbers = [kw for kw in asdict(step.forecast).values() if isinstance(kw, float)]
            assert all(map(math.isfinite, numbers))
            assert step.forecast.low_kw <= step.forecast.high_kw
    json.dumps(one.state(), allow_nan=False)
