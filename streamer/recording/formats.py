"""CSV, JSON lines and Parquet as formats of a table of an exported recording."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from itertools import islice
from typing import IO, Any, TextIO

from streamer.extras import optional_import
from streamer.recording.cells import csv_text

_GROUP = 10_000
"""Number of rows in a row group of a Parquet file."""


class Kind(Enum):
    """Kind of the values in a column."""

    NUMBER = auto()
    """Float, or None."""
    COUNT = auto()
    """Whole number."""
    TEXT = auto()
    """Text on one line."""
    FLAG = auto()
    """True or False, or None."""
    TIME = auto()
    """Time with a zone, or None."""
    ALARMS = auto()
    """List of alarms, each a dictionary with a `kind`."""


_NULLABLE = (Kind.NUMBER, Kind.FLAG, Kind.TIME)


@dataclass(frozen=True)
class Table:
    """Rows of an export, made as they are written.

    Attributes:
        columns: kinds of the columns after the time, by name.
        rows: the time of each row, and its values in the order of the columns.
    """

    columns: Mapping[str, Kind]
    rows: Iterator[tuple[datetime, Sequence[Any]]]


def write_csv(table: Table, out: TextIO) -> int:
    """Write a heading and a line for each row; returns the number of rows."""
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["at", *map(csv_text, table.columns)])
    special = [(place, _CSV[kind]) for kind in _CSV for place in _places(table, kind)]
    count = 0
    for at, values in table.rows:
        count += 1
        cells = list(values)
        for place, cell in special:
            cells[place] = cell(cells[place])
        rows.writerow([at.isoformat(), *cells])
    return count


def write_json(table: Table, out: TextIO) -> int:
    """Write an object for each row, on a line; returns the number of rows."""
    keys = ("at", *table.columns)
    times = _places(table, Kind.TIME)
    count = 0
    for at, values in table.rows:
        count += 1
        cells = list(values)
        for place in times:
            cells[place] = _time(cells[place])
        out.write(json.dumps(dict(zip(keys, (at.isoformat(), *cells), strict=True))) + "\n")
    return count


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _flag(flag: bool | None) -> str:
    return "" if flag is None else str(flag).lower()


def _alarms(alarms: Sequence[Mapping[str, Any]]) -> str:
    return csv_text(" ".join(_kinds(alarms)))


_CSV: Mapping[Kind, Callable[[Any], str | None]] = {
    Kind.TEXT: csv_text,
    Kind.FLAG: _flag,
    Kind.TIME: _time,
    Kind.ALARMS: _alarms,
}
"""Cells of a CSV file that are not numbers."""

TEXT: Mapping[str, Callable[[Table, TextIO], int]] = {"csv": write_csv, "json": write_json}
"""Formats that are text, and their writers."""


def import_pyarrow() -> Any:
    """PyArrow, which Parquet needs.

    Raises:
        MissingExtraError: it is not installed.
    """
    with optional_import("Parquet", "parquet"):
        import pyarrow as pa
        import pyarrow.parquet
    return pa


def write_parquet(table: Table, out: IO[bytes]) -> int:
    """Write a Parquet file; returns the number of rows.

    Times are in UTC, and `utc_offset` is the seconds that local time is ahead of it at `at`.
    Columns that are not powers or channels are last.
    """
    pa = import_pyarrow()
    types = {
        Kind.NUMBER: pa.float64(),
        Kind.COUNT: pa.int32(),
        Kind.TEXT: pa.string(),
        Kind.FLAG: pa.bool_(),
        Kind.TIME: pa.timestamp("ms", tz="UTC"),
        Kind.ALARMS: pa.list_(pa.string()),
    }
    places = [place for kind in Kind for place in _places(table, kind)]
    columns = list(table.columns.items())
    schema = pa.schema(
        [
            pa.field("at", pa.timestamp("ms", tz="UTC"), nullable=False),
            pa.field("utc_offset", pa.int32(), nullable=False),
            *(
                pa.field(name, types[kind], nullable=kind in _NULLABLE)
                for name, kind in (columns[place] for place in places)
            ),
        ]
    )
    alarms = _places(table, Kind.ALARMS)
    count = 0
    with pa.parquet.ParquetWriter(out, schema) as writer:
        while group := list(islice(table.rows, _GROUP)):
            count += len(group)
            times = [at for at, _ in group]
            values = list(zip(*(row for _, row in group), strict=True))
            for place in alarms:
                values[place] = tuple(map(_kinds, values[place]))
            found = [times, list(map(_offset_s, times)), *(values[place] for place in places)]
            arrays = [
                pa.array(column, field.type) for column, field in zip(found, schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return count


def _places(table: Table, kind: Kind) -> list[int]:
    """Places of the columns of a kind."""
    return [place for place, found in enumerate(table.columns.values()) if found is kind]


def _kinds(alarms: Sequence[Mapping[str, Any]]) -> list[str]:
    return [alarm["kind"] for alarm in alarms]


def _offset_s(at: datetime) -> int:
    offset = at.utcoffset()
    assert offset is not None  # noqa: S101 - recorded times have a zone
    return offset // timedelta(seconds=1)
