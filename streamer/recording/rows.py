"""Conversion of times and readings to rows of a recording, and back."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from itertools import groupby
from typing import Any

from streamer.errors import RecordError
from streamer.readings import Reading
from streamer.readings.span import Span
from streamer.recording.channels import ChannelValues
from streamer.recording.database import InvalidValueError
from streamer.recording.registers import Registers

MAX_ALARMS = 100
"""Most alarms that are on at a time; there are a few kinds of them."""

BEFORE_ALL, AFTER_ALL = -(2**63), 2**63 - 1
"""Bounds in Unix seconds: no time is before the first or after the second."""

PAGE = 512
"""Number of rows read at once, so that a slow reader does not hold up the writer."""

_DAY_S = 86_400
_SECOND = timedelta(seconds=1)
_NAIVE_EPOCH = datetime(1970, 1, 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = (
    int((datetime(year, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds()) for year in (2, 9999)
)
"""Times that can be recorded, in Unix seconds. With them, others in their neighbourhood can be
computed, and shown in any time zone."""


def seconds_of(at: datetime) -> tuple[int, int]:
    """Convert a time to Unix seconds, and the seconds that its zone is ahead of UTC.

    Raises:
        RecordError: the time has no zone, is not a whole second, or is out of range.

    >>> seconds_of(datetime.fromisoformat("2026-03-29T01:00+01:00"))
    (1774742400, 3600)
    """
    offset = at.utcoffset()
    if offset is None or at.microsecond or offset % _SECOND:
        raise RecordError(
            f"a reading at {at} cannot be recorded: its time must be whole seconds, with a zone"
        )
    seconds = (at - _EPOCH) // _SECOND
    if not _FIRST <= seconds < _LAST:
        raise RecordError(f"a reading at {at} cannot be recorded: its year is out of range")
    return seconds, offset // _SECOND


def time_of(at: int, utc_offset: int) -> datetime:
    """Invert `seconds_of`.

    Raises:
        InvalidValueError: the time does not exist, or is out of range.

    >>> time_of(1774742400, 3600).isoformat()
    '2026-03-29T01:00:00+01:00'
    """
    if type(at) is int and type(utc_offset) is int and _FIRST <= at < _LAST:
        # An offset of a day or more is not valid.
        with suppress(OverflowError, ValueError):
            return datetime.fromtimestamp(at, _zone(utc_offset))
    raise InvalidValueError(
        f"{str(at)[:40]} with the offset {str(utc_offset)[:40]} s is not a time that is recorded"
    )


@lru_cache(maxsize=64)
def _zone(utc_offset: int) -> timezone:
    return timezone(timedelta(seconds=utc_offset))


def pages(
    connection: sqlite3.Connection,
    columns: str,
    *,
    after: int = BEFORE_ALL,
    before: int = AFTER_ALL,
    size: int = PAGE,
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the recorded minutes between two times, both excluded, in pages.

    Args:
        connection: connection to the recording.
        columns: columns to read, as SQL; `at` comes before them.
        after: Unix seconds.
        before: Unix seconds.
        size: number of rows in a page.

    Raises:
        InvalidValueError: the rows are not in order of time.
    """
    query = (
        f"SELECT at, {columns} FROM steps WHERE at > ? AND at < ? "  # noqa: S608 - constants
        "ORDER BY at LIMIT ?"
    )
    while page := connection.execute(query, (after, before, size)).fetchall():
        # A damaged index may form a loop.
        for at, *_ in page:
            if at <= after:
                raise InvalidValueError("its minutes are out of order")
            after = at
        yield page


def readings(
    connection: sqlite3.Connection,
    *,
    after: int = BEFORE_ALL,
    before: int = AFTER_ALL,
    size: int = PAGE,
    channels: Sequence[str] = (),
    registers: bool = False,
) -> Iterator[list[Reading]]:
    """Yield the recorded readings between two times, both excluded, in pages.

    In all readings of a page, the same quantities are measured.

    Args:
        connection: connection to the recording.
        after: Unix seconds.
        before: Unix seconds.
        size: number of rows in a page.
        channels: names of the channels of each reading, in order. Minutes for which one of them
            is not known are left out.
        registers: whether to read the demand registers of the meter.

    Raises:
        InvalidValueError: a row is not one that a recorder writes.
    """
    columns = "utc_offset, actual_kw, solar_kw, battery_kw"
    values = ChannelValues(connection, channels) if channels else None
    meter = Registers(connection) if registers else None
    for page in pages(connection, columns, after=after, before=before, size=size):
        if values is None:
            whole = [(*row, ()) for row in page]
        else:
            known = values.between(page[0][0], page[-1][0])
            whole = [
                (*row, tuple(found))
                for row in page
                if (found := known.get(row[0])) is not None and None not in found
            ]
        demands = {} if meter is None else meter.between(page[0][0], page[-1][0])
        for _, rows in groupby(whole, _side_powers):
            yield [
                Reading(
                    time_of(at, offset),
                    _power(kw),
                    _measured(solar),
                    _measured(battery),
                    others,
                    demands.get(at),
                )
                for at, offset, kw, solar, battery, others in rows
            ]


def _side_powers(row: tuple[Any, ...]) -> tuple[bool, bool]:
    """Whether solar and battery power are measured."""
    _, _, _, solar, battery, _ = row
    return solar is None, battery is None


def _measured(kw: object) -> float | None:
    return None if kw is None else _power(kw)


def _power(kw: object) -> float:
    if not isinstance(kw, float):
        raise InvalidValueError(f"{str(kw)[:40]!r} is not a power")
    return kw


def finite(value: object) -> float | None:
    """A recorded number; None for anything else, and for one that is not finite."""
    return value if isinstance(value, float) and math.isfinite(value) else None


def check_alarms(count: int) -> None:
    """Check the number of alarms that are on at a time.

    Raises:
        InvalidValueError: it is larger than `MAX_ALARMS`.
    """
    if count > MAX_ALARMS:
        raise InvalidValueError(f"more than {MAX_ALARMS} alarms are on at a time")


def bounds(connection: sqlite3.Connection, span: Span, *, table: str = "steps") -> tuple[int, int]:
    """Return the times, both excluded, between which the rows of a span are.

    A bound without a zone is in the house's local time: it means the first row at this
    time or later. If the clock was set back, that is the first of two such times.

    Args:
        connection: connection to the recording.
        span: the span.
        table: table of the rows, which has `at` and `utc_offset`.
    """
    after, before = BEFORE_ALL, AFTER_ALL
    if span.start is not None:
        after = _first(connection, table, span.start, BEFORE_ALL) - 1
    if span.end is not None:
        before = _first(connection, table, span.end, after)
    return after, before


def _first(connection: sqlite3.Connection, table: str, bound: datetime, after: int) -> int:
    """Return the first row after a time that is at a bound or beyond, or where it would be."""
    if bound.tzinfo is not None:
        return -((_EPOCH - bound) // _SECOND)
    local = -((_NAIVE_EPOCH - bound) // _SECOND)
    row = connection.execute(
        f"SELECT at FROM {table} WHERE at > ? AND at + utc_offset >= ?"  # noqa: S608 - constants
        " ORDER BY at LIMIT 1",
        (max(after, local - _DAY_S), local),
    ).fetchone()
    if row is not None:
        return int(row[0])
    row = connection.execute(
        f"SELECT at, utc_offset FROM {table} ORDER BY at DESC LIMIT 1"  # noqa: S608 - constants
    ).fetchone()
    if row is not None:
        time_of(*row)
        local -= row[1]
    return local
