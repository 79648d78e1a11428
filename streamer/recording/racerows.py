"""Recorded forecasts of challengers, beside that shown and the reading that came."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeAlias

from streamer.display.lines import one_line
from streamer.readings.challengers import ChallengerScores
from streamer.recording.database import InvalidValueError
from streamer.recording.rows import AFTER_ALL, PAGE, finite, time_of
from streamer.recording.schema import NEXT_KW, PER_KW

MAX_KW = 1e9
"""Powers of a forecast beyond this are those of a diverged model, and are not recorded."""

RaceRow: TypeAlias = tuple[str, int | None]
"""Name of a challenger, and its forecast in units of 0.1 W; None without one."""

ChallengerRow: TypeAlias = tuple[datetime, tuple[str | float | None, ...]]
"""Time of issue; name of the challenger, its forecast and the mean forecast shown in kW, and the
reading that came, which is None while it is open or where nothing was scored."""

MAX_NAME = 200
"""Characters of a name that are recorded, and read."""

_QUERY = f"""
SELECT f.at, f.challenger, utc_offset, substr(CAST(name AS TEXT), 1, {MAX_NAME}),
  next, next_kw, {NEXT_KW}
FROM challenger_forecasts AS f JOIN challengers AS c ON c.id = f.challenger JOIN steps USING (at)
WHERE (f.at, f.challenger) > (?, ?) AND f.at < ? ORDER BY f.at, f.challenger LIMIT ?
"""  # noqa: S608 - constants


def race_row_of(challenger: ChallengerScores) -> RaceRow:
    """Convert what a step says of a challenger."""
    kw = challenger.forecast_kw
    known = kw is not None and abs(kw) < MAX_KW
    name = one_line(challenger.name)[:MAX_NAME]
    return name, round(PER_KW * kw) if kw is not None and known else None


def write_race(connection: sqlite3.Connection, at: int, rows: Iterable[RaceRow]) -> None:
    """Write the forecasts that challengers issued at a reading.

    Args:
        connection: connection to the recording, within a transaction.
        at: time of the reading in Unix seconds.
        rows: the challengers.
    """
    for name, kw in rows:
        connection.execute(
            "INSERT INTO challengers (name) VALUES (?) ON CONFLICT (name) DO NOTHING", (name,)
        )
        connection.execute(
            "INSERT INTO challenger_forecasts (at, challenger, next)"
            " SELECT ?, id, ? FROM challengers WHERE name = ?",
            (at, kw, name),
        )


def race_rows(connection: sqlite3.Connection, after: int, before: int) -> Iterator[ChallengerRow]:
    """Yield the forecasts issued between two times in Unix seconds, both excluded.

    They are in order of time. Memory use does not depend on their number.

    Raises:
        InvalidValueError: a row is not one that a recorder writes.
    """
    number = AFTER_ALL
    while page := connection.execute(_QUERY, (after, number, before, PAGE)).fetchall():
        for at, challenger, utc_offset, name, value, shown_kw, actual_kw in page:
            if not isinstance(challenger, int) or (at, challenger) <= (after, number):
                raise InvalidValueError("its forecasts of challengers are out of order")
            after, number = at, challenger
            values = one_line(name), _kw(value), finite(shown_kw), finite(actual_kw)
            yield time_of(at, utc_offset), values


def _kw(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, int) and abs(value) <= MAX_KW * PER_KW:
        return value / PER_KW
    raise InvalidValueError(f"{str(value)[:40]!r} is not the forecast of a challenger")
