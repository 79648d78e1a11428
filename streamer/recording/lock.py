"""One writer to a recording: a lock that ends with its process, however that ends."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from streamer.errors import RecordError


class Lock:
    """Holds a recording against other writers, by a locked file beside it.

    Not the database itself is locked: a process that closes any descriptor of that file
    loses the locks that SQLite has on it.

    Args:
        path: the recording.

    Raises:
        RecordError: another process holds it, or no file can be made there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f"{path.name}.lock")
        self._lock = FileLock(
            self._path, blocking=False, thread_local=False, fallback_to_soft=False
        )
        try:
            self._acquire()
        except Timeout:
            raise RecordError(
                f"{path} is being recorded by another process{self._holder()}; "
                "end that one, or record to another file"
            ) from None
        except OSError as error:
            raise RecordError(f"{path} cannot be recorded to: {error.strerror or error}") from None

    def release(self) -> None:
        """Let others write. May be called twice."""
        if not self._lock.is_locked:
            return
        # While it is still locked: whoever waits for it sees that it is not the file it opened.
        # One that cannot be removed is in nobody's way: it no longer has a lock on it.
        with suppress(OSError):
            self._path.unlink()
        self._lock.release()

    def _acquire(self) -> None:
        if not self._path.parent.is_dir():  # it would be made
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        self._lock.acquire()
        # A full disk may have no room for the number: the lock holds without it.
        with suppress(OSError):
            self._path.write_text(f"{os.getpid()}\n", encoding="ascii")

    def _holder(self) -> str:
        """The process that holds the lock, as far as it is known."""
        with suppress(OSError, ValueError):
            return f" (pid {int(self._path.read_text(encoding='ascii'))})"
        return ""
