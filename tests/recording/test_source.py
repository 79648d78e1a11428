"""Recordings as sources, replayed in part and while they grow."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from streamer.errors import RecordError, SourceError, UsageError
from streamer.readings import MINUTE, Reading
from streamer.recording import is_recording
from streamer.recording.source import open_recording
from streamer.sources import Recording
from streamer.testing import check_source
from tests.recording.conftest import House, house, pipeline


def _recorded(db: Path, readings: list[Reading]) -> list[Reading]:
    watcher = House(db)
    watcher.watch(readings)
    watcher.close()
    return readings


def _zones(readings: list[Reading]) -> list[timedelta | None]:
    return [reading.at.utcoffset() for reading in readings]


def test_recorded_readings_are_returned(db: Path) -> None:
    readings = _recorded(db, house(1100))
    source = open_recording(db)
    assert isinstance(source, Recording)
    assert source.name == "house.db"
    found = check_source(source, spacing=MINUTE)
    assert found == readings
    assert _zones(found) == _zones(readings)


def test_progress_rises_from_zero_to_one(db: Path) -> None:
    readings = _recorded(db, house(1100))
    for limit in (None, 300, 5000):
        source = open_recording(db, limit=limit)
        seen, given = [source.progress], 0
        while block := source.read():
            given += len(block)
            seen.append(source.progress)
        assert seen == sorted(seen)
        assert (seen[0], source.progress) == (0.0, 1.0)
        assert given == min(limit or 5000, len(readings))
        source.close()


def test_a_span_is_in_the_houses_local_time(db: Path) -> None:
    readings = _recorded(db, house(400))
    start, end = datetime(2026, 3, 29, 1, 50), datetime(2026, 3, 29, 3, 30)
    expected = [each for each in readings if start <= each.at.replace(tzinfo=None) < end]
    assert 10 < len(expected) < 41
    assert check_source(open_recording(db, start=start, end=end)) == expected
    # 02:10 did not exist that day.
    start = datetime(2026, 3, 29, 2, 10)
    expected = [each for each in readings if each.at.replace(tzinfo=None) >= start]
    assert check_source(open_recording(db, start=start)) == expected


def test_a_span_may_have_a_zone(db: Path) -> None:
    readings = _recorded(db, house(400))
    start = datetime(2026, 3, 29, 0, 30, 30, tzinfo=UTC)
    end = start + timedelta(hours=1)
    expected = [each for each in readings if start <= each.at < end]
    assert check_source(open_recording(db, start=start, end=end)) == expected


def test_a_repeated_hour_begins_with_its_first_occurrence(db: Path) -> None:
    summer, winter = timezone(timedelta(hours=2)), timezone(timedelta(hours=1))
    begin = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    back = begin + timedelta(hours=1)
    readings = []
    for minute in range(240):
        at = begin + minute * MINUTE
        readings.append(Reading(at.astimezone(winter if at >= back else summer), minute / 7))
    _recorded(db, readings)
    half = datetime(2026, 10, 25, 2, 30)
    assert check_source(open_recording(db, start=half)) == readings[30:]
    assert check_source(open_recording(db, end=half)) == readings[:30]
    until = datetime(2026, 10, 25, 3, 0)
    assert check_source(open_recording(db, start=half, end=until)) == readings[30:120]


def test_an_end_in_the_future_is_respected(db: Path) -> None:
    watcher = House(db)
    readings = house(300)
    watcher.watch(readings[:200])
    end = readings[250].at.replace(tzinfo=None)
    source = open_recording(db, end=end)
    found = list(source.read())
    watcher.watch(readings[200:])
    while block := source.read():
        found += block
    assert found == readings[:250]
    source.close()
    watcher.close()


def test_a_recording_is_read_while_it_is_written(db: Path) -> None:
    watcher = House(db)
    readings = house(900)
    watcher.watch(readings[:600])
    source = open_recording(db)
    found = list(source.read())
    watcher.watch(readings[600:])
    while block := source.read():
        found += block
    assert found == readings
    assert not watcher.texts
    source.close()
    watcher.close()


def test_a_replay_gives_the_recorded_steps(db: Path) -> None:
    watcher = House(db)
    steps = watcher.watch(house(300))
    watcher.close()
    again = pipeline()
    assert [again.push(each) for each in check_source(open_recording(db))] == steps


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"start": datetime(2030, 1, 1)}, SourceError, "they range from 2026-03-29 00:0"),
        ({"end": datetime(2020, 1, 1)}, SourceError, "all 50 are before --start or from --end on"),
        ({"limit": 0}, UsageError, "--limit 0"),
        (
            {"start": datetime(2026, 3, 29), "end": datetime(2026, 3, 28)},
            UsageError,
            "must be before --end",
        ),
    ],
)
def test_errors_explain_why_nothing_can_be_replayed(
    db: Path, options: dict[str, Any], error: type[Exception], message: str
) -> None:
    _recorded(db, house(50))
    with pytest.raises(error, match=message):
        open_recording(db, **options)


def test_an_empty_recording_is_a_source_error(db: Path) -> None:
    House(db).close()
    with pytest.raises(SourceError, match="nothing has been recorded yet"):
        open_recording(db)


def test_a_recording_is_recognised_by_its_first_bytes(db: Path, tmp_path: Path) -> None:
    _recorded(db, house(3))
    text = tmp_path / "house.csv"
    text.write_text("time,kw\n")
    assert is_recording(db)
    assert not is_recording(text)
    assert not is_recording(tmp_path / "nothing")
    assert not is_recording(tmp_path)


def test_damage_in_the_middle_is_reported(db: Path) -> None:
    _recorded(db, house(3000))
    size = db.stat().st_size
    with db.open("r+b") as file:
        file.seek(size // 2)
        file.write(bytes(size // 4))
    # Its ends are intact, and so are the pages that lead to them.
    source = open_recording(db)
    with pytest.raises(RecordError, match=f"{db} is damaged"):
        check_source(source)
    source.close()


def test_a_recording_is_read_on_a_read_only_medium(db: Path, tmp_path: Path) -> None:
    readings = _recorded(db, house(50))
    disk = tmp_path / "disk"
    disk.mkdir()
    shutil.copy(db, disk)
    copy = disk / db.name
    copy.chmod(0o444)
    disk.chmod(0o555)
    found = check_source(open_recording(copy))
    assert found == readings
    disk.chmod(0o755)
    assert [path.name for path in disk.iterdir()] == [db.name]


def test_reading_does_not_change_the_file(db: Path) -> None:
    _recorded(db, house(50))
    before = db.read_bytes()
    check_source(open_recording(db))
    assert db.read_bytes() == before
    with closing(sqlite3.connect(db)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
