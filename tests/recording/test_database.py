"""Recognition of recordings, damaged ones and other files, without changing them."""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.errors import RecordError, SourceError
from streamer.recording.database import open_for_reading, open_for_writing
from streamer.recording.export import KEYS, export
from streamer.recording.schema import APPLICATION_ID, COLUMNS, VERSION
from streamer.recording.source import open_recording
from tests.recording.conftest import House, house


def _database(path: Path, *statements: str) -> Path:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


def test_a_new_recording_is_identified_and_explained(db: Path) -> None:
    House(db).close()
    with closing(sqlite3.connect(db)) as connection:
        assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert connection.execute("PRAGMA user_version").fetchone() == (VERSION,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        names = {
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        assert names == set(COLUMNS)
        (schema,) = connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'steps'"
        ).fetchone()
    # The schema explains the columns to users of other programs.
    assert "-- start of the reading's minute" in schema
    assert APPLICATION_ID.to_bytes(4, "big") == b"stre"


def test_a_new_recording_is_private_with_its_log(db: Path) -> None:
    watcher = House(db)
    watcher.watch(house(3))
    modes = {path.name: path.stat().st_mode & 0o777 for path in db.parent.glob("house.db*")}
    assert modes == dict.fromkeys(("house.db", "house.db-wal", "house.db-shm"), 0o600)
    watcher.close()
    db.chmod(0o640)
    watcher = House(db)
    watcher.watch(house(5)[3:])
    assert Path(f"{db}-wal").stat().st_mode & 0o777 == 0o640
    watcher.close()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("-- NULL if none", "-- none"),
        ("-- the reading\n", "\n"),
        ("-- the forecast issued at this reading, and its band", "/* its 'band' */"),
    ],
)
def test_comments_of_other_versions_are_accepted(db: Path, old: str, new: str) -> None:
    House(db).close()
    with closing(sqlite3.connect(db, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("UPDATE sqlite_master SET sql = replace(sql, ?, ?)", (old, new))
    watcher = House(db)
    watcher.watch(house(3))
    watcher.close()
    assert not watcher.texts


@pytest.mark.parametrize(
    "statement", ["ANALYZE", "CREATE TABLE _litestream_seq (id INTEGER PRIMARY KEY, seq INTEGER)"]
)
def test_tables_of_usual_programs_are_accepted(db: Path, statement: str) -> None:
    House(db).close()
    _database(db, statement)
    watcher = House(db)
    watcher.watch(house(3))
    watcher.close()
    assert not watcher.texts
    assert len(_lines(db)) == 3


def test_an_empty_file_becomes_a_recording(db: Path) -> None:
    db.touch()
    with pytest.raises(RecordError, match="is empty: nothing was recorded"):
        open_recording(db)
    watcher = House(db)
    watcher.watch(house(3))
    watcher.close()
    assert not watcher.texts


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"time,kw\n2026-03-29 00:00,0.5\n", "nor another SQLite database"),
        (b"x", "nor another SQLite database"),
        (bytes(range(1, 256)) * 20, "nor another SQLite database"),
    ],
    ids=["text", "a byte", "no text"],
)
def test_other_files_are_not_touched(db: Path, content: bytes, message: str) -> None:
    db.write_bytes(content)
    for opening in (House, open_recording):
        with pytest.raises(RecordError, match=message):
            opening(db)
    assert db.read_bytes() == content
    assert [path.name for path in db.parent.iterdir()] == [db.name]


def test_databases_of_other_programs_are_not_touched(db: Path) -> None:
    _database(db, "CREATE TABLE steps (at, kw)")
    content = db.read_bytes()
    for opening in (House, open_recording):
        with pytest.raises(RecordError, match="a database of another program"):
            opening(db)
    assert db.read_bytes() == content


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(RecordError, match="pipe is not a file; give one to record in"):
        open_for_writing(pipe)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]
    with pytest.raises(RecordError, match="is not a file; give one to record in"):
        House(pipe)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_recording_of_a_newer_version_is_not_touched(db: Path) -> None:
    House(db).close()
    _database(db, "PRAGMA user_version = 7")
    content = db.read_bytes()
    for opening in (House, open_recording):
        with pytest.raises(
            RecordError, match="of version 7, but this streamer supports only versions up to 5"
        ):
            opening(db)
    assert db.read_bytes() == content


@pytest.mark.parametrize("statement", ["DROP TABLE alarms", "PRAGMA user_version = 0"])
def test_an_incomplete_recording_is_set_aside(db: Path, statement: str) -> None:
    House(db).close()
    _database(db, statement)
    with pytest.raises(RecordError, match="is damaged"):
        open_recording(db)
    watcher = House(db)
    assert "set aside" in watcher.texts[0]
    watcher.close()


def test_a_file_of_zeros_is_a_damaged_recording(db: Path) -> None:
    db.write_bytes(bytes(4096))
    watcher = House(db)
    assert "it begins with zeros" in watcher.texts[0]
    watcher.watch(house(3))
    watcher.close()
    assert len(list(db.parent.glob("house.db.corrupt-*"))) == 1


def test_every_page_is_checked_after_an_interruption(db: Path, tmp_path: Path) -> None:
    watcher = House(db)
    watcher.watch(house(3000))
    watcher.close()
    watcher = House(db)
    watcher.watch(house(3010)[3000:])
    cut = tmp_path / "cut" / "house.db"
    cut.parent.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{db}{suffix}", f"{cut}{suffix}")
    watcher.close()
    with cut.open("r+b") as file:
        file.seek(cut.stat().st_size // 4)
        file.write(os.urandom(2048))
    again = House(cut)
    assert "set aside" in again.texts[0]
    again.close()


def test_a_missing_recording_cannot_be_read(db: Path) -> None:
    with pytest.raises(RecordError, match="the recording does not exist"):
        open_for_reading(db)
    assert not db.exists()
    with pytest.raises(RecordError, match="is not a file; give one to record in"):
        open_for_writing(db.parent)


@settings(max_examples=40)
@given(st.data())
def test_any_damage_is_reported_as_damage(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    db = tmp_path_factory.mktemp("damaged") / "house.db"
    db.write_bytes(_whole(tmp_path_factory))
    size = db.stat().st_size
    place = data.draw(st.integers(0, size - 1))
    with db.open("r+b") as file:
        file.seek(place)
        file.write(data.draw(st.binary(min_size=1, max_size=600)))
        file.truncate(data.draw(st.sampled_from([size, size, size // 2, size - 1])))
    damaged = db.read_bytes()
    for reading in (_exported, _replayed):
        with suppress(RecordError):
            reading(db)
    assert db.read_bytes() == damaged
    try:
        watcher = House(db)
        watcher.recorder.resume(watcher.pipeline)
    except RecordError as error:
        text = str(error)
    else:
        text = _resume(watcher)
    assert text.replace("\N{HORIZONTAL ELLIPSIS}", "").isprintable()


def _exported(db: Path) -> None:
    for line in _lines(db):
        assert set(json.loads(line)) == set(KEYS)


def _lines(db: Path) -> list[str]:
    out = io.StringIO()
    export(db, out, format="json")
    return out.getvalue().splitlines()


def _replayed(db: Path) -> None:
    with suppress(SourceError):
        source = open_recording(db)
        try:
            while source.read():
                assert 0.0 <= source.progress <= 1.0
        finally:
            source.close()


def _resume(watcher: House) -> str:
    if (watcher.pipeline.state()["last_at"] or "") < "2026-03-30":
        watcher.watch(house(2000)[-20:])
    watcher.close()
    return "".join(watcher.texts)


_MADE: list[bytes] = []


def _whole(factory: pytest.TempPathFactory) -> bytes:
    if not _MADE:
        db = factory.mktemp("whole") / "house.db"
        watcher = House(db, snapshot_every=60)
        watcher.watch(house(200))
        watcher.close()
        _MADE.append(db.read_bytes())
    return _MADE[0]
