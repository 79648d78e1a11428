"""Lock that limits a recording to one writer, and ends with its process in any case."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

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
        try:
            self._file = self._locked(path)
        except OSError as error:
            raise RecordError(f"{path} cannot be recorded to: {error.strerror or error}") from None

    def release(self) -> None:
        """Release the lock. May be called repeatedly."""
        if self._file < 0:
            return
        # Deleted while still locked, so that a waiting process notices that its file is gone.
        # A file that cannot be deleted does no harm: it is no longer locked.
        with suppress(OSError):
            self._path.unlink()
        os.close(self._file)
        self._file = -1

    def _locked(self, path: Path) -> int:
        while True:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(file, 20, 0).decode(errors="replace").strip()
                os.close(file)
                known = f" (pid {holder})" if holder.isdecimal() else ""
                raise RecordError(
                    f"{path} is being recorded by another process{known}; "
                    "stop that one, or record to another file"
                ) from None
            except OSError:
                os.close(file)
                raise
            if self._is_here(file):
                break
            os.close(file)
        # A full disk may have no room for the process id; the lock works without it.
        with suppress(OSError):
            os.ftruncate(file, 0)
            os.write(file, f"{os.getpid()}\n".encode())
        return file

    def _is_here(self, file: int) -> bool:
        """Whether the locked file still has its name; its last owner may have deleted it."""
        try:
            here = self._path.stat()
        except FileNotFoundError:
            return False
        held = os.fstat(file)
        return (here.st_dev, here.st_ino) == (held.st_dev, held.st_ino)
