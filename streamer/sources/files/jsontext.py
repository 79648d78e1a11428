"""JSON presented as delimited text: lines of records as a stream, and whole documents.

Lines are read as they arrive. A document is parsed as a whole by the standard library, which
is faster than parsers of streams, and limited in size instead.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import Any, TypeAlias

from streamer.display.lines import printable, shorten
from streamer.errors import FormatError, SourceError
from streamer.sources.files.encodings import decode_line
from streamer.sources.files.framing import MAX_LINE_BYTES
from streamer.sources.files.jsonlines import DECODER, JsonLines, is_cut, parse
from streamer.sources.files.jsonrows import document_rows, flattened, numbered
from streamer.sources.files.jsontables import find_tables
from streamer.sources.files.members import MemberChoice
from streamer.sources.files.streams import ByteStream, DelimitedStream, PeekedStream, share

_Json: TypeAlias = Any

MAX_DOCUMENT_BYTES = 1 << 26
"""Size of the longest document: a year of minutes with a record of 120 bytes each. It takes
about ten times as much memory."""

_SEPARATORS = re.compile(r"[\s,\x1e]*")
_ROWS_AT_ONCE = 2000


def as_delimited(
    name: str, stream: PeekedStream, choice: MemberChoice, *, is_live: bool
) -> ByteStream:
    """Present JSON as delimited text; returns any other text as it is.

    Args:
        name: the name for errors.
        stream: text that `may_be_json`, at its beginning; closed with the result.
        choice: chooses among the tables of a document.
        is_live: whether records should be returned as they arrive.

    Raises:
        UsageError: several tables may hold the readings.
        SourceError: a document is not valid, too long, or holds no table.
    """
    lines = _FirstLines(stream)
    kind = lines.kind()
    if kind == "lines":
        return JsonLines(name, stream, has_names=lines.has_names, is_live=is_live)
    if kind == "document":
        return _Document(name, stream, choice)
    return stream


class _FirstLines:
    """The first lines of a text that begins like JSON, seen but not read.

    Attributes:
        has_names: whether the first record is an object.
    """

    def __init__(self, stream: PeekedStream) -> None:
        self._stream = stream
        self._next = len(codecs.BOM_UTF8) if stream.peeked.startswith(codecs.BOM_UTF8) else 0
        self.has_names = True

    def kind(self) -> str:
        """Whether the text is JSON ``lines``, a JSON ``document``, or other ``text``."""
        first = self._line()
        if first is None:
            return "document"
        value, is_cut = parse(first)
        if value is not None:
            self.has_names = isinstance(value, dict)
            if len(flattened(value if isinstance(value, dict) else numbered(value))) < 2:
                return "document"  # too little for a row: a report of an error, perhaps
            # A record with arrays of its own may be a document, unless there are others.
            if find_tables(value) and self._line() == b"":
                return "document"
            return "lines"
        second = self._line()
        if second is None:
            return "document"
        if is_cut:
            both, both_cut = parse(first + b"\n" + second)
            if both is not None or both_cut:
                return "document"
        value, _ = parse(second)
        self.has_names = isinstance(value, dict)
        return "text" if value is None else "lines"

    def _line(self) -> bytes | None:
        """The next line that is not blank; empty at the end, and None if it is too long."""
        while True:
            text = self._stream.peeked[self._next :].replace(b"\r", b"\n")
            blank = len(text) - len(text.lstrip())
            line, line_end, _ = text[blank:].partition(b"\n")
            if max(len(line), blank) > MAX_LINE_BYTES:
                return None
            if line_end or not self._stream.peek_more():
                self._next += blank + len(line)
                return line.strip()


class _Document(DelimitedStream):
    """A document, presented as the rows of one of its tables.

    Args:
        name: the name for errors.
        stream: the document; read to its end, and closed with this stream.
        choice: chooses among its tables.
    """

    def __init__(self, name: str, stream: ByteStream, choice: MemberChoice) -> None:
        self._stream = stream
        document = _document(name, stream)
        tables = find_tables(document)
        if not tables:
            raise SourceError(
                f"{name} is JSON without an array of records{_report(document)}; give one such "
                'as [{"time": "2013-05-21T00:00", "power_w": 250}, …]'
            )
        labels = [table.label for table in tables]
        table = tables[choice.table([table.path for table in tables], labels)]
        self.added_lines, self._rows = document_rows(name, table)
        self._total = len(table.rows) + self.added_lines
        self._given = 0

    def read(self) -> bytes:
        rows = [row for _, row in zip(range(_ROWS_AT_ONCE), self._rows, strict=False)]
        self._given += len(rows)
        return "".join(rows).encode("utf-8", "replace")

    @property
    def progress(self) -> float | None:
        return share(self._given, self._total)

    def close(self) -> None:
        self._stream.close()


def _report(document: _Json) -> str:
    """The message of a service that reports an error instead of data."""
    if isinstance(document, dict):
        for key in ("message", "error", "detail", "error_description"):
            if isinstance(document.get(key), str):
                return f", but it reports {shorten(document[key], 80)}"
    return ""


def _document(name: str, stream: ByteStream) -> _Json:
    """Parse a document; several values, one after another, are an array.

    Raises:
        SourceError: it is not valid, or too long.
    """
    pieces: list[bytes] = []
    size = 0
    while data := stream.read():
        pieces.append(data)
        size += len(data)
        if size > MAX_DOCUMENT_BYTES:
            raise SourceError(
                f"{name} is a JSON document of more than {MAX_DOCUMENT_BYTES >> 20} MiB; "
                f"write a record on each line: jq -c '.[]' {name} | streamer replay -"
            )
    text = decode_line(b"".join(pieces)).removeprefix("\ufeff")
    pieces.clear()
    values: list[_Json] = []
    place = _after_separators(text, 0)
    while place < len(text):
        try:
            value, place = DECODER.raw_decode(text, place)
        except json.JSONDecodeError as error:
            raise _not_valid(name, error) from None
        except RecursionError:
            raise SourceError(f"{name} is JSON with too many levels of arrays") from None
        values.append(value)
        place = _after_separators(text, place)
    return values[0] if len(values) == 1 else values


def _after_separators(text: str, place: int) -> int:
    found = _SEPARATORS.match(text, place)
    return found.end() if found else place


def _not_valid(name: str, error: json.JSONDecodeError) -> SourceError:
    if is_cut(error):
        return SourceError(f"{name} is truncated: the JSON ends early; get the file again")
    what = printable(error.msg)
    return FormatError(f"{name}:{error.lineno}", f"this is not valid JSON ({what}); correct it")
