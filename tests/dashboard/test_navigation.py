"""Tests of scrolling, of the span, and of jumps to alarms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache

import pytest

from streamer.dashboard.navigation import Navigation
from streamer.errors import RecordError
from streamer.history.columns import PastView
from streamer.history.past import Past, SeenMinutes
from streamer.readings import MINUTE, Alarm, Reading, Step
from streamer.readings.bins import Bins
from streamer.readings.seconds import seconds_of
from tests.dashboard.samples import START, alarming, house, make_steps, zoned

WIDTH = 60
FIRST = START + MINUTE
COUNT = 2000
LAST = START + COUNT * MINUTE


@cache
def _steps(count: int = COUNT) -> list[Step]:
    """Steps of a house without forecasts and scores."""
    (step,) = make_steps([0.0])
    return [
        replace(step, reading=Reading(START + (minute + 1) * MINUTE, kw))
        for minute, kw in enumerate(house(count))
    ]


class Watcher:
    """A person who presses keys while minutes arrive."""

    def __init__(self, steps: list[Step], width: int = WIDTH) -> None:
        self.seen = SeenMinutes()
        self.navigation = Navigation(Past(self.seen))
        self.navigation.width = width
        for step in steps:
            self.see(step)

    def see(self, step: Step) -> None:
        self.seen.add(step)
        for alarm in step.alarms:
            if alarm.at == step.reading.at:
                self.seen.add_alarm(alarm)

    def press(self, *keys: Callable[[], str]) -> str:
        message = ""
        for key in keys:
            message = key()
        return message

    @property
    def view(self) -> PastView | None:
        newest = self.seen.last_at
        assert newest is not None
        return self.navigation.view(newest)

    @property
    def times(self) -> list[datetime]:
        """Times of the columns of a scrolled chart."""
        view = self.view
        assert view is not None
        return [column.at for column in view.columns if column.at is not None]

    @property
    def span(self) -> tuple[datetime, datetime]:
        return self.times[0], self.times[-1]


@pytest.fixture
def watcher() -> Watcher:
    return Watcher(_steps())


def _minutes(count: int) -> timedelta:
    return count * MINUTE


def test_the_newest_minutes_are_shown_until_a_key_is_pressed(watcher: Watcher) -> None:
    assert watcher.view is None
    assert watcher.navigation.following


def test_a_page_back_ends_where_the_newest_page_begins(watcher: Watcher) -> None:
    watcher.press(watcher.navigation.page_back)
    assert watcher.span == (LAST - _minutes(119), LAST - _minutes(60))
    view = watcher.view
    assert view is not None
    assert view.title == "1 h to 2010-03-22 07:01 · 1 min a column"
    assert [column.kw for column in view.columns] == pytest.approx(house(COUNT)[-120:-60])


def test_pages_and_steps_forward_undo_those_back(watcher: Watcher) -> None:
    keys = watcher.navigation
    watcher.press(keys.page_back, keys.page_back)
    before = watcher.span
    watcher.press(keys.back, keys.page_back, keys.forward, keys.page_forward)
    assert watcher.span == before
    watcher.press(keys.back)
    assert before[0] - watcher.span[0] == _minutes(WIDTH // 8)


def test_scrolling_to_the_newest_minute_follows_again(watcher: Watcher) -> None:
    keys = watcher.navigation
    watcher.press(keys.page_back, keys.back, keys.page_forward)
    assert not keys.following
    watcher.press(keys.page_forward)
    assert keys.following
    watcher.press(keys.page_back, keys.newest)
    assert keys.following
    assert watcher.view is None


def test_new_minutes_do_not_move_what_is_shown(watcher: Watcher) -> None:
    watcher.press(watcher.navigation.page_back)
    before = watcher.view
    for step in _steps(COUNT + 200)[COUNT:]:
        watcher.see(step)
    assert watcher.view == before
    watcher.press(watcher.navigation.page_forward, watcher.navigation.page_forward)
    assert watcher.span[1] == LAST + _minutes(60)


def test_home_shows_the_oldest_minute_at_the_left(watcher: Watcher) -> None:
    keys = watcher.navigation
    assert watcher.press(keys.oldest) == ""
    assert watcher.span == (FIRST, FIRST + _minutes(59))
    assert watcher.press(keys.back) == "nothing earlier"
    assert watcher.press(keys.page_back) == "nothing earlier"
    assert watcher.span[0] == FIRST


def test_a_history_that_fits_the_chart_cannot_be_scrolled() -> None:
    watcher = Watcher(_steps(30))
    assert watcher.press(watcher.navigation.back) == "nothing earlier"
    assert watcher.press(watcher.navigation.oldest) == ""
    assert watcher.navigation.following


def test_nothing_happens_before_the_first_minute() -> None:
    keys = Navigation(Past(SeenMinutes()))
    keys.width = WIDTH
    for key in (keys.back, keys.page_forward, keys.oldest, keys.newest, keys.alarm_back):
        assert key() == ""
    assert keys.alarm_forward() == ""
    assert keys.following
    assert keys.view(0) is None


def test_the_span_of_the_newest_minutes_ends_with_a_whole_column(watcher: Watcher) -> None:
    keys = watcher.navigation
    watcher.press(keys.longer, keys.longer, keys.longer)
    view = watcher.view
    assert view is not None
    assert view.following
    assert view.title == "the last 10 h · 10 min a column"
    assert watcher.span == (datetime(2010, 3, 21, 22, 10), datetime(2010, 3, 22, 8, 0))
    # The last column has the one minute that has come yet.
    assert view.columns[-1].kw == pytest.approx(house(COUNT)[-1])


def test_spans_range_from_an_hour_to_a_week(watcher: Watcher) -> None:
    keys = watcher.navigation
    assert watcher.press(keys.shorter) == "this is the shortest span"
    message = ""
    while not message:
        message = watcher.press(keys.longer)
    assert message == "this is the longest span"
    assert watcher.times[-1] - watcher.times[0] >= timedelta(days=6.9)
    message = ""
    while not message:
        message = watcher.press(keys.shorter)
    assert watcher.view is None


def test_the_middle_is_kept_when_the_span_changes(watcher: Watcher) -> None:
    keys = watcher.navigation
    watcher.press(*[keys.page_back] * 10)
    middle = watcher.times[WIDTH // 2]
    watcher.press(keys.longer, keys.longer)
    assert abs(watcher.times[WIDTH // 2] - middle) <= _minutes(5)
    watcher.press(keys.shorter, keys.shorter)
    assert abs(watcher.times[WIDTH // 2] - middle) <= _minutes(5)


def test_columns_begin_at_round_local_times() -> None:
    watcher = Watcher(zoned(_steps()))
    keys = watcher.navigation
    watcher.press(*[keys.longer] * 6)
    assert {(at.hour, at.minute) for at in watcher.times} == {(hour, 0) for hour in range(24)}
    view = watcher.view
    assert view is not None
    known = [column for column in view.columns if column.kw is not None]
    assert known[0].at == datetime(2010, 3, 20, 22)
    assert known[-1].at == datetime(2010, 3, 22, 8)


def _alarms(*indexes: int) -> tuple[list[Step], list[Alarm]]:
    steps = _steps()
    alarms = [
        Alarm(Alarm.ANOMALY, steps[index].reading.at, f"number {index}", 1.5) for index in indexes
    ]
    for alarm in alarms:
        steps = alarming(steps, alarm)
    return steps, alarms


def test_a_jumps_from_alarm_to_alarm_and_back() -> None:
    steps, alarms = _alarms(300, 330, 1500)
    watcher = Watcher(steps)
    keys = watcher.navigation
    for alarm in reversed(alarms):
        message = watcher.press(keys.alarm_back)
        assert message == f"{alarm.at:%Y-%m-%d %H:%M} anomaly: {alarm.text}"
        view = watcher.view
        assert view is not None
        assert alarm.at in [column.at for column in view.columns if column.alarm]
        assert watcher.times[WIDTH // 2] == alarm.at
    assert watcher.press(keys.alarm_back) == "no earlier alarm"
    assert [watcher.press(keys.alarm_forward)[-3:] for _ in range(2)] == ["330", "500"]
    assert watcher.press(keys.alarm_forward) == "no later alarm"


def test_after_scrolling_the_next_alarm_is_sought_from_the_chart() -> None:
    steps, alarms = _alarms(300, 600, 1500)
    watcher = Watcher(steps)
    keys = watcher.navigation
    watcher.press(keys.oldest, *[keys.page_forward] * 7)
    assert watcher.span[0] < alarms[0].at + _minutes(400)
    assert watcher.press(keys.alarm_back).endswith("300")
    watcher.press(keys.page_forward, keys.page_forward)
    assert watcher.press(keys.alarm_forward).endswith("600")
    watcher.press(keys.newest)
    assert watcher.press(keys.alarm_forward) == "no later alarm"


def test_the_alarm_stays_in_the_middle_when_the_span_changes() -> None:
    steps, alarms = _alarms(600, 1200)
    watcher = Watcher(steps)
    keys = watcher.navigation
    watcher.press(keys.alarm_back, keys.longer)
    view = watcher.view
    assert view is not None
    (index,) = [index for index, column in enumerate(view.columns) if column.alarm]
    assert abs(index - WIDTH // 2) <= 1
    assert watcher.press(keys.alarm_back).endswith("600")
    assert alarms[0].text == "number 600"


def test_an_alarm_that_has_left_the_chart_is_not_continued_from() -> None:
    steps, alarms = _alarms(300, 1970, 1980, 1990)
    watcher = Watcher(steps[:1975])
    keys = watcher.navigation
    assert watcher.press(keys.alarm_back).endswith("1970")
    assert keys.following
    for step in steps[1975:]:
        watcher.see(step)
    assert watcher.press(keys.alarm_back).endswith("300")
    watcher.press(keys.newest, keys.alarm_back)
    assert keys.following
    for step in _steps(COUNT + 100)[COUNT:]:
        watcher.see(step)
    assert watcher.press(keys.alarm_back).endswith("1990")
    assert alarms[-1].at == watcher.times[WIDTH // 2]


class Unreadable:
    """An archive that cannot be read."""

    def first_at(self) -> int | None:
        raise RecordError("house.db is damaged")

    def bins(self, start: int, seconds: int, count: int, *, before: int) -> Bins:
        raise RecordError("house.db is damaged")

    def utc_offset(self, before: int) -> int | None:
        raise RecordError("house.db is damaged")

    def alarm_before(self, at: int) -> Alarm | None:
        raise RecordError("house.db is damaged")

    def alarm_after(self, at: int) -> Alarm | None:
        raise RecordError("house.db is damaged")


def test_the_reason_is_shown_if_a_recording_cannot_be_read() -> None:
    watcher = Watcher(_steps(200))
    keys = watcher.navigation = Navigation(Past(watcher.seen, Unreadable()))
    keys.width = WIDTH
    assert watcher.press(keys.page_back) == "house.db is damaged"
    assert watcher.span[1] == START + _minutes(140)
    assert watcher.press(keys.alarm_back) == "house.db is damaged"


@pytest.mark.parametrize("width", [2, 37, 74, 194])
def test_a_view_has_as_many_columns_as_the_chart(width: int) -> None:
    watcher = Watcher(_steps(), width)
    keys = watcher.navigation
    for key in (keys.shorter, keys.shorter, *[keys.longer] * 12):
        watcher.press(key)
        if watcher.view is not None:
            assert len(watcher.view.columns) == width
    watcher.press(keys.oldest)
    newest = watcher.seen.last_at
    assert newest == seconds_of(LAST)
