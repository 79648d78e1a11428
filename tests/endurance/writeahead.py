"""Current activity of SQLite, inferred from the files beside a database.

Layouts: https://www.sqlite.org/fileformat2.html#walformat and
https://www.sqlite.org/walformat.html#the_wal_index_file_format
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Self

_LOG_HEADER = 32
_FRAME_HEADER = 24
_PUBLISHED_AT = 16
_BACKFILLED_AT = 96
_BACKFILLING_AT = 128
_MANY = 20


class WriteAheadLog:
    """The write-ahead log of a database and its index, read while the database is written.

    No lock is used, so the result is only a guess.

    Args:
        database: the database.
        since_s: start of its writer, in Unix seconds.
    """

    def __init__(self, database: Path, since_s: float) -> None:
        self._database = database
        self._since = since_s
        self._log = database.with_name(f"{database.name}-wal")
        self._index = database.with_name(f"{database.name}-shm")
        self._open: tuple[int, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: object) -> None:
        for descriptor in self._open or ():
            os.close(descriptor)
        self._open = None

    @property
    def busy_with(self) -> str | None:
        """Kind of the current write; None if there is none."""
        index = self._read(1, 136, 0)
        if len(index) < 136:
            return None
        (published,) = struct.unpack_from("=I", index, _PUBLISHED_AT)
        (done,) = struct.unpack_from("=I", index, _BACKFILLED_AT)
        (attempted,) = struct.unpack_from("=I", index, _BACKFILLING_AT)
        # A process that finds a leftover log marks all of it as attempted, too.
        if attempted == published > done and self._is_filled():
            return "checkpoint"
        if self._has_frame(published + _MANY):
            return "snapshot"
        return "minute" if self._has_frame(published) else None

    def _is_filled(self) -> bool:
        """whether the last write went to the database itself, by its present writer."""
        written_s = self._database.stat().st_mtime
        return written_s >= max(self._since, self._log.stat().st_mtime)

    def _has_frame(self, number: int) -> bool:
        """Whether the log has a frame, counted from 0, since its last restart."""
        header = self._read(0, _LOG_HEADER, 0)
        if len(header) < _LOG_HEADER:
            return False
        (size,) = struct.unpack_from(">I", header, 8)
        frame = self._read(0, _FRAME_HEADER, _LOG_HEADER + number * (_FRAME_HEADER + size))
        return len(frame) == _FRAME_HEADER and frame[8:16] == header[16:24]

    def _read(self, which: int, size: int, at: int) -> bytes:
        if self._open is None:
            try:
                log = os.open(self._log, os.O_RDONLY)
            except FileNotFoundError:
                return b""
            try:
                self._open = log, os.open(self._index, os.O_RDONLY)
            except FileNotFoundError:
                os.close(log)
                return b""
        return os.pread(self._open[which], size, at)
