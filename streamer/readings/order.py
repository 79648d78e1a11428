"""Order of readings, and the minutes missing between them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from streamer.errors import ReadingError
from streamer.readings import MINUTE, Reading
from streamer.readings.arrays import IntArray, TimeArray
from streamer.readings.blocks import ReadingBlock


def check(reading: Reading, before: datetime | None) -> int:
    """Check one reading against the time of the one before.

    Args:
        reading: the reading.
        before: time of the reading before it, if any.

    Returns:
        Number of minutes missing before it.

    Raises:
        ReadingError: its value is not finite, or its time is not after that of the last one.
    """
    if not math.isfinite(reading.kw):
        raise ReadingError(f"reading at {reading.at} is {reading.kw}, not a finite number")
    if before is None:
        return 0
    try:
        advances = reading.at > before
    except TypeError:
        raise ReadingError(
            f"reading at {reading.at} follows {before}: times with and without a zone "
            "cannot be compared"
        ) from None
    if not advances:
        raise ReadingError(f"reading at {reading.at} does not come after {before}")
    return missing_minutes(before, reading.at)


def check_all(readings: Sequence[Reading], before: datetime | None) -> IntArray:
    """Check consecutive readings.

    Returns:
        (readings,) the number of minutes missing before each.

    Raises:
        ReadingError: as for `check`, for the first invalid reading.
    """
    if isinstance(readings, ReadingBlock) and _in_order(readings):
        first = [check(readings[0], before)] if readings else []
        return np.concatenate([np.array(first, np.int64), missing_before_each(readings.at)])
    missing = np.zeros(len(readings), np.int64)
    for row, reading in enumerate(readings):
        missing[row] = check(reading, before)
        before = reading.at
    return missing


def _in_order(block: ReadingBlock) -> bool:
    return bool(np.isfinite(block.kw).all() and (np.diff(block.at) > np.timedelta64(0)).all())


def missing_minutes(before: datetime, after: datetime) -> int:
    """Minutes missing between two consecutive readings.

    >>> missing_minutes(datetime(2010, 3, 20, 3, 51), datetime(2010, 3, 20, 3, 54))
    2
    """
    apart = after - before
    return 0 if apart == MINUTE else max(0, round(apart / MINUTE) - 1)


def missing_before_each(at: TimeArray) -> IntArray:
    """Minutes missing before each of (readings,) times but the first.

    >>> missing_before_each(np.array(["2010-03-20T03:51", "2010-03-20T03:54"], "datetime64[s]"))
    array([2])
    """
    apart = np.diff(at) / np.timedelta64(1, "m")
    return np.maximum(0, np.rint(apart).astype(np.int64) - 1)
