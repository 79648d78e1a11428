"""Times of the rows of a frame: one a minute, in order, with a zone or without."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import narwhals as nw
import numpy as np

from streamer.display.durations import apart
from streamer.display.lines import one_line
from streamer.errors import ReadingError, UsageError
from streamer.readings.arrays import IntArray, TimeArray

_MIN_APART_S = 30.0
"""Rows that are closer than this are of the same minute."""

_MAX_USUAL_S = 90.0
"""Rows that are usually further apart than this are no minutes."""


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """Times of the rows.

    Attributes:
        name: name of the column, for errors.
        local: (rows,) times by the clock of their zone, or the only ones there are.
        utc: (rows,) the same in UTC; `local` without a zone.
        has_zone: whether they have a zone.
    """

    name: str
    local: TimeArray
    utc: TimeArray
    has_zone: bool

    def datetimes(self, rows: IntArray) -> list[datetime]:
        """Those of some rows, with the offset of each from UTC if they have a zone."""
        at = self.local[rows]
        plain: list[datetime] = at.tolist()
        if not self.has_zone:
            return plain
        # Offsets instead of the zone: times of the same zone are compared by the clock, which
        # repeats an hour in autumn.
        seconds = ((at - self.utc[rows]) // np.timedelta64(1, "s")).astype(np.int64)
        zones = {each: timezone(timedelta(seconds=each)) for each in set(seconds.tolist())}
        return [
            each.replace(tzinfo=zones[offset])
            for each, offset in zip(plain, seconds.tolist(), strict=True)
        ]

    def text(self, row: int) -> str:
        """A row by its place and time, for errors."""
        return f"row {row} ({self.local[row].item():%Y-%m-%d %H:%M:%S})"


def read_times(series: nw.Series[Any], name: str) -> Times:
    """Read the times of a frame.

    Args:
        series: the column.
        name: its name, for errors.

    Raises:
        UsageError: it has no times, or no rows of single minutes.
        ReadingError: a time is missing, is not after the one before, or is of the same minute.
    """
    dtype = series.dtype
    if not isinstance(dtype, nw.Datetime):
        raise UsageError(
            f"column {name} has values of type {one_line(dtype)}, not times; convert them first, "
            "such as by pandas.to_datetime or polars' str.to_datetime"
        )
    missing = np.asarray(series.is_null().to_numpy(), np.bool_)
    if missing.any():
        row = int(np.argmax(missing))
        raise ReadingError(f"row {row}: column {name} has no time; drop the row, or give its time")
    has_zone = dtype.time_zone is not None
    local = _array(series.dt.replace_time_zone(None) if has_zone else series)
    utc = local
    if has_zone:
        utc = _array(series.dt.convert_time_zone("UTC").dt.replace_time_zone(None))
    times = Times(name, local, utc, has_zone)
    _check(times)
    return times


def _array(series: nw.Series[Any]) -> TimeArray:
    return np.asarray(series.to_numpy()).astype("datetime64[us]")


def _check(times: Times) -> None:
    seconds = np.diff(times.utc) / np.timedelta64(1, "s")
    close = seconds < _MIN_APART_S
    if close.any():
        row = int(np.argmax(close)) + 1
        raise ReadingError(_too_close(times, row, float(seconds[row - 1])))
    # Most rows may be missing between a few, so that the usual distance is that of a quarter.
    usual = float(np.quantile(seconds, 0.25, method="lower")) if len(seconds) else 0.0
    if usual > _MAX_USUAL_S:
        raise UsageError(
            f"column {times.name}: rows are {apart(usual)} apart, but single minutes are forecast; "
            "give a row for each minute"
        )


def _too_close(times: Times, row: int, seconds: float) -> str:
    here, before = times.text(row), times.text(row - 1)
    if seconds == 0.0:
        return (
            f"{here}: column {times.name} has the same time as {before}; keep one row for each "
            "minute"
        )
    if seconds < 0.0:
        zone = "" if times.has_zone else ", or give times with a zone if a clock was set back"
        return f"{here}: column {times.name} is before {before}; sort the rows by time{zone}"
    return (
        f"{here}: column {times.name} is {apart(seconds)} after {before}; give the mean of each "
        "minute as one row"
    )
