"""Tests of the ring buffer, gap rules and missing minutes."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import UsageError
from streamer.readings.buffer import RingBuffer
from streamer.readings.gaps import GapRule
from streamer.readings.order import missing_before_each, missing_minutes

KW = st.floats(-100, 100)


@given(st.integers(1, 60), st.lists(KW, max_size=200), st.integers(0, 70))
def test_buffer_equals_a_deque_of_the_same_length(
    capacity: int, kw: list[float], count: int
) -> None:
    buffer, oracle = RingBuffer(capacity), deque[float](maxlen=capacity)
    for value in kw:
        buffer.push(value)
        oracle.append(value)
        assert buffer.values().tolist() == list(oracle)
    assert len(buffer) == len(oracle)
    assert buffer.last(count).tolist() == (list(oracle)[-count:] if count else [])


@given(st.integers(1, 20), st.lists(st.lists(KW, max_size=50), max_size=5))
def test_extend_equals_repeated_push(capacity: int, parts: list[list[float]]) -> None:
    single, many = RingBuffer(capacity), RingBuffer(capacity)
    for part in parts:
        for value in part:
            single.push(value)
        many.extend(part)
        assert many.values().tolist() == single.values().tolist()
    many.push(1.0)
    assert many.last(1).tolist() == [1.0]


@given(st.integers(1, 9), st.lists(st.tuples(KW, KW), max_size=30), st.integers(0, 12))
def test_buffer_of_channels_equals_a_deque(
    capacity: int, rows: list[tuple[float, float]], count: int
) -> None:
    one, many, oracle = RingBuffer(capacity, 2), RingBuffer(capacity, 2), deque(rows, capacity)
    for row in rows:
        one.push(row)
    many.extend(np.array(rows).reshape(-1, 2))
    for buffer in (one, many):
        assert [tuple(row) for row in buffer.values().tolist()] == [*oracle]
        expected = [*oracle][max(0, len(oracle) - count) :]
        assert [tuple(row) for row in buffer.last(count).tolist()] == expected


def test_extend_rejects_other_shapes() -> None:
    with pytest.raises(ValueError, match=r"shape \(1, 2\), must have \('readings',\)"):
        RingBuffer(3).extend([[1.0, 2.0]])
    with pytest.raises(ValueError, match=r"shape \(2,\), must have \('readings', 2\)"):
        RingBuffer(3, 2).extend([1.0, 2.0])
    with pytest.raises(ValueError, match=r"shape \(\), must"):
        RingBuffer(3).extend(1.0)


def test_values_are_copies() -> None:
    buffer = RingBuffer(3)
    buffer.extend([1.0, 2.0])
    taken = buffer.values()
    buffer.extend([3.0, 4.0, 5.0])
    assert taken.tolist() == [1.0, 2.0]


def test_clear_empties_the_buffer() -> None:
    buffer = RingBuffer(3)
    buffer.extend([1.0, 2.0, 3.0, 4.0])
    buffer.clear()
    assert len(buffer) == 0
    buffer.push(5.0)
    assert buffer.values().tolist() == [5.0]


def test_capacity_must_be_positive() -> None:
    with pytest.raises(ValueError, match="capacity is 0"):
        RingBuffer(0)


@pytest.mark.parametrize(
    ("seconds", "missing"),
    [(1, 0), (59, 0), (60, 0), (61, 0), (89, 0), (91, 1), (120, 1), (180, 2), (86400, 1439)],
)
def test_missing_minutes_round_to_the_nearest(seconds: int, missing: int) -> None:
    before = datetime(2010, 3, 20)
    after = before + timedelta(seconds=seconds)
    assert missing_minutes(before, after) == missing
    times = np.array([before, after], "datetime64[us]")
    assert missing_before_each(times).tolist() == [missing]


def test_gap_rule_resets_beyond_its_longest_gap_and_rejects_bad_settings() -> None:
    assert not GapRule("skip", 0).resets(10_000)
    assert not GapRule("reset", 10).resets(10)
    assert GapRule("reset", 10).resets(11)
    with pytest.raises(UsageError, match="unknown gap rule 'fill'"):
        GapRule("fill")
    with pytest.raises(UsageError, match="-1"):
        GapRule("reset", -1)


def test_values_are_float64() -> None:
    assert RingBuffer(2).values().dtype == np.float64
