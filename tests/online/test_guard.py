"""Tests of the guard: its weights against NumPy over the whole series, its limits and its state."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.online.guard import (
    CLASSES,
    DOUBT,
    KEPT,
    MAX_CHANGE_KW,
    PRIOR_KW,
    PRIOR_KW2,
    TRIAL,
    Guard,
    day_parts,
    day_parts_at,
)
from streamer.readings import Reading
from streamer.readings.blocks import ReadingBlock
from streamer.readings.packing import packed

_POWER = st.floats(-1e6, 1e6) | st.floats(-1.0, 14.0)


def _run(
    guard: Guard, mean: np.ndarray, median: np.ndarray, last: np.ndarray, parts: np.ndarray
) -> np.ndarray:
    """Forecasts (readings, 2) made at `last`, each settled by the reading after it."""
    issued = []
    changes = np.diff(last[:-1], prepend=last[0])
    columns = [column.tolist() for column in (mean, median, last[:-1], changes, parts)]
    for forecast, actual in zip(zip(*columns, strict=True), last[1:].tolist(), strict=True):
        issued.append(guard.see(*forecast))
        guard.settle(actual)
    return np.array(issued)


def _series(readings: int, seed: int) -> tuple[np.ndarray, ...]:
    """Power of a house with a car, forecasts of it, and parts of the day."""
    rng = np.random.default_rng(seed)
    kw = rng.gamma(0.6, 0.5, readings + 1)
    kw += np.repeat(rng.choice([0.0, 0.0, 2.5, 6.0, 11.0], readings // 40 + 1), 40)[: readings + 1]
    mean = kw[:-1] + 0.4 * np.diff(kw) + rng.normal(0.0, 0.3, readings)
    median = kw[:-1] + 0.2 * np.diff(kw) + rng.normal(0.0, 0.35, readings)
    return mean, median, kw, np.arange(readings) // 360 % 4


def _place(change: np.ndarray, last: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Classes, by a rule of their own: which of them, not in which order."""
    level = np.select([last < 2.5, last < 5.0, last < 10.0], [0, 1, 2], 3)
    return np.where(level > 0, 10 * level, parts) * 2 + (change > 0.0)


def test_every_forecast_equals_numpy_over_the_readings_before() -> None:
    mean, median, kw, parts = _series(2500, seed=1)
    issued = _run(Guard(), mean, median, kw, parts)
    last, came = kw[:-1], np.clip(np.diff(kw), -3.0, 3.0)
    assert MAX_CHANGE_KW == 3.0
    expected = np.column_stack([mean, median])
    for column, forecast in enumerate((mean, median)):
        raw = forecast - last
        change, place = np.clip(raw, -3.0, 3.0), _place(raw, last, parts)
        if column == 1:
            place = place + 100 * (np.abs(np.diff(last, prepend=last[0])) > 0.1)
        for now in range(TRIAL, len(mean)):
            before = np.flatnonzero(place[:now] == place[now])
            kept = KEPT ** np.arange(len(before) - 1, -1, -1.0)
            x, y = change[before], came[before]
            if column == 1:
                lost = kept @ (np.abs(y - x) - np.abs(y))
                expected[now, 1] = last[now] if lost > PRIOR_KW else median[now]
                continue
            doubt = DOUBT * math.sqrt(kept @ (x * (y - x)) ** 2)
            weight = (kept @ (x * y) + PRIOR_KW2 + doubt) / (kept @ (x * x) + PRIOR_KW2)
            expected[now, 0] = last[now] + min(max(weight, 0.0), 1.0) * raw[now]
    # The sums are in single precision.
    np.testing.assert_allclose(issued, expected, rtol=0.0, atol=1e-4)
    assert 0.1 < np.mean(issued[:, 0] != mean) < 1.0
    assert 0.1 < np.mean(issued[:, 1] == last) < 0.9


def test_a_good_forecast_is_left_as_it_is() -> None:
    mean, _, kw, parts = _series(2500, seed=2)
    mean = kw[:-1] + 0.8 * np.diff(kw)
    issued = _run(Guard(), mean, mean, kw, parts)
    np.testing.assert_array_equal(issued, np.column_stack([mean, mean]))


def test_forecasts_of_nothing_but_noise_become_persistence() -> None:
    rng = np.random.default_rng(3)
    kw = np.full(3001, 11.0)
    mean = 11.0 + rng.normal(0.0, 0.5, 3000)
    issued = _run(Guard(), mean, mean, kw, np.zeros(3000, int))
    assert np.abs(issued[200:, 0] - 11.0).mean() < 0.1 * np.abs(mean - 11.0).mean()
    assert (issued[200:, 1] == 11.0).all()


def test_what_is_learnt_in_one_class_has_no_effect_on_another() -> None:
    guard = Guard()
    for _ in range(1000):
        guard.see(12.5, 12.5, 12.0, 0.0, 3)
        guard.settle(12.0)
    assert guard.see(12.5, 12.5, 12.0, 0.0, 3)[1] == 12.0
    assert guard.see(12.5, 12.5, 12.0, 0.2, 3)[1] == 12.5
    assert guard.see(12.5, 12.5, 12.0, -0.2, 3)[1] == 12.5
    assert guard.see(11.5, 11.5, 12.0, 0.0, 3) == (11.5, 11.5)
    assert guard.see(8.5, 8.5, 8.0, 0.0, 3) == (8.5, 8.5)
    assert guard.see(0.5, 0.5, 0.2, 0.0, 3) == (0.5, 0.5)


def test_the_first_hour_is_not_changed() -> None:
    guard = Guard()
    for _ in range(TRIAL):
        assert guard.see(1.0, 1.0, 0.5, 0.0, 0) == (1.0, 1.0)
        guard.settle(0.5)
    assert guard.see(1.0, 1.0, 0.5, 0.0, 0) != (1.0, 1.0)


def test_without_a_median_the_mean_is_the_same() -> None:
    mean, median, kw, parts = _series(600, seed=4)
    alone, both = Guard(), Guard()
    issued = _run(alone, mean, np.full(600, np.nan), kw, parts)
    assert np.isnan(issued[:, 1]).all()
    np.testing.assert_array_equal(issued[:, 0], _run(both, mean, median, kw, parts)[:, 0])
    json.dumps(alone.state(), allow_nan=False)


@pytest.mark.parametrize("fault_kw", [1e6, -1e6, 300.0])
def test_a_faulty_reading_is_soon_forgotten(fault_kw: float) -> None:
    mean, median, kw, parts = _series(4000, seed=5)
    faulty = kw.copy()
    faulty[2000] = fault_kw
    odd_mean, odd_median = mean.copy(), median.copy()
    odd_mean[2000] = odd_median[2000] = 0.5 * fault_kw
    clean = _run(Guard(), mean, median, kw, parts)[2001:]
    found = _run(Guard(), odd_mean, odd_median, faulty, parts)[2001:]
    assert np.isfinite(found).all()
    assert np.abs(found[:, 0] - clean[:, 0]).mean() < 0.01


@given(
    st.lists(st.tuples(_POWER, _POWER, _POWER, st.integers(0, 3)), min_size=1, max_size=120),
    st.integers(0, 120),
)
def test_forecasts_stay_between_persistence_and_the_forecast_and_states_continue(
    rows: list[tuple[float, float, float, int]], at: int
) -> None:
    guard = Guard()
    for number, (mean, median, last, part) in enumerate(rows):
        if number == at:
            restored = Guard()
            restored.restore(json.loads(json.dumps(guard.state(), allow_nan=False)))
            assert restored.state() == guard.state()
            guard = restored
        found, middle = guard.see(mean, median, last, last - rows[number - 1][2], part)
        tolerance = 1e-9 * max(abs(mean), abs(last), 1.0)
        assert min(mean, last) - tolerance <= found <= max(mean, last) + tolerance
        assert middle in (median, last)
        guard.settle(rows[(number + 1) % len(rows)][2])


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, 1e308])
def test_a_forecast_that_is_no_number_leaves_no_trace(odd: float) -> None:
    guard, other = Guard(), Guard()
    for number in range(200):
        mean = odd if number == 100 else 1.1
        guard.see(mean, mean, 1.0, 0.0, 2)
        guard.settle(1.1)
        other.see(1.1, 1.1, 1.0, 0.0, 2)
        other.settle(1.1)
    json.dumps(guard.state(), allow_nan=False)
    assert guard.see(1.1, 1.1, 1.0, 0.0, 2) == pytest.approx((1.1, 1.1), abs=0.05)
    guard.restore(guard.state())


def test_none_begins_anew() -> None:
    guard = Guard()
    guard.restore(None)
    assert guard.state() == Guard().state()


def _with(changes: dict[str, Any]) -> dict[str, Any]:
    return Guard().state() | changes


@pytest.mark.parametrize(
    "wrong",
    [
        {"sums": "not base64"},
        {"sums": ""},
        {"lost": ""},
        {"settled": -1},
        {"settled": 1.5},
        {"waiting": [0.0, 0.0]},
        {"waiting": [0.0, math.inf, 0.0]},
        {"waiting": [0.0] * 4},
        {"waiting": [-3.5, 0.0, 0.0]},
        {"places": [0, 2 * CLASSES]},
        {"places": [CLASSES, 0]},
        {"places": [-1, 0]},
        {"places": [0]},
    ],
)
def test_damaged_states_are_refused(wrong: dict[str, Any]) -> None:
    guard = Guard()
    guard.see(1.0, 1.0, 0.5, 0.0, 2)
    guard.settle(0.7)
    before = guard.state()
    with pytest.raises((KeyError, TypeError, ValueError)):
        guard.restore(_with(wrong))
    assert guard.state() == before


@pytest.mark.parametrize(("row", "value"), [(0, -0.1), (2, -0.1), (1, 1e10), (3, -1e10)])
def test_evidence_out_of_bounds_is_refused(row: int, value: float) -> None:
    sums = np.zeros((5, CLASSES))
    sums[row, 3] = value
    with pytest.raises(ValueError, match="evidence"):
        Guard().restore(_with({"sums": packed(sums[:3]), "lost": packed(sums[3:])}))


def test_parts_of_the_day_are_those_of_the_clock() -> None:
    start = datetime(1969, 12, 31, 22, 59)
    readings = [Reading(start + timedelta(minutes=7 * number), 0.1) for number in range(500)]
    expected = [reading.at.hour // 6 for reading in readings]
    assert day_parts(readings) == expected
    assert day_parts(ReadingBlock.of(readings)) == expected
    at = np.array([reading.at for reading in readings], "datetime64[s]")
    assert day_parts_at(at) == expected
    assert {*expected} == {0, 1, 2, 3}


def test_parts_of_the_day_of_times_with_a_zone_are_local() -> None:
    at = datetime(2026, 1, 1, 23, 30, tzinfo=UTC)
    assert day_parts([Reading(at, 0.1)]) == [3]
    assert day_parts([Reading(at.astimezone(timezone(timedelta(hours=1))), 0.1)]) == [0]
