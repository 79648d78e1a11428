"""The minutes of a source as one array, gaps included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np

from streamer.errors import UsageError
from streamer.readings import Notice, Reading
from streamer.readings.arrays import DoubleArray, IntArray
from streamer.readings.blocks import ReadingBlock
from streamer.sources import Source

_LONGEST = 20 * 366 * 1440


def series_of(source: Source, *, on_notice: Callable[[Notice], None] | None = None) -> DoubleArray:
    """The minutes of a source, from the first to the last; it is read to its end and closed.

    Args:
        source: where the readings come from.
        on_notice: told of what the source gives beside readings.

    Returns:
        (minutes,) kW, NaN for minutes without a reading, the mean for those with several.

    Raises:
        SourceError: the source cannot be read.
        UsageError: it goes over more than twenty years.
    """
    at: list[IntArray] = []
    kw: list[DoubleArray] = []
    try:
        while items := source.read():
            if on_notice is not None and not isinstance(items, ReadingBlock):
                for notice in (item for item in items if isinstance(item, Notice)):
                    on_notice(notice)
            block = _block_of(items)
            at.append(block.at.astype("datetime64[m]").astype(np.int64))
            kw.append(block.kw)
    finally:
        source.close()
    if not sum(map(len, kw)):
        raise UsageError(f"{source.name}: no readings to make a fleet of")
    minutes, powers = np.concatenate(at), np.concatenate(kw)
    first, last = int(minutes.min()), int(minutes.max())
    if last - first >= _LONGEST:
        days = [str(np.datetime64(minute, "m"))[:10] for minute in (first, last)]
        raise UsageError(
            f"{source.name} goes from {days[0]} to {days[1]}: a fleet is made of 20 years at "
            "most; correct its times, or give a part of it"
        )
    place = minutes - first
    found = np.bincount(place)
    with np.errstate(invalid="ignore"):
        series: DoubleArray = np.bincount(place, powers) / found
    return series


def _block_of(items: Sequence[Reading | Notice]) -> ReadingBlock:
    if isinstance(items, ReadingBlock):
        return items
    readings = [item for item in items if isinstance(item, Reading)]
    return ReadingBlock.of([Reading(in_utc(reading.at), reading.kw) for reading in readings])


def in_utc(at: datetime) -> datetime:
    """A time with a zone in UTC, so that no hour comes twice; one without it as it is."""
    return at if at.tzinfo is None else at.astimezone(UTC).replace(tzinfo=None)
