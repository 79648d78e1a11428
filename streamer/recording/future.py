"""Minutes of a recording that lie in the future, set aside in a file of their own.

They are left by a clock that was ahead for a while, and nothing earlier could be recorded
until their time is past.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from streamer.errors import RecordError
from streamer.recording.connection import transaction
from streamer.recording.database import explained, open_for_writing
from streamer.recording.schema import COLUMNS

FAR_S = 600
"""Seconds that the first of them must be ahead; less is waited for."""

_CLOCKS_DIFFER_S = 3600.0
"""Seconds by which a clock may have been set back without a warning."""

_MAX_MINUTES = 1440
_MAX_ALONE = 60

_WHOLE = ("settings", "channels", "challengers")
_LATER = "at > :now"
_IN_TIME = {
    "steps": _LATER,
    "mean_forecasts": _LATER,
    "channel_values": _LATER,
    # One is settled by its last minute; of a running one, a minute in the future may have come.
    "demand_intervals": "at + 60 * (minutes - 1) > :now",
    "meter_registers": _LATER,
    "switching_events": _LATER,
    "challenger_forecasts": _LATER,
    "alarms": _LATER,
}
"""Tables that are copied: as a whole, and the rows of the future by a condition."""


@dataclass(frozen=True, slots=True)
class Aside:
    """Minutes that were set aside.

    Attributes:
        path: the recording that contains them now.
        minutes: their number.
        first: time of the first one in Unix seconds.
        last: time of the last one.
    """

    path: Path
    minutes: int
    first: int
    last: int


def future_warning(path: Path, last_at: datetime | None, wall_s: float) -> str | None:
    """Return a warning if the last minute of a recording is in the future.

    Args:
        path: the recording.
        last_at: time of its last minute; None if there is none.
        wall_s: the wall clock, in Unix seconds.
    """
    if last_at is None or last_at.timestamp() <= wall_s + _CLOCKS_DIFFER_S:
        return None
    return (
        f"the last reading in {path} is of {last_at:%Y-%m-%d %H:%M}, and nothing earlier can be "
        "recorded until it is set aside: check this machine's clock, or record to another file"
    )


def set_future_aside(connection: sqlite3.Connection, path: Path, now: datetime) -> Aside | None:
    """Move the minutes that lie in the future to another recording beside this one.

    They are left alone where the clock may be wrong now, instead of then: if they are many, or
    if the present lies within recorded minutes and not in a gap before the future ones. With
    them go their alarms and the saved states; alarms that ended among them are active again.

    Args:
        connection: connection to the recording, for writing.
        path: its path.
        now: the time, with a zone.

    Returns:
        What was set aside; None if there is nothing, or it is left alone.

    Raises:
        RecordError: one of the two files cannot be written.
    """
    now_s = int(now.timestamp())
    with explained(path):
        aside = _find(connection, path, now)
    if aside is None:
        return None
    try:
        # A copy first: after a crash in between, they are in both files, and moved again.
        with explained(aside.path):
            _copy(connection, aside.path, now_s)
        with explained(path):
            _delete(connection, now_s)
    except RecordError:
        for suffix in ("", "-wal", "-shm", "-journal"):
            aside.path.with_name(aside.path.name + suffix).unlink(missing_ok=True)
        raise
    return aside


def _find(connection: sqlite3.Connection, path: Path, now: datetime) -> Aside | None:
    now_s = int(now.timestamp())
    minutes, first, last = connection.execute(
        "SELECT count(*), min(at), max(at) FROM (SELECT at FROM steps WHERE at > ? LIMIT ?)",
        (now_s, _MAX_MINUTES + 1),
    ).fetchone()
    (before,) = connection.execute("SELECT max(at) FROM steps WHERE at <= ?", (now_s,)).fetchone()
    most = _MAX_ALONE if before is None else _MAX_MINUTES
    if not 0 < minutes <= most or first - now_s <= FAR_S:
        return None
    aside = path.with_name(f"{path.name}.future-{now:%Y%m%d-%H%M%S}")
    return Aside(aside, minutes, first, last)


def _copy(connection: sqlite3.Connection, path: Path, now_s: int) -> None:
    """Copy the minutes of the future and all that belongs to them to a new recording."""
    with closing(open_for_writing(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        for table, condition in {**dict.fromkeys(_WHOLE, "1"), **_IN_TIME}.items():
            columns = COLUMNS[table]
            places = ", ".join("?" * len(columns.split(", ")))
            query = f"SELECT {columns} FROM {table} WHERE {condition}"  # noqa: S608
            rows = connection.execute(query, {"now": now_s})
            insert = f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608
            other.executemany(insert, rows.fetchall())
        other.execute("COMMIT")


def _delete(connection: sqlite3.Connection, now_s: int) -> None:
    with transaction(connection):
        for table, condition in {**_IN_TIME, "snapshots": _LATER}.items():
            statement = f"DELETE FROM {table} WHERE {condition}"  # noqa: S608
            connection.execute(statement, {"now": now_s})
        for table, end in (("alarms", "over_at"), ("switching_events", "off_at")):
            connection.execute(
                f"UPDATE {table} SET {end} = NULL WHERE {end} > ?",  # noqa: S608
                (now_s,),
            )
