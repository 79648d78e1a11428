"""Conversions of rows to minutes, compared with sums over single seconds."""

import math
from collections import defaultdict
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.sources.files.intervals import (
    CounterDifference,
    IntervalSpread,
    MinuteSums,
    SampleAverage,
)

START = datetime(2024, 3, 12, 17)
SECOND = timedelta(seconds=1)
WATTS = st.integers(-9999, 9999)


def minutes_of(pieces):
    """Minute means of pieces of time: (first second, last second, kW), second by second."""
    seconds = defaultdict(list)
    for begin, end, kw in pieces:
        for second in range(begin, end):
            seconds[second // 60].append(kw)
    return {
        START + timedelta(minutes=minute): math.fsum(kws) / len(kws)
        for minute, kws in seconds.items()
        if len(kws) >= 30
    }


def moment(second):
    return START + second * SECOND


def collected(converter, rows):
    found = []
    for second, value in rows:
        found += converter.add(moment(second), value)
    found += converter.finish()
    times = [at for at, _ in found]
    assert times == sorted(set(times))
    return dict(found)


def check(found, expected):
    assert found.keys() == expected.keys()
    for at, kw in expected.items():
        assert found[at] == pytest.approx(kw, abs=1e-6)


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(1, 300), WATTS), max_size=20))
def test_pieces_of_time_are_averaged(lengths):
    pieces, second = [], 0
    for pause, length, watts in lengths:
        pieces.append((second + pause, second + pause + length, watts / 1000))
        second += pause + length
    sums, found = MinuteSums(), []
    for begin, end, kw in pieces:
        found += sums.add(moment(begin), moment(end), kw)
    found += sums.finish()
    check(dict(found), minutes_of(pieces))


@given(
    st.lists(st.tuples(st.integers(1, 90), st.one_of(st.none(), WATTS)), max_size=40),
    st.integers(1, 50),
)
def test_a_power_is_valid_until_the_next_for_three_spacings(steps, spacing):
    held = max(3 * spacing, 30)
    rows, second = [], 0
    for step, watts in steps:
        second += step
        rows.append((second, None if watts is None else watts / 1000))
    pieces = []
    for place, (second, kw) in enumerate(rows):
        end = second + spacing
        if place + 1 < len(rows):
            end = min(rows[place + 1][0], second + held)
        if kw is not None:
            pieces.append((second, end, kw))
    found = collected(SampleAverage(spacing * SECOND), rows)
    check(found, minutes_of(pieces))
    # Of a minute without any row in it or shortly before, there is no mean.
    for at in found:
        begin = (at - START) // SECOND
        assert any(begin - held < second < begin + 60 for second, _ in rows)


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=10), st.sampled_from([1, 15, 30, 60]))
def test_energies_are_spread_over_their_intervals(watt_hours, minutes):
    rows = [(60 * minutes * i, wh / 1000) for i, wh in enumerate(watt_hours)]
    found = collected(IntervalSpread(timedelta(minutes=minutes), is_energy=True), rows)
    assert len(found) == minutes * len(rows)
    assert math.fsum(found.values()) / 60 == pytest.approx(sum(watt_hours) / 1000, abs=1e-6)
    late = [(second + 60 * minutes, kwh) for second, kwh in rows]
    ends = IntervalSpread(timedelta(minutes=minutes), is_energy=True, is_end=True)
    assert collected(ends, late) == found


@given(
    st.lists(st.tuples(st.integers(40, 80), st.integers(0, 200)), min_size=2, max_size=40),
    st.booleans(),
)
def test_a_counter_loses_no_energy(steps, is_coarse):
    rows, second, total = [], 0, 5000
    for step, watt_hours in steps:
        rows.append((second, total / 1000))
        second, total = second + step, total + watt_hours
    pieces, begin = [], rows[0]
    for row in rows[1:]:
        if is_coarse and row[1] == begin[1]:
            continue
        pieces.append((begin[0], row[0], (row[1] - begin[1]) * 3600 / (row[0] - begin[0])))
        begin = row
    found = collected(CounterDifference(60 * SECOND, is_coarse=is_coarse), rows)
    check(found, minutes_of(pieces))


@pytest.mark.parametrize(
    ("before", "after", "used"), [(99_999.9, 0.1, 0.2), (999_999.5, 0.5, 1.0), (5000.0, 0.1, None)]
)
def test_a_counter_may_run_over_or_be_reset(before, after, used):
    counter = CounterDifference(60 * SECOND)
    found = collected(counter, [(0, before), (60, after), (120, after + 0.1)])
    assert counter.resets == 1
    assert found.get(START + timedelta(minutes=1)) == pytest.approx(6.0)
    first = found.get(START)
    assert first is None if used is None else first == pytest.approx(60 * used)


def test_a_net_counter_may_fall():
    counter = CounterDifference(60 * SECOND, may_fall=True)
    found = collected(counter, [(0, 10.0), (60, 9.9), (120, 9.95)])
    assert [round(kw, 6) for kw in found.values()] == [-6.0, 3.0]
