"""Order of readings, and the minutes missing between them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np

from streamer.errors import ReadingError
from streamer.readings import MINUTE, Reading
from streamer.readings.arrays import IntArray, TimeArray
from streamer.readings.blocks import ReadingBlock
from streamer.readings.coercion import coerced


def checked(
    reading: Reading, before: datetime | None, channels: Sequence[str] = ()
) -> tuple[Reading, int]:
    """Check one reading against the time of the one before.

    Args:
        reading: the reading.
        before: time of the reading before it, if any.
        channels: names of the channels that each reading has to have; those of a reading are
            ignored if none is needed.

    Returns:
        The reading with plain types, and the number of minutes missing before it.

    Raises:
        ReadingError: one of its powers or channels is not a finite number, its time is not a
            `datetime`, or not after that of the last one, or it has not as many channels as
            are needed.
    """
    reading = coerced(reading)
    return reading, _missing(reading, before, channels)


def _missing(reading: Reading, before: datetime | None, channels: Sequence[str]) -> int:
    # A sum is not finite if any of its terms is not.
    if not math.isfinite(reading.consumption_kw):
        raise ReadingError(_not_finite(reading))
    if channels and len(reading.channels) != len(channels):
        raise ReadingError(
            f"reading at {reading.at} has {len(reading.channels)} channels; the model takes "
            f"{len(channels)}: {', '.join(channels)}"
        )
    if reading.channels and not all(map(math.isfinite, reading.channels)):
        place = next(i for i, value in enumerate(reading.channels) if not math.isfinite(value))
        raise ReadingError(
            f"channel {place + 1} of reading at {reading.at} is {reading.channels[place]}, not a "
            "finite number"
        )
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


def _not_finite(reading: Reading) -> str:
    """The message about a reading with a power that is not finite."""
    powers = {"": reading.kw, "solar power of ": reading.solar_kw}
    powers["battery power of "] = reading.battery_kw
    for name, kw in powers.items():
        if kw is not None and not math.isfinite(kw):
            return f"{name}reading at {reading.at} is {kw}, not a finite number"
    return f"powers of reading at {reading.at} are too large to be added up"


def all_checked(
    readings: Iterable[Reading], before: datetime | None, channels: Sequence[str] = ()
) -> tuple[Sequence[Reading], IntArray]:
    """Check consecutive readings.

    Returns:
        The readings with plain types, and (readings,) the number of minutes missing before each.

    Raises:
        ReadingError: as for `checked`, for the first invalid reading.
    """
    if isinstance(readings, ReadingBlock):
        return readings, check_block(readings, before, channels)
    plain = list(map(coerced, readings))
    missing = np.zeros(len(plain), np.int64)
    for row, reading in enumerate(plain):
        missing[row] = _missing(reading, before, channels)
        before = reading.at
    return plain, missing


def check_block(
    block: ReadingBlock, before: datetime | None, channels: Sequence[str] = ()
) -> IntArray:
    """Check a block of readings.

    Returns:
        (readings,) the number of minutes missing before each.

    Raises:
        ReadingError: as for `checked`, for the first invalid reading.
    """
    if not _in_order(block):
        # It raises the error of the first invalid reading.
        all_checked(list(block), before, channels)
    first = [checked(block[0], before, channels)[1]] if block else []
    return np.concatenate([np.array(first, np.int64), missing_before_each(block.at)])


def _in_order(block: ReadingBlock) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        finite = np.isfinite(block.consumption_kw).all()
        if block.channels is not None:
            finite &= np.isfinite(block.channels).all()
    return bool(finite and (np.diff(block.at) > np.timedelta64(0)).all())


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
