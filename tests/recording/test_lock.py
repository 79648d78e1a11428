"""The lock of a recording: of its own name, and without harm to any other file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from streamer.errors import RecordError
from streamer.recording.lock import Lock, lock_path
from tests.recording.conftest import House, house


def _refused(db: Path, message: str) -> None:
    with pytest.raises(RecordError, match=message):
        Lock(db)


def test_files_of_other_programs_are_left_as_they_are(tmp_path: Path) -> None:
    db = tmp_path / "poetry"
    other = tmp_path / "poetry.lock"
    other.write_text("[[package]]\n")
    watcher = House(db)
    watcher.watch(house(3))
    watcher.close()
    assert other.read_text() == "[[package]]\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["poetry", "poetry.lock"]


@pytest.mark.parametrize("content", ["[[package]]\n", "1" * 21, "12\nkey"])
def test_a_file_with_other_contents_is_not_used(db: Path, content: str) -> None:
    lock_path(db).write_text(content)
    _refused(db, r"\.house\.db\.streamer-lock is of another program, and cannot serve as the lock")
    assert lock_path(db).read_text() == content


@pytest.mark.parametrize("link", [Path.symlink_to, Path.hardlink_to])
def test_links_are_not_followed(db: Path, tmp_path: Path, link: object) -> None:
    target = tmp_path / "target"
    target.write_text("123\n")
    assert callable(link)
    link(lock_path(db), target)
    _refused(db, "streamer-lock is a link, and cannot serve")
    assert target.read_text() == "123\n"
    assert lock_path(db).exists()


def test_a_pipe_is_not_used(db: Path) -> None:
    os.mkfifo(lock_path(db))
    _refused(db, "streamer-lock is not a file, and cannot serve")


def test_a_lock_left_behind_is_used_again(db: Path) -> None:
    lock_path(db).write_text("4194304\n")
    lock = Lock(db)
    assert lock_path(db).read_text() == f"{os.getpid()}\n"
    assert lock_path(db).stat().st_nlink == 1
    lock.release()
    lock.release()
    assert not lock_path(db).exists()


def test_a_file_that_took_its_place_is_not_deleted(db: Path) -> None:
    lock = Lock(db)
    lock_path(db).unlink()
    lock_path(db).write_text("of another program")
    lock.release()
    assert lock_path(db).read_text() == "of another program"


def test_a_new_lock_is_private(db: Path) -> None:
    lock = Lock(db)
    assert lock_path(db).stat().st_mode & 0o777 == 0o600
    lock.release()
