"""Minutes as arrays: readings, the forecasts for them, and their alarms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np

from streamer.readings.arrays import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Minutes:
    """Minutes in order of time, as arrays of one length.

    Attributes:
        at: (minutes,) their beginnings, as by `readings.seconds.seconds_of`.
        utc_offset: (minutes,) seconds that local time is ahead of `at`.
        kw: (minutes,) the readings in kW.
        forecast_kw: (minutes,) the forecasts for them; NaN where there was none.
        low_kw: (minutes,) low ends of the forecasts' bands; NaN likewise.
        high_kw: (minutes,) high ends of these bands.
        alarm: (minutes,) whether an alarm was raised at the reading.
    """

    at: IntArray
    utc_offset: IntArray
    kw: FloatArray
    forecast_kw: FloatArray
    low_kw: FloatArray
    high_kw: FloatArray
    alarm: BoolArray

    def __len__(self) -> int:
        return len(self.at)

    def between(self, start: int, end: int) -> Minutes:
        """Those from one time on that are before another one, without a copy."""
        first, last = np.searchsorted(self.at, (start, end))
        return Minutes(*(getattr(self, field.name)[first:last] for field in fields(self)))


def joined(parts: Sequence[Minutes]) -> Minutes:
    """Minutes of several parts, which are in order of time; at least one part."""
    if len(parts) == 1:
        return parts[0]
    columns = ([getattr(part, field.name) for part in parts] for field in fields(Minutes))
    return Minutes(*map(np.concatenate, columns))


def minutes_of(
    rows: Iterable[tuple[int, int, float, float | None, float | None, float | None]],
    alarms: Iterable[int] = (),
) -> Minutes:
    """Minutes from rows in order of time.

    Args:
        rows: `at`, `utc_offset`, `kw`, `forecast_kw`, `low_kw` and `high_kw` of each.
        alarms: times at which an alarm was raised.

    Raises:
        ValueError: a value is not a number.
        TypeError: likewise.
        OverflowError: a whole number is out of range.
    """
    times, offsets, *powers = list(zip(*rows, strict=True)) or [()] * 6
    at, raised = np.array(times, np.int64), np.array(list(alarms), np.int64)
    kw, forecast_kw, low_kw, high_kw = map(_powers, powers)
    utc_offset = np.array(offsets, np.int64)
    return Minutes(at, utc_offset, kw, forecast_kw, low_kw, high_kw, np.isin(at, raised))


def _powers(column: Sequence[float | None]) -> FloatArray:
    with np.errstate(over="ignore"):
        return np.array(column, np.float64).astype(np.float32)
