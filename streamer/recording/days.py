"""One day of a recording: its minutes, demand intervals, alarms and outages."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import NamedTuple

from streamer.recording.database import InvalidValueError, explained, open_for_reading
from streamer.recording.demandread import demand_rows
from streamer.recording.rows import finite, time_of

_DAY_S = 86_400
_MAX_OFFSET_S = 15 * 3600
"""Largest distance of any clock from UTC."""
_MAX_MINUTES = 2 * (_DAY_S + 2 * _MAX_OFFSET_S) // 60
_MAX_KINDS = 20


class DayMinute(NamedTuple):
    """A reading, and the forecast that it settled.

    Attributes:
        at: its minute, on the house's clock.
        kw: the reading in kW.
        last_kw: the reading before it in kW, which is the persistence forecast; None without
            a forecast.
        mean_kw: the mean forecast of it in kW; None without one.
        low_kw: lower end of its band in kW; None likewise.
        high_kw: upper end in kW; None likewise.
    """

    at: datetime
    kw: float
    last_kw: float | None = None
    mean_kw: float | None = None
    low_kw: float | None = None
    high_kw: float | None = None


class DayInterval(NamedTuple):
    """A complete demand interval: its first minute, its length in minutes, its mean in kW."""

    start: datetime
    minutes: int
    kw: float


@dataclass
class Day:
    """A day on the house's clock.

    Attributes:
        day: its date.
        minutes: its readings, in order of time.
        intervals: its complete demand intervals; empty if none are kept.
        alarms: number of the alarms raised on it, by kind.
        outages: how many times the connection was lost or silent.
    """

    day: date
    minutes: list[DayMinute] = field(default_factory=list)
    intervals: list[DayInterval] = field(default_factory=list)
    alarms: Counter[str] = field(default_factory=Counter)
    outages: int = 0


def read_day(path: Path, day: date) -> Day:
    """Read a day from a recording, which may be written at the same time.

    Args:
        path: the recording.
        day: the date, on the house's clock.

    Raises:
        RecordError: the recording cannot be read.
    """
    midnight = int(datetime.combine(day, time(), UTC).timestamp())
    span = midnight - _MAX_OFFSET_S, midnight + _DAY_S + _MAX_OFFSET_S
    with explained(path), closing(open_for_reading(path)) as connection:
        connection.execute("BEGIN")
        minutes = _minutes(connection, span, day)
        found = Day(day, minutes)
        found.intervals = [
            DayInterval(start, values[0], values[1])
            for start, values in demand_rows(connection, span[0] - 1, span[1])
            if start.date() == day and values[1] is not None and not values[3]
        ]
        if minutes:
            ends = int(minutes[0].at.timestamp()), int(minutes[-1].at.timestamp())
            alarms = _counts(connection, "alarms", ends)
            found.alarms = Counter({str(kind): count for kind, count in alarms.items()})
            events = _counts(connection, "events", ends)
            found.outages = events.get("lost", 0) + events.get("silent", 0)
        return found


def _minutes(connection: sqlite3.Connection, span: tuple[int, int], day: date) -> list[DayMinute]:
    rows = connection.execute(
        "SELECT at, utc_offset, actual_kw, forecast_kw, low_kw, high_kw FROM steps"
        " WHERE at >= ? AND at < ? ORDER BY at LIMIT ?",
        (*span, _MAX_MINUTES),
    ).fetchall()
    found = []
    last_kw: float | None = None
    for at, utc_offset, actual, *forecast in rows:
        shown, kw = time_of(at, utc_offset), finite(actual)
        if kw is None:
            raise InvalidValueError(f"{str(actual)[:40]!r} is not a power")
        if shown.date() == day:
            before_kw = None if forecast[0] is None else last_kw
            found.append(DayMinute(shown, kw, before_kw, *map(finite, forecast)))
        last_kw = kw
    return found


def _counts(connection: sqlite3.Connection, table: str, ends: Sequence[int]) -> Mapping[str, int]:
    """Numbers of the rows of a table, by kind, between two times, both included."""
    rows = connection.execute(
        f"SELECT kind, count(*) FROM {table} WHERE at BETWEEN ? AND ?"  # noqa: S608 - constants
        " GROUP BY kind LIMIT ?",
        (*ends, _MAX_KINDS),
    )
    return dict(rows.fetchall())
