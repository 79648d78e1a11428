"""Tests of the join of readings by minute."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
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


def test_waiting_readings_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joining, "MAX_WAITING", 3)
    join = MinuteJoin(2)
    for minute in range(5):
        join.add(0, _reading(minute))
    assert join.dropped == 2
    assert [len(join.add(1, _reading(minute))) for minute in range(5)] == [0, 0, 1, 1, 1]
