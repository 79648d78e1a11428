"""Lines of text from bytes in pieces of any size."""

from __future__ import annotations

import codecs
import re

from streamer.errors import FormatError, StreamerError
from streamer.sources.files.encodings import decode_line
from streamer.sources.files.streams import ByteStream, DelimitedStream

MAX_LINE_BYTES = 1 << 16
"""Longer lines are an error: they cannot be rows of a table."""

_CRS = re.compile(rb"\r+\n?")
_SMALL_BYTES = 1 << 12


def decode_lines(piece: bytes) -> list[str]:
    r"""Split a piece into lines, which end in LF or CRLF.

    They are decoded as UTF-8; lines that are not valid UTF-8, as Windows-1252.

    Args:
        piece: whole lines; the last may lack its line end.

    >>> decode_lines(b"time;power\r\n1;2")
    ['time;power', '1;2']
    """
    try:
        lines = piece.decode().replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError:
        lines = [decode_line(line) for line in piece.replace(b"\r\n", b"\n").split(b"\n")]
    if lines[-1]:
        lines[-1] = lines[-1].removesuffix("\r")
    else:
        lines.pop()
    return lines


class LineSplitter:
    r"""Joins pieces of bytes and cuts them at line ends, which are LF, CRLF or CR.

    A UTF-8 byte order mark is removed. The lines returned end in LF or CRLF. A CR at the end
    of a piece ends the line at once: an LF at the beginning of the next one belongs to it.

    >>> splitter = LineSplitter("house.csv")
    >>> splitter.feed(b"time;po"), splitter.feed(b"wer\r"), splitter.feed(b"\n1;"), splitter.flush()
    (b'', b'time;power\n', b'', b'1;')
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._tail = b""
        self._lines = 0
        self._begun = False
        # CRs after the one that ended the last line: line ends of their own, unless an LF
        # follows them. None if no CR ended it.
        self._held_crs: int | None = None
        self._too_long: FormatError | None = None

    def feed(self, data: bytes) -> bytes:
        """Return the lines that these bytes complete, with their line ends.

        Raises:
            FormatError: a line is longer than `MAX_LINE_BYTES`; raised once the lines
                before it have been returned.
        """
        if self._too_long is not None:
            raise self._too_long
        if self._held_crs is not None:
            data = self._after_cr(data, self._held_crs)
        last = b""
        if data.endswith(b"\r"):
            whole = data.rstrip(b"\r")
            self._held_crs = len(data) - len(whole) - 1
            data, last = whole, b"\n"
        line_ends = data.count(b"\n")
        if b"\r" in data and _has_lone_cr(data, line_ends):
            data = _CRS.sub(_line_ends, data)
            line_ends = data.count(b"\n")
        data += last
        line_ends += len(last)
        whole, newline, self._tail = (self._tail + data).rpartition(b"\n")
        return self._checked(whole + newline, line_ends)

    def flush(self) -> bytes:
        """Return the last line, if it lacks a line end; otherwise nothing."""
        if self._too_long is not None:
            raise self._too_long
        blank = b"\n" * (self._held_crs or 0)
        last, self._tail, self._held_crs = self._tail + blank, b"", None
        return self._checked(last, len(blank))

    def _after_cr(self, data: bytes, held: int) -> bytes:
        rest = data.lstrip(b"\r")
        self._held_crs = None if rest else held + len(data)
        if rest.startswith(b"\n"):
            return rest[1:]
        return b"\n" * (held + len(data) - len(rest)) + rest if rest else b""

    def _checked(self, piece: bytes, line_ends: int) -> bytes:
        if piece and not self._begun:
            self._begun = True
            piece = piece.removeprefix(codecs.BOM_UTF8)
        end = _end_of_good_lines(piece)
        if end < len(piece):
            line_ends = piece.count(b"\n", 0, end)
        self._lines += line_ends
        if end < len(piece) or len(self._tail) > MAX_LINE_BYTES:
            begun = (piece[end:] or self._tail)[:MAX_LINE_BYTES]
            what = "the line is longer than 64 KiB; is this a table with a row on each line?"
            if not begun.strip(b"\0"):
                what = (
                    "from here, the file is empty space (NUL bytes), as after a loss of power; "
                    "remove it: tr -d '\\0'"
                )
            self._too_long = FormatError(f"{self._name}:{self._lines + 1}", what)
            if not end:
                raise self._too_long
        return piece[:end]


def _line_ends(crs: re.Match[bytes]) -> bytes:
    # CRs before an LF belong to the same line end: some programs write two.
    return b"\n" if crs[0].endswith(b"\n") else b"\n" * len(crs[0])


def _has_lone_cr(data: bytes, line_ends: int) -> bool:
    # To count pairs takes three times as long. Where all line ends seem to be the same, as in
    # almost every large piece, it is not necessary.
    crs = data.count(b"\r")
    pairs = data.find(b"\r") + 1 == data.find(b"\n") and data.rfind(b"\r") + 1 == data.rfind(b"\n")
    if len(data) > _SMALL_BYTES and crs == line_ends and pairs:
        return False
    return crs != data.count(b"\r\n")


def _end_of_good_lines(piece: bytes) -> int:
    """Return the start of the first line that is too long; the end of the piece if none is."""
    start = 0
    while len(piece) - start > MAX_LINE_BYTES:
        # Up to the last line end within the limit, no line can be too long.
        end = piece.rfind(b"\n", start, start + MAX_LINE_BYTES + 1)
        if end < 0:
            end = start + MAX_LINE_BYTES + 1
            if piece[end - 1 : end + 1] != b"\r\n":
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
    def delimiter(self) -> str | None:
        """The character between fields, if it is known."""
        return self._stream.delimiter if isinstance(self._stream, DelimitedStream) else None

    @property
    def added_lines(self) -> int:
        """Number of lines before the first record that the file does not have.

        JSON has no header. With these lines left out, the number of a row is that of its
        line, or in a JSON document that of its record.
        """
        return self._stream.added_lines if isinstance(self._stream, DelimitedStream) else 0

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
