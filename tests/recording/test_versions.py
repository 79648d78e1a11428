"""Recordings of earlier versions; solar power and point forecasts, which version 2 added."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from streamer.errors import RecordError
from streamer.readings import Reading, Step
from streamer.recording import database
from streamer.recording.conformance import compare
from streamer.recording.database import open_for_reading, open_for_writing
from streamer.recording.export import KEYS, SOLAR_KEYS, export
from streamer.recording.future import set_future_aside
from streamer.recording.pages import RecordingPages
from streamer.recording.resume import resume
from streamer.recording.schema import (
    APPLICATION_ID,
    PAGE_SIZE,
    SCHEMA_1,
    SCHEMA_2,
    SCHEMA_3,
    SCHEMA_4,
    VERSION,
)
from streamer.recording.schema import (
    COLUMNS as STORED,
)
from streamer.recording.source import open_recording
from streamer.recording.store import Store
from streamer.recording.versions import version_of
from streamer.reporting import WEEK, render_report
from streamer.sinks.text import record
from tests.recording.conftest import COLUMNS, House, columns_of, house, pipeline

_SCHEMAS = {1: SCHEMA_1, 2: SCHEMA_2, 3: SCHEMA_3, 4: SCHEMA_4}
_TABLES = ("steps", "alarms", "events", "snapshots", "settings")
_FORMER = (
    "at, utc_offset, actual_kw, forecast_kw, low_kw, high_kw, median_kw, frozen_kw,"
    " next_kw, next_low_kw, next_high_kw, gap_minutes"
)


def _of_version(version: int, path: Path, steps: int = 120) -> list[Step]:
    """A recording as an earlier version left it, in WAL mode; its steps, as far as recorded."""
    present = path.with_name("present.db")
    recorder = House(present)
    found = recorder.watch(house(steps))
    recorder.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        connection.executescript(
            f"BEGIN; PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {version};"
            f" {_SCHEMAS[version]} COMMIT;"
        )
        connection.execute("ATTACH ? AS present", (str(present),))
        for table in _TABLES:
            columns = _FORMER if (version, table) == (1, "steps") else STORED[table]
            connection.execute(
                f"INSERT INTO main.{table} ({columns})"  # noqa: S608 - constants
                f" SELECT {columns} FROM present.{table}"
            )
        connection.execute("DETACH present")
        connection.execute("PRAGMA journal_mode = WAL")
    present.unlink()
    return list(map(_as_version_1, found)) if version == 1 else found


def _as_version_1(step: Step) -> Step:
    """A step without what version 1 did not record: the median of the forecast issued."""
    forecast = step.forecast
    return step if forecast is None else replace(step, forecast=replace(forecast, median_kw=None))


def _rows(path: Path) -> list[tuple[float | None, ...]]:
    with closing(open_for_reading(path)) as connection:
        query = f"SELECT {COLUMNS} FROM steps ORDER BY at"  # noqa: S608 - constants
        return connection.execute(query).fetchall()


def _columns(steps: Sequence[Step]) -> list[tuple[float | None, ...]]:
    return [columns_of(step) for step in steps]


@pytest.mark.parametrize("version", _SCHEMAS)
def test_a_recording_of_an_earlier_version_is_read_as_it_is(db: Path, version: int) -> None:
    steps = _of_version(version, db)
    content = db.read_bytes()
    assert _rows(db) == _columns(steps)
    out = io.StringIO()
    assert export(db, out, format="json") == len(steps)
    expected = [{key: record(step)[key] for key in KEYS} for step in steps]
    assert [json.loads(line) for line in out.getvalue().splitlines()] == expected
    source = open_recording(db)
    assert list(source.read()) == [step.reading for step in steps]
    source.close()
    start = int(steps[0].reading.at.timestamp())
    bins = RecordingPages(db).bins(start, 86_400, 1, before=2**62)
    points = [step.settled.point_kw for step in steps if step.settled]
    assert bins.forecast_kw.tolist() == [pytest.approx(sum(points))]
    assert "point" in render_report(db, period=WEEK)
    assert db.read_bytes() == content


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of a folder")
@pytest.mark.parametrize("version", _SCHEMAS)
def test_an_earlier_version_is_read_in_a_folder_without_write_permission(
    db: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    steps = _of_version(version, db)
    # Whoever runs the tests may be allowed to write anywhere.
    read_only = database._read_only

    def only_immutable(uri: str) -> sqlite3.Connection:
        if "immutable" not in uri:
            raise sqlite3.OperationalError("unable to open database file")
        return read_only(uri)

    monkeypatch.setattr(database, "_read_only", only_immutable)
    content = db.read_bytes()
    assert _rows(db) == _columns(steps)
    assert db.read_bytes() == content


@pytest.mark.parametrize("version", _SCHEMAS)
def test_a_recording_of_an_earlier_version_is_continued_in_the_present_one(
    db: Path, version: int
) -> None:
    steps = _of_version(version, db)
    watcher = House(db)
    resumed = watcher.recorder.resume(watcher.pipeline)
    assert resumed.readings == len(steps)
    steps += watcher.watch(house(150)[120:])
    watcher.close()
    assert not watcher.texts
    with closing(sqlite3.connect(db)) as connection:
        assert version_of(connection) == VERSION
        found = compare(connection)
        assert (found.missing, found.foreign) == ((), ())
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert _rows(db) == [columns_of(step) for step in steps]
    undisturbed = pipeline()
    assert [undisturbed.push(reading) for reading in house(150)][-1] == steps[-1]


@pytest.mark.parametrize(
    ("version", "last"),
    [(1, "next_point_kw"), (2, "channel_values"), (3, "VIEW switching"), (4, "VIEW race")],
)
def test_an_upgrade_is_whole_or_not_at_all(db: Path, version: int, last: str) -> None:
    steps = _of_version(version, db)
    script = (
        "import os, sys, sqlite3\n"
        "from streamer.recording.versions import upgrade\n"
        "connection = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "connection.set_progress_handler(None, 0)\n"
        "connection.set_trace_callback("
        f"lambda sql: os._exit(9) if '{last}' in sql or 'COMMIT' in sql else None)\n"
        "upgrade(connection)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(db)], check=False, timeout=60)
    assert done.returncode == 9
    with closing(open_for_reading(db)) as connection:
        assert version_of(connection) == version
    assert _rows(db) == _columns(steps)
    House(db).close()
    assert _rows(db) == _columns(steps)


@pytest.mark.parametrize("version", _SCHEMAS)
def test_two_programs_may_open_it_at_once(db: Path, version: int) -> None:
    _of_version(version, db)
    with closing(open_for_reading(db)) as reader:
        first, second = open_for_writing(db), open_for_writing(db)
        assert version_of(first) == version_of(second) == VERSION
        query = (
            "SELECT count(*), count(point_kw), count(next_median_kw),"
            " (SELECT count(*) FROM mean_forecasts), (SELECT count(*) FROM demand_intervals),"
            " (SELECT count(*) FROM notifications), (SELECT count(*) FROM challenger_forecasts)"
            " FROM steps"
        )
        assert reader.execute(query).fetchone() == first.execute(query).fetchone()
        first.close()
        second.close()


def test_an_earlier_program_refuses_the_present_version(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    House(db).close()
    monkeypatch.setattr(database, "VERSION", 2)
    for opening in (open_for_reading, open_for_writing):
        with pytest.raises(RecordError, match="is a recording of version 5"):
            opening(db)


@pytest.mark.parametrize("version", _SCHEMAS)
def test_a_backup_of_an_earlier_version_put_back_while_it_is_recorded_is_continued(
    db: Path, tmp_path: Path, version: int
) -> None:
    _of_version(version, db)
    backup = tmp_path / "backup.db"
    shutil.copy(db, backup)
    store = Store(db)
    with closing(sqlite3.connect(backup)) as source, closing(sqlite3.connect(db)) as target:
        source.backup(target)
    store.check_contents()
    assert version_of(store.connection) == VERSION
    store.close()


def _sunny(count: int) -> list[Reading]:
    readings = house(count)
    return [
        replace(reading, kw=reading.kw - 0.25 * (i % 9), solar_kw=0.25 * (i % 9))
        for i, reading in enumerate(readings)
    ]


def _with_forecasts(step: Step) -> Step:
    """A step whose forecast has its parts."""
    forecast = step.forecast
    if forecast is None:
        return step
    parts = replace(forecast, consumption_kw=forecast.kw + 0.5, solar_kw=0.5)
    return replace(step, forecast=parts)


def test_solar_power_is_recorded_and_read(db: Path) -> None:
    reader = pipeline()
    plain = [reader.push(reading) for reading in house(30)]
    sunny = [
        _with_forecasts(replace(step, reading=replace(reading, battery_kw=battery)))
        for step, reading, battery in zip(
            plain, _sunny(30), [None] * 10 + [0.125] * 20, strict=True
        )
    ]
    recorder = House(db, pipeline=reader)
    for step in sunny:
        recorder.recorder.write(step)
    recorder.close()
    assert _rows(db) == [columns_of(step) for step in sunny]
    source = open_recording(db)
    # In a block, the same quantities are measured in all readings.
    blocks = [source.read(), source.read(), source.read()]
    source.close()
    assert [len(block) for block in blocks] == [10, 20, 0]
    assert [*blocks[0], *blocks[1]] == [step.reading for step in sunny]
    out = io.StringIO()
    export(db, out, format="json")
    expected = [{key: record(step)[key] for key in KEYS + SOLAR_KEYS} for step in sunny]
    assert [json.loads(line) for line in out.getvalue().splitlines()] == expected
    out = io.StringIO()
    export(db, out, format="csv")
    assert tuple(next(csv.reader(io.StringIO(out.getvalue())))) == KEYS + SOLAR_KEYS
    start = int(sunny[0].reading.at.timestamp())
    bins = RecordingPages(db).bins(start, 86_400, 1, before=2**62)
    assert bins.sunny.tolist() == [30]
    assert bins.solar_kw.tolist() == [sum(step.reading.solar_kw or 0.0 for step in sunny)]


def test_solar_power_goes_with_minutes_that_are_set_aside(db: Path) -> None:
    reader = pipeline()
    recorder = House(db, pipeline=reader)
    plain = [reader.push(reading) for reading in house(30)]
    steps = [
        _with_forecasts(replace(step, reading=reading))
        for step, reading in zip(plain, _sunny(30), strict=True)
    ]
    for step in steps:
        recorder.recorder.write(step)
    recorder.close()
    now = steps[0].reading.at - (steps[-1].reading.at - steps[0].reading.at)
    with closing(open_for_writing(db)) as connection:
        aside = set_future_aside(connection, db, now)
    assert aside is not None
    assert _rows(aside.path) == [columns_of(step) for step in steps]


def test_a_solar_power_that_is_no_number_is_damage(db: Path) -> None:
    recorder = House(db)
    recorder.watch(house(3))
    recorder.close()
    with closing(sqlite3.connect(db)) as connection:
        connection.execute("UPDATE steps SET solar_kw = 'sun'")
        connection.commit()
    source = open_recording(db)
    with pytest.raises(RecordError, match="'sun' is not a power"):
        source.read()
    source.close()


def test_a_new_recording_is_resumed_with_solar_power(db: Path) -> None:
    fresh = pipeline()
    recorder = House(db)
    recorder.watch(_sunny(80))
    recorder.close()
    with closing(open_for_reading(db)) as connection:
        connection.execute("SELECT 1")
        resumed = resume(connection, fresh, notify=pytest.fail)
    assert resumed.steps[-1].reading == _sunny(80)[-1]
    assert fresh.state() == recorder.pipeline.state()
