"""Bytes into lines, as they come."""

from __future__ import annotations

from collections.abc import Sequence

from streamer.errors import FormatError
from streamer.sources.bytestream import ByteStream

MAX_LINE_BYTES = 1 << 16
"""A longer line is no row of a table."""

_BOM = "\ufeff"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


class LineSplitter:
    r"""Cuts bytes into lines, wherever the pieces happen to break.

    Lines end in LF or CRLF. They are decoded as UTF-8; bytes that are not become lone
    surrogates (``surrogateescape``), so that one bad row does not spoil its neighbours.

    >>> splitter = LineSplitter("house.csv")
    >>> splitter.feed(b"time;po"), splitter.feed(b"wer\r\n1;"), splitter.flush()
    ([], ['time;power'], ['1;'])
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._tail = b""
        self._lines = 0
        self._too_long: FormatError | None = None

    def feed(self, data: bytes) -> list[str]:
        """The lines that these bytes complete.

        Raises:
            FormatError: a line is longer than `MAX_LINE_BYTES`; raised once the lines
                before it have been given out.
        """
        if self._too_long is not None:
            raise self._too_long
        block, newline, tail = (self._tail + data).rpartition(b"\n")
        self._tail = tail
        lines = self._decode(block) if newline else []
        return self._checked(lines, len(block))

    def flush(self) -> list[str]:
        """The last line, if it has no line end; none otherwise."""
        if self._too_long is not None:
            raise self._too_long
        block, self._tail = self._tail, b""
        return self._checked(self._decode(block), len(block)) if block else []

    def _decode(self, block: bytes) -> list[str]:
        if self._lines == 0 and block.startswith(_UTF16_MARKS):
            raise FormatError(self._name, "the text is UTF-16; save it as UTF-8")
        text = block.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
        if self._lines == 0:
            text = text.removeprefix(_BOM)
        lines = text.split("\n")
        lines[-1] = lines[-1].removesuffix("\r")
        return lines

    def _checked(self, lines: list[str], size: int) -> list[str]:
        whole = len(lines)
        if size > MAX_LINE_BYTES:
            lengths = (len(line.encode("utf-8", "surrogateescape")) for line in lines)
            whole = next((i for i, n in enumerate(lengths) if n > MAX_LINE_BYTES), whole)
        self._lines += whole
        # A tail may still hold the CR of its line end.
        if whole < len(lines) or len(self._tail) > MAX_LINE_BYTES + 1:
            self._too_long = FormatError(
                f"{self._name}:{self._lines + 1}",
                "the line is longer than 64 KiB; is this a table with a row on each line?",
            )
            if not whole:
                raise self._too_long
        return lines[:whole]


class LineReader:
    """The lines of a byte stream, those of one piece at a time.

    Args:
        name: the name to show in errors.
        stream: the bytes; closed with the reader.
    """

    def __init__(self, name: str, stream: ByteStream) -> None:
        self._stream = stream
        self._splitter = LineSplitter(name)
        self._returned: list[str] = []
        self._at_end = False

    def read(self) -> list[str]:
        """At least one line, or none at the end.

        Raises:
            SourceError: the bytes cannot be had, or are not lines.
        """
        if self._returned:
            returned, self._returned = self._returned, []
            return returned
        while not self._at_end:
            data = self._stream.read()
            self._at_end = not data
            lines = self._splitter.feed(data) if data else self._splitter.flush()
            if lines:
                return lines
        return []

    @property
    def waiting(self) -> Sequence[str]:
        """The lines that have been put back and not read again."""
        return self._returned

    def put_back(self, lines: list[str]) -> None:
        """Have the next `read` give these lines first."""
        self._returned = lines + self._returned

    def close(self) -> None:
        """Close the stream. May be called twice."""
        self._stream.close()
