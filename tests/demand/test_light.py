"""Demand intervals of many meters, beside the full version and beside formulas."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.demand.light.alarm import LOGITS, STEP, LightThreshold
from streamer.demand.light.demands import Demands
from streamer.demand.light.part import LightDemand
from streamer.demand.light.probability import Ahead, LightProbability
from streamer.demand.light.records import DEMAND, are_sound, new_record
from streamer.demand.part import Demand
from streamer.demand.probability import PRIOR, SHARE, ExceedanceProbability
from streamer.demand.rest import Rest, RestForecasts
from streamer.demand.settings import DemandRule
from streamer.demand.warning import MIN_THRESHOLD
from tests.demand.test_probability import house

HORIZONS = (1, 15, 60)
START = datetime(2024, 2, 27, 22, 7)


def _records(meters: int) -> np.ndarray:
    return np.full(meters, new_record(0.0), DEMAND)


def _with_bound(records: np.ndarray, kw: np.ndarray) -> np.ndarray:
    """The records after a day whose highest interval was that."""
    records["highest"][:, 1] = kw
    return records


def _issued(kw: np.ndarray) -> np.ndarray:
    """(minutes, 4, horizons) forecasts that lag behind the readings, with a band."""
    mean = 0.9 * kw[:, None] + np.array([0.0, 0.05, 0.1])
    return np.stack([mean, mean - 0.05, 0.6 * mean, 1.4 * mean + 0.2], axis=1)


def _day(rng: np.random.Generator, days: int) -> np.ndarray:
    """Powers of a house in which a few loads are switched."""
    kw = 0.2 + 2.0 * (rng.random(days * 1440 // 10) < 0.1).repeat(10)
    return kw * rng.lognormal(0.0, 0.2, len(kw))


def test_a_meter_takes_96_bytes() -> None:
    assert DEMAND.itemsize == 96


@given(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from([15, 60]))
@settings(max_examples=15)
def test_probabilities_are_those_of_a_single_meter(seed: int, net: bool, minutes: int) -> None:
    rng = np.random.default_rng(seed)
    count = 40
    low, median, high = np.sort(rng.normal(0.5, 2.0, (3, count)), axis=0)
    low[:9] = median[:9]
    high[5:15] = median[5:15]
    rest = np.stack([rng.normal(0.5, 2.0, count), median, low, high], axis=1)
    left = rng.integers(1, minutes, count)
    known, last = rng.normal(5.0, 20.0, count), rng.normal(1.0, 2.0, count)
    bound = rng.uniform(0.1, 5.0, count)
    light = LightProbability(minutes, confidence=0.9, net=net)
    found = light.of(_records(count), bound, Ahead(known, left, rest, last))
    single = ExceedanceProbability(minutes, confidence=0.9, net=net)
    columns = (each.tolist() for each in (bound, known, left, rest, last))
    expected = [single.of(b, k, n, Rest(*r), v) for b, k, n, r, v in zip(*columns, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 70), min_size=1, max_size=9))
def test_rests_are_those_of_a_single_meter(left: list[int]) -> None:
    issued = np.random.default_rng(1).normal(size=(len(left), 4, 3))
    issued[0] = np.nan
    forecasts = RestForecasts(HORIZONS)
    found = forecasts.of_many(np.array(left), issued)
    for minutes, row, values in zip(left, found.tolist(), issued, strict=True):
        expected = forecasts.of(minutes, values)
        np.testing.assert_allclose(row, [np.nan] * 4 if expected is None else expected)
    assert np.isnan(forecasts.of_many(np.array(left), None)).all()
    assert np.isnan(RestForecasts(()).of_many(np.array(left), issued[:, :, :0])).all()


def test_the_calibration_makes_one_newton_step_an_interval() -> None:
    rng = np.random.default_rng(3)
    meters, minutes = 6, 15
    light = LightProbability(minutes, confidence=0.9, net=False)
    bound = rng.uniform(1.0, 1.5, meters)
    now = _with_bound(_records(meters), bound)
    now["highest"][:, 3] = 1.2 * bound
    calibration = np.tile([0.2, 0.9, *PRIOR, 0.01], (meters, 1))
    now["calibration"] = calibration
    kw = rng.uniform(0.8, 2.0, (minutes, meters))
    seen: list[list[tuple[float, float, float]]] = [[] for _ in range(meters)]
    neutral = LightProbability(minutes, confidence=0.9, net=False)
    for passed in range(1, minutes):
        mean = rng.uniform(0.8, 2.0, meters)
        rest = np.stack([mean, mean, 0.5 * mean, 1.5 * mean], axis=1)
        ahead = Ahead(
            kw[:passed].sum(axis=0), np.full(meters, minutes - passed), rest, kw[passed - 1]
        )
        light.see(now, ahead)
        for of_bound in (1.0, 1.2):
            # Without a calibration, the logit of the probability is the regressor.
            raw = neutral.of(_records(meters), of_bound * now["highest"][:, 1].astype(float), ahead)
            need = (of_bound * bound * minutes - ahead.known) / ahead.left
            for meter in range(meters):
                if 0.0 < need[meter] <= 2.0 * mean[meter]:
                    logit = np.log(raw[meter] / (1.0 - raw[meter]))
                    seen[meter].append((of_bound, logit, 0.0))
    mean_kw = kw.mean(axis=0)
    light.end(now, mean_kw, np.ones(meters, bool))
    for meter in range(meters):
        intercept, slope, first, second, both = calibration[meter]
        regressors = np.array([[1.0, logit] for _, logit, _ in seen[meter]])
        outcome = np.array([mean_kw[meter] > of * bound[meter] for of, *_ in seen[meter]])
        assert len(outcome) > 5
        p = 1.0 / (1.0 + np.exp(-regressors @ [intercept, slope]))
        information = SHARE * (regressors.T * (p * (1.0 - p))) @ regressors
        covariance = np.linalg.inv(np.linalg.inv([[first, both], [both, second]]) + information)
        step = covariance @ (SHARE * regressors.T @ (outcome - p))
        found = now["calibration"][meter]
        np.testing.assert_allclose(found[:2], [intercept + step[0], slope + step[1]], rtol=2e-4)
        expected = [covariance[0, 0], covariance[1, 1], covariance[0, 1]]
        np.testing.assert_allclose(found[2:], expected, rtol=1e-3)
    assert not now["open"].any()
    assert not now["sums"].any()


def test_the_calibration_is_nearly_as_good_as_that_of_each_minute() -> None:
    """Of forecasts that are too high by a half, for four houses of three days."""
    minutes, highest, meters = 15, 2.5, 4
    light = LightProbability(minutes, confidence=0.9, net=False)
    singles = [ExceedanceProbability(minutes, confidence=0.9) for _ in range(meters)]
    now = _with_bound(_records(meters), np.full(meters, highest))
    raw = _records(meters)
    houses = zip(*(house(seed, 3, bias=0.4) for seed in range(meters)), strict=True)
    squares = np.zeros(3)
    for number, intervals in enumerate(houses):
        kw = np.array([each for each, _ in intervals]).T
        rest = np.array([rests for _, rests in intervals]).swapaxes(0, 1)
        exceeded = kw.mean(axis=0) > highest
        for passed in range(1, minutes):
            left = np.full(meters, minutes - passed)
            ahead = Ahead(kw[:passed].sum(axis=0), left, rest[passed - 1], kw[passed - 1])
            columns = [each.tolist() for each in ahead]
            rows = [(k, n, Rest(*r), v) for k, n, r, v in zip(*columns, strict=True)]
            if passed == 5 and number > 120:
                p = [single.of(highest, *row) for single, row in zip(singles, rows, strict=True)]
                bound = np.full(meters, highest)
                each = np.array([light.of(now, bound, ahead), p, light.of(raw, bound, ahead)])
                squares += np.square(each - exceeded).sum(axis=1)
            light.see(now, ahead)
            for single, row in zip(singles, rows, strict=True):
                single.see(*row)
        light.end(now, kw.mean(axis=0), np.ones(meters, bool))
        for single, mean_kw in zip(singles, kw.mean(axis=0).tolist(), strict=True):
            single.end(mean_kw)
    assert squares[0] < 1.1 * squares[1]
    assert squares[0] < 0.95 * squares[2]


def test_intervals_with_missing_minutes_are_not_learnt_from() -> None:
    light = LightProbability(15, confidence=0.9, net=False)
    now = _with_bound(_records(2), np.array([1.0, 1.0]))
    before = now.copy()
    rest = np.full((2, 4), 1.0) * [1.0, 1.0, 0.5, 1.5]
    light.see(now, Ahead(np.full(2, 3.0), np.full(2, 10), rest, np.ones(2)))
    assert now["open"].any()
    light.end(now, np.array([9.0, 9.0]), np.zeros(2, bool))
    assert now.tobytes() == before.tobytes()


def test_the_highest_intervals_are_those_of_four_days() -> None:
    light = LightProbability(60, confidence=0.9, net=False)
    now = _records(1)
    kw = np.random.default_rng(5).uniform(0.0, 3.0, 24 * 7)
    for number, each in enumerate(kw):
        light.end(now, np.array([each]), np.ones(1, bool))
        days = [kw[24 * day : 24 * (day + 1)] for day in range(7)]
        over = (number + 1) // 24
        running = kw[24 * over : number + 1]
        expected = [max(running, default=0.0)]
        expected += [days[over - back].max() if back <= over else 0.0 for back in (1, 2, 3)]
        np.testing.assert_allclose(now["highest"][0], expected, rtol=1e-6)
        assert now["intervals"][0] == (number + 1) % 24


@settings(max_examples=8)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.5, 3.0, 30.0]), st.floats(0.0, 1.0))
def test_false_alarms_keep_to_the_budget(seed: int, a_month: float, often: float) -> None:
    """Whatever the scores of the intervals are, and from any reading on."""
    rng = np.random.default_rng(seed)
    threshold = LightThreshold(DemandRule(60, alarms_per_month=a_month))
    now, month, meters = np.full(4, new_record(threshold.first)), 720, 4
    left, knows = np.full(meters, 20), np.ones(meters, bool)
    false = np.zeros(meters)
    moved = now["threshold"].astype(float)
    for _ in range(400):
        p = np.where(rng.random(meters) < often, rng.random(meters), 0.01)
        raised = threshold.raised(now, p, left, knows)
        assert threshold.raised(now, np.full(meters, 0.9999), left, now["raised"]) == []
        exceeded = rng.random(meters) < 0.1 * p
        for row, size in raised:
            assert size > 1.0
            false[row] += not exceeded[row]
        threshold.end(now, exceeded, knows)
        assert not now["raised"].any()
    bound = a_month * 400 / month + (LOGITS[1] - moved) / STEP + 1
    assert (false <= bound).all()


def test_a_false_alarm_moves_the_threshold_by_a_step() -> None:
    threshold = LightThreshold(DemandRule(15, alarms_per_month=3.0))
    now = np.full(4, new_record(threshold.first))
    left, knows = np.array([7, 7, 7, 2]), np.ones(4, bool)
    raised = threshold.raised(now, np.array([0.9, 0.9, 0.3, 0.9]), left, knows)
    assert [row for row, _ in raised] == [0, 1]
    threshold.end(now, np.array([True, False, False, False]), np.array([1, 1, 1, 0], bool))
    down = -STEP * 3.0 / 2880
    np.testing.assert_allclose(
        now["threshold"] - threshold.first, [down, STEP + down, down, 0.0], atol=1e-6
    )
    assert pytest.approx(1.0 / (1.0 + np.exp(-LOGITS[0]))) == MIN_THRESHOLD


def test_no_alarms_are_raised_with_a_budget_of_0() -> None:
    threshold = LightThreshold(DemandRule(15, alarms_per_month=0.0))
    now = np.full(1, new_record(threshold.first))
    assert threshold.raised(now, np.ones(1), np.array([7]), np.ones(1, bool)) == []


@pytest.mark.parametrize(
    ("rule", "minutes"),
    [
        (DemandRule(floor_kw=1.0), 500),
        (DemandRule(60, net=True), 400),
        (DemandRule(limit_kw=0.5), 300),
    ],
)
def test_a_meter_has_what_the_full_version_has(rule: DemandRule, minutes: int) -> None:
    """Before anything is learnt: the intervals, forecasts, bounds, peaks and probabilities."""
    rng = np.random.default_rng(8)
    kw = _day(rng, 2)[:minutes] - 0.3
    there = rng.random(len(kw)) > 0.005
    light = LightDemand(rule, HORIZONS, confidence=0.9)
    full = Demand(rule, HORIZONS, confidence=0.9)
    probabilities = []
    for minute in np.flatnonzero(there).tolist():
        at, issued = START + timedelta(minutes=minute), _issued(kw[minute : minute + 1])[0]
        both = []
        for demand in (light, full):
            demand.take(at, float(kw[minute]), issued)
            both.append(demand.values())
        ours, theirs = both
        assert ours.demand is not None
        assert theirs.demand is not None
        for name in ("start", "end", "minutes_left", "unknown_minutes", "month_peak_at"):
            assert getattr(ours.demand, name) == getattr(theirs.demand, name)
        for name in ("so_far_kw", "kw", "low_kw", "high_kw", "bound_kw", "month_peak_kw"):
            assert getattr(ours.demand, name) == pytest.approx(
                getattr(theirs.demand, name), abs=1e-5
            )
        # Divided by the minutes that are left, of which there may be one.
        assert ours.demand.margin_kw == pytest.approx(theirs.demand.margin_kw, abs=1e-3)
        assert (ours.demand.p_raises_peak is None) == (theirs.demand.p_raises_peak is None)
        probabilities.append([each.demand.p_raises_peak or 0.0 for each in both])
        assert [
            (each.start, each.end, each.unknown_minutes, each.exceeded) for each in ours[1]
        ] == [(each.start, each.end, each.unknown_minutes, each.exceeded) for each in theirs[1]]
    first, second = np.array(probabilities).T
    np.testing.assert_allclose(first, second, atol=1e-3)
    assert second.max() > 0.5
    scores = [demand.values().scores for demand in (light, full)]
    assert scores[0] is not None
    assert scores[1] is not None
    assert scores[0].settled == scores[1].settled > 2
    assert scores[0].exceeded == scores[1].exceeded


@pytest.mark.parametrize(("hours", "expected"), [(25, ["peak"]), (23, [])])
def test_no_alarm_is_raised_before_a_day_is_known(hours: int, expected: list[str]) -> None:
    demand = LightDemand(DemandRule(), HORIZONS, confidence=0.9)
    start = datetime(2024, 2, 27)
    for minute in range(60 * hours):
        demand.take(start + timedelta(minutes=minute), 0.2, None)
    raised = []
    for minute in range(60 * hours, 60 * hours + 6):
        alarm = demand.take(start + timedelta(minutes=minute), 3.0, _issued(np.array([3.0]))[0])
        raised += [] if alarm is None else [alarm]
    assert [each.kind for each in raised] == expected
    for alarm in raised:
        assert alarm == demand.alarm
        assert "above this month's peak" in alarm.text
        assert alarm.size > 1.0


def test_a_second_reading_within_a_minute_is_left_out() -> None:
    demand = LightDemand(DemandRule(), HORIZONS, confidence=0.9)
    demand.take(START, 1.0, None)
    state = demand.state()
    demand.take(START + timedelta(seconds=20), 4.0, None)
    assert demand.state() == state
    assert (demand.values().demand, demand.settled) == (None, ())


@pytest.fixture(scope="module")
def saved() -> str:
    """State of a meter with an alarm about the running interval."""
    demand = LightDemand(DemandRule(limit_kw=1.0), HORIZONS, confidence=0.9)
    kw = np.append(_day(np.random.default_rng(9), 1)[-480:], [3.0, 3.0, 3.0])
    for minute, value in enumerate(kw.tolist()):
        at = datetime(2024, 2, 28, 16) + timedelta(minutes=minute)
        demand.take(at, value, _issued(kw[minute : minute + 1])[0])
    assert demand.alarm is not None
    return json.dumps(demand.state())


LAST = datetime(2024, 2, 29, 0, 2)


def test_another_bound_keeps_the_peak_and_another_interval_does_not(saved: str) -> None:
    state = json.loads(saved)
    demand = LightDemand(DemandRule(floor_kw=0.5), HORIZONS, confidence=0.9)
    demand.restore(state, LAST)
    demand.take(LAST + timedelta(minutes=1), 0.2, None)
    shown = demand.values().demand
    assert shown is not None
    assert (shown.unknown_minutes, demand.alarm) == (0, None)
    assert shown.month_peak_kw is not None
    hours = LightDemand(DemandRule(60), HORIZONS, confidence=0.9)
    for other in (state, None, {"ledger": {}}):
        hours.restore(other, LAST)
        assert hours.is_new


@pytest.mark.parametrize("seed", range(2))
def test_a_damaged_state_is_an_error_or_does_no_harm(saved: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    refused = 0
    for _ in range(25):
        state: dict[str, Any] = json.loads(saved)
        record = np.frombuffer(base64.b64decode(state["record"]), np.uint8).copy()
        record[rng.integers(len(record))] = rng.integers(256)
        state["record"] = base64.b64encode(record.tobytes()).decode()
        demand = LightDemand(DemandRule(limit_kw=1.0), HORIZONS, confidence=0.9)
        try:
            demand.restore(state, LAST)
        except (TypeError, ValueError):
            refused += 1
            continue
        for minute in range(15):
            kw = np.array([2.0])
            demand.take(LAST + timedelta(minutes=1 + minute), 2.0, _issued(kw)[0])
            shown = demand.values().demand
            if shown is not None:
                values = (shown.so_far_kw, shown.kw, shown.low_kw, shown.high_kw)
                assert all(np.isfinite(each) for each in values if each is not None)
    assert 0 < refused < 25


def test_records_of_another_length_of_intervals_are_not_sound() -> None:
    rule = DemandRule(60)
    demands = Demands(rule, HORIZONS, confidence=0.9)
    state = demands.first[None].copy()
    for past in range(40):
        values = (np.array([each]) for each in (past, past, 1))
        minute, since, month = values
        kw = np.ones(1)
        demands.take(state, minute=minute, past=since, month=month, kw=kw, issued_kw=None)
    assert are_sound(state, 60)
    assert not are_sound(state, 15)
