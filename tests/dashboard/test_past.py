"""Tests of the minutes of the past: those seen, and those of an archive before them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest

from streamer.dashboard import past
from streamer.dashboard.past import Past, SeenMinutes
from streamer.errors import RecordError
from streamer.readings import MINUTE, Alarm, Forecast, Reading, Step
from streamer.readings.minutes import Minutes, minutes_of
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

    def minutes(self, start: int, end: int) -> Minutes:
        self._ask()
        times = range(max(start, self.first), min(end, self.until + 60_000), 60)
        return minutes_of([(at, 0, 5.0, None, None, None) for at in times])

    def alarm_before(self, at: int) -> Alarm | None:
        self._ask()
        return next((a for a in reversed(self.alarms) if seconds_of(a.at) < at), None)

    def alarm_after(self, at: int) -> Alarm | None:
        self._ask()
        return next((a for a in self.alarms if seconds_of(a.at) > at), None)


def test_nothing_was_seen_before_the_first_step() -> None:
    seen = SeenMinutes()
    assert seen.first_at is seen.last_at is None
    assert len(seen.minutes(0, 2**62)) == 0
    assert Past(seen, Shelf(10)).first_at is None


def test_minutes_are_kept_as_they_were() -> None:
    steps = make_steps(house(120), gaps={60: 3})
    steps[70] = replace(steps[70], alarms=(_alarm(steps[70].reading.at),))
    steps[71] = replace(steps[71], alarms=steps[70].alarms)
    minutes = _seen(steps).minutes(0, 2**62)
    assert minutes.at.tolist() == [seconds_of(step.reading.at) for step in steps]
    np.testing.assert_allclose(minutes.kw, [step.reading.kw for step in steps], rtol=1e-6)
    for step, forecast, low, high in zip(
        steps, minutes.forecast_kw, minutes.low_kw, minutes.high_kw, strict=True
    ):
        if step.settled is None:
            assert np.isnan([forecast, low, high]).all()
        else:
            expected = [step.settled.kw, step.settled.low_kw, step.settled.high_kw]
            np.testing.assert_allclose([forecast, low, high], expected, rtol=1e-6)
    assert np.flatnonzero(minutes.alarm).tolist() == [70]


def test_a_span_includes_its_beginning_and_not_its_end() -> None:
    seen = _seen(make_steps(house(10)))
    assert seen.minutes(T0 + 120, T0 + 300).at.tolist() == [T0 + s for s in (120, 180, 240)]


def test_times_with_a_zone_are_unix_seconds_with_their_offset() -> None:
    (step,) = zoned(make_steps([0.5]))
    minutes = _seen([step]).minutes(0, 2**62)
    assert minutes.at.tolist() == [step.reading.at.timestamp()]
    assert minutes.utc_offset.tolist() == [7200]
    assert local_time(int(minutes.at[0]), 7200) == START + MINUTE
    assert seconds_of(START.replace(tzinfo=UTC)) == seconds_of(START)


def test_the_oldest_minutes_and_alarms_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(past, "BLOCK", 10)
    monkeypatch.setattr(past, "MAX_BLOCKS", 3)
    monkeypatch.setattr(past, "MAX_ALARMS", 2)
    steps = make_steps(house(45))
    seen = _seen(steps)
    for step in steps[:3]:
        seen.add_alarm(_alarm(step.reading.at))
    kept = seen.minutes(0, 2**62)
    assert kept.at.tolist() == [seconds_of(step.reading.at) for step in steps[20:]]
    assert (seen.first_at, seen.last_at) == (kept.at[0], kept.at[-1])
    assert seen.alarm_after(0) == _alarm(steps[1].reading.at)


def test_a_power_beyond_the_range_is_kept_as_infinite() -> None:
    seen = SeenMinutes()
    forecast = Forecast(
        START, -1e300, 1.0, frozen_kw=0.0, median_kw=None, low_kw=-1e300, high_kw=1.0
    )
    (step,) = make_steps([1.0])
    seen.add(replace(step, reading=Reading(START, 1e300), settled=forecast))
    minutes = seen.minutes(0, 2**62)
    assert [minutes.kw[0], minutes.forecast_kw[0]] == [np.inf, -np.inf]


def test_an_archive_is_read_only_for_what_was_not_seen() -> None:
    shelf = Shelf(1000, until=T0 + 60)
    past = Past(_seen(make_steps(house(10))), shelf)
    assert past.minutes(T0 + 60, T0 + 300).kw.max() < 5
    assert shelf.asked == 0
    minutes = past.minutes(T0 - 120, T0 + 180)
    assert minutes.at.tolist() == [T0 + s for s in (-120, -60, 0, 60, 120)]
    assert minutes.kw[:3].tolist() == [5.0] * 3
    assert minutes.kw[3:].max() < 5


def test_a_page_of_an_archive_is_read_once() -> None:
    shelf = Shelf(1000)
    past = Past(_seen(make_steps(house(10))), shelf)
    for _ in range(3):
        assert len(past.minutes(T0 - 6000, T0 - 3000)) == 50
        assert past.first_at == T0 - 60_000
    assert shelf.asked == 2


def test_an_unreadable_archive_counts_as_empty_until_asked_again() -> None:
    shelf = Shelf(1000)
    shelf.failure = RecordError("house.db is damaged")
    past = Past(_seen(make_steps(house(10))), shelf)
    assert past.first_at == T0 + 60
    assert len(past.minutes(T0 - 6000, T0)) == 0
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


def test_the_offset_of_a_zone_may_be_negative() -> None:
    (step,) = zoned(make_steps([0.5]), timezone(timedelta(hours=-3, minutes=-30)))
    minutes = _seen([step]).minutes(0, 2**62)
    assert minutes.utc_offset.tolist() == [-12_600]
    assert SUMMER.utcoffset(None) == timedelta(hours=2)
