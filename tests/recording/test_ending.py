"""End of a recording: what waits is written if possible, and what is lost is an error."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from streamer.errors import LinkError, RecordError
from streamer.recording.ending import closed_without_loss
from tests.recording.conftest import House, house


@pytest.fixture
def held(db: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[House, sqlite3.Connection]]:
    """A recorder with 3 waiting minutes, and the connection that holds it off."""
    monkeypatch.setattr("streamer.recording.connection._BUSY_S", 0.01)
    watcher = House(db)
    watcher.watch(house(5))
    with closing(sqlite3.connect(db, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        watcher.watch(house(8)[5:])
        yield watcher, other
        watcher.close()


def _count(db: Path) -> int:
    with closing(sqlite3.connect(db)) as connection:
        (count,) = connection.execute("SELECT count(*) FROM steps").fetchone()
    return int(count)


def _end(watcher: House, error: BaseException | None) -> None:
    with closed_without_loss(watcher.recorder):
        if error is not None:
            raise error


def test_the_end_waits_for_another_program(
    db: Path, held: tuple[House, sqlite3.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher, other = held
    write_out = watcher.recorder._write_out
    attempts = []

    def unlocked_meanwhile() -> None:
        attempts.append(None)
        if len(attempts) == 4:
            other.execute("ROLLBACK")
        write_out()

    monkeypatch.setattr(watcher.recorder, "_write_out", unlocked_meanwhile)
    with closed_without_loss(watcher.recorder):
        pass
    assert len(attempts) == 4
    assert watcher.texts[1:] == [
        f"{db} is locked by another program: waiting for up to 10 s, 3 minutes wait to be written",
        "recording again: 3 waiting minutes written, nothing is lost",
    ]
    assert watcher.recorder.lost == 0
    assert _count(db) == 8


@pytest.mark.parametrize(
    ("ended_by", "before"), [(None, ""), (LinkError("no feed"), "no feed; "), (SystemExit(), "")]
)
def test_lost_minutes_are_an_error_with_their_number(
    db: Path,
    held: tuple[House, sqlite3.Connection],
    ended_by: BaseException | None,
    before: str,
) -> None:
    watcher, _ = held
    with pytest.raises(RecordError) as found:
        _end(watcher, ended_by)
    assert str(found.value) == f"{before}{db}: not recorded, and lost: 3 minutes"
    assert found.value.exit_code == 1
    assert len(watcher.texts) == 2


def test_minutes_dropped_after_a_week_are_an_error_at_the_end(
    held: tuple[House, sqlite3.Connection], monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher, other = held
    monkeypatch.setattr("streamer.recording.backlog.WEEK", 2)
    watcher.watch(house(10)[8:])
    other.execute("ROLLBACK")
    watcher.watch(house(11)[10:])
    with pytest.raises(RecordError, match="lost: 3 minutes"), closed_without_loss(watcher.recorder):
        pass


def test_an_undisturbed_end_is_no_error(db: Path) -> None:
    watcher = House(db)
    watcher.watch(house(5))
    with pytest.raises(LinkError, match=r"^no feed$"):
        _end(watcher, LinkError("no feed"))
    assert watcher.recorder.is_closed
    assert watcher.recorder.loss == ""
