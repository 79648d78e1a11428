"""Lock that limits a recording to one writer, and ends with its process in any case."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from streamer.errors import RecordError


class Lock:
    """Protects a recording from other writers, by a locked file beside it.

    The database itself is not locked: a process that closes any descriptor of that file
    loses SQLite's locks on it.

    Args:
        path: the recording.

    Raises:
        RecordError: another process holds the lock, or the file cannot be created.
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
        """Release the lock. May be called repeatedly."""
        if not self._lock.is_locked:
            return
        # Deleted while still locked, so that a waiting process notices that its file is gone.
        # A file that cannot be deleted does no harm: it is no longer locked.
        with suppress(OSError):
            self._path.unlink()
        self._lock.release()

    def _acquire(self) -> None:
        if not self._path.parent.is_dir():  # it would be created
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        self._lock.acquire()
        # A full disk may have no room for the process id; the lock works without it.
        with suppress(OSError):
            self._path.write_text(f"{os.getpid()}\n", encoding="ascii")

    def _holder(self) -> str:
        """The process that holds the lock, as far as it is known."""
        with suppress(OSError, ValueError):
            return f" (pid {int(self._path.read_text(encoding='ascii'))})"
        return ""
