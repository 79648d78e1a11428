"""Saved states of the pipeline in a recording, with checksums."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from streamer.errors import RecordError
from streamer.recording.connection import MAX_ROW, rows_up_to, transaction
from streamer.recording.rows import seconds_of

_MAX_SNAPSHOTS = 2
_MAX_SNAPSHOT = 2 * 1024 * 1024
"""Bytes of a compressed state, and of its row; usual are some 50,000."""
_MAX_STATE = 4 * 1024 * 1024
"""Bytes of a state as JSON; usual are some 160,000."""


@dataclass(frozen=True, slots=True)
class SavedState:
    """A snapshot of the pipeline's state, and the time of the last reading before it."""

    at: int
    state: dict[str, Any]


def save_state(connection: sqlite3.Connection, at: int, state: Mapping[str, Any]) -> None:
    """Save a snapshot in place of the oldest one.

    Args:
        connection: connection to the recording, for writing.
        at: time of the last reading before it, in Unix seconds.
        state: the state.

    Raises:
        RecordError: the state is so big that it could not be read again.
        sqlite3.Error: it cannot be written.
    """
    text = json.dumps(state, separators=(",", ":")).encode()
    blob = zlib.compress(text)
    if len(text) > _MAX_STATE or len(blob) > _MAX_SNAPSHOT - MAX_ROW:
        raise RecordError(f"a state of {len(text)} bytes is too big to be saved")
    checksum = hashlib.sha256(blob).hexdigest()
    with rows_up_to(connection, _MAX_SNAPSHOT), transaction(connection):
        connection.execute(
            "DELETE FROM snapshots WHERE at NOT IN"
            " (SELECT at FROM snapshots ORDER BY at DESC LIMIT ?)",
            (_MAX_SNAPSHOTS - 1,),
        )
        connection.execute(
            "INSERT OR REPLACE INTO snapshots (at, checksum, state) VALUES (?, ?, ?)",
            (at, checksum, blob),
        )


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
