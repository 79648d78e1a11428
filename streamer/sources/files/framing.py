"""Lines of text from bytes in pieces of any size."""

from __future__ import annotations

import codecs

from streamer.errors import FormatError, StreamerError
from streamer.sources.files.bytestream import ByteStream

MAX_LINE_BYTES = 1 << 16
"""Longer lines are an error: they cannot be rows of a table."""

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode_lines(piece: bytes) -> list[str]:
    r"""Split a piece into lines, which end in LF or CRLF.

    They are decoded as UTF-8; invalid bytes become lone surrogates (``surrogateescape``),
    so that one bad row does not affect its neighbours.

    Args:
        piece: whole lines; the last may lack its line end.

    >>> decode_lines(b"time;power\r\n1;2")
    ['time;power', '1;2']
    """
    text = piece.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    lines = text.split("\n")
    if lines[-1]:
        lines[-1] = lines[-1].removesuffix("\r")
    else:
        lines.pop()
    return lines


class LineSplitter:
    r"""Joins pieces of bytes and cuts them at line ends.

    A UTF-8 byte order mark is removed.

    >>> splitter = LineSplitter("house.csv")
    >>> splitter.feed(b"time;po"), splitter.feed(b"wer\r\n1;"), splitter.flush()
    (b'', b'time;power\r\n', b'1;')
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._tail = b""
        self._lines = 0
        self._begun = False
        self._too_long: FormatError | None = None

    def feed(self, data: bytes) -> bytes:
        """Return the lines that these bytes complete, with their line ends.

        Raises:
            FormatError: a line is longer than `MAX_LINE_BYTES`; raised once the lines
                before it have been returned.
        """
        if self._too_long is not None:
            raise self._too_long
        whole, newline, self._tail = (self._tail + data).rpartition(b"\n")
        return self._checked(whole + newline)

    def flush(self) -> bytes:
        """Return the last line, if it lacks a line end; otherwise nothing."""
        if self._too_long is not None:
            raise self._too_long
        last, self._tail = self._tail, b""
        return self._checked(last)

    def _checked(self, piece: bytes) -> bytes:
        if piece and not self._begun:
            self._begun = True
            if piece.startswith(_UTF16_MARKS):
                raise FormatError(self._name, "the text is UTF-16; save it as UTF-8")
            piece = piece.removeprefix(codecs.BOM_UTF8)
        end = _end_of_good_lines(piece)
        self._lines += piece.count(b"\n", 0, end)
        # The tail may include the CR of its line end.
        if end < len(piece) or len(self._tail) > MAX_LINE_BYTES + 1:
            self._too_long = FormatError(
                f"{self._name}:{self._lines + 1}",
                "the line is longer than 64 KiB; is this a table with a row on each line?",
            )
            if not end:
                raise self._too_long
        return piece[:end]


def _end_of_good_lines(piece: bytes) -> int:
    """Return the start of the first line that is too long; the end of the piece if none is."""
    start = 0
    while len(piece) - start > MAX_LINE_BYTES:
        # Up to the last line end within the limit, no line can be too long.
        end = piece.rfind(b"\n", start, start + MAX_LINE_BYTES + 1)
        if end < 0:
            end = start + MAX_LINE_BYTES + 1
            if piece[end - 1 : end + 1] not in (b"\r\n", b"\r"):
                return start
        start = end + 1
    return len(piece)


class LineReader:
    """Lines of a byte stream, as bytes, those of one piece at a time.

    Args:
        name: the name for errors.
        stream: the bytes; closed with the reader.
    """

    def __init__(self, name: str, stream: ByteStream) -> None:
        self._stream = stream
        self._splitter = LineSplitter(name)
        self._returned = b""
        self._error: StreamerError | None = None
        self._at_end = False

    @property
    def progress(self) -> float | None:
        """Share of the bytes that has been read; None if unknown."""
        return self._stream.progress

    def read(self) -> bytes:
        """Return at least one line with its line end, or nothing at the end.

        The very last line may lack its line end.

        Raises:
            SourceError: the bytes cannot be read, or are not lines.
        """
        if self._returned:
            returned, self._returned = self._returned, b""
            return returned
        if self._error is not None:
            raise self._error
        while not self._at_end:
            data = self._stream.read()
            self._at_end = not data
            piece = self._splitter.feed(data) if data else self._splitter.flush()
            if piece:
                return piece
        return b""

    def put_back(self, lines: bytes, error: StreamerError | None = None) -> None:
        """Make the next `read` return these lines first, and then raise an error, if any."""
        self._returned = lines + self._returned
        self._error = error

    def close(self) -> None:
        """Close the stream. May be called repeatedly."""
        self._stream.close()
