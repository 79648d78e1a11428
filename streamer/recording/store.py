"""Store: reading and writing of the rows of an open recording."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from streamer.display.lines import one_line, printable
from streamer.errors import RecordError
from streamer.recording.channels import add_channels
from streamer.recording.connection import transaction
from streamer.recording.database import (
    DamagedError,
    TransientError,
    check_pages,
    check_schema,
    explained,
    open_for_writing,
)
from streamer.recording.demandrows import write_demand
from streamer.recording.files import Files
from streamer.recording.minutes import AlarmKey, EventRow, Minute
from streamer.recording.notifications import Notification, write_notifications
from streamer.recording.racerows import write_race
from streamer.recording.registers import write_registers
from streamer.recording.rows import MAX_ALARMS, check_alarms
from streamer.recording.schema import COLUMNS, VERSION
from streamer.recording.states import save_state
from streamer.recording.versions import upgrade

_MAX_SETTINGS = 100
_CHECKSUM = re.compile(r"[0-9a-f]{64}")


def _insert(table: str) -> str:
    columns = COLUMNS[table]
    places = ", ".join("?" * len(columns.split(", ")))
    return f"INSERT INTO {table} ({columns}) VALUES ({places})"  # noqa: S608 - constants


_INSERT_STEP = f"{_insert('steps')} ON CONFLICT (at) DO NOTHING"
_INSERT_MEAN = f"{_insert('mean_forecasts')} ON CONFLICT DO NOTHING"
_INSERT_CHANNEL = f"{_insert('channel_values')} ON CONFLICT DO NOTHING"


class Store:
    """A recording that is open for writing.

    Args:
        path: the recording; it is created if it does not exist.
        full_check: as for `open_for_writing`.
        channels: units of the channels of all readings, by name and in order.

    Raises:
        RecordError: as `open_for_writing`.
    """

    def __init__(
        self, path: Path, *, full_check: bool = True, channels: Mapping[str, str] | None = None
    ) -> None:
        self.connection = open_for_writing(path, full_check=full_check)
        self._path = path
        self._last_at: int | None = None
        self._peaks: str | None = None
        self._channels = channels or {}
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
        notifications: Iterable[Notification] = (),
        forget: bool = False,
    ) -> int:
        """Write everything in one transaction, or nothing.

        Args:
            minutes: minutes; those whose time is already recorded are skipped.
            events: events.
            settings: replacement for the recorded settings, if given.
            notifications: notifications, each in place of its former state.
            forget: whether to delete the snapshots, which belong to other settings.

        Returns:
            The number of minutes that were already recorded.
        """
        duplicates = 0
        execute, execute_many = self.connection.execute, self.connection.executemany
        with transaction(self.connection):
            channels = add_channels(self.connection, self._channels) if self._channels else []
            if settings is not None:
                execute("DELETE FROM settings")
                execute_many("INSERT INTO settings (key, value) VALUES (?, ?)", settings.items())
            if forget:
                execute("DELETE FROM snapshots")
            last_at, peaks = self._last_at, self._peaks
            for minute in minutes:
                last_at = minute.at
                if execute(_INSERT_STEP, minute.row).rowcount:
                    execute_many(_INSERT_MEAN, minute.means)
                    write_race(self.connection, minute.at, minute.challengers)
                    write_demand(self.connection, minute.demand)
                    if minute.registers is not None:
                        register_row = minute.at, minute.registers, peaks
                        peaks = write_registers(self.connection, *register_row)
                    if channels:
                        values = zip(channels, minute.channels, strict=True)
                        execute_many(_INSERT_CHANNEL, [(minute.at, *value) for value in values])
                else:
                    duplicates += 1
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
            write_notifications(self.connection, notifications)
        self._last_at, self._peaks = last_at, peaks
        self.files.remember()
        return duplicates

    def save(self, at: int, state: Mapping[str, Any]) -> None:
        """Save a snapshot in place of the oldest one.

        Raises:
            RecordError: the state is so big that it could not be read again.
            sqlite3.Error: it cannot be written.
        """
        save_state(self.connection, at, state)
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

    def _has_last(self) -> bool:
        """Whether the last minute that was written is still there."""
        query = "SELECT 1 FROM steps WHERE at = ?"
        return (
            self._last_at is None
            or self.connection.execute(query, (self._last_at,)).fetchone() is not None
        )


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
        f"{printable(key)} is {_short(wanted.get(key, 'not set'))}, "
        f"was {_short(printable(recorded.get(key, 'not set')))}"
        for key in sorted(recorded.keys() | wanted.keys())
        if key not in ("source", "meter") and recorded.get(key) != wanted.get(key)
    ]


def _short(value: str) -> str:
    """A setting as it is, but for a checksum, whose first digits say enough."""
    return f"{value[:8]}…" if _CHECKSUM.fullmatch(value) else value
