"""Recorded minutes as CSV, JSON lines or Parquet, for other programs."""

from __future__ import annotations

import csv
import io
import json
import math
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, Any, TextIO

from streamer.errors import UsageError
from streamer.extras import optional_import
from streamer.readings.span import Span
from streamer.recording.cells import csv_text
from streamer.recording.database import InvalidValueError, explained, open_for_reading
from streamer.recording.rows import bounds, check_alarms, pages, time_of
from streamer.recording.whole import whole_file
from streamer.sinks import text

FORMATS = ("csv", "json", "parquet")

_OTHERS = ("at", "gap_minutes", "alarms")

KEYS = tuple(key for key in text.KEYS if key.endswith("_kw") or key in _OTHERS)
"""Columns of the CSV and keys of a JSON line: those of a replay that are recorded."""

SOLAR_KEYS = text.SOLAR_KEYS
"""Those that follow if solar power was measured in any of the minutes."""

_POWERS = tuple(key for key in KEYS if key not in _OTHERS)
_BETWEEN = KEYS.index("gap_minutes") - 1
"""Number of powers before the columns that are not powers; newer ones follow them."""

_GROUP = 10_000
"""Number of minutes in a row group of a Parquet file."""


def export(
    path: str | Path,
    out: str | Path | TextIO,
    *,
    format: str,
    start: datetime | None = None,
    end: datetime | None = None,
) -> int:
    """Write recorded minutes to a file or a stream.

    A file gets its name once it is complete. Memory use does not depend on the number of
    minutes.

    Args:
        path: the recording; it may be written at the same time.
        out: a path, or for CSV and JSON lines an open stream.
        format: `csv`, `json` (one line a minute) or `parquet`.
        start: skip minutes before this time. Without a zone, it is in the house's local time.
        end: skip minutes from this time on, interpreted likewise.

    Returns:
        The number of minutes written.

    Raises:
        UsageError: the format is unknown, or the times are contradictory.
        MissingExtraError: pyarrow, required for Parquet, is not installed.
        RecordError: the recording cannot be read, or the file cannot be written or is the
            recording itself.
    """
    if format not in FORMATS:
        raise UsageError(f"unknown format {format!r}; give one of: {', '.join(FORMATS)}")
    if isinstance(out, str):
        out = Path(out)
    if format == "parquet":
        _import_pyarrow()
        if not isinstance(out, Path):
            raise UsageError("Parquet cannot be written to a terminal or a pipe; give --out FILE")
    path, span = Path(path), _span(start, end)
    with closing(open_for_reading(path)) as connection:
        solar = _solar_keys(connection, path, span)
        minutes = _minutes(connection, path, span, _POWERS + solar)
        if not isinstance(out, Path):
            return _WRITERS[format](minutes, KEYS + solar, out)
        with whole_file(out, of=path) as file:
            if format == "parquet":
                return _write_parquet(minutes, _POWERS + solar, file)
            with io.TextIOWrapper(file, encoding="utf-8", newline="") as text:
                return _WRITERS[format](minutes, KEYS + solar, text)


@dataclass(frozen=True, slots=True)
class _Minute:
    """One minute: its powers in the order of `_POWERS`, and the active alarms."""

    at: datetime
    powers: tuple[float | None, ...]
    gap_minutes: int
    alarms: list[dict[str, Any]]

    def values(self, alarms: object) -> tuple[object, ...]:
        """The values in the order of `KEYS`, with the alarms as they are given."""
        before, after = self.powers[:_BETWEEN], self.powers[_BETWEEN:]
        return (self.at.isoformat(), *before, self.gap_minutes, alarms, *after)


def _span(start: datetime | None, end: datetime | None) -> Span:
    span = Span(start, end)
    span.check("--from", "--to")
    return span


def _solar_keys(connection: sqlite3.Connection, path: Path, span: Span) -> tuple[str, ...]:
    """`SOLAR_KEYS` if solar power was measured in any minute of a span."""
    with explained(path):
        found = connection.execute(
            "SELECT 1 FROM steps WHERE at > ? AND at < ? AND solar_kw IS NOT NULL LIMIT 1",
            bounds(connection, span),
        ).fetchone()
    return () if found is None else SOLAR_KEYS


def _minutes(
    connection: sqlite3.Connection, path: Path, span: Span, powers: Sequence[str]
) -> Iterator[_Minute]:
    """The minutes of a span, with some powers."""
    columns = ", ".join(("utc_offset", *powers, "gap_minutes"))
    with explained(path):
        after, before = bounds(connection, span)
        alarms = _Alarms(connection, after, before)
        for page in pages(connection, columns, after=after, before=before):
            for at, offset, *values, gap_minutes in page:
                yield _Minute(
                    time_of(at, offset),
                    tuple(map(_finite, values)),
                    _whole_number(gap_minutes),
                    alarms.on(at),
                )


def _finite(value: object) -> float | None:
    return value if isinstance(value, float) and math.isfinite(value) else None


def _whole_number(value: object) -> int:
    if isinstance(value, int) and 0 <= value < 2**31:
        return value
    raise InvalidValueError(f"{str(value)[:40]!r} is not a number of minutes")


class _Alarms:
    """The alarms of a span, for successive minutes."""

    def __init__(self, connection: sqlite3.Connection, after: int, before: int) -> None:
        # Read as they are needed, since they may be many.
        self._rows = connection.execute(
            "SELECT a.at, CAST(a.over_at AS INTEGER), coalesce(s.utc_offset, 0),"
            " CAST(a.kind AS TEXT), CAST(a.text AS TEXT), a.size"
            " FROM alarms AS a LEFT JOIN steps AS s ON s.at = a.at"
            " WHERE a.at < ? AND (a.over_at IS NULL OR a.over_at > ?) ORDER BY a.at, a.rowid",
            (before, after),
        )
        self._next = self._read()
        self._on: list[tuple[int | None, dict[str, Any]]] = []

    def on(self, at: int) -> list[dict[str, Any]]:
        """Return the alarms that are active at a minute, oldest first."""
        while self._next is not None and self._next[0] <= at:
            _, over_at, alarm = self._next
            if over_at is None or over_at > at:
                self._on.append((over_at, alarm))
                check_alarms(len(self._on))
            self._next = self._read()
        if self._on:
            self._on = [entry for entry in self._on if entry[0] is None or entry[0] > at]
        return [alarm for _, alarm in self._on]

    def _read(self) -> tuple[int, int | None, dict[str, Any]] | None:
        """The time of the next alarm, the time of its end, and its record."""
        row = self._rows.fetchone()
        if row is None:
            return None
        at, over_at, offset, kind, text, size = row
        raised = time_of(at, offset).isoformat()
        return at, over_at, {"kind": kind, "at": raised, "text": text, "size": _finite(size)}


def _write_csv(minutes: Iterator[_Minute], keys: Sequence[str], out: TextIO) -> int:
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(keys)
    count = 0
    for minute in minutes:
        count += 1
        kinds = csv_text(" ".join([alarm["kind"] for alarm in minute.alarms]))
        rows.writerow(minute.values(kinds))
    return count


def _write_json(minutes: Iterator[_Minute], keys: Sequence[str], out: TextIO) -> int:
    count = 0
    for minute in minutes:
        count += 1
        values = minute.values(minute.alarms)
        out.write(json.dumps(dict(zip(keys, values, strict=True))) + "\n")
    return count


_WRITERS = {"csv": _write_csv, "json": _write_json}


def _import_pyarrow() -> Any:
    with optional_import("Parquet", "parquet"):
        import pyarrow as pa
        import pyarrow.parquet
    return pa


def _write_parquet(minutes: Iterator[_Minute], powers: Sequence[str], out: IO[bytes]) -> int:
    """Write columns; `at` is in UTC, `utc_offset` the seconds that local time is ahead of it."""
    pa = _import_pyarrow()
    schema = pa.schema(
        [
            pa.field("at", pa.timestamp("ms", tz="UTC"), nullable=False),
            pa.field("utc_offset", pa.int32(), nullable=False),
            *(pa.field(key, pa.float64()) for key in powers),
            pa.field("gap_minutes", pa.int32(), nullable=False),
            pa.field("alarms", pa.list_(pa.string()), nullable=False),
        ]
    )
    count = 0
    with pa.parquet.ParquetWriter(out, schema) as writer:
        while group := list(islice(minutes, _GROUP)):
            count += len(group)
            columns = [
                [minute.at for minute in group],
                [int(_offset(minute.at).total_seconds()) for minute in group],
                *zip(*(minute.powers for minute in group), strict=True),
                [minute.gap_minutes for minute in group],
                [[alarm["kind"] for alarm in minute.alarms] for minute in group],
            ]
            arrays = [
                pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
    return count


def _offset(at: datetime) -> timedelta:
    offset = at.utcoffset()
    assert offset is not None  # noqa: S101 - recorded times have a zone
    return offset
