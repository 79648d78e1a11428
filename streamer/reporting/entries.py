"""Alarms, events and loads of a period, read from a recording."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from streamer.recording.database import InvalidValueError
from streamer.recording.rows import check_alarms, time_of
from streamer.reporting.clock import HouseClock

_MAX_ENTRIES = 10_000
"""Alarms and events read of a period."""

_MAX_TEXT = 1000
"""Characters read of their texts."""

_MAX_LOADS = 20_000
_MAX_KW = 1e6


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


class Load(NamedTuple):
    """A load that was switched on and off.

    Attributes:
        at: the minute in which the power rose, in Unix seconds.
        kw: by how much, in kW.
        minutes: how long it was on.
    """

    at: int
    kw: float
    minutes: int


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


def read_loads(connection: sqlite3.Connection, start: int, end: int) -> tuple[Load, ...]:
    """Read the loads that were switched off between two times in Unix seconds.

    Raises:
        InvalidValueError: a row is not one that a recorder writes.
    """
    rows = connection.execute(
        "SELECT at, kw, off_at FROM switching_events WHERE off_at >= ? AND off_at < ?"
        " ORDER BY at LIMIT ?",
        (start, end, _MAX_LOADS),
    )
    return tuple(_load(*row) for row in rows)


def _check_number(found: Sequence[RaisedAlarm | RecordedEvent]) -> None:
    if len(found) > _MAX_ENTRIES:
        raise InvalidValueError(f"it has more than {_MAX_ENTRIES} alarms or events in the period")


def _load(at: int, kw: object, off_at: int) -> Load:
    time_of(at, 0)
    if not isinstance(kw, float) or not 0.0 < kw <= _MAX_KW:
        raise InvalidValueError(f"{str(kw)[:40]!r} is not the power of a load")
    if not isinstance(off_at, int) or off_at < at:
        raise InvalidValueError(f"{str(off_at)[:40]!r} is not the end of a load")
    return Load(at, kw, (off_at - at) // 60)
