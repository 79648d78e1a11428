"""Store: reading and writing of the rows of an open recording."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from streamer.display.lines import one_line, printable
from streamer.errors import RecordError
from streamer.recording.connection import MAX_ROW, rows_up_to
from streamer.recording.database import (
    DamagedError,
    TransientError,
    check_pages,
    check_schema,
    explained,
    open_for_writing,
)
from streamer.recording.files import Files
from streamer.recording.minutes import AlarmKey, EventRow, Minute
from streamer.recording.rows import MAX_ALARMS, check_alarms, seconds_of
from streamer.recording.schema import VERSION
from streamer.recording.versions import upgrade

_MAX_SNAPSHOTS = 2
_MAX_SNAPSHOT = 2 * 1024 * 1024
"""Bytes of a compressed state, and of its row; usual are some 50,000."""
_MAX_STATE = 4 * 1024 * 1024
"""Bytes of a state as JSON; usual are some 160,000."""
_MAX_SETTINGS = 100

_INSERT_STEP = """
INSERT INTO steps (
  at, utc_offset, actual_kw, solar_kw, battery_kw,
  forecast_kw, low_kw, high_kw, median_kw, frozen_kw,
  next_kw, next_low_kw, next_high_kw, next_median_kw, next_consumption_kw, next_solar_kw,
  gap_minutes
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (at) DO NOTHING
"""


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
        self._last_at: int | None = None
        with explained(path):
            self.files = Files(path)

    def check_contents(self) -> None:
        """Check the file after another program has changed it, perhaps rightly.

        Raises:
            TransientError: it cannot be read now.
            DamagedError: it is damaged, or does not contain the last minute that was written.
        """
        try:
            with explained(self._path):
                self.connection.execute("PRAGMA shrink_memory")  # what is in memory is no proof
                version = check_schema(self.connection, self._path)
                whole = version and self._has_last()
                check_pages(self.connection, self._path)
                if whole and version < VERSION:
                    upgrade(self.connection)
        except TransientError:
            raise
        except RecordError as error:
            raise DamagedError(f"{error}, changed by another program while it was open") from None
        if not whole:
            raise DamagedError(
                f"{one_line(self._path)} was overwritten by another program while it was open"
            )
        self.files.remember()

    def count(self) -> int | None:
        """Return the number of recorded minutes; None if it is unknown."""
        try:
            (count,) = self.connection.execute("SELECT count(*) FROM steps").fetchone()
        except sqlite3.Error:
            return None
        return int(count)

    def close(self, *, moved: bool = False) -> None:
        """Close the recording, in any state.

        Args:
            moved: whether the file or its log has another name now. SQLite would then leave
                the log, and the data in it would be lost.
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
            last_at = self._last_at
            for minute in minutes:
                last_at = minute.at
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
        self._last_at = last_at
        self.files.remember()
        return duplicates

    def save(self, at: int, state: Mapping[str, Any]) -> None:
        """Save a snapshot in place of the oldest one.

        Raises:
            RecordError: the state is so big that it could not be read again.
            sqlite3.Error: it cannot be written.
        """
        text = json.dumps(state, separators=(",", ":")).encode()
        blob = zlib.compress(text)
        if len(text) > _MAX_STATE or len(blob) > _MAX_SNAPSHOT - MAX_ROW:
            raise RecordError(f"a state of {len(text)} bytes is too big to be saved")
        checksum = hashlib.sha256(blob).hexdigest()
        with rows_up_to(self.connection, _MAX_SNAPSHOT):
            self._save(at, checksum, blob)
        self.files.remember()

    def alarms_on(self) -> list[AlarmKey]:
        """Return the alarms that have not ended.

        Raises:
            InvalidValueError: they are too many.
        """
        found = self.connection.execute(
            "SELECT at, kind FROM alarms WHERE over_at IS NULL LIMIT ?", (MAX_ALARMS + 1,)
        ).fetchall()
        check_alarms(len(found))
        return found

    def since_snapshot(self, limit: int) -> int:
        """Return the number of minutes after the last snapshot, at most `limit`."""
        (count,) = self.connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM steps WHERE at >"
            " coalesce((SELECT max(at) FROM snapshots), -9e18) LIMIT ?)",
            (limit,),
        ).fetchone()
        return int(count)

    def _save(self, at: int, checksum: str, blob: bytes) -> None:
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

    def _has_last(self) -> bool:
        """Whether the last minute that was written is still there."""
        query = "SELECT 1 FROM steps WHERE at = ?"
        return (
            self._last_at is None
            or self.connection.execute(query, (self._last_at,)).fetchone() is not None
        )

    def _roll_back(self) -> None:
        # After some errors, SQLite has already rolled back.
        if self.connection.in_transaction:
            with suppress(sqlite3.Error):
                self.connection.execute("ROLLBACK")


def settings_of(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the recorded settings; those of a damaged file in any form that is text."""
    rows = connection.execute("SELECT key, value FROM settings LIMIT ?", (_MAX_SETTINGS,))
    return {str(key): str(value) for key, value in rows.fetchall()}


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
    with rows_up_to(connection, _MAX_SNAPSHOT):
        rows = connection.execute(
            "SELECT at, checksum, state FROM snapshots ORDER BY at DESC LIMIT ?", (_MAX_SNAPSHOTS,)
        ).fetchall()
    whole: list[SavedState] = []
    damaged = 0
    for at, checksum, blob in rows:
        try:
            if hashlib.sha256(blob).hexdigest() != checksum:
                raise ValueError("the checksum differs")
            state = json.loads(_decompressed(blob))
            if seconds_of(datetime.fromisoformat(state["last_at"]))[0] != at:
                raise ValueError("the time differs")
            whole.append(SavedState(at, state))
        except (LookupError, RecordError, RecursionError, TypeError, ValueError, zlib.error):
            damaged += 1
    return whole, damaged


def _decompressed(blob: bytes) -> bytes:
    decompressor = zlib.decompressobj()
    state = decompressor.decompress(blob, _MAX_STATE)
    if not decompressor.eof:
        raise ValueError("the state is too big, or incomplete")
    return state
