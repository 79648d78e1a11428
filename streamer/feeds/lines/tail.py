"""Files that grow, followed by name: they may be renamed, cut short, deleted and made anew."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Sequence
from pathlib import Path

from streamer.errors import LinkError, RefusedError
from streamer.feeds import FeedItem
from streamer.feeds.lines.reader import MAX_LINE_BYTES, LineReader
from streamer.feeds.lines.records import Records
from streamer.readings import Link

_CHUNK_BYTES = 1 << 16
_CLOSE_S = 2.0
_NO_FILE = (FileNotFoundError, NotADirectoryError)


class TailFeed:
    """The lines that are written to a file.

    A file that has become shorter is read from its start again, and so is one that takes
    another's place or was not there at first. What is written to a file that is cut short
    and grows beyond what it was between two looks cannot be told, and is lost.

    Args:
        name: the feed as a person would name it.
        path: the file.
        records: what a line is.
        from_start: whether to begin with what is in the file already.
        poll_s: seconds from one look to the next.
        gone_s: for how long the file may be gone, as it is when it is renamed and made anew.
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
    ) -> None:
        self._name = name
        self._path = path
        self._lines = LineReader(name, records)
        self._poll_s = poll_s
        self._gone_looks = max(1, round(gone_s / poll_s))
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
        """What the lines say that have been written.

        Raises:
            LinkError: there is no such file, or it cannot be read.
            RefusedError: nor may it, or it is of a kind that does not grow.
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
        """What comes next, which may be nothing; None if there is no more to read yet."""
        if self._descriptor is None:
            try:
                self._descriptor = self._open()
            except _NO_FILE:
                self._forget()
                raise LinkError(f"{self._name}: there is no such file") from None
            return [Link(Link.UP, "file"), *self._begin(self._descriptor)]
        data = os.pread(self._descriptor, _CHUNK_BYTES, self._place)
        if data:
            self._place += len(data)
            return self._lines.feed(data)
        if os.fstat(self._descriptor).st_size < self._place:
            self._place = 0
            return self._lines.restart()
        return self._look()

    def _open(self) -> int:
        """Open the file that has the name now."""
        # A FIFO would make us wait until somebody opens its other end.
        descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise RefusedError(f"{self._name} is no file that grows; read a pipe with `-`")
        return descriptor

    def _begin(self, descriptor: int) -> list[FeedItem]:
        """Find the place to read from in the file that has been opened."""
        status = os.fstat(descriptor)
        inode = status.st_dev, status.st_ino
        if inode == self._inode and self._place <= status.st_size:
            return []  # it could not be read for a while
        self._inode, self._place = inode, 0
        if self._at_end:
            # Where its last line begins: that may be in the making.
            start = max(0, status.st_size - MAX_LINE_BYTES)
            last = os.pread(descriptor, status.st_size - start, start)
            self._place = start + last.rfind(b"\n") + 1
            self._at_end = False
        return self._lines.restart()

    def _look(self) -> list[FeedItem] | None:
        """See whether the file, all of which has been read, is still the one of its name."""
        try:
            status = self._path.stat()
        except _NO_FILE:
            self._gone += 1
            if self._gone <= self._gone_looks:
                return None
            self._forget()
            raise LinkError(f"{self._name}: the file is gone") from None
        self._gone = 0
        if (status.st_dev, status.st_ino) == self._inode:
            self._replaced = False
            return None
        if not self._replaced:
            # Whoever writes to the old file gets until the next look to notice.
            self._replaced = True
            return None
        try:
            descriptor = self._open()
        except _NO_FILE:
            return None  # renamed once more since: the next look sees to it
        self._forget()
        self._descriptor = descriptor
        return self._begin(descriptor)

    def _forget(self) -> None:
        """Whatever has the file's name next is another file, and all of it is new."""
        self._drop()
        self._inode, self._at_end = None, False
        self._gone, self._replaced = 0, False

    def _drop(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
