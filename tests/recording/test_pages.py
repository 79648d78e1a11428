"""Tests of pages of a recording, compared with the steps that were recorded."""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from streamer.errors import RecordError
from streamer.readings import Step
from streamer.readings.minutes import Minutes
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


def _check(minutes: Minutes, steps: list[Step]) -> None:
    assert minutes.at.tolist() == [_at(step) for step in steps]
    for index, step in enumerate(steps):
        offset = step.reading.at.utcoffset()
        assert offset is not None
        assert minutes.utc_offset[index] == offset.total_seconds()
        settled = step.settled
        expected = [step.reading.kw, math.nan, math.nan, math.nan]
        if settled is not None:
            expected[1:] = [settled.kw, settled.low_kw, settled.high_kw]
        found = [minutes.kw, minutes.forecast_kw, minutes.low_kw, minutes.high_kw]
        np.testing.assert_allclose([values[index] for values in found], expected, rtol=1e-6)
        assert minutes.alarm[index] == any(a.at == step.reading.at for a in step.alarms)


def test_a_page_has_what_was_recorded_in_its_span(db: Path, steps: list[Step]) -> None:
    pages = RecordingPages(db)
    assert pages.first_at() == _at(steps[0])
    _check(pages.minutes(_at(steps[0]), _at(steps[-1]) + 1), steps)
    _check(pages.minutes(_at(steps[50]), _at(steps[200])), steps[50:200])
    assert any(step.alarms for step in steps)
    assert len(pages.minutes(0, 60)) == 0


def test_minutes_written_meanwhile_are_found(db: Path) -> None:
    recorder = House(db)
    readings = house(60)
    first = recorder.watch(readings[:30])
    pages = RecordingPages(db)
    _check(pages.minutes(0, 2**62), first)
    rest = recorder.watch(readings[30:])
    _check(pages.minutes(0, 2**62), first + rest)
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


def _minutes(pages: RecordingPages) -> object:
    return pages.minutes(-(2**62), 2**62)


def _alarm(pages: RecordingPages) -> object:
    return pages.alarm_before(2**62)


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ("UPDATE steps SET actual_kw = 'much' WHERE at % 1200 = 0", _minutes),
        ("UPDATE steps SET actual_kw = x'00' WHERE at % 1200 = 0", _minutes),
        ("UPDATE steps SET utc_offset = 1000000", _minutes),
        ("UPDATE steps SET utc_offset = 9e99", _minutes),
        ("UPDATE steps SET utc_offset = 'here'", _minutes),
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
    _check(pages.minutes(-(2**63), 2**63 - 1), steps)
    alarm = pages.alarm_before(2**63 - 1)
    assert alarm is not None
    assert alarm.at <= steps[-1].reading.at


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
        began = time.perf_counter()
        assert len(pages.minutes(start, start + week)) == 10_080
        best = min(best, time.perf_counter() - began)
    assert best < 0.5
