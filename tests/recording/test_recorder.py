"""Tables written by the recorder, compared with the steps."""

from __future__ import annotations

import math
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from streamer.errors import RecordError
from streamer.readings import Alarm, Link, Notice, Reading
from streamer.sinks import Sink
from streamer.sinks.items import About, Vitals
from tests.children import ending
from tests.recording.conftest import COLUMNS, SETTINGS, House, columns_of, house


def _rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def test_every_step_is_a_row(db: Path) -> None:
    watcher = House(db)
    assert isinstance(watcher.recorder, Sink)
    steps = watcher.watch(house(300))
    # Plain SQL, as another process would use it during the recording.
    rows = _rows(db, f"SELECT at, utc_offset, {COLUMNS} FROM steps ORDER BY at")  # noqa: S608
    watcher.close()
    expected = [
        (
            int(step.reading.at.timestamp()),
            int(step.reading.at.utcoffset().total_seconds()),  # type: ignore[union-attr]
            *columns_of(step),
        )
        for step in steps
    ]
    assert rows == expected
    assert {row[1] for row in rows} == {3600, 7200}
    errors = _rows(db, "SELECT error_kw FROM steps ORDER BY at")
    assert [error for (error,) in errors] == [step.error_kw for step in steps]
    assert not watcher.texts


def test_the_view_minutes_is_in_local_time(db: Path) -> None:
    watcher = House(db)
    watcher.watch(house(300))
    watcher.close()
    times = [time for (time,) in _rows(db, "SELECT local_time FROM minutes ORDER BY at")]
    assert "2026-03-29 01:59" in times
    assert "2026-03-29 03:00" in times
    assert not [time for time in times if str(time).startswith("2026-03-29 02")]


def test_alarms_are_recorded_with_beginning_and_end(db: Path) -> None:
    readings = house(900)
    first = House(db)
    steps = first.watch(readings[:85])
    assert {alarm.kind for alarm in steps[-1].alarms} >= {Alarm.STUCK}
    first.close()
    # The active alarm ends under another recorder.
    second = House(db)
    second.recorder.resume(second.pipeline)
    steps += second.watch(readings[85:])
    second.close()
    minutes: dict[tuple[int, str], list[int]] = {}
    for step in steps:
        for alarm in step.alarms:
            at = int(step.reading.at.timestamp())
            minutes.setdefault((int(alarm.at.timestamp()), alarm.kind), []).append(at)
    times = [int(step.reading.at.timestamp()) for step in steps]
    for at, kind, over_at in _rows(db, "SELECT at, kind, over_at FROM alarms"):
        on = minutes.pop((at, kind))
        after = times[times.index(on[-1]) + 1 :]
        assert over_at == (after[0] if after else None)
    assert not minutes


def test_snapshots_are_saved_regularly_and_the_last_two_are_kept(db: Path) -> None:
    watcher = House(db, snapshot_every=20)
    steps = watcher.watch(house(101))
    watcher.close()
    saved = [at for (at,) in _rows(db, "SELECT at FROM snapshots ORDER BY at")]
    # A new recording saves a snapshot after its first reading.
    assert saved == [int(steps[place].reading.at.timestamp()) for place in (80, 100)]


def test_no_snapshot_is_ahead_of_the_minutes_written(db: Path) -> None:
    watcher = House(db, snapshot_every=10)
    readings, asked = house(100), 0

    def state() -> dict[str, object]:
        nonlocal asked
        asked += 1
        return watcher.pipeline.state()

    watcher.recorder._snapshots._state = state
    for start in (0, 50):
        for step in watcher.pipeline.push_many(readings[start : start + 50]):
            watcher.recorder.write(step)
    watcher.close()
    saved = [at for (at,) in _rows(db, "SELECT at FROM snapshots ORDER BY at")]
    assert saved == [int(readings[place].at.timestamp()) for place in (49, 99)]
    assert asked == 4


def test_recorded_minutes_are_not_overwritten(db: Path) -> None:
    readings = house(60)
    for first in (0, 0, 30):
        watcher = House(db)
        watcher.watch(readings[first : first + 30])
        watcher.close()
    rows = _rows(db, "SELECT actual_kw FROM steps ORDER BY at")
    assert [kw for (kw,) in rows] == [reading.kw for reading in readings]


def test_duplicate_minutes_are_counted(db: Path) -> None:
    watcher = House(db)
    steps = watcher.watch(house(30))
    for step in steps[10:]:
        watcher.recorder.write(step)
    assert watcher.recorder.duplicates == 20
    watcher.close()


def test_links_and_warnings_are_events(db: Path) -> None:
    wall = 1_800_000_000.0
    watcher = House(db, wall=lambda: wall)
    recorder = watcher.recorder
    recorder.write(About("meter", "fixed"))
    recorder.write(Vitals(1.0, 1.0, 1.0))
    recorder.write(Link(Link.UP, "broker"))
    for retry in range(5):
        recorder.write(Link(Link.LOST, "broker", f"refused, try {retry}"))
    recorder.write(Notice(Notice.MALFORMED, "rubbish"))
    recorder.write(Notice(Notice.WARNING, "the clock has been put back"))
    recorder.write(Link(Link.UP, "broker"))
    watcher.watch(house(1))
    rows = _rows(db, "SELECT at, kind, text FROM events ORDER BY id")
    assert rows == [
        (int(wall), "up", "broker"),
        (int(wall), "lost", "broker: refused, try 0"),
        (int(wall), "warning", "the clock has been put back"),
        (int(wall), "up", "broker"),
    ]
    watcher.close()
    assert dict(_rows(db, "SELECT key, value FROM settings")) == {**SETTINGS, "source": "meter"}


def test_invalid_text_is_recorded_in_a_safe_form(db: Path) -> None:
    watcher = House(db, settings={"model": "\udcff.keras"})
    watcher.recorder.write(About("caf\udce9", "fixed"))
    watcher.recorder.write(Link(Link.LOST, "meter", "ask caf\udce9\x1b[2J instead"))
    steps = watcher.watch(house(3))
    watcher.close()
    assert _rows(db, "SELECT text FROM events") == [("meter: ask caf??[2J instead",)]
    assert dict(_rows(db, "SELECT key, value FROM settings")) == {
        "model": "?.keras",
        "source": "caf?",
    }
    assert _rows(db, "SELECT count(*) FROM steps") == [(len(steps),)]
    assert not watcher.texts


def test_events_of_a_flickering_link_are_written_together(db: Path) -> None:
    watcher = House(db)
    for _ in range(50):
        watcher.recorder.write(Link(Link.LOST))
        watcher.recorder.write(Link(Link.UP))
    assert _rows(db, "SELECT count(*) FROM events") == [(1,)]
    watcher.now += 60.0
    watcher.recorder.write(Vitals(1.0, 1.0, 1.0))
    assert _rows(db, "SELECT count(*) FROM events") == [(100,)]
    watcher.close()


def test_other_settings_are_recorded_with_the_first_minute(db: Path) -> None:
    watcher = House(db)
    watcher.watch(house(30))
    watcher.close()
    other = {**SETTINGS, "confidence": "0.8"}
    watcher = House(db, settings=other)
    assert dict(_rows(db, "SELECT key, value FROM settings")) == SETTINGS
    watcher.watch(house(31)[30:])
    watcher.close()
    assert dict(_rows(db, "SELECT key, value FROM settings")) == other
    # Snapshots saved with the earlier settings are deleted.
    assert len(_rows(db, "SELECT at FROM snapshots")) == 1


def test_a_reading_without_a_zone_is_refused(db: Path) -> None:
    watcher = House(db)
    with pytest.raises(RecordError, match="with a zone"):
        watcher.watch([Reading(datetime(2026, 3, 29, 12, 0), 0.5)])
    watcher.close()


def test_numbers_that_are_not_finite_are_recorded(db: Path) -> None:
    watcher = House(db)
    *_, last = watcher.watch(house(30))
    assert last.settled is not None
    later = last.reading.at + timedelta(hours=1)
    odd = replace(
        last,
        reading=Reading(later, 0.5),
        settled=replace(last.settled, kw=math.inf, low_kw=-math.inf, high_kw=math.nan),
        alarms=(Alarm(Alarm.DRIFT, later, "odd", math.nan),),
    )
    watcher.recorder.write(odd)
    watcher.close()
    assert _rows(db, "SELECT forecast_kw, low_kw, high_kw FROM steps ORDER BY at DESC LIMIT 1") == [
        (math.inf, -math.inf, None)
    ]
    assert not watcher.texts


def test_a_recording_has_one_writer(db: Path) -> None:
    watcher = House(db)
    with pytest.raises(RecordError, match=rf"by another process \(pid {os.getpid()}\)"):
        House(db)
    watcher.watch(house(3))
    watcher.close()
    watcher.close()
    House(db).close()
    assert sorted(path.name for path in db.parent.iterdir()) == ["house.db"]


_HOLD = """
import sys, time
from streamer.recording.recorder import Recorder
recorder = Recorder.open(sys.argv[1], settings={}, state=dict, notify=print)
print("open", flush=True)
time.sleep(60)
"""


def test_the_lock_ends_with_its_process(db: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(db)], stdout=subprocess.PIPE, text=True
    )
    with ending(holder) as other:
        assert other.stdout is not None
        try:
            assert other.stdout.readline() == "open\n"
            with pytest.raises(RecordError, match=rf"pid {other.pid}\); end that one"):
                House(db)
        finally:
            other.send_signal(signal.SIGKILL)
    House(db).close()
