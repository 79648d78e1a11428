"""Store: reading and writing of the rows of an open recording."""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

from streamer.display.lines import printable
from streamer.readings import Alarm, Step
from streamer.recording.database import explained, open_for_writing
from streamer.recording.rows import seconds_of

AlarmKey: TypeAlias = tuple[int, str]
"""Time and kind of an alarm, which together are unique."""

_MAX_SNAPSHOTS = 2

_INSERT_STEP = """
INSERT INTO steps (
  at, utc_offset, actual_kw, forecast_kw, low_kw, high_kw, median_kw, frozen_kw,
  next_kw, next_low_kw, next_high_kw, gap_minutes
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (at) DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Minute:
    """A step as rows, made when it arrives and written when possible.

    Attributes:
        at: the reading's time in Unix seconds.
        row: its row of `steps`.
        raised: rows of `alarms` for new alarms.
        over: alarms that have ended.
    """

    at: int
    row: tuple[float | None, ...]
    raised: tuple[tuple[int, str, str, float], ...]
    over: tuple[AlarmKey, ...]


@dataclass(frozen=True, slots=True)
class EventRow:
    """A row of `events`."""

    at: int
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class SavedState:
    """A snapshot of the pipeline's state, and the time of the last reading before it."""

    at: int
    state: dict[str, Any]


class Store:
    """A recording that is open for writing.

    Args:
        path: the recording; it is created if it does not exist.
        full_check: as for `open_for_writing`.

    Raises:
        RecordError: as `open_for_writing`.
    """

    def __init__(self, path: Path, *, full_check: bool = True) -> None:
        self.connection = open_for_writing(path, full_check=full_check)
        self._path = path
        with explained(path):
            self._file = path.stat()

    @property
    def is_in_place(self) -> bool:
        """Whether the file still has its name; data written to a deleted file would be lost."""
        try:
            here = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return (here.st_dev, here.st_ino) == (self._file.st_dev, self._file.st_ino)

    def close(self, *, moved: bool = False) -> None:
        """Close the recording, in any state.

        Args:
            moved: whether the file has another name now. SQLite would then leave the log,
                which has the old name, and the data in it would be lost.
        """
        with suppress(sqlite3.Error):
            if moved:
                self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self.connection.close()

    def write(
        self,
        minutes: Iterable[Minute],
        events: Iterable[EventRow] = (),
        settings: Mapping[str, str] | None = None,
        *,
        forget: bool = False,
    ) -> int:
        """Write everything in one transaction, or nothing.

        Args:
            minutes: minutes; those whose time is already recorded are skipped.
            events: events.
            settings: replacement for the recorded settings, if given.
            forget: whether to delete the snapshots, which belong to other settings.

        Returns:
            The number of minutes that were already recorded.
        """
        duplicates = 0
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            if settings is not None:
                execute("DELETE FROM settings")
                self.connection.executemany(
                    "INSERT INTO settings (key, value) VALUES (?, ?)", settings.items()
                )
            if forget:
                execute("DELETE FROM snapshots")
            for minute in minutes:
                duplicates += 1 - execute(_INSERT_STEP, minute.row).rowcount
                for row in minute.raised:
                    execute(
                        "INSERT OR IGNORE INTO alarms (at, kind, text, size) VALUES (?, ?, ?, ?)",
                        row,
                    )
                for at, kind in minute.over:
                    execute(
                        "UPDATE alarms SET over_at = ? WHERE at = ? AND kind = ?"
                        " AND over_at IS NULL",
                        (minute.at, at, kind),
                    )
            for event in events:
                execute(
                    "INSERT INTO events (at, kind, text) VALUES (?, ?, ?)",
                    (event.at, event.kind, event.text),
                )
            execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        return duplicates

    def save(self, at: int, state: Mapping[str, Any]) -> None:
        """Save a snapshot in place of the oldest one."""
        blob = zlib.compress(json.dumps(state, separators=(",", ":")).encode())
        checksum = hashlib.sha256(blob).hexdigest()
        execute = self.connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            execute(
                "DELETE FROM snapshots WHERE at NOT IN"
                " (SELECT at FROM snapshots ORDER BY at DESC LIMIT ?)",
                (_MAX_SNAPSHOTS - 1,),
            )
            execute(
                "INSERT OR REPLACE INTO snapshots (at, checksum, state) VALUES (?, ?, ?)",
                (at, checksum, blob),
            )
            execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise

    def alarms_on(self) -> list[AlarmKey]:
        """Return the alarms that have not ended."""
        return self.connection.execute(
            "SELECT at, kind FROM alarms WHERE over_at IS NULL"
        ).fetchall()

    def since_snapshot(self, limit: int) -> int:
        """Return the number of minutes after the last snapshot, at most `limit`."""
        (count,) = self.connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM steps WHERE at >"
            " coalesce((SELECT max(at) FROM snapshots), -9e18) LIMIT ?)",
            (limit,),
        ).fetchone()
        return int(count)

    def _roll_back(self) -> None:
        # After some errors, SQLite has already rolled back.
        if self.connection.in_transaction:
            with suppress(sqlite3.Error):
                self.connection.execute("ROLLBACK")


def settings_of(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the recorded settings; those of a damaged file in any form that is text."""
    rows = connection.execute("SELECT key, value FROM settings").fetchall()
    return {str(key): str(value) for key, value in rows}


def differences(recorded: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Describe the settings that differ from the recorded ones, each on one line.

    A recording without settings is new, and differs in nothing.

    >>> differences({"confidence": "0.9", "gaps": "skip"}, {"confidence": "0.8", "gaps": "skip"})
    ['confidence is 0.8, was 0.9']
    """
    if not recorded:
        return []
    return [
        f"{printable(key)} is {wanted.get(key, 'not set')}, "
        f"was {printable(recorded.get(key, 'not set'))}"
        for key in sorted(recorded.keys() | wanted.keys())
        if key not in ("source", "meter") and recorded.get(key) != wanted.get(key)
    ]


def snapshots_of(connection: sqlite3.Connection) -> tuple[list[SavedState], int]:
    """Return the intact snapshots, newest first, and the number of damaged ones."""
    rows = connection.execute("SELECT at, checksum, state FROM snapshots ORDER BY at DESC")
    whole: list[SavedState] = []
    damaged = 0
    for at, checksum, blob in rows.fetchall():
        try:
            if hashlib.sha256(blob).hexdigest() != checksum:
                raise ValueError("the checksum differs")
            state = json.loads(zlib.decompress(blob))
            if seconds_of(datetime.fromisoformat(state["last_at"]))[0] != at:
                raise ValueError("the time differs")
            whole.append(SavedState(at, state))
        except (LookupError, TypeError, ValueError, zlib.error):
            damaged += 1
    return whole, damaged


def minute_of(step: Step, on: Iterable[AlarmKey]) -> tuple[Minute, list[AlarmKey]]:
    """Convert a step to rows; returns them and the alarms that are active with it.

    Args:
        step: a step whose reading's time has a zone.
        on: the alarms that were active before it.

    Raises:
        RecordError: the time cannot be recorded.
    """
    at, utc_offset = seconds_of(step.reading.at)
    settled, forecast = step.settled, step.forecast
    row = (
        at,
        utc_offset,
        step.reading.kw,
        *(
            (None,) * 5
            if settled is None
            else (settled.kw, settled.low_kw, settled.high_kw, settled.median_kw, settled.frozen_kw)
        ),
        *((None,) * 3 if forecast is None else (forecast.kw, forecast.low_kw, forecast.high_kw)),
        step.gap_minutes,
    )
    alarms = {(seconds_of(alarm.at)[0], alarm.kind): alarm for alarm in step.alarms}
    before = list(on)
    raised = tuple(
        (*key, alarm.text, _size(alarm)) for key, alarm in alarms.items() if key not in before
    )
    over = tuple(key for key in before if key not in alarms)
    return Minute(at, row, raised, over), list(alarms)


def _size(alarm: Alarm) -> float:
    # SQLite has no NaN, and would reject the row.
    return math.inf if math.isnan(alarm.size) else alarm.size
