"""Tests of pages of a recording, compared with the steps that were recorded."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from streamer.errors import RecordError
from streamer.history.past import SeenMinutes
from streamer.readings import Step
from streamer.readings.bins import Bins
from streamer.recording.pages import RecordingPages
from tests.recording.conftest import House, house


@pytest.fixture
def steps(db: Path) -> list[Step]:
    recorder = House(db)
    steps = recorder.watch(house(300))
    recorder.close()
    return steps


def _at(step: Step) -> int:
    return int(step.reading.at.timestamp())


def _check(bins: Bins, start: int, seconds: int, steps: list[Step]) -> None:
    """Compare sums with those over steps."""
    for index in range(len(bins.readings)):
        low = start + index * seconds
        inside = [step for step in steps if low <= _at(step) < low + seconds]
        settled = [step.settled for step in inside if step.settled is not None]
        found = [
            bins.readings[index],
            bins.kw[index],
            bins.forecasts[index],
            bins.forecast_kw[index],
            bins.low_kw[index],
            bins.high_kw[index],
            bins.alarms[index],
        ]
        expected = [
            len(inside),
            sum(step.reading.kw for step in inside),
            len(settled),
            sum(forecast.point_kw for forecast in settled),
            sum(forecast.low_kw for forecast in settled),
            sum(forecast.high_kw for forecast in settled),
            sum(alarm.at == step.reading.at for step in inside for alarm in step.alarms),
        ]
        assert found == pytest.approx(expected, abs=1e-9)
        offset = inside[0].reading.at.utcoffset() if inside else None
        assert bins.utc_offset[index] == (offset.total_seconds() if offset else 0)
    assert bins.readings.sum() == len(steps)


@pytest.mark.parametrize("seconds", [60, 300, 3600, 86_400])
def test_sums_are_those_of_what_was_recorded(db: Path, steps: list[Step], seconds: int) -> None:
    pages = RecordingPages(db)
    assert pages.first_at() == _at(steps[0])
    start = _at(steps[0]) // seconds * seconds
    count = (_at(steps[-1]) - start) // seconds + 1
    _check(pages.bins(start, seconds, count, before=2**62), start, seconds, steps)
    before = _at(steps[200])
    _check(pages.bins(start, seconds, count, before=before), start, seconds, steps[:200])
    assert any(step.alarms for step in steps)
    assert pages.bins(0, 60, 3, before=2**62).readings.tolist() == [0, 0, 0]


def test_the_sums_are_those_of_the_minutes_seen(db: Path, steps: list[Step]) -> None:
    seen = SeenMinutes()
    for step in steps:
        seen.add(step)
    start = _at(steps[0])
    for seconds in (60, 1200):
        ours = RecordingPages(db).bins(start, seconds, 40, before=2**62)
        theirs = seen.bins(start, seconds, 40, before=2**62)
        for field in fields(Bins):
            found, expected = getattr(ours, field.name), getattr(theirs, field.name)
            # What was seen is kept in single precision, and a sum may be near zero.
            np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_the_offset_from_utc_is_that_of_the_minute_before(db: Path, steps: list[Step]) -> None:
    pages = RecordingPages(db)
    assert pages.utc_offset(_at(steps[0])) is None
    for index in (1, 100, 299):
        offset = steps[index - 1].reading.at.utcoffset()
        assert offset is not None
        assert pages.utc_offset(_at(steps[index])) == offset.total_seconds()


def test_minutes_written_meanwhile_are_found(db: Path) -> None:
    recorder = House(db)
    readings = house(60)
    first = recorder.watch(readings[:30])
    pages, start = RecordingPages(db), _at(first[0])
    _check(pages.bins(start, 60, 100, before=2**62), start, 60, first)
    rest = recorder.watch(readings[30:])
    _check(pages.bins(start, 60, 100, before=2**62), start, 60, first + rest)
    recorder.close()
    assert not db.with_name(f"{db.name}-wal").exists()


def test_alarms_are_found_in_both_directions(db: Path, steps: list[Step]) -> None:
    raised = [a for step in steps for a in step.alarms if a.at == step.reading.at]
    pages = RecordingPages(db)
    found, at = [], 2**62
    while (alarm := pages.alarm_before(at)) is not None:
        found.append(alarm)
        at = int(alarm.at.timestamp())
    assert found == raised[::-1]
    found, at = [], 0
    while (alarm := pages.alarm_after(at)) is not None:
        found.append(alarm)
        at = int(alarm.at.timestamp())
    assert found == raised


def test_a_recording_that_does_not_exist_yet_is_an_error_until_it_does(db: Path) -> None:
    pages = RecordingPages(db)
    with pytest.raises(RecordError, match="does not exist"):
        pages.first_at()
    recorder = House(db)
    assert pages.first_at() is None
    steps = recorder.watch(house(3))
    assert pages.first_at() == _at(steps[0])
    recorder.close()


def test_a_recording_that_was_replaced_is_read_from_then_on(db: Path, steps: list[Step]) -> None:
    pages = RecordingPages(db)
    assert pages.first_at() == _at(steps[0])
    db.unlink()
    other = House(db)
    rest = other.watch(house(300)[200:])
    other.close()
    assert pages.first_at() == _at(rest[0])


def _first_at(pages: RecordingPages) -> object:
    return pages.first_at()


def _bins(pages: RecordingPages) -> object:
    return pages.bins(0, 8_640_000, 300, before=2**62)


def _offset(pages: RecordingPages) -> object:
    return pages.utc_offset(2**62)


def _alarm(pages: RecordingPages) -> object:
    return pages.alarm_before(2**62)


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ("UPDATE steps SET utc_offset = 1000000", _bins),
        ("UPDATE steps SET utc_offset = 9e99", _bins),
        ("UPDATE steps SET utc_offset = 'here'", _offset),
        ("UPDATE alarms SET size = 'big'", _alarm),
        ("UPDATE steps SET utc_offset = 1000000", _alarm),
    ],
)
def test_a_value_that_no_recorder_writes_is_a_damaged_recording(
    db: Path, steps: list[Step], change: str, read: Callable[[RecordingPages], object]
) -> None:
    assert steps
    with sqlite3.connect(db) as connection:
        connection.execute(change)
    connection.close()
    with pytest.raises(RecordError, match="is damaged"):
        read(RecordingPages(db))


def test_times_out_of_range_are_left_out(db: Path, steps: list[Step]) -> None:
    with sqlite3.connect(db) as connection:
        for at in (-(2**63), 2**63 - 1):
            connection.execute(
                "INSERT INTO steps (at, utc_offset, actual_kw, gap_minutes) VALUES (?, 0, 1, 0)",
                (at,),
            )
            connection.execute("INSERT INTO alarms VALUES (?, 'drift', '', 1.0, NULL)", (at,))
    connection.close()
    pages = RecordingPages(db)
    assert pages.first_at() == _at(steps[0])
    start = _at(steps[0])
    _check(pages.bins(start, 60, 2000, before=2**63 - 1), start, 60, steps)
    assert not pages.bins(-(2**63), 60, 5, before=2**62).readings.any()
    assert not pages.bins(2**63 - 400, 60, 5, before=2**62).readings.any()
    alarm = pages.alarm_before(2**63 - 1)
    assert alarm is not None
    assert alarm.at <= steps[-1].reading.at
    assert pages.alarm_after(2**63 - 1) is None


def test_another_file_is_an_error(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    other.write_bytes(b"x" * 4096)
    with pytest.raises(RecordError, match="neither a recording"):
        RecordingPages(other).first_at()


def test_a_week_of_a_long_recording_is_read_quickly(db: Path) -> None:
    """Only the span is read: the time does not grow with the recording."""
    House(db).close()
    with sqlite3.connect(db) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99999) "
            "INSERT INTO steps (at, utc_offset, actual_kw, forecast_kw, low_kw, high_kw, "
            "gap_minutes) SELECT 1700000000 + 60 * i, 3600, 0.5, 0.6, 0.4, 0.8, 0 FROM n"
        )
    connection.close()
    pages, week = RecordingPages(db), 7 * 86_400
    start = 1_700_000_000 + 3 * week
    best = math.inf
    for _ in range(5):
        began = time.thread_time()
        assert pages.bins(start, 3600, 168, before=2**62).readings.sum() == 10_080
        best = min(best, time.thread_time() - began)
    assert best < 0.5
