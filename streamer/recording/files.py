"""Identity of a recording's files, by which changes by other programs are noticed."""

from __future__ import annotations

import os
from contextlib import suppress
from enum import Enum, auto
from pathlib import Path
from typing import TypeAlias

Identity: TypeAlias = tuple[int, int]
"""Device and number of a file, which stay the same when it is renamed."""

_BESIDE = ("-wal", "-shm")


class Change(Enum):
    """What another program has done to the files of a recording."""

    NONE = auto()
    CONTENTS = auto()
    """The database was changed in place: by a checkpoint, or overwritten, or truncated."""
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
        self._beside = tuple(path.with_name(path.name + suffix) for suffix in _BESIDE)
        self.identity = _identity(path.stat())
        self._database: os.stat_result | None = None
        self._known: tuple[os.stat_result | None, ...] = (None,) * len(_BESIDE)
        self.remember()

    def remember(self) -> None:
        """Take the present state as the one that the next `change` compares with."""
        # If that fails, the next comparison finds a change, and the contents are checked.
        with suppress(OSError):
            found = self._path.stat()
            if _identity(found) == self.identity:
                self._database = found
                self._known = tuple(map(_stat, self._beside))

    def change(self) -> Change:
        """Compare the files with what they were.

        Raises:
            OSError: they cannot be examined.
        """
        now = _stat(self._path)
        if now is None or _identity(now) != self.identity:
            return Change.GONE
        logs = tuple(map(_stat, self._beside))
        for before, log in zip(self._known, logs, strict=True):
            if before is not None and (log is None or _identity(log) != _identity(before)):
                return Change.LOG_GONE
        shorter = any(
            before is not None and log is not None and log.st_size < before.st_size
            for before, log in zip(self._known, logs, strict=True)
        )
        before = self._database
        same = before is not None and (now.st_size, now.st_mtime_ns) == (
            before.st_size,
            before.st_mtime_ns,
        )
        return Change.NONE if same and not shorter else Change.CONTENTS


def _identity(found: os.stat_result) -> Identity:
    return found.st_dev, found.st_ino


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
