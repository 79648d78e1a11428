"""Changes of a recording's files beneath a running writer."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from streamer.readings import Step
from tests.recording.conftest import COLUMNS, House, columns_of, house, pipeline

READINGS = house(200)


def _rows(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT {COLUMNS} FROM steps ORDER BY at").fetchall()  # noqa: S608


def _alarms(path: Path) -> set[tuple[int, str]]:
    with closing(sqlite3.connect(path)) as connection:
        return set(connection.execute("SELECT at, kind FROM alarms").fetchall())


def _columns(steps: list[Step]) -> list[tuple[float | None, ...]]:
    return [columns_of(step) for step in steps]


def _checkpoint(watcher: House) -> None:
    store = watcher.recorder._target.store
    assert store is not None
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.files.remember()


def _truncate(db: Path) -> None:
    os.truncate(db, 0)


def _halve(db: Path) -> None:
    os.truncate(db, db.stat().st_size // 2)


def _fill(db: Path) -> None:
    with db.open("r+b") as file:
        file.write(os.urandom(db.stat().st_size))


def _zero(db: Path) -> None:
    with db.open("r+b") as file:
        file.write(bytes(db.stat().st_size))


def _overwrite_with_text(db: Path) -> None:
    db.write_text("time,kw\n" * 40)


def _overwrite_with_another(db: Path) -> None:
    other = db.with_name("other.db")
    watcher = House(other)
    watcher.watch(READINGS[:20])
    watcher.close()
    shutil.copyfile(other, db)


def _add_a_trigger(db: Path) -> None:
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute("CREATE TRIGGER t AFTER INSERT ON steps BEGIN DELETE FROM steps; END")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.mark.parametrize("in_log", [False, True])
@pytest.mark.parametrize(
    "change",
    [_truncate, _halve, _fill, _zero, _overwrite_with_text, _overwrite_with_another],
)
def test_a_file_changed_in_place_is_noticed_with_the_next_minute(
    db: Path, change: Callable[[Path], None], in_log: bool
) -> None:
    watcher = House(db)
    steps = watcher.watch(READINGS[:100])
    _checkpoint(watcher)
    if in_log:
        steps += watcher.watch(READINGS[100:110])
    change(db)
    steps += watcher.watch(READINGS[len(steps) : len(steps) + 1])
    text, kept = watcher.texts
    assert "by another program while it was open" in text
    assert "set aside as house.db.corrupt-" in text
    assert kept == (f"the new file begins with the last {len(steps) - 1} minutes, kept in memory")
    steps += watcher.watch(READINGS[len(steps) :])
    watcher.close()
    assert len(watcher.texts) == 2
    assert _rows(db) == _columns(steps)
    assert _alarms(db) == {
        (int(alarm.at.timestamp()), alarm.kind) for step in steps for alarm in step.alarms
    }
    again = House(db)
    again.recorder.resume(again.pipeline)
    assert again.pipeline.state() == watcher.pipeline.state()
    again.close()


@pytest.mark.parametrize("statement", ["PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "ANALYZE"])
def test_what_sqlite_does_in_other_programs_is_no_change(db: Path, statement: str) -> None:
    watcher = House(db)
    steps = watcher.watch(READINGS[:100])
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute(statement)
        other.execute("PRAGMA wal_checkpoint")
    steps += watcher.watch(READINGS[100:])
    watcher.close()
    assert watcher.texts == []
    assert _rows(db) == _columns(steps)
    House(db).close()


def test_a_trigger_added_meanwhile_is_not_run(db: Path) -> None:
    watcher = House(db)
    steps = watcher.watch(READINGS[:100])
    _add_a_trigger(db)
    steps += watcher.watch(READINGS[100:])
    watcher.close()
    assert "contains what no recording contains (trigger t)" in watcher.texts[0]
    assert _rows(db) == _columns(steps)


@pytest.mark.parametrize("suffix", ["-wal", "-shm"])
def test_a_deleted_log_is_saved(db: Path, suffix: str) -> None:
    watcher = House(db)
    steps = watcher.watch(READINGS[:100])
    Path(f"{db}{suffix}").unlink()
    steps += watcher.watch(READINGS[100:])
    assert watcher.texts == [
        f"a file of SQLite beside {db} was moved or deleted while it was open: nothing is lost"
    ]
    watcher.close()
    assert _rows(db) == _columns(steps)


def _overwrite_log(log: Path) -> None:
    with log.open("r+b") as file:
        file.write(os.urandom(log.stat().st_size))


@pytest.mark.parametrize("change", [partial(os.truncate, length=0), _overwrite_log])
def test_a_log_changed_in_place_is_noticed(db: Path, change: Callable[[Path], None]) -> None:
    watcher = House(db)
    steps = watcher.watch(READINGS[:50])
    _checkpoint(watcher)
    steps += watcher.watch(READINGS[50:100])
    change(Path(f"{db}-wal"))
    steps += watcher.watch(READINGS[100:])
    watcher.close()
    assert "by another program while it was open" in watcher.texts[0]
    assert _rows(db) == _columns(steps)


def test_a_recording_that_replaces_another_is_continued(db: Path) -> None:
    backup = db.with_name("backup.db")
    watcher = House(db)
    steps = watcher.watch(READINGS[:60])
    with closing(sqlite3.connect(db)) as source, closing(sqlite3.connect(backup)) as copy:
        source.backup(copy)
    steps += watcher.watch(READINGS[60:80])
    backup.rename(db)
    steps += watcher.watch(READINGS[80:])
    assert watcher.texts == [
        f"{db}, with its 80 minutes, was replaced by another recording, which is continued now"
    ]
    watcher.close()
    assert _rows(db) == _columns(steps[:60] + steps[80:])
    again = House(db)
    again.recorder.resume(again.pipeline)
    assert again.pipeline.state() == watcher.pipeline.state()
    again.close()


def test_minutes_that_the_other_recording_contains_are_counted(db: Path) -> None:
    other = House(db.with_name("other.db"))
    theirs = other.watch([*READINGS[:90], *READINGS[95:100]])
    other.close()
    watcher = House(db)
    watcher.watch(READINGS[:60])
    db.with_name("other.db").rename(db)
    ours = watcher.watch(READINGS[60:100])
    watcher.close()
    assert watcher.texts[1:] == [
        f"{db} already contains minutes that arrive now: they are left as they were"
    ]
    assert watcher.recorder.duplicates == 35
    assert len(_rows(db)) == 100
    assert _rows(db)[:90] == _columns(theirs)[:90]
    assert _rows(db)[90:95] == _columns(ours)[30:35]


def test_a_folder_made_again_is_a_loss_with_a_number(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    db = folder / "house.db"
    watcher = House(db)
    steps = watcher.watch(READINGS[:85])
    shutil.rmtree(folder)
    steps += watcher.watch(READINGS[85:150])
    folder.mkdir()
    steps += watcher.watch(READINGS[150:])
    watcher.close()
    assert watcher.texts[1:] == [
        f"{db}, with its 85 minutes, was moved or deleted: recording in a new file",
        "recording again: 66 waiting minutes written",
    ]
    assert _rows(db) == _columns(steps[85:])


def test_an_emptied_file_with_a_log_is_set_aside(db: Path, tmp_path: Path) -> None:
    watcher = House(db)
    watcher.watch(READINGS[:50])
    copy = tmp_path / "copy" / "house.db"
    copy.parent.mkdir()
    copy.touch()
    shutil.copy(f"{db}-wal", f"{copy}-wal")
    watcher.close()
    size = Path(f"{copy}-wal").stat().st_size
    again = House(copy)
    again.close()
    assert "it is empty, but its log is not" in again.texts[0]
    (log,) = copy.parent.glob("house.db.corrupt-*-wal")
    assert log.stat().st_size == size


def test_what_was_learnt_continues_in_a_new_file(db: Path) -> None:
    watcher = House(db)
    watcher.watch(READINGS[:100])
    _truncate(db)
    watcher.watch(READINGS[100:])
    watcher.close()
    undisturbed = pipeline()
    for reading in READINGS:
        undisturbed.push(reading)
    again = House(db)
    again.recorder.resume(again.pipeline)
    assert again.pipeline.state() == undisturbed.state()
    again.close()


def test_a_day_of_minutes_is_kept_in_memory(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamer.recording.backlog.DAY", 60)
    watcher = House(db)
    steps = watcher.watch(READINGS[:100])
    _truncate(db)
    steps += watcher.watch(READINGS[100:120])
    _truncate(db)
    steps += watcher.watch(READINGS[120:])
    watcher.close()
    assert len(list(db.parent.glob("house.db.corrupt-*"))) == 2
    assert _rows(db) == _columns(steps[60:])
