"""Meter of a recording, and its comparison with the one to record from."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

from streamer.display.lines import one_line, printable
from streamer.errors import RecordError
from streamer.recording.store import settings_of


class OtherMeterError(RecordError):
    """A recording is of another meter than the one to record from.

    Args:
        path: the recording.
        was: the recorded meter.
        wanted: the meter to record from.
    """

    exit_code = 2

    def __init__(self, path: Path, was: str, wanted: str) -> None:
        super().__init__(
            f"{one_line(path)} was recorded from {was}, not from {printable(wanted)}: record to "
            "another file, or give --allow-other-meter once if the meter only has a new address"
        )


def other_meter(recorded: Mapping[str, str], wanted: Mapping[str, str]) -> str | None:
    """Return the recorded meter if it is another one than wanted.

    Recordings of version 0.2 have no `meter`; of them, `source` is compared, which contains no
    options. Nothing is compared where either is missing.

    >>> other_meter({"meter": "mqtt://broker/a?path=p"}, {"meter": "mqtt://broker/b?path=p"})
    'mqtt://broker/a?path=p'
    >>> other_meter({"source": "mqtt://broker/a"}, {"source": "mqtt://broker/a", "meter": "…"})
    """
    name = "meter" if "meter" in recorded else "source"
    if "meter" not in wanted or name not in recorded:
        return None
    was = printable(recorded[name])
    return None if was == printable(wanted.get(name, was)) else was


def recorded_meter(connection: sqlite3.Connection, wanted: Mapping[str, str]) -> str | None:
    """Return the meter of a recording if it is another one than wanted, and has any minute.

    Args:
        connection: connection to the recording.
        wanted: the settings to record with.

    Raises:
        sqlite3.Error: the recording cannot be read.
    """
    was = other_meter(settings_of(connection), wanted)
    has_minutes = connection.execute("SELECT 1 FROM steps LIMIT 1").fetchone() is not None
    return was if has_minutes else None


def check_meter(connection: sqlite3.Connection, path: Path, wanted: Mapping[str, str]) -> None:
    """Check that a recording is of the wanted meter.

    Raises:
        OtherMeterError: it is of another one.
        sqlite3.Error: the recording cannot be read.
    """
    was = recorded_meter(connection, wanted)
    if was is not None:
        raise OtherMeterError(path, was, wanted["meter"])
