"""Pages of a recording: the minutes of a span, for display while it is being written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import Connection

from streamer.readings import Alarm
from streamer.readings.minutes import Minutes, minutes_of
from streamer.recording.database import InvalidValueError, explained, open_for_reading
from streamer.recording.rows import time_of

MAX_ROWS = 100_000
"""Most minutes in a page; the later ones are left out."""

_MIN_AT, _MAX_AT = -62_135_510_400, 253_402_214_400
"""Bounds in Unix seconds: the years 1 to 9999, without their outermost days."""

_MAX_OFFSET_S = 86_400

_ALARM = "SELECT at, kind, text, size FROM alarms WHERE at BETWEEN ? AND ? ORDER BY at"


class RecordingPages:
    """Reads spans of a recording, each with a connection of its own.

    So the file may be moved or replaced, and no reader keeps the writer from cleaning up its log.
    Nothing is read before the first call. All times are Unix seconds.

    Args:
        path: the recording; need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def first_at(self) -> int | None:
        """Time of the oldest minute; None if there is none.

        Raises:
            RecordError: the recording does not exist, or cannot be read.
        """
        with self._reading() as connection:
            (at,) = connection.execute(
                "SELECT min(at) FROM steps WHERE at >= ?", (_MIN_AT,)
            ).fetchone()
        return None if at is None or at > _MAX_AT else int(at)

    def minutes(self, start: int, end: int) -> Minutes:
        """Minutes from `start` on and before `end`, at most `MAX_ROWS`.

        Raises:
            RecordError: the recording does not exist, or cannot be read.
        """
        span = max(start, _MIN_AT), min(end, _MAX_AT) - 1
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT at, utc_offset, actual_kw, forecast_kw, low_kw, high_kw FROM steps"
                " WHERE at BETWEEN ? AND ? ORDER BY at LIMIT ?",
                (*span, MAX_ROWS),
            ).fetchall()
            alarms = connection.execute(
                "SELECT at FROM alarms WHERE at BETWEEN ? AND ? ORDER BY at LIMIT ?",
                (*span, MAX_ROWS),
            ).fetchall()
            try:
                minutes = minutes_of(rows, (at for (at,) in alarms))
            except (TypeError, ValueError, OverflowError) as error:
                raise InvalidValueError(f"a minute is not made of numbers: {error}") from None
            if (abs(minutes.utc_offset) > _MAX_OFFSET_S).any():
                raise InvalidValueError("a minute is more than a day from UTC")
        return minutes

    def alarm_before(self, at: int) -> Alarm | None:
        """The last alarm raised before a time.

        Raises:
            RecordError: the recording does not exist, or cannot be read.
        """
        return self._alarm(f"{_ALARM} DESC LIMIT 1", _MIN_AT, min(at, _MAX_AT) - 1)

    def alarm_after(self, at: int) -> Alarm | None:
        """The first alarm raised after a time.

        Raises:
            RecordError: the recording does not exist, or cannot be read.
        """
        return self._alarm(f"{_ALARM} LIMIT 1", max(at, _MIN_AT) + 1, _MAX_AT)

    def _alarm(self, query: str, start: int, end: int) -> Alarm | None:
        with self._reading() as connection:
            row = connection.execute(query, (start, end)).fetchone()
            if row is None:
                return None
            at, kind, text, size = row
            if not isinstance(size, float):
                raise InvalidValueError(f"{size!r} is not the size of an alarm")
            minute = connection.execute(
                "SELECT utc_offset FROM steps WHERE at = ?", (at,)
            ).fetchone()
            offset = 0 if minute is None else minute[0]
            return Alarm(str(kind), time_of(at, offset), str(text), size)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with explained(self._path), closing(open_for_reading(self._path)) as connection:
            yield connection
