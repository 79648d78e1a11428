"""Alarms and events of a period, read from a recording."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from streamer.recording.database import InvalidValueError
from streamer.recording.rows import check_alarms
from streamer.reporting.clock import HouseClock

_MAX_ENTRIES = 10_000
"""Alarms and events read of a period."""

_MAX_TEXT = 1000
"""Characters read of their texts."""


@dataclass(frozen=True, slots=True)
class RaisedAlarm:
    """An alarm that was on in the period; `over_at` is None while it is on."""

    at: int
    kind: str
    text: str
    over_at: int | None


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """A recorded event: a connection lost or back, or a warning."""

    at: int
    kind: str
    text: str


def read_alarms(
    connection: sqlite3.Connection, clock: HouseClock, start: int, end: int
) -> tuple[RaisedAlarm, ...]:
    """Read the alarms that were on at some time of a period.

    Args:
        connection: connection to the recording.
        clock: the house's clock.
        start: beginning of the period in Unix seconds.
        end: end of the period, excluded.

    Raises:
        InvalidValueError: they are too many.
        OverflowError: a time cannot be shown as a date.
    """
    rows = connection.execute(
        "SELECT at, kind, CAST(substr(text, 1, ?) AS TEXT), over_at FROM alarms"
        " WHERE at < ? AND (over_at IS NULL OR over_at > ?) ORDER BY at LIMIT ?",
        (_MAX_TEXT, end, start, _MAX_ENTRIES + 1),
    )
    found = tuple(
        RaisedAlarm(
            _shown(clock, at),
            str(kind),
            str(text),
            None if over is None else _shown(clock, over),
        )
        for at, kind, text, over in rows
    )
    _check_number(found)
    check_alarms(sum(alarm.over_at is None for alarm in found))
    return found


def _shown(clock: HouseClock, at: int) -> int:
    """Check that a time can be shown as a date; raises OverflowError otherwise."""
    clock.local(at)
    return at


def read_events(connection: sqlite3.Connection, start: int, end: int) -> tuple[RecordedEvent, ...]:
    """Read the events between two times in Unix seconds.

    Raises:
        InvalidValueError: they are too many.
    """
    rows = connection.execute(
        "SELECT at, kind, CAST(substr(text, 1, ?) AS TEXT) FROM events"
        " WHERE at >= ? AND at < ? ORDER BY at, id LIMIT ?",
        (_MAX_TEXT, start, end, _MAX_ENTRIES + 1),
    )
    found = tuple(RecordedEvent(int(at), str(kind), str(text)) for at, kind, text in rows)
    _check_number(found)
    return found


def _check_number(found: Sequence[RaisedAlarm | RecordedEvent]) -> None:
    if len(found) > _MAX_ENTRIES:
        raise InvalidValueError(f"it has more than {_MAX_ENTRIES} alarms or events in the period")
