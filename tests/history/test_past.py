"""Tests of the minutes of the past: those seen, and those of an archive before them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from streamer.errors import RecordError
from streamer.history import past
from streamer.history.columns import MAX_KW
from streamer.history.past import Past, SeenMinutes
from streamer.readings import MINUTE, Alarm, Forecast, Reading, Step
from streamer.readings.bins import Bins
from streamer.readings.seconds import local_time, seconds_of
from tests.dashboard.samples import START, SUMMER, house, make_steps, zoned

T0 = seconds_of(START)


def _alarm(at: datetime) -> Alarm:
    return Alarm(Alarm.ANOMALY, at, "odd", 1.5)


def _seen(steps: list[Step]) -> SeenMinutes:
    seen = SeenMinutes()
    for step in steps:
        seen.add(step)
    return seen


class Shelf:
    """An archive in memory that counts the questions, and may be unreadable."""

    def __init__(self, minutes: int, until: int = T0) -> None:
        self.first = until - 60 * minutes
        self.until = until
        self.asked = 0
        self.alarms = [_alarm(local_time(self.first + 600)), _alarm(local_time(until + 600))]
        self.failure: RecordError | None = None

    def _ask(self) -> None:
        self.asked += 1
        if self.failure:
            raise self.failure

    def first_at(self) -> int | None:
        self._ask()
        return self.first if self.first < self.until else None

    def bins(self, start: int, seconds: int, count: int, *, before: int) -> Bins:
        self._ask()
        empty = Bins.empty(count)
        times = np.arange(self.first, self.until + 60_000, 60)
        times = times[(times >= start) & (times < before)]
        readings = np.bincount((times - start) // seconds, minlength=count)[:count]
        return replace(empty, readings=readings, kw=5.0 * readings)

    def utc_offset(self, before: int) -> int | None:
        self._ask()
        return 7200

    def alarm_before(self, at: int) -> Alarm | None:
        self._ask()
        return next((a for a in reversed(self.alarms) if seconds_of(a.at) < at), None)

    def alarm_after(self, at: int) -> Alarm | None:
        self._ask()
        return next((a for a in self.alarms if seconds_of(a.at) > at), None)


def _all(seen: SeenMinutes, count: int) -> Bins:
    """Bins of a minute each, from the first one on."""
    assert seen.first_at is not None
    return seen.bins(seen.first_at, 60, count, before=2**62)


def test_nothing_was_seen_before_the_first_step() -> None:
    seen = SeenMinutes()
    assert seen.first_at is seen.last_at is seen.utc_offset(2**62) is None
    assert seen.bins(0, 60, 5, before=2**62).readings.tolist() == [0] * 5
    assert Past(seen, Shelf(10)).first_at is None


def test_minutes_are_kept_as_they_were() -> None:
    steps = make_steps(house(120), gaps={60: 3})
    steps[70] = replace(steps[70], alarms=(_alarm(steps[70].reading.at),))
    steps[71] = replace(steps[71], alarms=steps[70].alarms)
    bins = _all(_seen(steps), 123)
    assert bins.readings.tolist() == [1] * 60 + [0] * 3 + [1] * 60
    held = bins.readings > 0
    np.testing.assert_allclose(bins.kw[held], [step.reading.kw for step in steps], rtol=1e-6)
    for step, index in zip(steps, np.flatnonzero(held), strict=True):
        found = [bins.forecast_kw[index], bins.low_kw[index], bins.high_kw[index]]
        assert bins.forecasts[index] == (step.settled is not None)
        if step.settled is None:
            assert found == [0.0] * 3
        else:
            expected = [step.settled.point_kw, step.settled.low_kw, step.settled.high_kw]
            np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert np.flatnonzero(bins.alarms).tolist() == [73]


def test_bins_are_sums_from_a_time_on_and_before_another_one() -> None:
    seen = _seen(make_steps([1.0, 2.0, 4.0, 8.0, 16.0, 32.0]))
    bins = seen.bins(T0 + 120, 120, 2, before=T0 + 300)
    assert bins.readings.tolist() == [2, 1]
    assert bins.kw.tolist() == [6.0, 8.0]
    assert seen.bins(T0, 60, 3, before=2**62).kw.tolist() == [0.0, 1.0, 2.0]


@pytest.mark.parametrize("zone", [SUMMER, timezone(timedelta(hours=-3, minutes=-30)), UTC])
def test_times_with_a_zone_are_unix_seconds_with_their_offset(zone: timezone) -> None:
    (step,) = zoned(make_steps([0.5]), zone)
    seen = _seen([step])
    offset = int(zone.utcoffset(None).total_seconds())
    assert seen.first_at == seen.last_at == step.reading.at.timestamp()
    assert _all(seen, 1).utc_offset.tolist() == [offset]
    assert seen.utc_offset(2**62) == offset
    assert seen.utc_offset(seen.first_at) is None
    assert local_time(seen.first_at, offset) == START + MINUTE


def test_the_offset_is_that_of_the_last_minute_before_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(past, "BLOCK", 2)
    zones = [timezone(timedelta(hours=hours)) for hours in range(5)]
    at = START.replace(tzinfo=UTC)
    (step,) = make_steps([0.5])
    seen = _seen(
        [
            replace(step, reading=Reading((at + index * MINUTE).astimezone(zone), 0.5))
            for index, zone in enumerate(zones)
        ]
    )
    found = [seen.utc_offset(seconds_of(at) + 60 * index) for index in range(7)]
    assert found == [None, 0, 3600, 7200, 10_800, 14_400, 14_400]


def test_the_oldest_minutes_and_alarms_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "BLOCK", 10)
    monkeypatch.setattr(past, "MAX_BLOCKS", 3)
    monkeypatch.setattr(past, "MAX_ALARMS", 2)
    steps = make_steps(house(45))
    seen = _seen(steps)
    for step in steps[:3]:
        seen.add_alarm(_alarm(step.reading.at))
    kept = [step.reading for step in steps[20:]]
    assert (seen.first_at, seen.last_at) == (seconds_of(kept[0].at), seconds_of(kept[-1].at))
    bins = seen.bins(T0, 60, 50, before=2**62)
    assert bins.readings.tolist() == [0] * 21 + [1] * 25 + [0] * 4
    np.testing.assert_allclose(bins.kw[21:46], [reading.kw for reading in kept], rtol=1e-6)
    assert seen.alarm_after(0) == _alarm(steps[1].reading.at)


@pytest.mark.parametrize("kept", [0, 5, 10, 17, 29])
def test_minutes_of_a_clock_that_was_ahead_are_dropped(
    kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past, "BLOCK", 10)
    steps = make_steps([1.0] * 30)
    seen = _seen(steps)
    for step in steps:
        seen.add_alarm(_alarm(step.reading.at))
    for step in steps[kept : kept + 3]:
        seen.add(replace(step, reading=replace(step.reading, kw=2.0)))
    bins = seen.bins(T0 + 60, 60, 33, before=2**62)
    expected = ([1.0] * kept + [2.0] * 3)[:30]
    assert bins.kw.tolist() == [*expected, *[0.0] * (33 - len(expected))]
    assert seen.last_at == T0 + 60 * len(expected)
    before = seen.alarm_before(2**62)
    assert before == (_alarm(steps[kept - 1].reading.at) if kept else None)


def test_powers_beyond_the_range_are_clipped() -> None:
    forecast = Forecast(
        START, -1e300, 1.0, frozen_kw=0.0, median_kw=None, low_kw=-1e300, high_kw=1.0
    )
    (step,) = make_steps([1.0])
    seen = _seen([replace(step, reading=Reading(START, 1e300), settled=forecast)])
    bins = _all(seen, 1)
    assert (bins.kw[0], bins.forecast_kw[0]) == (MAX_KW, -MAX_KW)


def test_an_archive_is_read_only_for_what_was_not_seen() -> None:
    shelf = Shelf(1000, until=T0 + 60)
    past = Past(_seen(make_steps([1.0] * 10)), shelf)
    assert past.bins(T0 + 60, 60, 3, before=2**62).kw.tolist() == [1.0] * 3
    assert past.utc_offset(T0 + 100) == 0
    assert shelf.asked == 0
    bins = past.bins(T0 - 120, 60, 5, before=2**62)
    assert bins.kw.tolist() == [5.0, 5.0, 5.0, 1.0, 1.0]
    assert past.utc_offset(T0) == 7200


def test_a_bin_may_have_minutes_of_both() -> None:
    past = Past(_seen(make_steps([1.0] * 10)), Shelf(1000, until=T0 + 60))
    bins = past.bins(T0 - 120, 300, 1, before=2**62)
    assert (bins.readings.tolist(), bins.kw.tolist()) == ([5], [17.0])
    assert past.bins(T0 - 120, 300, 1, before=T0 + 61).kw.tolist() == [16.0]


def test_a_page_of_an_archive_is_read_once() -> None:
    shelf = Shelf(1000)
    past = Past(_seen(make_steps(house(10))), shelf)
    for _ in range(3):
        assert past.bins(T0 - 6000, 60, 50, before=2**62).readings.tolist() == [1] * 50
        assert past.first_at == T0 - 60_000
    assert shelf.asked == 2


def test_an_unreadable_archive_counts_as_empty_until_asked_again() -> None:
    shelf = Shelf(1000)
    shelf.failure = RecordError("house.db is damaged")
    past = Past(_seen(make_steps(house(10))), shelf)
    assert past.first_at == T0 + 60
    assert not past.bins(T0 - 6000, 60, 100, before=2**62).readings.any()
    assert past.utc_offset(T0) == 0
    assert past.alarm_before(T0) is None
    assert (past.error, shelf.asked) == ("house.db is damaged", 1)
    shelf.failure = None
    past.retry()
    assert past.first_at == T0 - 60_000
    assert past.error == ""


def test_alarms_are_found_in_both_in_order() -> None:
    shelf = Shelf(100)
    seen = _seen(make_steps(house(30)))
    newer = [_alarm(START + minutes * MINUTE) for minutes in (5, 9)]
    for alarm in newer:
        seen.add_alarm(alarm)
    past = Past(seen, shelf)
    found, at = [], T0 + 100_000
    while (alarm := past.alarm_before(at)) is not None:
        found.append(alarm)
        at = seconds_of(alarm.at)
    assert found == [newer[1], newer[0], shelf.alarms[0]]
    found, at = [], 0
    while (alarm := past.alarm_after(at)) is not None:
        found.append(alarm)
        at = seconds_of(alarm.at)
    assert found == [shelf.alarms[0], *newer]
    assert Past(SeenMinutes(), shelf).alarm_before(T0) == shelf.alarms[0]
