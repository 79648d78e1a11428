"""Notifications in a recording, which outlive the program that makes them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from streamer.recording.database import InvalidValueError, explained, open_for_reading
from streamer.recording.rows import MAX_ALARMS, time_of
from streamer.recording.schema import COLUMNS

MAX_READ = 20_000
"""Most notifications that are read: those of some years."""

MAX_TEXT = 4000
"""Characters of a title or a text that are recorded."""

_MAX_RECEIVERS = 100
_STATES = "waiting", "sent", "expired", "withheld"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One receiver of a notification.

    Attributes:
        receiver: digest of its address.
        attempts: number of attempts so far.
        sent_at: when the receiver has taken it, in Unix seconds; None until then.
    """

    receiver: str
    attempts: int = 0
    sent_at: int | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """A message to people, from its making to its end.

    All times are Unix seconds of the wall clock.

    Attributes:
        key: meter, kind and time of what it is about; there is one notification for each key.
        kind: its kind.
        created: when it was made.
        expires: from then on it is of no use, and is not sent.
        title: its title, one line.
        text: its text.
        size: that of the alarm; None without one.
        state: one of the states below.
        deliveries: its receivers.
    """

    key: str
    kind: str
    created: int
    expires: int
    title: str
    text: str
    size: float | None = None
    state: str = "waiting"
    deliveries: tuple[Delivery, ...] = ()

    WAITING = "waiting"
    """At least one receiver has not taken it yet."""
    SENT = "sent"
    """All receivers have taken it."""
    EXPIRED = "expired"
    """A receiver had not taken it in time."""
    WITHHELD = "withheld"
    """It was not sent, to keep to a limit."""


@dataclass(frozen=True, slots=True)
class RecordedAlarm:
    """A recorded alarm.

    Attributes:
        kind: its kind.
        at: minute of the reading at which it was raised, on the house's clock.
        text: one line about it.
        size: score as a multiple of the threshold of its kind.
        until: end of the demand interval that it is about, in Unix seconds; None for others.
    """

    kind: str
    at: datetime
    text: str
    size: float
    until: int | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What a recording has for notifications.

    Attributes:
        notifications: the notifications, in the order in which they were made.
        alarms: alarms, in order of time.
        last_at: its last minute, on the house's clock; None if there is none.
    """

    notifications: Sequence[Notification] = ()
    alarms: Sequence[RecordedAlarm] = ()
    last_at: datetime | None = None


class KeptNotifications:
    """Notifications in a recording that is being written.

    They are read by a connection of its own, and written by the recorder, within its
    transactions: a second writer would hold up the stream, and each of its changes would make
    the recorder check the whole file.

    Args:
        path: the recording.
        keep: writes notifications, as the recorder's `keep`.
    """

    def __init__(self, path: Path, keep: Callable[[Iterable[Notification]], bool]) -> None:
        self._path, self._keep = path, keep

    def read(self, since: int, alarms_since: int) -> Kept:
        """Read notifications and alarms.

        Args:
            since: time in Unix seconds; notifications made before it are left out.
            alarms_since: alarms raised before it are left out, and of many the first ones.

        Raises:
            RecordError: the recording cannot be read.
        """
        with explained(self._path), closing(open_for_reading(self._path)) as connection:
            connection.execute("BEGIN")
            return Kept(
                read_notifications(connection, since),
                _read_alarms(connection, alarms_since),
                _last_at(connection),
            )

    def write(self, notifications: Iterable[Notification]) -> bool:
        """Write notifications, each in place of its former state; waits for the disk.

        Returns:
            Whether they are on the disk. If not, the recorder writes them as soon as it can.
        """
        return self._keep(notifications)


def _upsert(table: str, key: str) -> str:
    columns = COLUMNS[table].split(", ")
    places = ", ".join("?" * len(columns))
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns)
    return (
        f"INSERT INTO {table} ({COLUMNS[table]}) VALUES ({places})"  # noqa: S608 - constants
        f" ON CONFLICT ({key}) DO UPDATE SET {changes}"
    )


_WRITE = _upsert("notifications", "key")
_WRITE_DELIVERY = _upsert("deliveries", "key, receiver")


def write_notifications(
    connection: sqlite3.Connection, notifications: Iterable[Notification]
) -> None:
    """Write notifications within a transaction, each in place of its former state.

    Raises:
        sqlite3.Error: they cannot be written.
    """
    for each in notifications:
        connection.execute(
            _WRITE,
            (
                *(each.key, each.kind, each.created, each.expires, each.size),
                *(each.title[:MAX_TEXT], each.text[:MAX_TEXT], each.state),
            ),
        )
        connection.executemany(
            _WRITE_DELIVERY,
            [(each.key, to.receiver, to.attempts, to.sent_at) for to in each.deliveries],
        )


def read_notifications(connection: sqlite3.Connection, since: int) -> list[Notification]:
    """Read the notifications made since a time in Unix seconds, in their order.

    Raises:
        InvalidValueError: there is one that no recorder writes.
        sqlite3.Error: they cannot be read.
    """
    rows = connection.execute(
        f"SELECT {COLUMNS['notifications']} FROM notifications WHERE created >= ?"  # noqa: S608
        " ORDER BY created DESC, id DESC LIMIT ?",
        (since, MAX_READ),
    ).fetchall()
    found = []
    for key, kind, created, expires, size, title, text, state in reversed(rows):
        if state not in _STATES:
            raise InvalidValueError(f"{str(state)[:40]!r} is not the state of a notification")
        deliveries = connection.execute(
            "SELECT receiver, attempts, sent_at FROM deliveries WHERE key = ?"
            " ORDER BY receiver LIMIT ?",
            (key, _MAX_RECEIVERS),
        ).fetchall()
        found.append(
            Notification(
                key=str(key),
                kind=str(kind),
                created=_whole(created),
                expires=_whole(expires),
                title=str(title),
                text=str(text),
                size=None if size is None else _size(size),
                state=state,
                deliveries=tuple(
                    Delivery(str(to), _whole(attempts), None if at is None else _whole(at))
                    for to, attempts, at in deliveries
                ),
            )
        )
    return found


_ALARMS = """
SELECT a.kind, a.at, s.utc_offset, a.text, a.size,
  (SELECT max(d.at + 60 * d.minutes) FROM demand_intervals AS d
   WHERE d.at > a.at - 86400 AND d.at <= a.at AND d.warned_at = a.at)
FROM alarms AS a JOIN steps AS s USING (at) WHERE a.at >= ? ORDER BY a.at LIMIT ?
"""


def _read_alarms(connection: sqlite3.Connection, since: int) -> list[RecordedAlarm]:
    rows = connection.execute(_ALARMS, (since, MAX_ALARMS)).fetchall()
    return [
        RecordedAlarm(
            str(kind),
            time_of(at, utc_offset),
            str(text),
            _size(size),
            None if until is None else _whole(until),
        )
        for kind, at, utc_offset, text, size, until in rows
    ]


def _last_at(connection: sqlite3.Connection) -> datetime | None:
    row = connection.execute("SELECT at, utc_offset FROM steps ORDER BY at DESC LIMIT 1").fetchone()
    return None if row is None else time_of(*row)


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise InvalidValueError(f"{str(value)[:40]!r} is not a whole number")
    return value


def _size(value: object) -> float:
    # It is infinite for an alarm whose size is not known.
    if not isinstance(value, float):
        raise InvalidValueError(f"{str(value)[:40]!r} is not the size of an alarm")
    return value
