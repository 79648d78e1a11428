"""Tests of silent meters, over simulated hours and days."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.publishing.notify.silence import Back, SilenceWatch, Silent
from streamer.publishing.state import MeterState, next_state
from streamer.readings import MINUTE, Link
from tests.publishing.notify.conftest import HOUSE, NOON, step

TEN = timedelta(minutes=10)
_CHECK = timedelta(seconds=30)


def _watch(
    minutes: int,
    arrives: Callable[[int], bool],
    *,
    link: Link | None = None,
    asleep: Callable[[int], bool] = lambda _: False,
) -> list[tuple[int, Silent | Back]]:
    """What is reported, each with its minute; the reading of a minute arrives at its end."""
    watch, state = SilenceWatch(TEN, NOON), MeterState(HOUSE)
    if link is not None:
        state = next_state(state, link, NOON)
    found = []
    for minute in range(minutes):
        now = NOON + minute * MINUTE
        if asleep(minute):
            continue
        if arrives(minute):
            item = step(now - MINUTE)
            state = next_state(state, item, now)
            watch.take(item, now)
        for at in (now, now + _CHECK):
            event = watch.check(state, at)
            if event is not None:
                found.append((minute, event))
    return found


def _at(minute: int) -> datetime:
    return NOON + minute * MINUTE


def test_a_meter_that_sends_is_not_silent() -> None:
    assert _watch(2 * 1440, lambda _: True) == []


def test_one_outage_is_reported_once_and_so_is_its_end() -> None:
    found = _watch(3000, lambda minute: not 100 < minute < 1700)
    assert found == [
        (110, Silent(_at(100), "", False)),
        (1710, Back(_at(100), _at(1700))),
    ]


def test_a_short_one_is_not_reported() -> None:
    assert _watch(300, lambda minute: not 100 < minute < 109) == []


def test_a_meter_that_comes_and_goes_is_one_silence() -> None:
    found = _watch(400, lambda minute: not (100 < minute < 300 and minute % 8))
    (first_at, first), (last_at, last) = found
    assert first == Silent(_at(100), "", True)
    assert 108 < first_at < 125
    # The last reading that was followed by silence is that of minute 296.
    assert (last_at, last) == (310, Back(_at(100), _at(300)))


def test_a_meter_that_never_sends_is_reported_with_what_is_known() -> None:
    link = Link(Link.LOST, "broker", "no route to host")
    (found,) = _watch(300, lambda _: False, link=link)
    assert found == (10, Silent(NOON, "the connection is lost: no route to host", False))


def test_a_machine_that_sleeps_is_no_silence_of_the_meter() -> None:
    found = _watch(
        900, lambda minute: minute < 100 or minute > 701, asleep=lambda minute: 100 <= minute < 700
    )
    assert found == []


def test_a_silence_that_was_reported_before_a_restart_is_not_reported_again() -> None:
    watch, state = SilenceWatch(TEN, NOON), MeterState(HOUSE)
    since = NOON - 90 * MINUTE
    watch.resume(since)
    found = []
    for minute in range(60):
        now = NOON + minute * MINUTE
        if minute >= 20:
            item = step(now - MINUTE)
            state = next_state(state, item, now)
            watch.take(item, now)
        found += [watch.check(state, now), watch.check(state, now + _CHECK)]
    assert [event for event in found if event] == [Back(since, NOON + 20 * MINUTE)]


@pytest.mark.parametrize("last", [200, 120])
def test_a_clock_that_is_set_back_is_no_silence_and_hides_none(last: int) -> None:
    watch, state, found = SilenceWatch(TEN, NOON), MeterState(HOUSE), []
    for minute in range(200):
        now = NOON + minute * MINUTE - (timedelta(hours=1) if minute >= 100 else timedelta(0))
        if minute <= last:
            item = step(now - MINUTE)
            state = next_state(state, item, now)
            watch.take(item, now)
        found += [watch.check(state, now), watch.check(state, now + _CHECK)]
    silences = [Silent(_at(last - 60), "", False)] if last < 200 else []
    assert [event for event in found if event] == silences


def test_a_silence_while_the_clock_is_set_back_has_no_negative_length() -> None:
    watch, state, found = SilenceWatch(TEN, NOON), MeterState(HOUSE), []
    for minute in range(100):
        now = NOON + minute * MINUTE - (timedelta(hours=5) if minute >= 50 else timedelta(0))
        if minute < 10 or minute > 60:
            item = step(now - MINUTE)
            state = next_state(state, item, now)
            watch.take(item, now)
        found += [watch.check(state, now), watch.check(state, now + _CHECK)]
    first, last = [event for event in found if event]
    assert isinstance(first, Silent)
    assert isinstance(last, Back)
    assert last.since <= last.until


@given(missing=st.lists(st.booleans(), min_size=1, max_size=200))
def test_beginnings_and_ends_alternate(missing: list[bool]) -> None:
    found = _watch(len(missing), lambda minute: not missing[minute])
    kinds = [type(event) for _, event in found]
    assert (
        kinds == [Silent, Back][: len(kinds)]
        or kinds == ([Silent, Back] * len(kinds))[: len(kinds)]
    )
    for minute, event in found:
        if isinstance(event, Silent):
            lost = sum(missing[: minute + 1])
            assert lost >= 9  # the minute that has not ended yet is the tenth
