"""Tests of the join of readings by minute."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.readings import MINUTE, Reading
from streamer.sources.derived import join as joining
from streamer.sources.derived.join import JoinedMinute, MinuteJoin

START = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


def _reading(minute: int, kw: float = 0.0) -> Reading:
    return Reading(START + minute * MINUTE, kw)


def _joined(streams: list[list[int]], order: list[int], after: int | None = None) -> list[int]:
    """Minutes that the parts have in common, if their readings come in some order of parts."""
    join = MinuteJoin(len(streams))
    join.resume_after(None if after is None else START + after * MINUTE)
    waiting = [list(stream) for stream in streams]
    found: list[JoinedMinute] = []
    # What the order leaves is read at the end, one part after the other.
    rest = [part for part, stream in enumerate(streams) for _ in stream]
    for part in [*order, *rest]:
        if waiting[part % len(streams)]:
            place = part % len(streams)
            minute = waiting[place].pop(0)
            found += join.add(place, _reading(minute, kw=100.0 * place + minute))
    for joined in found:
        minute = round((joined.at - START) / MINUTE)
        assert joined.kws == tuple(100.0 * part + minute for part in range(len(streams)))
    return [round((joined.at - START) / MINUTE) for joined in found]


_STREAMS = st.lists(st.sets(st.integers(0, 30), max_size=25).map(sorted), min_size=1, max_size=4)


@given(_STREAMS, st.lists(st.integers(0, 11), max_size=80), st.none() | st.integers(-1, 31))
def test_the_minutes_are_those_that_all_have_whenever_they_come(
    streams: list[list[int]], order: list[int], after: int | None
) -> None:
    common = sorted(set.intersection(*map(set, streams)))
    wanted = [minute for minute in common if after is None or minute > after]
    assert _joined(streams, order, after) == wanted


def test_a_minute_is_known_as_soon_as_all_have_it() -> None:
    join = MinuteJoin(2)
    assert [join.add(0, _reading(minute)) for minute in range(3)] == [[], [], []]
    (second,) = join.add(1, _reading(1))
    assert second.at == START + MINUTE
    assert len(join.add(1, _reading(2))) == 1


def test_the_same_moment_in_another_zone_is_the_same_minute() -> None:
    join = MinuteJoin(2)
    join.add(0, _reading(0))
    zone = datetime.now().astimezone().tzinfo
    assert len(join.add(1, Reading(START.astimezone(zone), 1.0))) == 1


def test_a_part_that_repeats_its_time_counts_with_its_latest_readings() -> None:
    join = MinuteJoin(2)
    for minute in (10, 11, 12):
        join.add(0, _reading(minute, kw=1.0))
    join.add(0, _reading(11, kw=2.0))
    (joined,) = join.add(1, _reading(11, kw=5.0))
    assert joined.kws == (2.0, 5.0)
    assert join.add(1, _reading(12)) == []


def test_no_minute_comes_twice() -> None:
    join = MinuteJoin(1)
    assert [len(join.add(0, _reading(minute))) for minute in (5, 5, 4, 6)] == [1, 0, 0, 1]


def _with_panels(grid: list[int], panels: dict[int, float]) -> dict[int, float]:
    """Panels' power in the minutes of a house, by the rule written out, for whole recordings."""
    found: dict[int, float] = {}
    last: int | None = None
    before: int | None = None
    for minute in grid:
        earlier = [each for each in panels if each < minute and (last is None or each > last)]
        last = max(earlier, default=last)
        if minute in panels:
            last = minute
            found[minute] = panels[minute]
        elif before is not None and minute - before > 10:
            # The panels have to be heard again.
            panels = {each: kw for each, kw in panels.items() if each > minute}
            last = None
        else:
            later = any(each > minute for each in panels)
            is_at_rest = last is not None and panels[last] <= 0.01 and minute - last <= 20 * 60
            if is_at_rest and (later or max(grid) - minute >= 2):
                found[minute] = 0.0
            elif not later:
                break  # it may still come
        before = minute
    return found


_MINUTES = st.sets(st.integers(0, 60), max_size=50).map(sorted)


@settings(max_examples=50)
@given(
    _MINUTES,
    st.dictionaries(st.integers(0, 60), st.sampled_from([0.0, 0.01, 0.011, 2.0]), max_size=40),
    st.lists(st.floats(0.0, 1.9), min_size=130, max_size=130),
)
def test_panels_at_rest_have_no_power(
    grid: list[int], panels: dict[int, float], jitter: list[float]
) -> None:
    join = MinuteJoin(2, {1})
    join.allow(1, 120.0)
    streams = [[(minute, 1.0) for minute in grid], sorted(panels.items())]
    events = []
    for place, stream in enumerate(streams):
        arrival = 0.0
        for minute, kw in stream:
            arrival = max(arrival, minute + jitter[2 * minute + place])
            events.append((arrival, place, minute, kw))
    found: dict[int, float] = {}
    for _, place, minute, kw in sorted(events):
        for joined in join.add(place, _reading(minute, kw)):
            found[round((joined.at - START) / MINUTE)] = joined.kws[1]
    assert found == _with_panels(grid, panels)


def test_panels_are_at_rest_for_twenty_hours_at_most() -> None:
    join = MinuteJoin(2, {1})
    join.allow(1, 60.0)
    join.add(1, _reading(0, 0.004))
    found = [joined for minute in range(1500) for joined in join.add(0, _reading(minute))]
    assert len(found) == 20 * 60 + 1
    assert found[-1].resting[1].kw == 0.004
    assert not join.is_at_rest(1)


def test_panels_remain_at_rest_over_a_short_restart() -> None:
    for gap, rests in ((10, True), (11, False)):
        join = MinuteJoin(2, {1})
        join.allow(1, 120.0)
        join.resume_after(START + 100 * MINUTE)
        join.add(1, _reading(50, 0.0))
        first = 100 + gap
        found = [each for at in range(first, first + 5) for each in join.add(0, _reading(at))]
        assert bool(found) is rests


def test_waiting_readings_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MAX_WAITING", 3)
    join = MinuteJoin(2)
    for minute in range(5):
        join.add(0, _reading(minute))
    assert join.dropped == 2
    assert [len(join.add(1, _reading(minute))) for minute in range(5)] == [0, 0, 1, 1, 1]
