"""Pages of a recording: the minutes of a span, for display while it is being written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from sqlite3 import Connection
from typing import TYPE_CHECKING, Any

from streamer.readings import Alarm
from streamer.recording.database import InvalidValueError, explained, open_for_reading
from streamer.recording.rows import time_of

if TYPE_CHECKING:
    from streamer.readings.bins import Bins

MAX_ALARMS = 10_000
"""Most alarms in a page; the later ones are left out."""

_MIN_AT, _MAX_AT = -62_135_510_400, 253_402_214_400
"""Bounds in Unix seconds: the years 1 to 9999, without their outermost days."""

_MAX_OFFSET_S = 86_400

_SUMS = """
SELECT min(at), utc_offset, count(*), total(actual_kw), count(point_kw), total(point_kw),
  total(low_kw), total(high_kw), count(solar_kw), total(solar_kw)
FROM steps WHERE at BETWEEN ? AND ?
"""  # `utc_offset` is that of the first minute: SQLite takes it from the row with the minimum

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

    def bins(self, start: int, seconds: int, count: int, *, before: int) -> Bins:
        """Sums over bins of so many seconds from `start` on, of the minutes before a time.

        Raises:
            RecordError: the recording does not exist, or cannot be read.
        """
        edges = [_bounded(start + i * seconds) for i in range(count + 1)]
        with self._reading() as connection:
            # A query a bin: grouping by an expression would sort all rows first.
            rows = [
                connection.execute(_SUMS, (first, min(last, before) - 1)).fetchone()
                for first, last in pairwise(edges)
            ]
            alarms = connection.execute(
                "SELECT at FROM alarms WHERE at >= ? AND at < ? LIMIT ?",
                (edges[0], min(edges[-1], before), MAX_ALARMS),
            ).fetchall()
            return _bins(rows, [(at - start) // seconds for (at,) in alarms])

    def utc_offset(self, before: int) -> int | None:
        """Offset from UTC in seconds at the last minute before a time; None if there is none.

        Raises:
            RecordError: the recording does not exist, or cannot be read.
        """
        with self._reading() as connection:
            row = connection.execute(
                "SELECT utc_offset FROM steps WHERE at >= ? AND at < ? ORDER BY at DESC LIMIT 1",
                (_MIN_AT, _bounded(before)),
            ).fetchone()
            return None if row is None else _offset(row[0])

    def alarm_before(self, at: int) -> Alarm | None:
        """The last alarm raised before a time.

        Raises:
            RecordError: the recording does not exist, or cannot be read.
        """
        return self._alarm(f"{_ALARM} DESC LIMIT 1", _MIN_AT, _bounded(at) - 1)

    def alarm_after(self, at: int) -> Alarm | None:
        """The first alarm raised after a time.

        Raises:
            RecordError: the recording does not exist, or cannot be read.
        """
        return self._alarm(f"{_ALARM} LIMIT 1", _bounded(at) + 1, _MAX_AT)

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
            offset = 0 if minute is None else _offset(minute[0])
            return Alarm(str(kind), time_of(at, offset), str(text), size)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with explained(self._path), closing(open_for_reading(self._path)) as connection:
            yield connection


def _bins(rows: Sequence[tuple[Any, ...]], alarms: Sequence[int]) -> Bins:
    # NumPy is not imported before the first picture of the dashboard.
    import numpy as np

    from streamer.readings.bins import Bins

    _, offsets, readings, kw, forecasts, *sums, sunny, solar = zip(*rows, strict=True)
    forecast_kw, low_kw, high_kw = (np.nan_to_num(np.array(each, np.float64)) for each in sums)
    return Bins(
        readings=np.array(readings, np.int64),
        kw=np.nan_to_num(np.array(kw, np.float64)),
        forecasts=np.array(forecasts, np.int64),
        forecast_kw=forecast_kw,
        low_kw=low_kw,
        high_kw=high_kw,
        sunny=np.array(sunny, np.int64),
        solar_kw=np.nan_to_num(np.array(solar, np.float64)),
        alarms=np.bincount(np.array(alarms, np.int64), minlength=len(rows)),
        utc_offset=np.array([0 if offset is None else _offset(offset) for offset in offsets]),
    )


def _offset(value: object) -> int:
    if not isinstance(value, int) or abs(value) > _MAX_OFFSET_S:
        raise InvalidValueError(f"{value!r} is not an offset from UTC")
    return value


def _bounded(at: int) -> int:
    return min(max(at, _MIN_AT), _MAX_AT)
