"""Tests of runs of one value, at rest and elsewhere."""

from __future__ import annotations

import json
import math
from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.alarms.detectors import Alarms
from streamer.alarms.repeats import FALL_KW, REST_KW, RepeatCount
from streamer.alarms.rules import RULES
from streamer.alarms.thresholds import DAY
from streamer.readings import MINUTE, Alarm

START = datetime(2010, 3, 19)


def counted(values: list[float]) -> RepeatCount:
    count = RepeatCount()
    for place, kw in enumerate(values):
        count.see(kw, kw, values[max(0, place - 8) : place])
    return count


def stuck_minutes(values: list[float], alarms: Alarms | None = None) -> list[int]:
    """Minutes at which a stuck alarm begins."""
    alarms = alarms or Alarms()
    found = []
    for minute, kw in enumerate(values):
        at = START + minute * MINUTE
        on = alarms.settle(at=at, kw=kw, forecast=None, missing=0)
        found += [minute for alarm in on if alarm.kind == Alarm.STUCK and alarm.at == at]
    return found


@pytest.mark.parametrize(
    ("values", "at_rest"),
    [
        ([0.31, 0.21], True),  # a refrigerator has switched off
        ([0.31, 0.29, 0.25, 0.22, 0.21, 0.21, 0.21], True),
        ([0.21, 0.31, 0.214, 0.214], True),
        ([0.21, 0.31, 0.218], False),  # something else is still on
        ([0.25, 0.21], False),  # too small a fall
        ([0.31, *[0.21, 0.212] * 5, 0.21], False),  # too long ago
        ([0.21, 0.31], False),
        ([0.31], False),
        ([0.31, 0.0], False),  # as in a gap filled with zeros
        ([0.31, -0.4, -0.4], False),
    ],
)
def test_a_run_begins_at_rest_soon_after_a_fall_to_the_base_load(
    values: list[float], at_rest: bool
) -> None:
    assert counted(values).is_plateau is at_rest


def test_a_run_keeps_how_it_began() -> None:
    assert counted([0.31, *[0.21] * 500]).is_plateau
    assert not counted([0.21, 0.31, 0.5, *[0.31] * 500]).is_plateau


def test_readings_before_a_gap_do_not_count() -> None:
    alarms = Alarms()
    for minute, (kw, missing) in enumerate([(0.31, 0), (0.21, 5)]):
        alarms.settle(at=START + minute * MINUTE, kw=kw, forecast=None, missing=missing)
    assert alarms.state()["plateau"] is False


@given(st.lists(st.floats(-10.0, 10.0), min_size=1, max_size=60))
def test_the_base_load_is_at_most_the_last_reading(values: list[float]) -> None:
    """It falls at once, rises by a share of the distance, and never leaves the readings."""
    count, base = RepeatCount(), math.nan
    for kw in values:
        count.see(kw, kw, [])
        assert min(values) - 1e-9 <= count.base_kw <= kw
        assert not count.base_kw < min(base, kw)
        base = count.base_kw


def test_the_base_load_forgets_a_minimum_in_some_days() -> None:
    base = counted([0.1, *[0.3] * DAY]).base_kw
    assert 0.3 - base == pytest.approx(0.2 / math.e, rel=0.01)


def test_where_the_sun_covers_the_house_the_base_load_is_that_of_the_night() -> None:
    rng = np.random.default_rng(4)
    count = RepeatCount()
    night = [0.3, 0.31, *[0.21] * 20] * 24
    for kw in [*night, *rng.uniform(-3.0, 0.3, 600).tolist(), *[-0.5] * 20, *night[:-20]]:
        count.see(kw, kw, [0.31], exports=True)
    assert count.base_kw == pytest.approx(0.21, abs=0.001)
    count.see(0.21, 0.21, [0.31], exports=True)
    assert count.is_plateau


def cycles(days: int, rest: int) -> list[float]:
    """A refrigerator above a base load that is constant to the last digit."""
    on = [0.3 + 0.002 * minute for minute in range(3 * rest)]
    return ([*on, *[0.2] * rest] * (days * DAY // (4 * rest) + 1))[: days * DAY]


def test_any_run_of_a_coarse_meter_is_a_plateau() -> None:
    rng = np.random.default_rng(3)
    count = counted(np.repeat(rng.uniform(0.2, 3.0, 2 * DAY), 3).round(3).tolist())
    assert count.is_plateau
    fine = counted(rng.uniform(0.2, 3.0, 2 * DAY).round(3).tolist())
    assert not fine.is_plateau


@given(st.lists(st.booleans(), max_size=3000))
def test_the_level_of_repetitions_fits_into_a_record(repeats: list[bool]) -> None:
    count = RepeatCount()
    count.level = 63 * 1024
    for number, repeat in enumerate(repeats):
        kw = count.value if repeat and count.value is not None else float(number)
        count.see(kw, kw, [])
        assert 0 <= count.level < 2**16


def test_plateaus_at_rest_are_learnt_from_few_alarms() -> None:
    """From the first day on, also where they grow longer in a quieter week."""
    values = [*cycles(3, 20), *cycles(20, 32)]
    found = stuck_minutes(values)
    assert len([minute for minute in found if minute < 3 * DAY]) <= 3
    assert len(found) <= 8
    assert len([minute for minute in found if minute > 5 * DAY]) <= 0.2 * 18 + 1


@pytest.mark.parametrize("kw", [0.0, 0.21, 1.3, 2.4])
def test_a_stuck_meter_is_found_after_plateaus_at_rest_were_learnt(kw: float) -> None:
    """Wherever it is stuck but at rest, and at zero in any case."""
    alarms = Alarms()
    stuck_minutes(cycles(10, 30), alarms)
    assert alarms.state()["limits"]["plateau"][0] > 20.0
    later = [0.31, 0.305, *[kw] * 20]
    assert stuck_minutes(later, alarms) == [2 + 14]


def test_states_of_version_0_2_are_continued() -> None:
    """They have no base load, and one threshold for all repetitions."""
    former = Alarms()
    values = cycles(2, 18)
    stuck_minutes(values[:-4], former)
    state = json.loads(json.dumps(former.state()))
    state["limits"]["stuck"] = [21.0, 4, 2000, 2005]
    for name in ("plateau", "base", "repeats"):
        del state[name]
    del state["limits"]["plateau"]
    alarms = Alarms()
    alarms.restore(state)
    assert alarms.state()["limits"]["plateau"] == alarms.state()["limits"]["stuck"]
    assert alarms.state()["base"] is None
    assert stuck_minutes(values, alarms) == []
    assert stuck_minutes([1.0] * 30, alarms) == [20]


def test_a_run_has_one_alarm_that_ends_with_it() -> None:
    values = [0.5, *[0.3] * 40, 0.31]
    alarms = Alarms()
    on = [
        alarms.settle(at=START + minute * MINUTE, kw=kw, forecast=None, missing=0)
        for minute, kw in enumerate(values)
    ]
    assert [bool(each) for each in on] == [False] * 15 + [True] * 26 + [False]


def test_the_thresholds_of_repetitions_alarm_within_fifteen_readings() -> None:
    """As long as no ordinary run was longer; those of whole numbers are exceeded by one."""
    assert all(14.0 <= RULES[name].start < 15.0 for name in ("stuck", "plateau"))
    assert 0.0 < REST_KW < FALL_KW
    rng = np.random.default_rng(1)
    quiet = rng.uniform(0.2, 2.0, 2 * DAY).round(3).tolist()
    alarms = Alarms()
    assert stuck_minutes(quiet, alarms) == []
    assert stuck_minutes([quiet[-1]] * 15, alarms) == [13]
