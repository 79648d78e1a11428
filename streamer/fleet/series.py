"""Minutes of a source as one array, gaps included."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import numpy as np

from streamer.errors import UsageError
from streamer.readings import Notice, Reading
from streamer.readings.arrays import DoubleArray, IntArray
from streamer.readings.blocks import ReadingBlock
from streamer.sources import Source

_MAX_MINUTES = 20 * 366 * 1440


def series_of(source: Source, *, on_notice: Callable[[Notice], None] | None = None) -> DoubleArray:
    """Read a source to its end, close it, and return its minutes from the first to the last.

    Args:
        source: source of the readings.
        on_notice: called with each notice of the source.

    Returns:
        (minutes,) kW, NaN for minutes without a reading, the mean for those with several.

    Raises:
        SourceError: the source cannot be read.
        UsageError: it has no readings, or spans more than twenty years.
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
    if last - first >= _MAX_MINUTES:
        days = [str(np.datetime64(minute, "m"))[:10] for minute in (first, last)]
        raise UsageError(
            f"{source.name} spans {days[0]} to {days[1]}: a fleet is made of at most 20 years; "
            "correct its times, or give a part of it"
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
    """A time with a zone converted to UTC, so that no hour occurs twice; others unchanged."""
    return at if at.tzinfo is None else at.astimezone(UTC).replace(tzinfo=None)
