"""Tests of the switching events: loads drawn into a house, and what must not be one."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.alarms.edges import BEGINS_KW, LASTS
from streamer.alarms.switching import MAX_LOADS, SURE_MINUTES, SwitchingEvents
from streamer.demand.settings import DemandRule
from streamer.errors import StateError
from streamer.pipeline import Pipeline
from streamer.readings import Reading
from streamer.readings.blocks import ReadingBlock
from streamer.readings.demand import SwitchingEvent
from streamer.testing import FixedForecaster, readings

START = datetime(2010, 3, 19, 17, 24)
MINUTE = timedelta(minutes=1)

Load = tuple[float, float, float]
"""Start and end in minutes from `START`, and power in kW."""


def power(minutes: int, loads: list[Load], *, base: float = 0.3, noise: float = 0.02) -> np.ndarray:
    """Means of minutes of a base load, some noise, and loads."""
    edges = np.arange(minutes)
    kw = base + noise * np.random.default_rng(1).standard_normal(minutes)
    for start, end, size in loads:
        kw += size * np.clip(np.minimum(edges + 1, end) - np.maximum(edges, start), 0.0, 1.0)
    return kw


def found(kw: np.ndarray, *, gap_before: int | None = None) -> list[SwitchingEvent]:
    """The events of readings from `START` on, with a gap of an hour before one of them."""
    events, at, result = SwitchingEvents(), START, []
    for row, value in enumerate(kw.tolist()):
        missing = 60 if row == gap_before else 0
        at += (1 + missing) * MINUTE if row else timedelta()
        result += events.one(at, value, missing)
    return result


def ended(kw: np.ndarray) -> list[tuple[int, int, float]]:
    """Start, end and size of the loads that are off, in the order of their starts."""
    return sorted(
        ((e.on_at - START) // MINUTE, (e.off_at - START) // MINUTE, e.kw)
        for e in found(kw)
        if e.off_at is not None
    )


@settings(max_examples=60, deadline=None)
@given(
    start=st.floats(5.0, 30.0),
    lasting=st.floats(4.0, 100.0),
    size=st.floats(2.0, 22.0),
    base=st.floats(-5.0, 5.0),
)
def test_a_load_is_found_to_the_minute(
    start: float, lasting: float, size: float, base: float
) -> None:
    [event] = ended(power(150, [(start, start + lasting, size)], base=base))
    on, off, kw = event
    # A part of the first or last minute may be lost in the noise.
    assert int(start) <= on <= int(start) + 1
    assert int(start + lasting) <= off <= int(start + lasting) + 1
    assert kw == pytest.approx(size, abs=max(0.1 * size, BEGINS_KW))


def test_loads_that_overlap_are_told_apart() -> None:
    loads = [(10.3, 90.6, 7.4), (20.5, 60.2, 2.2), (40.0, 50.6, 3.0), (30.3, 95.4, 1.0)]
    sizes = {(on, off): kw for on, off, kw in ended(power(120, loads))}
    assert sizes == {
        (10, 90): pytest.approx(7.4, abs=0.1),
        (20, 60): pytest.approx(2.2, abs=0.1),
        (40, 50): pytest.approx(3.0, abs=0.1),
        (30, 95): pytest.approx(1.0, abs=0.1),
    }


def test_two_loads_switched_on_together_end_one_by_one() -> None:
    events = ended(power(120, [(10.0, 40.0, 3.0), (10.5, 70.0, 2.0)]))
    assert [(on, off) for on, off, _ in events] == [(10, 40), (10, 70)]
    assert [kw for *_, kw in events] == pytest.approx([3.0, 2.0], abs=0.1)


def test_two_loads_switched_off_together_end_together() -> None:
    events = ended(power(120, [(10.0, 70.0, 3.0), (30.0, 70.0, 2.0)]))
    assert [(on, off) for on, off, _ in events] == [(10, 70), (30, 70)]
    assert [kw for *_, kw in events] == pytest.approx([3.0, 2.0], abs=0.1)


def test_a_load_is_reported_while_it_is_on_and_when_it_is_off() -> None:
    on, off = found(power(90, [(10.5, 60.5, 2.1)]))
    assert (on.on_at, on.off_at, on.minutes) == (START + 10 * MINUTE, None, None)
    assert (off.on_at, off.off_at, off.minutes) == (on.on_at, START + 60 * MINUTE, 50)


def test_a_short_load_is_reported_once() -> None:
    [event] = found(power(60, [(10.5, 15.5, 2.1)]))
    assert event.minutes == 5 < SURE_MINUTES


def test_a_load_that_fades_out_is_over_when_the_power_is_too_low_for_it() -> None:
    kw = power(120, [(10.0, 60.0, 3.0)])
    kw[60:80] += np.linspace(3.0, 0.0, 20)
    on, off = found(kw)
    assert (on.off_at, off.on_at) == (None, on.on_at)
    assert off.minutes is not None
    assert 50 < off.minutes < 70


def test_nothing_is_said_of_a_load_over_a_gap() -> None:
    kw = power(120, [(10.5, 90.5, 2.1)])
    assert [event.off_at for event in found(kw, gap_before=70)] == [None]
    assert found(kw, gap_before=15) == []


def test_a_slow_change_of_the_base_load_is_no_event() -> None:
    assert found(np.linspace(0.3, 4.3, 300)) == []
    # Nor does it hide the end of a load.
    kw = power(300, [(20.0, 250.0, 3.0)]) + np.linspace(0.0, 1.5, 300)
    assert [(on, off) for on, off, _ in ended(kw)] == [(20, 250)]


def test_a_small_load_of_a_restless_day_is_no_event_and_a_short_or_large_one_is() -> None:
    restless = 0.4 + 0.12 * np.random.default_rng(2).standard_normal(3000)
    loads = [(2000.5, 2004.5, 1.5), (2100.5, 2130.5, 1.5), (2200.5, 2230.5, 4.0)]
    kw = power(3000, loads, base=0.0, noise=0.0)
    assert [(on, off) for on, off, _ in ended(restless + kw)] == [(2000, 2004), (2200, 2230)]
    assert [(on, off) for on, off, _ in ended(0.4 + kw)] == [
        (int(on), int(off)) for on, off, _ in loads
    ]


def test_noise_is_no_event() -> None:
    rng = np.random.default_rng(3)
    assert found(0.4 + 0.1 * rng.standard_normal(5000)) == []
    # A hob that is on for two minutes of three becomes noise.
    hob = np.where(np.arange(600) % 3 == 0, 0.0, 1.2) * rng.uniform(0.7, 1.0, 600)
    assert len(found(0.4 + hob)) < 10


@pytest.mark.parametrize("sun_kw", [0.0, 5.0])
def test_a_load_in_a_house_that_exports(sun_kw: float) -> None:
    kw = power(400, [(300.5, 380.5, 11.0)]) - sun_kw
    assert [(on, off) for on, off, _ in ended(kw)] == [(300, 380)]


def test_elapsed_minutes_over_a_change_of_the_clock() -> None:
    zone = ZoneInfo("Europe/Brussels")
    first = datetime(2023, 10, 29, 0, 0, tzinfo=ZoneInfo("UTC"))
    events, kw = SwitchingEvents(), power(150, [(20.0, 110.0, 2.0)])
    at = [(first + row * MINUTE).astimezone(zone) for row in range(len(kw))]
    found = [e for each in events.many(at, kw.tolist(), [0] * len(kw)) for e in each]
    assert [event.minutes for event in found] == [None, 90]
    assert found[1].on_at == at[20]


def random_house(seed: int, minutes: int = 1500) -> tuple[list[datetime], list[float], list[int]]:
    """Times, powers and missing minutes of a house with many loads and some gaps."""
    rng = np.random.default_rng(seed)
    starts = rng.uniform(0, minutes - 200, 40)
    loads = [(s, s + rng.uniform(0.5, 190), rng.uniform(0.3, 6.0)) for s in starts.tolist()]
    kw = power(minutes, loads, noise=0.05)
    missing = np.where(rng.random(minutes) < 0.003, rng.integers(1, 90, minutes), 0)
    missing[0] = 0
    rows = (np.arange(minutes) + np.cumsum(missing)).tolist()
    return [START + row * MINUTE for row in rows], kw.tolist(), missing.tolist()


@pytest.mark.parametrize("seed", range(3))
def test_blocks_and_restored_states_continue_bit_for_bit(seed: int) -> None:
    columns = random_house(seed)
    whole = SwitchingEvents().many(*columns)
    assert sum(map(len, whole)) > 15
    rng = np.random.default_rng(seed)
    cuts = [0, *sorted(rng.integers(0, len(whole), 60).tolist()), len(whole)]
    events, parts = SwitchingEvents(), []
    for start, end in pairwise(cuts):
        state = json.loads(json.dumps(events.state()))
        events = SwitchingEvents()
        events.restore(state)
        assert events.state() == state
        parts += events.many(*(column[start:end] for column in columns))
    assert parts == whole


@pytest.mark.parametrize("seed", range(3))
def test_an_event_has_a_whole_minute_and_no_gap(seed: int) -> None:
    at, kw, missing = random_house(seed)
    rows = {each: row for row, each in enumerate(at)}
    for reported, found in enumerate(SwitchingEvents().many(at, kw, missing)):
        for event in found:
            end = rows[event.off_at] if event.off_at else reported
            assert rows[event.on_at] < end <= reported <= end + LASTS + 1
            assert not any(missing[rows[event.on_at] : reported + 1])
            assert event.minutes is None or event.minutes >= 2


def test_the_number_of_loads_is_bounded() -> None:
    kw = power(200, [(10.0 * load, 200.0, 1.0 + load) for load in range(1, 15)])
    events = SwitchingEvents()
    events.many([START + row * MINUTE for row in range(200)], kw.tolist(), [0] * 200)
    assert len(events.state()["loads"]) == MAX_LOADS


DAMAGE = [
    {"lowest": None},
    {"lowest": float("nan")},
    {"loads": [[START.isoformat(), 1.0, 0.0, 1.0, 1, False]] * (MAX_LOADS + 1)},
    {"loads": [["yesterday", 1.0, 0.0, 1.0, 1, False]]},
    {"loads": [[START.isoformat(), 1.0, 0.0, 1.0, -1, False]]},
    {"loads": [[START.isoformat(), 1.0, 0.0]]},
    {"edges": {}},
    {"edges": None},
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_state_is_an_error_and_changes_nothing(damage: dict[str, object]) -> None:
    events = SwitchingEvents()
    events.many(*(column[:300] for column in random_house(1)))
    before = events.state()
    with pytest.raises((AttributeError, KeyError, TypeError, ValueError)):
        events.restore({**before, **damage})
    assert events.state() == before


def test_a_pipeline_follows_loads_of_the_consumption_one_by_one_and_in_blocks() -> None:
    loads = [(20.5, 70.5, 3.0), (100.5, 130.5, 2.0)]
    kw = power(160, loads)
    house = [
        Reading(START + row * MINUTE, value - 4.0 * (row % 3), solar_kw=4.0 * (row % 3))
        for row, value in enumerate(kw.tolist())
    ]
    new = partial(Pipeline, FixedForecaster(kw=0.5, window=3), demand=DemandRule())
    one, many, blocks = new(), new(), new()
    single = [one.push(reading).switched for reading in house]
    assert [event.minutes for events in single for event in events] == [None, 50, 30]
    assert [step.switched for step in many.push_many(house)] == single
    blocks.push_block(ReadingBlock.of(house[:60]))
    restored = new()
    restored.restore(json.loads(json.dumps(blocks.state())))
    assert [step.switched for step in restored.push_many(house[60:])] == single[60:]
    assert restored.state()["switching"] == one.state()["switching"]


def test_loads_are_forgotten_where_the_sun_begins_to_be_measured() -> None:
    kw = power(90, [(20.5, 70.5, 3.0)])
    house = [
        Reading(START + row * MINUTE, value, solar_kw=0.0 if row >= 40 else None)
        for row, value in enumerate(kw.tolist())
    ]
    pipeline = Pipeline(FixedForecaster(kw=0.5, window=3), demand=DemandRule())
    assert not any(step.switched for step in pipeline.push_many(house))


def test_a_state_without_loads_begins_anew_and_a_damaged_one_is_an_error() -> None:
    new = partial(Pipeline, FixedForecaster(kw=0.5, window=3), demand=DemandRule())
    pipeline = new()
    pipeline.push_many(readings(power(60, [(20.5, 70.5, 3.0)]).tolist(), start=START))
    state = pipeline.state()
    with pytest.raises(StateError, match="damaged"):
        new().restore({**state, "switching": {"loads": 3}})
    del state["switching"]
    restored = new()
    restored.restore(state)
    assert restored.state()["switching"] == SwitchingEvents().state()
    unkept = Pipeline(FixedForecaster(kw=0.5, window=3))
    assert "switching" not in unkept.state()
