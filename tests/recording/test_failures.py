"""Write failures: full disks, and locked, damaged or missing files, reported once without loss."""

from __future__ import annotations

import errno
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from streamer.errors import RecordError
from streamer.readings import Notice, Step
from streamer.recording import backlog
from streamer.recording.resume import Resumed
from tests.recording.conftest import COLUMNS, House, columns_of, house, pipeline


def _rows(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT {COLUMNS} FROM steps ORDER BY at").fetchall()  # noqa: S608


def _columns(steps: list[Step]) -> list[tuple[float | None, ...]]:
    return [columns_of(step) for step in steps]


def _connection(watcher: House) -> sqlite3.Connection:
    store = watcher.recorder._target.store
    assert store is not None
    return store.connection


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shortens the wait for a lock."""
    monkeypatch.setattr("streamer.recording.connection._BUSY_S", 0.01)


def test_minutes_wait_while_the_disk_is_full(db: Path) -> None:
    watcher = House(db, snapshot_every=10_000)
    readings = house(400)
    steps = watcher.watch(readings[:100])
    connection = _connection(watcher)
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    steps += watcher.watch(readings[100:300])
    assert watcher.texts == [
        f"not recording: {db}: the disk is full; watching continues, 1 minute waits to be written"
    ]
    assert watcher.notices[0].kind == Notice.WARNING
    written = len(_rows(db))
    assert 100 <= written < 110
    connection.execute("PRAGMA max_page_count = 1000000")
    steps += watcher.watch(readings[300:])
    waited = 301 - written
    assert watcher.texts[1:] == [
        f"recording again: {waited} waiting minutes written, nothing is lost"
    ]
    assert watcher.notices[1].kind == Notice.EVENT
    watcher.close()
    assert _rows(db) == _columns(steps)


def test_minutes_are_recorded_without_room_for_a_snapshot(db: Path) -> None:
    watcher = House(db, snapshot_every=50)
    steps = watcher.watch(house(40))
    connection = _connection(watcher)
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 24}")
    steps += watcher.watch(house(90)[40:])
    assert not watcher.texts
    connection.execute("PRAGMA max_page_count = 1000000")
    steps += watcher.watch(house(100)[90:])
    with closing(sqlite3.connect(db)) as other:
        assert other.execute("SELECT count(*) FROM snapshots").fetchone() == (2,)
    watcher.close()
    assert _rows(db) == _columns(steps)


_AT_THE_LIMIT = """
import resource, sys
from pathlib import Path
from tests.recording.conftest import House, house
watcher = House(Path(sys.argv[1]), snapshot_every=100)
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, resource.RLIM_INFINITY))
watcher.watch(house(200))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
watcher.watch(house(260)[200:])
watcher.close()
print("\\n".join(watcher.texts))
"""


def test_minutes_wait_while_the_file_may_not_grow(db: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _AT_THE_LIMIT, str(db)],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    # When the log is full, it is moved to the database, and has room again.
    texts = done.stdout.splitlines()
    assert texts
    for trouble, over in zip(texts[::2], texts[1::2], strict=True):
        assert "the disk has an input/output error; watching continues" in trouble
        assert over.endswith("nothing is lost")
    assert not done.stderr
    assert [row[0] for row in _rows(db)] == [reading.kw for reading in house(260)]


@pytest.mark.usefixtures("quick")
def test_minutes_wait_while_the_file_is_locked(db: Path) -> None:
    watcher = House(db)
    readings = house(60)
    steps = watcher.watch(readings[:20])
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        steps += watcher.watch(readings[20:40])
        assert watcher.texts == [
            f"not recording: {db}: it is locked by another program; watching continues, "
            "1 minute waits to be written"
        ]
        other.execute("ROLLBACK")
    steps += watcher.watch(readings[40:])
    assert watcher.texts[1:] == ["recording again: 21 waiting minutes written, nothing is lost"]
    watcher.close()
    assert _rows(db) == _columns(steps)


@pytest.mark.usefixtures("quick")
def test_a_recording_locked_at_the_start_is_continued_by_the_next_start(db: Path) -> None:
    readings = house(60)
    first = House(db)
    first.watch(readings[:20])
    first.close()
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        # Keeps even readers out.
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        second = House(db)
        resumed = second.recorder.resume(second.pipeline)
        # "Nothing is recorded yet" would be wrong.
        assert resumed == Resumed(text="starting without the recording")
        assert "starting without it" in second.texts[-1]
        second.watch(readings[20:30])
        other.execute("ROLLBACK")
    second.watch(readings[30:40])
    second.close()
    third = House(db)
    third.recorder.resume(third.pipeline)
    third.watch(readings[40:])
    third.close()
    undisturbed = pipeline()
    for reading in readings:
        undisturbed.push(reading)
    assert third.pipeline.state() == undisturbed.state()


@pytest.mark.usefixtures("quick")
def test_attempts_are_spaced_when_steps_come_fast(db: Path) -> None:
    watcher = House(db)
    steps = watcher.watch(house(1))
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        watcher.now = 5000.0
        for reading in house(500)[1:]:
            steps.append(watcher.pipeline.push(reading))
            watcher.recorder.write(steps[-1])
        other.execute("ROLLBACK")
    # At the end everything that waits is written, if possible.
    watcher.close()
    assert watcher.texts[1:] == ["recording again: 499 waiting minutes written, nothing is lost"]
    assert _rows(db) == _columns(steps)


@pytest.mark.usefixtures("quick")
def test_minutes_lost_at_the_end_are_reported(db: Path) -> None:
    watcher = House(db)
    watcher.watch(house(5))
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        watcher.watch(house(8)[5:])
        watcher.close()
        other.execute("ROLLBACK")
    assert watcher.texts[1:] == [
        f"{db} is locked by another program: waiting for up to 10 s, 3 minutes wait to be written"
    ]
    assert watcher.recorder.lost == 3
    assert watcher.recorder.loss == f"{db}: not recorded, and lost: 3 minutes"


@pytest.mark.usefixtures("quick")
def test_at_most_a_week_of_minutes_waits(db: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "WEEK", 50)
    watcher = House(db)
    readings = house(200)
    steps = watcher.watch(readings[:20])
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        steps += watcher.watch(readings[20:120])
        other.execute("ROLLBACK")
    steps += watcher.watch(readings[120:121])
    assert watcher.texts[1:] == [
        "not recording for a week: the oldest minutes are lost from now on",
        "recording again: 51 waiting minutes written, the 50 minutes before are lost",
    ]
    steps += watcher.watch(readings[121:])
    watcher.close()
    assert _rows(db) == _columns(steps[:20] + steps[70:])
    # The state learnt from the lost minutes was saved.
    again = House(db)
    again.recorder.resume(again.pipeline)
    assert again.pipeline.state() == watcher.pipeline.state()
    again.close()


@pytest.mark.usefixtures("quick")
def test_a_new_recording_may_begin_while_it_cannot_be_written(db: Path) -> None:
    first = House(db)
    first.watch(house(30))
    first.close()
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("BEGIN EXCLUSIVE")
        watcher = House(db, settings={"model": "other"})
        steps = watcher.watch(house(33)[30:])
        other.execute("ROLLBACK")
    steps += watcher.watch(house(40)[33:])
    watcher.close()
    assert "not recording" in watcher.texts[0]
    assert watcher.texts[-1].endswith("nothing is lost")
    assert [row[0] for row in _rows(db)] == [reading.kw for reading in house(40)]


def _asides(db: Path) -> list[Path]:
    return sorted(db.parent.glob("house.db.corrupt-????????-??????"))


def test_a_file_damaged_while_being_written_is_set_aside(db: Path) -> None:
    watcher = House(db)
    readings = house(900)
    steps = watcher.watch(readings[:600])
    _connection(watcher).execute("PRAGMA wal_checkpoint(TRUNCATE)")
    _overwrite(db)
    # The damaged page must be one that no cache holds.
    _connection(watcher).execute("PRAGMA shrink_memory")
    steps += watcher.watch(readings[600:])
    watcher.close()
    (aside,) = _asides(db)
    text, kept = watcher.texts
    assert f"{db} is damaged" in text
    assert kept == "the new file begins with the last 600 minutes, kept in memory"
    assert f"set aside as {aside.name}, recording in a new file" in text
    assert _rows(db) == _columns(steps)
    # The new file begins with the learnt state and the active alarms.
    again = House(db)
    again.recorder.resume(again.pipeline)
    assert again.pipeline.state() == watcher.pipeline.state()
    again.close()


def _overwrite(db: Path) -> None:
    """Overwrites all pages but the first, which identifies the file."""
    size = db.stat().st_size
    with db.open("r+b") as file:
        file.seek(512)
        file.write(os.urandom(size - 512))


def test_a_file_found_damaged_at_the_start_is_set_aside(db: Path) -> None:
    watcher = House(db)
    watcher.watch(house(300))
    watcher.close()
    _overwrite(db)
    damaged = db.read_bytes()
    again = House(db)
    resumed = again.recorder.resume(again.pipeline)
    assert resumed.last_at is None
    assert resumed.readings == 0
    steps = again.watch(house(320)[300:])
    again.close()
    (aside,) = _asides(db)
    assert aside.read_bytes() == damaged
    assert f"set aside as {aside.name}" in again.texts[0]
    assert _rows(db) == _columns(steps)


def test_a_damaged_log_is_used_up_to_the_damage(db: Path, tmp_path: Path) -> None:
    watcher = House(db)
    steps = watcher.watch(house(50))
    copy = tmp_path / "copy" / "house.db"
    copy.parent.mkdir()
    copy.write_bytes(db.read_bytes())
    log = bytearray(Path(f"{db}-wal").read_bytes())
    log[len(log) // 2 :] = os.urandom(len(log) - len(log) // 2)
    Path(f"{copy}-wal").write_bytes(log)
    watcher.close()
    again = House(copy)
    again.recorder.resume(again.pipeline)
    again.close()
    rows = _rows(copy)
    assert 0 < len(rows) < 50
    assert rows == _columns(steps)[: len(rows)]
    assert not again.texts


def test_minutes_wait_while_a_file_replaces_the_folder(tmp_path: Path) -> None:
    folder, away = tmp_path / "disk", tmp_path / "away"
    folder.mkdir()
    db = folder / "house.db"
    watcher = House(db)
    readings = house(60)
    steps = watcher.watch(readings[:20])
    folder.rename(away)
    folder.touch()
    steps += watcher.watch(readings[20:40])
    (text,) = watcher.texts
    assert text == (
        f"not recording: {db}: it cannot be opened; check that its folder exists and is yours; "
        "watching continues, 1 minute waits to be written"
    )
    folder.unlink()
    away.rename(folder)
    steps += watcher.watch(readings[40:])
    watcher.close()
    assert watcher.texts[1:] == ["recording again: 21 waiting minutes written, nothing is lost"]
    assert _rows(db) == _columns(steps)


def test_minutes_wait_while_the_folder_cannot_be_read(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = House(db)
    readings = house(60)
    steps = watcher.watch(readings[:20])

    def stat(path: Path, **options: bool) -> os.stat_result:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    with monkeypatch.context() as broken:
        broken.setattr(Path, "stat", stat)
        steps += watcher.watch(readings[20:40])
    assert watcher.texts == [
        f"not recording: {db}: Input/output error; watching continues, 1 minute waits to be written"
    ]
    steps += watcher.watch(readings[40:])
    watcher.close()
    assert watcher.texts[1:] == ["recording again: 21 waiting minutes written, nothing is lost"]
    assert _rows(db) == _columns(steps)


@pytest.mark.usefixtures("quick")
def test_lost_minutes_are_reported_in_a_read_only_folder(
    db: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = House(db)
    watcher.watch(house(5))

    def unlink(path: Path, missing_ok: bool = False) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        watcher.watch(house(8)[5:])
        with monkeypatch.context() as broken:
            broken.setattr(Path, "unlink", unlink)
            watcher.close()
        other.execute("ROLLBACK")
    assert watcher.recorder.lost == 3
    House(db).close()  # the leftover file holds no lock


@pytest.mark.parametrize("how", ["deleted", "moved"])
def test_a_moved_or_deleted_file_is_replaced_by_a_new_one(db: Path, how: str) -> None:
    watcher = House(db)
    readings = house(100)
    steps = watcher.watch(readings[:50])
    if how == "moved":
        db.rename(db.with_name("kept.db"))
    else:
        db.unlink()
    steps += watcher.watch(readings[50:])
    assert watcher.texts == [
        f"{db}, with its 50 minutes, was moved or deleted: recording in a new file"
    ]
    watcher.close()
    assert _rows(db) == _columns(steps[50:])
    if how == "moved":
        assert _rows(db.with_name("kept.db")) == _columns(steps[:50])
    again = House(db)
    again.recorder.resume(again.pipeline)
    assert again.pipeline.state() == watcher.pipeline.state()
    again.close()


def test_a_failure_notice_may_itself_be_recorded(db: Path) -> None:
    watcher = House(db)
    watcher.watch(house(20))
    notify = watcher.recorder._reports.notify

    def say(notice: Notice) -> None:
        notify(notice)
        watcher.recorder.write(notice)

    watcher.recorder._reports.notify = say
    db.unlink()
    watcher.watch(house(30)[20:])
    watcher.close()
    with closing(sqlite3.connect(db)) as connection:
        (text,) = connection.execute("SELECT text FROM events").fetchone()
    assert "moved or deleted" in text


_AS_NOBODY = """
import os, sys
from pathlib import Path
from tests.recording.conftest import House, house
from streamer.errors import RecordError
os.chdir(sys.argv[1])
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    House(Path("house.db")).close()
except RecordError as error:
    print(error)
"""


@pytest.fixture
def shut() -> Iterator[Path]:
    """A folder that any user can reach; pytest's own temporary ones are its user's alone."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize("there", [False, True])
def test_a_read_only_folder_is_refused(shut: Path, there: bool) -> None:
    db = shut / "house.db"
    if there:
        watcher = House(db)
        watcher.watch(house(20))
        watcher.close()
        db.chmod(0o444)
    shut.chmod(0o555)
    before = sorted(shut.iterdir())
    done = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, str(shut)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    shut.chmod(0o755)
    assert not done.stderr
    reason = (
        ": it cannot be written to; check the owner of the file and its folder"
        if there
        else " cannot be recorded to: Permission denied"
    )
    assert done.stdout == f"{db}{reason}\n"
    assert sorted(shut.iterdir()) == before


def test_a_read_only_file_is_refused(shut: Path) -> None:
    db = shut / "house.db"
    watcher = House(db)
    watcher.watch(house(20))
    watcher.close()
    db.chmod(0o444)
    shut.chmod(0o777)
    done = subprocess.run(
        [sys.executable, "-c", _AS_NOBODY, str(shut)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert not done.stderr
    assert done.stdout == (
        f"{db}: it cannot be written to; check the owner of the file and its folder\n"
    )
    assert [path.name for path in shut.iterdir()] == ["house.db"]


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="cannot be recorded to: No such file or directory"):
        House(tmp_path / "nowhere" / "house.db")
