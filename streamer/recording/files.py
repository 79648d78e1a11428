"""Identity of a recording's files, by which changes by other programs are noticed."""

from __future__ import annotations

import os
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path
from typing import TypeAlias

Identity: TypeAlias = tuple[int, int]
"""Device and number of a file, which stay the same when it is renamed."""


class Change(Enum):
    """What another program has done to the files of a recording."""

    NONE = auto()
    CONTENTS = auto()
    """The database or its log was changed in place: by SQLite, or overwritten, or truncated."""
    LOG_GONE = auto()
    """SQLite's log, or its index, has no longer its name; it still exists while it is open."""
    GONE = auto()
    """The database has no longer its name; data written to a deleted file would be lost."""


class Files:
    """The files of an open recording, as they were after the last write.

    Args:
        path: the recording.

    Attributes:
        identity: identity of the database.

    Raises:
        OSError: the file cannot be examined.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log, self._index = (path.with_name(path.name + end) for end in ("-wal", "-shm"))
        self.identity = _identity(path.stat())
        self._known: dict[Path, os.stat_result | None] = {}
        self.remember()

    def remember(self) -> None:
        """Take the present state as the one that the next `change` compares with."""
        # If that fails, the next comparison finds a change, and the contents are checked.
        with suppress(OSError):
            found = self._found()
            if _identity(found[self._path]) == self.identity:
                self._known = found

    def change(self) -> Change:
        """Compare the files with what they were.

        Raises:
            OSError: they cannot be examined.
        """
        found = self._found()
        if _identity(found[self._path]) != self.identity:
            return Change.GONE
        for path in (self._log, self._index):
            known = self._known.get(path)
            if known is not None and _identity(found[path]) != _identity(known):
                return Change.LOG_GONE
        # The index is changed in memory, at times of its own.
        log = self._known.get(self._log)
        same = _contents(found[self._path]) == _contents(self._known.get(self._path)) and (
            log is None or _contents(found[self._log]) == _contents(log)
        )
        return Change.NONE if same else Change.CONTENTS

    def _found(self) -> dict[Path, os.stat_result | None]:
        return {path: _stat(path) for path in (self._path, self._log, self._index)}


def _identity(found: os.stat_result | None) -> Identity | None:
    return None if found is None else (found.st_dev, found.st_ino)


def _contents(found: os.stat_result | None) -> tuple[int, int] | None:
    """What changes with the contents of a file."""
    return None if found is None else (found.st_size, found.st_mtime_ns)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
