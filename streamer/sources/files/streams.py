"""Streams of bytes: files as they are, and their first bytes seen in advance.

Nothing is read ahead: a pipe delivers each piece as soon as it is written.
"""

from __future__ import annotations

import io
import os
import stat
from typing import Protocol

from streamer.display.lines import printable
from streamer.errors import SourceError

CHUNK_BYTES = 1 << 17
"""Largest size of one `read`: some 2000 rows, close to the optimum both for arrays and for
single rows."""


class ByteStream(Protocol):
    """A stream of bytes, read in pieces."""

    def read(self) -> bytes:
        """Return the next piece, waiting for it if necessary; empty at the end.

        Raises:
            SourceError: the bytes cannot be read.
        """

    @property
    def progress(self) -> float | None:
        """Share of the file that has been read, 0 to 1; None if its size is unknown."""

    def close(self) -> None:
        """Close the file. May be called repeatedly."""


class DelimitedStream:
    """Base of the streams that present another format as delimited text.

    Attributes:
        delimiter: the character between fields.
        added_lines: number of lines before the first record, which the file does not have.
    """

    delimiter = "\t"
    added_lines = 0


def reason(error: Exception) -> str:
    """The cause of an error, on one line."""
    return getattr(error, "strerror", None) or printable(str(error)) or type(error).__name__


def share(done: float, size: float | None) -> float | None:
    """Share of the size; None if it is unknown."""
    # A file may grow while it is read, and generated files may report a size of 0.
    return min(done / size, 1.0) if size else None


class RawFile:
    """An unbuffered file: each read returns the bytes available."""

    def __init__(self, name: str, file: io.FileIO) -> None:
        self._name = name
        self._file = file
        self._size = _bytes_left(file)
        self._given = 0

    def read(self) -> bytes:
        """Return the bytes available, waiting for them if necessary; empty at the end."""
        try:
            # None, from a non-blocking pipe without data, cannot be waited for here.
            data = self._file.read(CHUNK_BYTES)
        except OSError as error:
            raise SourceError(f"{self._name} cannot be read: {reason(error)}") from None
        except ValueError:  # closed by another thread
            return b""
        if data is None:
            raise SourceError(f"{self._name} cannot be read: it is in non-blocking mode")
        self._given += len(data)
        return data

    @property
    def progress(self) -> float | None:
        """Share of the file that has been read; None for a pipe."""
        return share(self._given, self._size)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _bytes_left(file: io.FileIO) -> int | None:
    """Bytes left in a regular file; None for a pipe."""
    status = os.fstat(file.fileno())
    return status.st_size - file.tell() if stat.S_ISREG(status.st_mode) else None


class StreamOnStream:
    """Base of the streams made from another one.

    Args:
        stream: the other stream; closed with this one.
    """

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream

    @property
    def progress(self) -> float | None:
        """Share of the file that has been read, 0 to 1; None if its size is unknown."""
        return self._stream.progress

    def close(self) -> None:
        """Close the file. May be called repeatedly."""
        self._stream.close()


class PeekedStream(StreamOnStream):
    """A stream whose first bytes can be seen before they are read."""

    def __init__(self, stream: ByteStream) -> None:
        super().__init__(stream)
        self._peeked = b""

    @property
    def peeked(self) -> bytes:
        """The bytes seen so far and not yet read."""
        return self._peeked

    def peek_more(self) -> bool:
        """See one more piece, waiting for it if necessary; False at the end."""
        more = self._stream.read()
        self._peeked += more
        return bool(more)

    def read(self) -> bytes:
        """Return the next piece, or all that has been seen; empty at the end."""
        if self._peeked:
            data, self._peeked = self._peeked, b""
            return data
        return self._stream.read()

    @property
    def progress(self) -> float | None:
        """Share of the file that has been read; what has only been seen does not count."""
        progress = super().progress
        return 0.0 if self._peeked and progress is not None else progress
