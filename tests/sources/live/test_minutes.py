from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streamer.feeds import Pace
from streamer.sources.live.minutes import MinuteMeans, local_time

START = 1_774_745_940.0  # a full minute
STALE = 600.0
ON_CHANGE = Pace(on_change=True)

Minutes = list[tuple[float, float]]


def _means(**options: Any) -> MinuteMeans:
    """Means of a feed that sends changes only, where values are valid for `STALE` seconds."""
    return MinuteMeans(**{"stale_after_s": STALE, "pace": ON_CHANGE, **options})


def _fed(samples: Sequence[tuple[float, float]], **options: Any) -> MinuteMeans:
    means = _means(**options)
    for after_s, kw in samples:
        means.add(START + after_s, kw)
    return means


def _relative(minutes: Minutes) -> Minutes:
    return [((at - START) / 60, kw) for at, kw in minutes]


def _oracle(samples: Sequence[tuple[float, float]], stale_s: float, minutes: int) -> Minutes:
    """Means by exact fractions, minute by minute and value by value."""
    latest = dict(samples)
    times = sorted(latest)
    found = []
    for start in (START + 60 * minute for minute in range(minutes)):
        covered, total = Fraction(0), Fraction(0)
        for place, at in enumerate(times):
            until = Fraction(at) + Fraction(stale_s)
            if place + 1 < len(times):
                until = min(until, Fraction(times[place + 1]))
            length = min(until, Fraction(start) + 60) - max(Fraction(at), Fraction(start))
            if length > 0 and not math.isnan(latest[at]):
                covered += length
                total += length * Fraction(latest[at])
        if covered >= 30:
            found.append((start, float(total / covered)))
    return found


def _assert_close(found: Minutes, expected: Minutes) -> None:
    assert [at for at, _ in found] == [at for at, _ in expected]
    assert [kw for _, kw in found] == pytest.approx([kw for _, kw in expected], abs=1e-12)


def test_values_are_weighted_by_their_validity() -> None:
    means = _fed([(0, 1.0), (15, 5.0), (45, -2.0)])
    assert _relative(means.advance(START + 65)) == [(0, 2.25)]


def test_the_mean_of_a_constant_value_is_exact() -> None:
    means = _fed([(second * 0.7, 0.1) for second in range(1000)])
    assert {kw for _, kw in means.advance(START + 700)} == {0.1}


def test_a_minute_is_closed_after_the_allowed_lateness() -> None:
    means = _fed([(0, 1.0)], grace_s=7.0)
    assert means.due_s == START + 67
    assert not means.advance(START + 66.9)
    assert _relative(means.advance(START + 67)) == [(0, 1.0)]
    assert not means.advance(START + 67)
    assert means.due_s == START + 127


def test_a_value_becomes_unknown_when_its_validity_ends() -> None:
    means = _fed([(0, 1.0)], stale_after_s=90.0)
    assert _relative(means.advance(START + 1000)) == [(0, 1.0), (1, 1.0)]
    means = _fed([(0, 1.0)], stale_after_s=89.0)
    assert _relative(means.advance(START + 1000)) == [(0, 1.0)]
    assert means.due_s == math.inf


def test_an_unknown_value_is_not_continued() -> None:
    means = _fed([(0, 1.0), (40, math.nan), (100, 2.0), (110, math.inf)])
    assert _relative(means.advance(START + 1000)) == [(0, 1.0)]


def test_half_a_known_minute_has_a_mean() -> None:
    assert _relative(_fed([(30, 1.0)]).advance(START + 70)) == [(0, 1.0)]
    assert not _fed([(30.01, 1.0)]).advance(START + 70)


def test_samples_within_the_allowed_lateness_are_put_in_order() -> None:
    means = _fed([(0, 1.0), (61, 9.0), (30, 3.0), (15, 2.0)])
    assert _relative(means.advance(START + 65)) == [(0, 2.25)]
    assert means.late == means.duplicates == 0


def test_samples_beyond_the_allowed_lateness_count_as_late_but_stay_valid() -> None:
    means = _fed([(0, 1.0)])
    means.advance(START + 65)
    means.add(START + 30, 7.0)
    means.add(START + 20, 8.0)
    assert means.late == 2
    assert _relative(means.advance(START + 125)) == [(1, 7.0)]


def test_the_later_of_two_duplicates_counts() -> None:
    means = _fed([(0, 1.0), (30, 5.0), (30, 3.0)])
    assert means.duplicates == 1
    assert _relative(means.advance(START + 65)) == [(0, 2.0)]


def test_done_minutes_are_not_returned() -> None:
    means = _means()
    means.resume_after(START)
    for second, kw in [(0, 1.0), (59, 2.0), (70, 4.0)]:
        means.add(START + second, kw)
    assert _relative(means.advance(START + 125)) == [(1, 2 * (10 / 60) + 4 * (50 / 60))]
    assert means.late == 0


def test_samples_of_done_minutes_are_not_late() -> None:
    means = _fed([(0, 1.0)])
    means.resume_after(START + 60)
    means.add(START + 119, 2.0)
    assert _relative(means.advance(START + 185)) == [(2, 2.0)]
    assert means.late == 0


def test_years_of_silence_take_no_time() -> None:
    means = _fed([(0, 1.0), (3e9, 2.0)])
    assert len(means.advance(START + 6e9)) == 20
    assert not means.advance(START + 1e15)


def test_too_many_samples_are_thinned() -> None:
    means = _means()
    for number in range(250_000):
        means.add(START + number * 2e-4, 1.0 + (number >= 125_000))
    means.add(START + 50, 1.5)
    assert len(means._times) <= 100_000
    assert means.advance(START + 65)[0][1] == pytest.approx(1.5, abs=1e-3)


def test_the_time_skipped_by_the_clock_is_unknown() -> None:
    means = _fed([(0, 1.0), (40, 3.0)])
    means.step(3600.0, START + 3600 + 45)
    assert _relative(means.advance(START + 3600 + 200)) == [
        (0, pytest.approx((40 * 1.0 + 5 * 3.0) / 45)),
        (61, 3.0),
        (62, 3.0),
    ]


def test_a_stale_value_stays_unknown_when_the_clock_is_set() -> None:
    means = _fed([(0, 1.0)], stale_after_s=60.0)
    means.step(3600.0, START + 3600 + 61)
    assert _relative(means.advance(START + 9000)) == [(0, 1.0)]


def test_a_clock_set_back_drops_samples_in_the_future() -> None:
    means = _fed([(0, 1.0), (10, 2.0), (40, 9.0), (50, 3.0)])
    means.step(-20.0, START + 30)
    assert _relative(means.advance(START + 65)) == [(0, (10 * 1 + 20 * 2 + 30 * 3) / 60)]


def test_a_clock_set_back_repeats_no_minute() -> None:
    means = _fed([(0, 1.0)])
    given = means.advance(START + 185)
    means.step(-150.0, START + 35)
    for second in range(36, 400):
        means.add(START + second, 2.0)
        given += means.advance(START + second)
    assert _relative(given) == [(0, 1.0), (1, 1.0), (2, 1.0), (3, 2.0), (4, 2.0), (5, 2.0)]
    assert means.late == 0


def test_a_clock_set_far_ahead_and_back_continues_at_once() -> None:
    means = _fed([(0, 1.0), (20, math.nan)])
    means.step(3e8, START + 3e8 + 25)
    assert not means.advance(START + 3e8 + 400)
    means.step(-3e8, START + 400)
    means.add(START + 420, 2.0)
    assert _relative(means.advance(START + 545)) == [(7, 2.0), (8, 2.0)]


_SECONDS = st.integers(0, 4 * 300).map(lambda quarter: quarter / 4)
_ANY_TIME = st.one_of(_SECONDS, st.floats(0, 300))
_KW = st.one_of(st.just(math.nan), st.floats(-20, 20))


@given(
    st.lists(st.tuples(_ANY_TIME, _KW), max_size=30),
    st.sampled_from([10.0, 45.0, 90.25, 600.0]),
    st.randoms(use_true_random=False),
)
def test_means_equal_exact_fractions(
    samples: list[tuple[float, float]], stale_s: float, random
) -> None:
    """In any order of arrival, as long as no minute is closed."""
    samples = [(START + after_s, kw) for after_s, kw in samples]
    expected = _oracle(samples, stale_s, 7)
    latest = list(dict(samples).items())
    random.shuffle(latest)
    means = _means(stale_after_s=stale_s)
    for at, kw in latest:
        means.add(at, kw)
    _assert_close(means.advance(START + 7 * 60 + 5), expected)


@given(
    st.lists(st.tuples(_ANY_TIME, st.floats(0, 4.5), _KW), max_size=40),
    st.sampled_from([10.0, 45.0, 600.0]),
)
def test_means_equal_exact_fractions_for_delayed_samples(
    sent: list[tuple[float, float, float]], stale_s: float
) -> None:
    """Each minute is returned when due, and no sample within the allowed lateness is late."""
    means = _means(stale_after_s=stale_s)
    found: Minutes = []
    arriving = sorted(
        (START + after_s + delay_s, START + after_s, kw) for after_s, delay_s, kw in sent
    )
    samples = []
    for arrives, at, kw in arriving:
        found += means.advance(arrives)
        means.add(at, kw)
        samples.append((at, kw))
    found += means.advance(START + 7 * 60 + 5)
    assert means.late == 0
    _assert_close(found, _oracle(samples, stale_s, 7))


@settings(max_examples=20)
@given(
    st.dictionaries(st.integers(0, 179_999), st.floats(-20, 20), min_size=1, max_size=50),
    st.integers(1, 100_000),
)
@example({0: 1.0, 30_000: 2.0}, 30_000)
def test_means_equal_a_sum_over_milliseconds(values: dict[int, float], stale_ms: int) -> None:
    power = np.full(180_000, np.nan)
    times = sorted(values)
    for at, until in pairwise([*times, 180_000]):
        power[at : min(until, at + stale_ms)] = values[at]
    # Milliseconds are not exact in binary fractions except near zero, hence from 1970 on.
    means = _means(stale_after_s=stale_ms / 1000)
    for at in times:
        means.add(at / 1000, values[at])
    found = dict(means.advance(185))
    for minute, row in enumerate(power.reshape(3, 60_000)):
        known = row[~np.isnan(row)]
        if len(known) == 30_000:
            continue  # exactly half a minute is left to the tests with fractions
        assert (60.0 * minute in found) == (len(known) > 30_000)
        if len(known) > 30_000:
            assert found[60.0 * minute] == pytest.approx(math.fsum(known) / len(known), abs=1e-12)


_MOMENTS = st.one_of(
    st.floats(-1000, 5000), st.floats(-1e12, 1e12), st.sampled_from([0.0, 60.0, 60.0 - 2**-22])
)
_EVENTS = st.one_of(
    st.tuples(st.just("add"), _MOMENTS, st.floats(-1e300, 1e300) | st.just(math.nan)),
    st.tuples(st.just("advance"), st.floats(0, 500), st.just(0.0)),
    st.tuples(st.just("step"), st.one_of(st.floats(-500, 500), st.floats(-1e10, 1e10)), st.just(0)),
    st.tuples(st.just("after"), st.floats(-100, 1000), st.just(0.0)),
)


@given(st.lists(_EVENTS, max_size=60), st.sampled_from([0.5, 30.0, 600.0]))
def test_minutes_increase_under_any_events(
    events: list[tuple[str, float, float]], stale_s: float
) -> None:
    means = _means(stale_after_s=stale_s)
    now = START
    given: Minutes = []
    seen = [0.0]
    for kind, number, kw in events:
        if kind == "add":
            means.add(START + number, kw)
            seen.append(kw if math.isfinite(kw) else 0.0)
        elif kind == "advance":
            now += number
            given += means.advance(now)
        elif kind == "step":
            now += number
            means.step(number, now)
        else:
            means.resume_after(now + number)
    given += means.flush(now + 1000)
    assert all(at % 60 == 0 and math.isfinite(kw) for at, kw in given)
    assert all(before < after for (before, _), (after, _) in pairwise(given))
    assert all(min(seen) <= kw <= max(seen) for _, kw in given)


@pytest.mark.parametrize("first", ["2026-03-28", "2026-10-24"])
def test_local_minutes_follow_each_other_through_summer_time(first: str, berlin: None) -> None:
    start_s = datetime.fromisoformat(f"{first}T12:00+00:00").timestamp()
    times = [local_time(start_s + 60 * minute) for minute in range(1440)]
    assert {after - before for before, after in pairwise(times)} == {timedelta(minutes=1)}
    assert len({at.utcoffset() for at in times}) == 2
    assert all(before < after for before, after in pairwise(times))
    assert [at.astimezone(UTC).timestamp() for at in times] == [at.timestamp() for at in times]
    read_back = [datetime.fromisoformat(at.isoformat()) for at in times]
    assert read_back == times
    assert times[0].tzinfo is not None
    assert bisect_left(times, times[700]) == 700


# By the pace of the feed


def _regular(samples: Sequence[tuple[float, float]], **options: Any) -> MinuteMeans:
    means = MinuteMeans(stale_after_s=STALE, **options)
    for after_s, kw in samples:
        means.add(START + after_s, kw)
    return means


def test_a_minute_without_a_sample_is_a_gap() -> None:
    """Even where the value before it is valid by its spacing."""
    before = [(second, 1.0) for second in range(0, 240, 20)]
    assert _relative(_regular([*before, (301, 1.0)]).advance(START + 9000)) == [
        *((minute, 1.0) for minute in range(4)),
        (5, 1.0),
    ]
    means = MinuteMeans(stale_after_s=STALE, pace=Pace(50.0, on_change=False))
    for second in (0, 50, 100, 200):
        means.add(START + second, 1.0)
    assert [minute for minute, _ in _relative(means.advance(START + 9000))] == [0, 1, 3]


@pytest.mark.parametrize("jitter_s", [0.0, 0.3, 2.4])
def test_jitter_about_a_minute_makes_no_gap(jitter_s: float) -> None:
    times = [60.0 * number + jitter_s * math.sin(2.1 * number) for number in range(1, 200)]
    found = _relative(_regular([(at, 1.0) for at in times]).advance(START + 60 * 198 + 5))
    assert [minute for minute, _ in found] == list(range(int(found[0][0]), 198))


def test_a_sample_after_the_allowed_lateness_cannot_fill_a_minute() -> None:
    for last_s, minutes in [(244.9, [1, 2, 3, 4]), (245.1, [1, 2, 4])]:
        times = [59.0, 119.0, 179.0, last_s]
        means = _regular([(at, 1.0) for at in times], pace=Pace(60.0))
        assert [minute for minute, _ in _relative(means.advance(1e10))] == minutes


def test_an_unknown_sample_after_a_minute_does_not_fill_it() -> None:
    means = _regular([(0, 1.0), (59, 1.0), (121, math.nan)], pace=Pace(60.0))
    assert [minute for minute, _ in _relative(means.advance(START + 9000))] == [0]


def test_samples_coarser_than_a_minute_give_the_minutes_that_have_one() -> None:
    samples = [(300.0 * number + 45.0, float(number)) for number in range(8)]
    for pace in (Pace(), Pace(300.0)):
        found = _relative(_regular(samples, pace=pace).advance(START + 9000))
        assert found[-5:] == [(5 * number, float(number)) for number in range(3, 8)]
        assert all(minute % 5 == 0 for minute, _ in found)


_ARRIVALS = st.one_of(
    st.lists(st.floats(0, 1200), max_size=40),
    # Regular, with jitter and holes.
    st.builds(
        lambda every, jitter, holes: [
            number * every + jitter[number % len(jitter)]
            for number in range(int(1200 / every))
            if number not in holes
        ],
        st.sampled_from([5.0, 10.0, 30.0, 58.0, 60.0, 61.0, 75.0, 120.0]),
        st.lists(st.floats(0, 4), min_size=1, max_size=10),
        st.sets(st.integers(0, 240), max_size=100),
    ),
)


@given(
    _ARRIVALS,
    st.sampled_from([Pace(), Pace(5.0), Pace(60.0), Pace(300.0), ON_CHANGE]),
    st.lists(st.floats(-9, 9) | st.just(math.nan), min_size=1, max_size=7),
)
def test_no_minute_is_made_up(times: list[float], pace: Pace, kws: list[float]) -> None:
    """Each has a sample; or stands between two around it; or only changes are sent."""
    means = MinuteMeans(stale_after_s=STALE, pace=pace)
    given: Minutes = []
    samples = {}
    for number, at in enumerate(sorted(times)):
        given += means.advance(START + at)
        kw = kws[number % len(kws)]
        samples[START + at] = kw
        means.add(START + at, kw)
    given += means.advance(START + 5000)
    known = sorted(at for at, kw in samples.items() if not math.isnan(kw))
    for start, kw in given:
        before = [at for at in known if at < start]
        within = [at for at in known if start <= at < start + 60]
        after = [at for at in known if start + 60 <= at <= start + 65]
        if pace.on_change:
            assert within or (before and start + 30 - before[-1] <= STALE)
        else:
            assert within or (before and after and after[0] - before[-1] <= 90)
        used = [samples[at] for at in (*before[-1:], *within)]
        assert min(used) <= kw <= max(used)


@given(
    st.sampled_from([1.0, 2.0, 5.0, 12.0, 20.0]),
    st.sets(st.integers(0, 120), max_size=60),
    st.lists(st.integers(-50, 50), min_size=1, max_size=9),
)
def test_means_of_a_regular_feed_equal_a_grid(
    every_s: float, holes: set[int], kws: list[int]
) -> None:
    """A brute-force oracle on a grid of seconds, for a pace that is known beforehand."""
    lead = [(every_s * number, 0.0) for number in range(-80, 0)]
    samples = [
        (every_s * number, float(kws[number % len(kws)]))
        for number in range(int(600 / every_s))
        if number % 121 not in holes or every_s * number % 300 < 60
    ]
    means = MinuteMeans(stale_after_s=STALE, pace=Pace(every_s))
    for at, kw in [*lead, *samples]:
        means.add(START + at, kw)
    valid_s = round(means.spacing.valid_s)
    grid = np.full(600, np.nan)
    for at, kw in samples:
        grid[int(at) : int(at) + valid_s] = kw
    expected = [
        (START + 60 * minute, float(np.nanmean(row)))
        for minute, row in enumerate(grid.reshape(10, 60))
        if np.count_nonzero(~np.isnan(row)) >= 30
        and any(60 * minute <= at < 60 * minute + 60 for at, _ in samples)
    ]
    found = [each for each in means.advance(START + 605) if each[0] >= START]
    _assert_close(found, expected)
