"""CSV files read by the header of each, whatever the order of its columns.

Spark's own reader takes the columns by their positions in the first file, and a later one with
another header stops the query. Here Spark reads lines, and the task that reads a file maps them.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from streamer.fleet.spark.locations import Columns

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

LINES = {"header": "false", "multiLine": "true", "sep": "\x01", "quote": "", "escape": ""}
"""Options of Spark's CSV format for files of lines; `multiLine` leaves each to a single task."""

LINE = "line string"
"""Schema of a file of lines."""

_NAMES = (*Columns._fields, "file")


def by_header(lines: DataFrame, columns: Columns, delimiter: str) -> DataFrame:
    """The readings of CSV files.

    Args:
        lines: column ``line``, in order for each file.
        columns: names of the columns; one that a file's header lacks is null in its rows.
        delimiter: the character between fields.

    Returns:
        Columns meter, minute, kw and file, the URL of the row's file, all text. A field without
        text is null.
    """

    def mapped(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        file, reader = None, None
        for batch in batches:
            texts, files = (batch.column(place).to_pylist() for place in (0, 1))
            rows: list[tuple[str | None, ...]] = []
            for line, url in zip(texts, files, strict=True):
                if not line or line.isspace():
                    continue
                if url != file:
                    file, reader = url, FieldReader(line, columns, delimiter)
                elif reader is not None:
                    rows.append((*reader.fields(line), url))
            if rows:
                values = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)]
                yield pa.RecordBatch.from_arrays(values, _NAMES)

    located = lines.select("line", lines["_metadata.file_path"].alias("file"))
    return located.mapInArrow(mapped, ", ".join(f"{name} string" for name in _NAMES))


class FieldReader:
    """Reads chosen fields of the lines of a CSV file, quoted by RFC 4180.

    Args:
        header: the first line.
        names: names of the fields.
        delimiter: the character between fields.

    >>> FieldReader("kw,id,minute", ["id", "kw", "unit"], ",").fields('1.5,"a ""b"", c",0')
    ('a "b", c', '1.5', None)
    """

    def __init__(self, header: str, names: Sequence[str], delimiter: str) -> None:
        self._delimiter = delimiter
        found = split(header.removeprefix("\ufeff"), delimiter)
        self._places = [found.index(name) if name in found else None for name in names]

    def fields(self, line: str) -> tuple[str | None, ...]:
        """The fields of a line; None for one that is empty or missing."""
        found = split(line, self._delimiter)
        count = len(found)
        return tuple(
            found[place] or None if place is not None and place < count else None
            for place in self._places
        )


def split(line: str, delimiter: str) -> list[str]:
    """The fields of a line, quoted by RFC 4180; none if it is not CSV."""
    line = line.rstrip("\r\n")
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter))
    except (csv.Error, StopIteration):
        return []
