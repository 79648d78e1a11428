"""Energies of recorded quarter-hours."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from streamer.readings.demand import QuarterHour
from streamer.recording.database import InvalidValueError
from streamer.recording.rows import time_of
from streamer.reporting.clock import HouseClock

_QUARTER_S = 900
_PER_HOUR = 60.0
_MAX_ROWS = 10_000
"""Quarter-hours read: a month has some 3,000, and clocks that are set may add others."""
_MAX_KWH = 1e9

_QUERY = """
SELECT min(at), utc_offset, total(max(actual_kw, 0.0)), total(max(-actual_kw, 0.0)), count(*)
FROM steps WHERE at >= ? AND at < ?
GROUP BY (at + utc_offset) / 900, utc_offset ORDER BY min(at) LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Energies:
    """Energies of quarter-hours, oldest first.

    Attributes:
        period: those of a period; where it begins within one, of its minutes alone.
        month: those of the month in which the period ends, up to its end.
    """

    period: tuple[QuarterHour, ...]
    month: tuple[QuarterHour, ...]


def read_energies(
    connection: sqlite3.Connection, clock: HouseClock, start: int, end: int
) -> Energies:
    """Read the energies of a period and of its month, by quarter-hours of the house's clock.

    Args:
        connection: connection to the recording.
        clock: the house's clock.
        start: beginning of the period in Unix seconds.
        end: its end, excluded.

    Raises:
        InvalidValueError: there are values that no recorder writes.
    """
    month = clock.local(end - 1).replace(day=1, hour=0, minute=0, second=0)
    return Energies(
        _quarter_hours(connection, start, end), _quarter_hours(connection, clock.unix(month), end)
    )


def _quarter_hours(connection: sqlite3.Connection, start: int, end: int) -> tuple[QuarterHour, ...]:
    rows = connection.execute(_QUERY, (start, end, _MAX_ROWS)).fetchall()
    return tuple(_quarter_hour(*row) for row in rows)


def _quarter_hour(
    at: int, utc_offset: int, import_kwmin: float, export_kwmin: float, minutes: int
) -> QuarterHour:
    time_of(at, utc_offset)
    if minutes > _QUARTER_S // 60:
        raise InvalidValueError("it has several rows for a minute")
    first = time_of(at - (at + utc_offset) % _QUARTER_S, utc_offset)
    return QuarterHour(first, _kwh(import_kwmin), _kwh(export_kwmin), minutes)


def _kwh(kw_minutes: float) -> float:
    return min(kw_minutes / _PER_HOUR, _MAX_KWH)
