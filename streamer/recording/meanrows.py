"""Recorded forecasts of the next minutes' mean, beside the mean that came."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import datetime

from streamer.recording.database import InvalidValueError
from streamer.recording.rows import PAGE, finite, time_of
from streamer.recording.schema import ACTUAL_KW, MAX_MINUTES, PER_KW

_QUERY = f"""
SELECT f.at, f.minutes, utc_offset, mean, median, low, high, {ACTUAL_KW}
FROM mean_forecasts AS f JOIN steps USING (at)
WHERE (f.at, f.minutes) > (?, ?) AND f.at < ? ORDER BY f.at, f.minutes LIMIT ?
"""  # noqa: S608 - constants

_MAX = 2**63 - 1

MeanRow = tuple[datetime, tuple[float | None, ...]]
"""Time of issue; minutes, mean forecast, median, low, high and actual mean in kW, the last of
which is None while it is open or where a minute is missing."""


def mean_rows(connection: sqlite3.Connection, after: int, before: int) -> Iterator[MeanRow]:
    """Yield the forecasts issued between two times in Unix seconds, both excluded.

    They are in order of time, and of their minutes. Memory use does not depend on their number.

    Raises:
        InvalidValueError: a row is not one that a recorder writes.
    """
    minutes = _MAX
    while page := connection.execute(_QUERY, (after, minutes, before, PAGE)).fetchall():
        for at, given, utc_offset, *values, actual_kw in page:
            before_it = after, minutes
            after, minutes = at, _whole(given, MAX_MINUTES)
            if (after, minutes) <= before_it:
                raise InvalidValueError("its forecasts are out of order")
            yield (
                time_of(at, utc_offset),
                (
                    minutes,
                    *(_whole(value) / PER_KW for value in values),
                    finite(actual_kw),
                ),
            )


def _whole(value: object, most: int = _MAX) -> int:
    if isinstance(value, int) and abs(value) <= most:
        return value
    raise InvalidValueError(f"{str(value)[:40]!r} has no place in a forecast of a mean")
