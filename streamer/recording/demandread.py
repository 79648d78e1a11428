"""Recorded demand intervals, read in order of time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from streamer.recording.database import InvalidValueError
from streamer.recording.formats import Kind
from streamer.recording.rows import PAGE, finite, time_of

MAX_LENGTH_MIN = 1440
"""Most minutes of a demand interval in a recording from elsewhere."""

DEMAND_COLUMNS: Mapping[str, Kind] = {
    "minutes": Kind.COUNT,
    "kw": Kind.NUMBER,
    "export_kw": Kind.NUMBER,
    "unknown_minutes": Kind.COUNT,
    "bound_kw": Kind.NUMBER,
    "exceeded": Kind.FLAG,
    "warned_at": Kind.TIME,
    "forecast_kw": Kind.NUMBER,
    "low_kw": Kind.NUMBER,
    "high_kw": Kind.NUMBER,
    "p_raises_peak": Kind.NUMBER,
}
"""What is known of an interval that is over, beside its first minute."""

_QUERY = f"""
SELECT at, minutes, utc_offset, {", ".join(list(DEMAND_COLUMNS)[1:])} FROM demand_intervals
WHERE (at, minutes) > (?, ?) AND at < ? AND kw IS NOT NULL ORDER BY at, minutes LIMIT ?
"""  # noqa: S608 - constants

_MAX = 2**63 - 1

DemandRow = tuple[datetime, tuple[Any, ...]]
"""First minute of an interval, and the values of `DEMAND_COLUMNS`."""


def demand_rows(connection: sqlite3.Connection, after: int, before: int) -> Iterator[DemandRow]:
    """Yield the intervals that began between two times in Unix seconds, both excluded.

    They are in order of time. Those that are running are left out. Memory use does not depend on
    their number.

    Raises:
        InvalidValueError: a row is not one that a recorder writes.
    """
    minutes = _MAX
    while page := connection.execute(_QUERY, (after, minutes, before, PAGE)).fetchall():
        for at, given, utc_offset, *values in page:
            before_it = after, minutes
            start = time_of(at, utc_offset)
            after, minutes = at, length_of(given)
            if (after, minutes) <= before_it:
                raise InvalidValueError("its demand intervals are out of order")
            yield start, (minutes, *_values(start, minutes, *values))


def length_of(minutes: object) -> int:
    """The length of a recorded interval in minutes.

    Raises:
        InvalidValueError: it is not a whole number, or out of range.
    """
    if not isinstance(minutes, int) or not 0 < minutes <= MAX_LENGTH_MIN:
        raise InvalidValueError(f"{str(minutes)[:40]!r} is not the length of a demand interval")
    return minutes


def warning_of(at: int, minutes: int, warned_at: object) -> int:
    """The time at which an interval was warned about, in Unix seconds.

    Raises:
        InvalidValueError: it is not a time within the interval.
    """
    if not isinstance(warned_at, int) or not at <= warned_at < at + 60 * minutes:
        raise InvalidValueError(f"{str(warned_at)[:40]!r} is not a time in its demand interval")
    return warned_at


def _values(
    start: datetime,
    minutes: int,
    kw: object,
    export_kw: object,
    unknown: object,
    bound_kw: object,
    exceeded: object,
    warned_at: object,
    *forecast: object,
) -> tuple[Any, ...]:
    if not isinstance(unknown, int) or not 0 <= unknown < minutes:
        raise InvalidValueError(f"{str(unknown)[:40]!r} is not a number of unknown minutes")
    return (
        finite(kw),
        finite(export_kw),
        unknown,
        finite(bound_kw),
        None if exceeded is None else bool(exceeded),
        None if warned_at is None else _time_after(start, minutes, warned_at),
        *map(finite, forecast),
    )


def _time_after(start: datetime, minutes: int, warned_at: object) -> datetime:
    begin = int(start.timestamp())
    return start + timedelta(seconds=warning_of(begin, minutes, warned_at) - begin)
