"""Lock that limits a recording to one writer, and ends with its process in any case."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from streamer.display.lines import one_line
from streamer.errors import RecordError

_MAX_LENGTH = 20
"""Bytes of a process id and the end of the line."""


class Lock:
    """Protects a recording from other writers, by a locked file beside it.

    The lock file of ``house.db`` is ``.house.db.streamer-lock``, which contains the id of the
    process. Links are not followed, and a file with any other contents is left as it is.

    The database itself is not locked: a process that closes any descriptor of that file
    loses SQLite's locks on it.

    Args:
        path: the recording.

    Raises:
        RecordError: another process holds the lock, or the file cannot be created or is not a
            lock file.
    """

    def __init__(self, path: Path) -> None:
        self._path = lock_path(path)
        self._file: os.stat_result | None = None
        self._lock = FileLock(
            self._path,
            mode=0o600,
            blocking=False,
            thread_local=False,
            fallback_to_soft=False,
            on_acquired=self._sign,
        )
        try:
            self._acquire()
        except Timeout:
            raise RecordError(
                f"{one_line(path)} is being recorded by another process{self._holder()}; "
                "end that one, or record to another file"
            ) from None
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise self._not_ours("a link") from None
            raise RecordError(
                f"{one_line(path)} cannot be recorded to: {error.strerror or error}"
            ) from None

    def release(self) -> None:
        """Release the lock. May be called repeatedly."""
        if not self._lock.is_locked:
            return
        # Deleted while still locked, so that a waiting process notices that its file is gone.
        # A file that cannot be deleted does no harm: it is no longer locked.
        with suppress(OSError):
            if self._file is not None and os.path.samestat(self._path.lstat(), self._file):
                self._path.unlink()
        self._lock.release()

    def _acquire(self) -> None:
        if not self._path.parent.is_dir():  # it would be created
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        self._lock.acquire()

    def _sign(self, descriptor: int) -> None:
        """Check that the locked file is a lock file, and write the process id into it."""
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise self._not_ours("not a file")
        if found.st_nlink > 1:
            raise self._not_ours("a link")
        before = os.read(descriptor, _MAX_LENGTH + 1)
        if len(before) > _MAX_LENGTH or before.strip(b"0123456789\n"):
            raise self._not_ours("of another program")
        # A full disk may have no room for the process id; the lock works without it.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._file = found

    def _not_ours(self, what: str) -> RecordError:
        return RecordError(
            f"{one_line(self._path)} is {what}, and cannot serve as the lock of a recording; "
            "move it away, or record to another file"
        )

    def _holder(self) -> str:
        """The process that holds the lock, as far as it is known."""
        with suppress(OSError, ValueError):
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                return f" (pid {int(os.read(descriptor, _MAX_LENGTH))})"
            finally:
                os.close(descriptor)
        return ""


def lock_path(path: Path) -> Path:
    """The lock file of a recording."""
    return path.with_name(f".{path.name}.streamer-lock")
