"""Channels of a recording: the quantities measured beside the power, by name."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from streamer.display.lines import one_line
from streamer.errors import RecordError
from streamer.recording.database import InvalidValueError

MAX_CHANNELS = 100
"""Most channels of a recording; a model takes a few."""


def recorded_channels(connection: sqlite3.Connection) -> dict[str, str]:
    """Names and units of the channels that a recording has, in the order of their appearance.

    Raises:
        InvalidValueError: they are too many.
    """
    rows = connection.execute(
        "SELECT CAST(name AS TEXT), CAST(unit AS TEXT) FROM channels ORDER BY id LIMIT ?",
        (MAX_CHANNELS + 1,),
    ).fetchall()
    if len(rows) > MAX_CHANNELS:
        raise InvalidValueError(f"it has more than {MAX_CHANNELS} channels")
    return dict(rows)


def check_units(connection: sqlite3.Connection, path: Path, channels: Mapping[str, str]) -> None:
    """Check that channels have the units in which they are recorded, if they are.

    Args:
        connection: connection to the recording.
        path: its path, for errors.
        channels: units by name.

    Raises:
        RecordError: one has another unit.
    """
    recorded = recorded_channels(connection)
    for name, unit in channels.items():
        was = recorded.get(name, unit)
        if was != unit:
            raise RecordError(
                f"{one_line(path)} has the channel {one_line(name)} in {one_line(was)}, not in "
                f"{one_line(unit)}; record to another file"
            )


def add_channels(connection: sqlite3.Connection, channels: Mapping[str, str]) -> list[int]:
    """Add channels to a recording that are not in it; returns the numbers of all in order.

    Args:
        connection: connection to the recording, within a transaction.
        channels: units by name.
    """
    connection.executemany(
        "INSERT INTO channels (name, unit) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
        channels.items(),
    )
    return _numbers(connection, channels)


class ChannelValues:
    """Values of some channels, minute by minute.

    Args:
        connection: connection to the recording.
        names: names of the channels, in the order of their values.
    """

    def __init__(self, connection: sqlite3.Connection, names: Sequence[str]) -> None:
        self._connection = connection
        self._places = {number: i for i, number in enumerate(_numbers(connection, names))}
        self._count = len(names)

    def between(self, first: int, last: int) -> dict[int, list[float | None]]:
        """The values by time, from one time in Unix seconds to another, both included.

        Minutes without any of the channels are left out; a value that is not known is None.

        Raises:
            InvalidValueError: one of them is not a number.
        """
        rows = self._connection.execute(
            "SELECT at, channel, value FROM channel_values WHERE at BETWEEN ? AND ? ORDER BY at",
            (first, last),
        )
        return {at: self._of(group) for at, group in groupby(rows, itemgetter(0))}

    def _of(self, rows: Iterable[tuple[int, int, object]]) -> list[float | None]:
        values: list[float | None] = [None] * self._count
        for _, channel, value in rows:
            place = self._places.get(channel)
            if place is not None:
                if not isinstance(value, float):
                    raise InvalidValueError(f"{str(value)[:40]!r} is not the value of a channel")
                values[place] = value
        return values


def _numbers(connection: sqlite3.Connection, names: Iterable[str]) -> list[int]:
    """Numbers of channels; 0 for one that is not recorded."""
    query = "SELECT id FROM channels WHERE name = ?"
    found = [connection.execute(query, (name,)).fetchone() for name in names]
    return [0 if row is None else int(row[0]) for row in found]
