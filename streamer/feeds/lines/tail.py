"""Growing files, followed by name through rename, truncation, deletion and re-creation."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from streamer.errors import LinkError, RefusedError
from streamer.feeds import FeedItem, Pace
from streamer.feeds.lines.reader import MAX_LINE_BYTES, SampleReader
from streamer.feeds.lines.sides import Records
from streamer.readings import Link

_CHUNK_BYTES = 1 << 16
_CLOSE_S = 2.0
_ANY_PACE = Pace()
_NO_FILE = (FileNotFoundError, NotADirectoryError)


class TailFeed:
    """The lines that are written to a file.

    A file that has become shorter is read from its start again, and so is one that replaces
    another or did not exist at first. If a file is truncated and grows beyond its former size
    between two polls, that cannot be detected, and what was written in between is lost.

    Args:
        name: the feed's name, for display.
        path: the file.
        records: format of the records.
        from_start: whether to begin with the present contents of the file.
        poll_s: seconds between two polls.
        gone_s: seconds for which the file may be missing, as it is while being rotated.
        pace: how often it is written.
        channels: channels beside the grid power, each with its pace.
    """

    def __init__(
        self,
        name: str,
        path: Path,
        records: Records,
        *,
        from_start: bool = False,
        poll_s: float = 0.5,
        gone_s: float = 5.0,
        pace: Pace = _ANY_PACE,
        channels: Mapping[str, Pace] | None = None,
    ) -> None:
        self.pace = pace
        self.channels = channels or {}
        self._name = name
        self._path = path
        self._lines = SampleReader(name, records)
        self._poll_s = poll_s
        self._gone_polls = max(1, round(gone_s / poll_s))
        self._descriptor: int | None = None
        self._inode: tuple[int, int] | None = None
        self._place = 0
        self._at_end = not from_start
        self._gone = 0
        self._replaced = False
        self._closed = threading.Event()
        self._reading = threading.Lock()

    @property
    def name(self) -> str:
        """The feed's name."""
        return self._name

    def read(self) -> Sequence[FeedItem]:
        """Wait for lines; returns their samples, notices and connection events.

        Raises:
            LinkError: the file does not exist, or cannot be read now.
            RefusedError: permission is denied, or it is not a regular file.
        """
        with self._reading:
            while not self._closed.is_set():
                try:
                    items = self._next()
                except OSError as error:
                    self._drop()
                    kind = RefusedError if isinstance(error, PermissionError) else LinkError
                    raise kind(f"{self._name}: {error.strerror}") from None
                if items:
                    return items
                if items is None:
                    self._closed.wait(self._poll_s)
            return []

    def close(self) -> None:
        """Close the file, also from another thread."""
        self._closed.set()
        if self._reading.acquire(timeout=_CLOSE_S):
            self._drop()
            self._reading.release()

    def _next(self) -> list[FeedItem] | None:
        """Return what comes next, possibly nothing; None if all has been read."""
        if self._descriptor is None:
            try:
                self._descriptor = self._open()
            except _NO_FILE:
                self._forget()
                raise LinkError(f"{self._name}: the file does not exist") from None
            return [Link(Link.UP, "file"), *self._begin(self._descriptor)]
        data = os.pread(self._descriptor, _CHUNK_BYTES, self._place)
        if data:
            self._place += len(data)
            return self._lines.feed(data)
        if os.fstat(self._descriptor).st_size < self._place:
            self._place = 0
            return self._lines.restart()
        return self._check_name()

    def _open(self) -> int:
        """Open the file that has the name now."""
        # Opening a FIFO would otherwise block until its other end is opened.
        descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise RefusedError(f"{self._name}: this is not a regular file; read a pipe with `-`")
        return descriptor

    def _begin(self, descriptor: int) -> list[FeedItem]:
        """Find the place to read from in the file that has just been opened."""
        status = os.fstat(descriptor)
        inode = status.st_dev, status.st_ino
        if inode == self._inode and self._place <= status.st_size:
            return []  # the same file, after a read error
        self._inode, self._place = inode, 0
        if self._at_end:
            # The start of the last line, which may be incomplete.
            start = max(0, status.st_size - MAX_LINE_BYTES)
            last = os.pread(descriptor, status.st_size - start, start)
            self._place = start + last.rfind(b"\n") + 1
            self._at_end = False
        return self._lines.restart()

    def _check_name(self) -> list[FeedItem] | None:
        """After all has been read, check that the name still belongs to the same file."""
        try:
            status = self._path.stat()
        except _NO_FILE:
            self._gone += 1
            if self._gone <= self._gone_polls:
                return None
            self._forget()
            raise LinkError(f"{self._name}: the file is gone") from None
        self._gone = 0
        if (status.st_dev, status.st_ino) == self._inode:
            self._replaced = False
            return None
        if not self._replaced:
            # The writer of the old file gets one poll to notice.
            self._replaced = True
            return None
        try:
            descriptor = self._open()
        except _NO_FILE:
            return None  # renamed again in between: left to the next poll
        self._forget()
        self._descriptor = descriptor
        return self._begin(descriptor)

    def _forget(self) -> None:
        """Treat the next file of this name as a new one, to be read from its start."""
        self._drop()
        self._inode, self._at_end = None, False
        self._gone, self._replaced = 0, False

    def _drop(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
