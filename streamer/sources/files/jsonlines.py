"""JSON lines: a record on each line, as rows of delimited text."""

from __future__ import annotations

import json
from typing import Any, TypeAlias

from streamer.errors import StreamerError
from streamer.sources.files.encodings import decode_line
from streamer.sources.files.framing import LineSplitter
from streamer.sources.files.jsonrows import flattened, numbered, row
from streamer.sources.files.streams import ByteStream, DelimitedStream, StreamOnStream

_Json: TypeAlias = Any

HEADER_RECORDS = 100
"""So many records of a file give the columns."""

_MAX_WAITING = 1000

# Numbers remain as they are written.
DECODER = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str)


def parse(line: bytes) -> tuple[dict[str, _Json] | list[_Json] | None, bool]:
    """Parse an object or an array; a comma after it is allowed.

    Returns:
        The value, or None if there is none; and whether it is valid, but not complete.

    >>> parse(b'{"p": 1},'), parse(b'{"p": 1'), parse(b'p')
    (({'p': '1'}, False), (None, True), (None, False))
    """
    text = decode_line(line).strip().rstrip(",")
    try:
        value = DECODER.decode(text)
    except json.JSONDecodeError as error:
        return None, is_cut(error)
    except RecursionError:  # as of an endless row of brackets
        return None, True
    return (value, False) if isinstance(value, dict | list) else (None, False)


def is_cut(error: json.JSONDecodeError) -> bool:
    """Whether a text is not valid only since its end is missing."""
    return error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated string")


class JsonLines(DelimitedStream, StreamOnStream):
    """Records, one on each line, presented as rows.

    The first record gives the columns of a stream that is still being written; of a file, the
    first hundred. A line that is not a record is passed on as it is: it has the wrong number
    of fields.

    Args:
        name: the name for errors.
        stream: the lines; closed with this stream.
        has_names: whether the records are objects, not arrays.
        is_live: whether records should be returned as they arrive.
    """

    def __init__(self, name: str, stream: ByteStream, *, has_names: bool, is_live: bool) -> None:
        super().__init__(stream)
        self.added_lines = int(has_names)
        self._splitter = LineSplitter(name)
        self._has_names = has_names
        self._names: list[str] | None = None if has_names else []
        self._header_records = 1 if is_live else HEADER_RECORDS
        # Lines that wait for the header, and their fields.
        self._waiting: list[tuple[bytes, dict[str, str] | None]] = []
        self._records = 0
        self._at_end = False
        self._failure: StreamerError | None = None

    def read(self) -> bytes:
        """Return the next piece; empty at the end."""
        while not self._at_end:
            if self._failure is not None:
                raise self._failure
            if text := self._next_rows():
                return text.encode("utf-8", "replace")
        return b""

    def _next_rows(self) -> str:
        try:
            data = self._stream.read()
            piece = self._splitter.feed(data) if data else self._splitter.flush()
        except StreamerError as error:  # raised after the rows before it
            self._failure = error
            return self._begin()
        self._at_end = not data
        rows = "".join(map(self._rows, piece.splitlines()))
        return rows + self._begin() if self._at_end else rows

    def _rows(self, line: bytes) -> str:
        """The rows that a line completes."""
        fields = self._fields(line)
        if self._names is not None:
            return self._row(line, fields)
        self._waiting.append((line, fields))
        self._records += fields is not None
        is_known = self._records == self._header_records or len(self._waiting) == _MAX_WAITING
        return self._begin() if is_known else ""

    def _begin(self) -> str:
        """The header and the rows that wait for it."""
        if not self._waiting:
            return ""
        waiting, self._waiting = self._waiting, []
        self._names = list(dict.fromkeys(name for _, fields in waiting for name in fields or ()))
        return row(self._names) + "".join(self._row(*each) for each in waiting)

    def _fields(self, line: bytes) -> dict[str, str] | None:
        value, _ = parse(line)
        if isinstance(value, dict) is not self._has_names or value is None:
            return None
        return flattened(value if isinstance(value, dict) else numbered(value))

    def _row(self, line: bytes, fields: dict[str, str] | None) -> str:
        if fields is None:
            return row([decode_line(line)])
        if not self._has_names:
            return row(fields.values())
        return row(fields.get(name, "") for name in self._names or ())
