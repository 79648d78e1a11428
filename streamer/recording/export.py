"""Recordings as CSV, JSON lines or Parquet: minutes, forecasts, or demand intervals."""

from __future__ import annotations

import io
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from streamer.errors import UsageError
from streamer.readings.span import Span
from streamer.recording.channels import ChannelValues, recorded_channels
from streamer.recording.database import InvalidValueError, explained, open_for_reading
from streamer.recording.demandread import DEMAND_COLUMNS, DemandRow, demand_rows
from streamer.recording.formats import TEXT, Kind, Table, import_pyarrow, write_parquet
from streamer.recording.meanrows import MeanRow, mean_rows
from streamer.recording.racerows import ChallengerRow, race_rows
from streamer.recording.rows import bounds, check_alarms, finite, pages, time_of
from streamer.recording.whole import whole_file
from streamer.sinks import text

FORMATS = ("csv", "json", "parquet")

_KINDS = {"gap_minutes": Kind.COUNT, "alarms": Kind.ALARMS}

KEYS = tuple(key for key in text.KEYS if key.endswith("_kw") or key in ("at", *_KINDS))
"""Columns of the CSV and keys of a JSON line: those of a replay that are recorded."""

SOLAR_KEYS = text.SOLAR_KEYS
"""Those that follow if solar power was measured in any of the minutes."""

MEAN_KEYS = ("at", "minutes", "kw", "median_kw", "low_kw", "high_kw", "actual_kw")
"""Those of the forecasts of the next minutes' mean."""

CHALLENGER_KEYS = ("at", "challenger", "next_kw", "shown_kw", "actual_kw")
"""Those of the forecasts of challengers."""


def export(
    path: str | Path,
    out: str | Path | TextIO,
    *,
    format: str,
    start: datetime | None = None,
    end: datetime | None = None,
    means: bool = False,
    demand: bool = False,
    challengers: bool = False,
) -> int:
    """Write recorded minutes to a file or a stream.

    A file gets its name once it is complete. Memory use does not depend on the number of
    minutes.

    Args:
        path: the recording; it may be written at the same time.
        out: a path, or for CSV and JSON lines an open stream.
        format: `csv`, `json` (one line a row) or `parquet`.
        start: skip minutes before this time. Without a zone, it is in the house's local time.
        end: skip minutes from this time on, interpreted likewise.
        means: whether to write the forecasts of the next minutes' mean that were issued then,
            with the mean that came, instead of the minutes.
        demand: whether to write the demand intervals that are over, with the forecast of each,
            instead of the minutes.
        challengers: whether to write the forecasts of challengers, beside that shown and the
            reading that came, instead of the minutes.

    Returns:
        The number of rows written.

    Raises:
        UsageError: the format is unknown, the times are contradictory, or more than one of
            means, demand intervals and challengers is asked for.
        MissingExtraError: pyarrow, required for Parquet, is not installed.
        RecordError: the recording cannot be read, or the file cannot be written or is the
            recording itself.
    """
    if format not in FORMATS:
        raise UsageError(f"unknown format {format!r}; give one of: {', '.join(FORMATS)}")
    parts = {"--means": means, "--demand": demand, "--challengers": challengers}
    chosen = [option for option, given in parts.items() if given]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} exclude each other; write a file for each")
    if isinstance(out, str):
        out = Path(out)
    if format == "parquet":
        import_pyarrow()
        if not isinstance(out, Path):
            raise UsageError("Parquet cannot be written to a terminal or a pipe; give --out FILE")
    path, span = Path(path), Span(start, end)
    span.check("--from", "--to")
    with closing(open_for_reading(path)) as connection:
        table = _TABLES[chosen[0] if chosen else ""](connection, path, span)
        if not isinstance(out, Path):
            return TEXT[format](table, out)
        with whole_file(out, of=path) as file:
            if format == "parquet":
                return write_parquet(table, file)
            with io.TextIOWrapper(file, encoding="utf-8", newline="") as lines:
                return TEXT[format](table, lines)


def recorded_minutes(path: Path, span: Span, limit: int) -> list[dict[str, Any]]:
    """Recorded minutes as the objects of an export as JSON lines.

    Args:
        path: the recording; it may be written at the same time.
        span: the span that they are in.
        limit: most minutes, which are the first of the span.

    Raises:
        UsageError: the bounds of the span contradict each other.
        RecordError: the recording cannot be read.
    """
    span.check("from", "to")
    with closing(open_for_reading(path)) as connection:
        table = _minutes(connection, path, span)
        keys = ("at", *table.columns)
        rows = islice(table.rows, limit)
        return [dict(zip(keys, (at.isoformat(), *values), strict=True)) for at, values in rows]


def _means(connection: sqlite3.Connection, path: Path, span: Span) -> Table:
    """The forecasts issued in a span."""

    def rows() -> Iterator[MeanRow]:
        with explained(path):
            yield from mean_rows(connection, *bounds(connection, span))

    kinds = {key: Kind.COUNT if key == "minutes" else Kind.NUMBER for key in MEAN_KEYS[1:]}
    return Table(kinds, rows())


def _challengers(connection: sqlite3.Connection, path: Path, span: Span) -> Table:
    """The forecasts that challengers issued in a span."""

    def rows() -> Iterator[ChallengerRow]:
        with explained(path):
            yield from race_rows(connection, *bounds(connection, span))

    keys = CHALLENGER_KEYS[1:]
    kinds = {key: Kind.TEXT if key == "challenger" else Kind.NUMBER for key in keys}
    return Table(kinds, rows())


def _demand(connection: sqlite3.Connection, path: Path, span: Span) -> Table:
    """The demand intervals that began in a span."""

    def rows() -> Iterator[DemandRow]:
        with explained(path):
            between = bounds(connection, span, table="demand_intervals")
            yield from demand_rows(connection, *between)

    return Table(DEMAND_COLUMNS, rows())


def _minutes(connection: sqlite3.Connection, path: Path, span: Span) -> Table:
    """The minutes of a span."""
    with explained(path):
        after, before = bounds(connection, span)
        keys = KEYS[1:]
        if _is_any(connection, "steps", "solar_kw IS NOT NULL", after, before):
            keys += SOLAR_KEYS
        channels: dict[str, str] = {}
        if _is_any(connection, "channel_values", "1", after, before):
            channels = {_column(name): name for name in recorded_channels(connection)}
    kinds = {key: _KINDS.get(key, Kind.NUMBER) for key in (*keys, *channels)}
    rows = _rows(connection, path, (after, before), keys, list(channels.values()))
    return Table(kinds, rows)


_TABLES: Mapping[str, Callable[[sqlite3.Connection, Path, Span], Table]] = {
    "--means": _means,
    "--demand": _demand,
    "--challengers": _challengers,
    "": _minutes,
}
"""What is exported, by the option that chooses it."""


def _is_any(
    connection: sqlite3.Connection, table: str, condition: str, after: int, before: int
) -> bool:
    """Whether any row of a table between two times meets a condition."""
    query = f"SELECT 1 FROM {table} WHERE at > ? AND at < ? AND {condition} LIMIT 1"  # noqa: S608
    return connection.execute(query, (after, before)).fetchone() is not None


def _column(channel: str) -> str:
    """The name of a channel's column, unlike that of any other column."""
    return f"channel_{channel}" if channel in KEYS + SOLAR_KEYS else channel


def _rows(
    connection: sqlite3.Connection,
    path: Path,
    between: tuple[int, int],
    keys: Sequence[str],
    channels: Sequence[str],
) -> Iterator[tuple[datetime, Sequence[Any]]]:
    """The values of the minutes between two times: some keys, and some channels."""
    after, before = between
    powers = [key for key in keys if key not in _KINDS]
    order = [([*powers, *_KINDS]).index(key) for key in keys]
    columns = ", ".join(("utc_offset", *powers, "gap_minutes"))
    with explained(path):
        alarms = _Alarms(connection, after, before)
        values = ChannelValues(connection, channels)
        for page in pages(connection, columns, after=after, before=before):
            known = values.between(page[0][0], page[-1][0]) if channels else {}
            nothing = [None] * len(channels)
            for at, offset, *kw, gap_minutes in page:
                cells = [*map(finite, kw), _whole_number(gap_minutes), alarms.on(at)]
                others = map(finite, known.get(at, nothing))
                yield time_of(at, offset), [*map(cells.__getitem__, order), *others]


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
        return at, over_at, {"kind": kind, "at": raised, "text": text, "size": finite(size)}
