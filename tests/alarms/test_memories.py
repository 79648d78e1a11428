"""Tests of what a house is known for: exports, loads, long runs, and the budget of a day."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.alarms.budget import SIZES, DailyBudget
from streamer.alarms.detectors import Alarms
from streamer.alarms.drift import Drift
from streamer.alarms.exports import ExportMemory
from streamer.alarms.loads import FORGOTTEN, HOLDS, KnownLoads
from streamer.alarms.runs import RunMemory
from streamer.alarms.thresholds import DAY
from streamer.readings import Alarm
from tests.alarms.test_detectors import START, columns, house, kinds


def raised(kw: np.ndarray, *, width: float = 0.1) -> list[tuple[int, Alarm]]:
    """Alarms of readings from the start on, with their minutes."""
    found = Alarms().settle_many(**columns(kw, width=width))
    return [((alarm.at - START) // timedelta(minutes=1), alarm) for alarm in found]


def sun(days: int, peak: float = 3.0) -> np.ndarray:
    """Power of panels with passing clouds, the same on each day."""
    of_day = np.arange(days * DAY) % DAY
    clear = peak * np.maximum(0.0, np.sin((of_day - 360) / 720 * np.pi))
    return clear * (0.75 + 0.25 * np.sin(of_day / 9.0))


def charging(days: int, power: float, *, seed: int = 1) -> tuple[np.ndarray, list[int]]:
    """Power of a car on each evening, and the minutes at which it begins to charge."""
    rng, kw = np.random.default_rng(seed), np.zeros(days * DAY)
    starts = [day * DAY + int(rng.integers(1050, 1200)) for day in range(days)]
    for start in starts:
        kw[start : start + 90] = power
        kw[start] *= rng.random()
    return kw, starts


@pytest.mark.parametrize("power", [3.7, 7.4, 11.0, 22.0])
def test_a_charge_that_has_come_three_times_is_no_alarm(power: float) -> None:
    car, starts = charging(20, power)
    found = [at for at, alarm in raised(house(20) + car) if alarm.kind == Alarm.ANOMALY]
    at_starts = [any(start <= at < start + 10 for at in found) for start in starts]
    assert any(at_starts[:2])
    assert not any(at_starts[3:])


@pytest.mark.parametrize("power", [7.4, 11.0])
def test_the_end_of_a_charge_that_has_come_three_times_is_no_alarm(power: float) -> None:
    car, starts = charging(20, power)
    for number, start in enumerate(starts):
        car[start + 89] *= number / 20  # it ends within a minute
    found = [at for at, alarm in raised(house(20) + car, width=0.02) if alarm.kind == Alarm.ANOMALY]
    at_ends = [any(start + 85 <= at < start + 95 for at in found) for start in starts]
    assert any(at_ends[:3])
    assert not any(at_ends[3:])


def test_a_meter_that_turns_its_sign_while_a_car_charges_is_found() -> None:
    car, starts = charging(20, 11.0)
    kw = house(20) + car
    kw[starts[-1] + 40 :] *= -1.0
    found = [at for at, alarm in raised(kw) if alarm.kind == Alarm.ANOMALY]
    assert any(0 <= at - starts[-1] - 40 < 2 for at in found)


def test_a_heater_is_found_in_a_house_with_a_car() -> None:
    car, _ = charging(14, 11.0)
    kw = house(14) + car
    kw[13 * DAY + 300 :] += 5.0
    found = [at for at, alarm in raised(kw) if alarm.kind == Alarm.ANOMALY]
    assert any(0 <= at - (13 * DAY + 300) < 5 for at in found)


def test_the_first_sunny_day_has_few_alarms_and_the_next_ones_none_for_export() -> None:
    kw = house(12)
    kw[8 * DAY :] -= sun(4)
    found = [(at, alarm) for at, alarm in raised(kw) if alarm.kind == Alarm.ANOMALY]
    assert 1 <= len([at for at, _ in found if 8 * DAY <= at < 9 * DAY]) <= 3
    exports = [(at, alarm.text) for at, alarm in found if "export" in alarm.text]
    assert len(exports) == 1
    assert exports[0][0] // DAY == 8
    assert "none before" in exports[0][1]


def test_more_export_than_ever_before_is_an_anomaly_that_says_how_much() -> None:
    kw = house(12) - sun(12)
    kw[11 * DAY + 700 :] -= 2.0
    found = [alarm for at, alarm in raised(kw) if at >= 11 * DAY + 690]
    assert any("kW more export than ever before" in alarm.text for alarm in found)
    assert all(alarm.kind == Alarm.ANOMALY for alarm in found)


def test_a_meter_that_clips_the_sun_at_zero_is_not_stuck() -> None:
    kw = np.maximum(house(14) - sun(14), 0.0)
    found = [at // DAY for at, alarm in raised(kw) if alarm.kind == Alarm.STUCK]
    assert 1 <= len(found) <= 5
    assert max(found) < 5
    # But it is, if it repeats another value.
    kw[13 * DAY + 600 : 13 * DAY + 660] = 0.123
    late = [at for at, alarm in raised(kw) if alarm.kind == Alarm.STUCK and at > 13 * DAY]
    assert late == [13 * DAY + 614]


def test_power_near_zero_is_not_another_unit_but_a_thousandth_is() -> None:
    """With sun that just covers the house for hours, and a battery that holds a few watts."""
    rng = np.random.default_rng(2)
    kw = house(9) - sun(9)
    for day in range(9):
        kw[day * DAY + 420 : day * DAY + 440] = rng.uniform(-0.006, 0.006, 20)
        kw[day * DAY + 1200 : day * DAY + 1400] = rng.normal(0.002, 0.0015, 200)
    kw = kw.round(4)
    found = [minute // DAY for minute, a in raised(kw) if a.kind == Alarm.UNIT]
    assert len(found) <= 2
    assert max(found, default=0) < 4
    at = 8 * DAY + 700
    kw[at:] *= 0.001
    found = [(minute, a.text) for minute, a in raised(kw) if a.kind == Alarm.UNIT]
    late = [(minute, text) for minute, text in found if minute >= at]
    assert late[0][0] < at + 60
    assert "with --unit kW" in late[0][1]


def test_watts_are_found_in_a_house_with_sun() -> None:
    kw = house(9) - sun(9)
    kw[8 * DAY + 700 :] *= 1000.0
    found = [at for at, alarm in raised(kw) if alarm.kind == Alarm.UNIT]
    assert found == [8 * DAY + 702]


def test_a_day_on_which_everything_is_unusual_has_few_alarms() -> None:
    rng, kw = np.random.default_rng(9), house(6)
    for place in 5 * DAY + 60 * np.arange(24):
        kw[place : place + 2] += rng.uniform(5.0, 7.0)
    found = [at for at, alarm in raised(kw) if alarm.kind == Alarm.ANOMALY and at >= 5 * DAY]
    assert 1 <= len(found) <= len(SIZES)


@given(st.lists(st.tuples(st.integers(1, 300), st.floats(1.0, 3.9)), max_size=60))
def test_a_day_has_at_most_four_alarms_below_four_times_the_limit(
    events: list[tuple[int, float]],
) -> None:
    budget, seen, kept = DailyBudget(), 1, []
    for wait, size in events:
        seen += wait
        if budget.allows(size, seen):
            kept.append(seen)
    assert all(later - first >= DAY for first, later in zip(kept, kept[4:], strict=False))


@given(st.lists(st.floats(0.001, 20.0), min_size=1, max_size=200), st.integers(1, 400))
def test_unusual_exports_are_a_day_apart_and_bounded(kw: list[float], step: int) -> None:
    exports, found = ExportMemory(), []
    for place, each in enumerate(kw):
        if each > exports.most_kw and exports.see(each, seen=1 + place * step) is not None:
            found.append(1 + place * step)
    assert exports.most_kw <= max(kw)
    assert all(b - a > DAY for a, b in pairwise(found))
    assert len(found) <= math.log(max(kw) / 0.02 + 1.0) / math.log(1.25) + 1


@given(st.lists(st.integers(1, 700), max_size=300))
def test_few_runs_are_unusual(run: list[int]) -> None:
    memory = RunMemory(least=14, most=720)
    unusual = 0
    for each in run:
        unusual += each > memory.limit
        memory.end(each)
    assert memory.longest <= max(run, default=0)
    assert unusual <= math.log2(max(run, default=14) / 14 + 1.0) + 1


def test_what_a_house_is_known_for_is_forgotten_in_time() -> None:
    exports, zeros, loads = ExportMemory(), RunMemory(least=14, most=720), KnownLoads()
    exports.most_kw, zeros.longest = 4.0, 600.0
    for _ in range(3):
        loads.begin(0.0)
        for _ in range(HOLDS):
            loads.follow(7.0)
    assert loads.explains(7.0)
    for _ in range(FORGOTTEN):
        exports.close_hour(seen=60)
        zeros.close_hour()
        loads.close_hour()
    assert loads.explains(7.0)
    loads.close_hour()
    assert not loads.explains(7.0)
    assert not loads.may_begin(1.0)
    assert zeros.longest == pytest.approx(300.0)
    assert exports.most_kw == pytest.approx(4.0 * 0.5 ** (60 / 180))


def test_a_load_that_goes_off_early_is_not_remembered() -> None:
    loads = KnownLoads()
    loads.begin(0.5)
    for kw in [6.0] * (HOLDS - 1) + [0.6]:
        loads.follow(kw)
    assert loads.minutes == 0
    assert loads.state()["slots"] == KnownLoads().state()["slots"]


def test_smaller_errors_are_no_drift_and_neither_is_their_return() -> None:
    drift, rng = Drift(), np.random.default_rng(6)
    hours = np.concatenate([np.full(24 * 14, 0.1), np.full(24 * 7, 0.03), np.full(24 * 7, 0.1)])
    errors = hours * np.exp(0.2 * rng.standard_normal(len(hours)))
    assert [hour for hour, kw in enumerate(errors) if drift.update(kw, hour % 24)] == []


def test_errors_that_are_larger_by_day_are_no_drift() -> None:
    drift, rng = Drift(), np.random.default_rng(7)
    hour = np.arange(24 * 28)
    errors = np.where((hour % 24 > 7) & (hour % 24 < 20), 0.3, 0.04)
    errors = errors * np.exp(0.2 * rng.standard_normal(len(hour)))
    found = [day for day, kw in enumerate(errors) if drift.update(kw, day % 24)]
    assert found == []
    doubled = [drift.update(2.5 * kw, day % 24) for day, kw in enumerate(errors[: 24 * 4])]
    assert any(change is not None for change in doubled)


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from(["exports", "loads", "budget", "zeros", "small", "peak", "drift"]),
    st.sampled_from([None, -1, "x", [], [1.0, "x"], {"hours": [1.0], "usual": [0.0]}, math.inf]),
)
def test_a_damaged_memory_is_refused_and_changes_nothing(name: str, wrong: object) -> None:
    alarms = Alarms()
    alarms.settle_many(**columns(house(0.2)))
    state = alarms.state()
    with pytest.raises((KeyError, TypeError, ValueError)):
        alarms.restore({**state, name: wrong})
    assert alarms.state() == state


def test_a_state_without_memories_is_continued() -> None:
    """That of a former version has a threshold for exports in their place."""
    alarms = Alarms()
    alarms.settle_many(**columns(house(2)))
    state = json.loads(json.dumps(alarms.state()))
    for name in ("exports", "loads", "budget", "zeros", "small", "peak"):
        del state[name]
    state["drift"] = {"hours": state["drift"]["hours"]}
    for limit, most in ((0.015, 0.0), (2.5, 2.5)):
        state["limits"]["export"] = [limit, 3, 100, 200]
        again = Alarms()
        again.restore(state)
        assert again.state()["exports"] == [most, most, 0]
        assert kinds(again.settle_many(**columns(house(0.1)))) == []
