"""The clock on the wall of a time zone, for the times of many readings at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

import numpy as np

from streamer.errors import UsageError
from streamer.readings.arrays import IntArray

_MINUTE_US = 60_000_000
_FIRST_S, _LAST_S = -60_000_000_000, 250_000_000_000
"""Bounds within which a calendar has every time of every zone."""


def zone_of(name: str) -> tzinfo:
    """A time zone by its IANA name.

    Raises:
        UsageError: there is none of that name.
    """
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        if not available_timezones():
            raise UsageError("this system has no time zones: install the package tzdata") from None
        raise UsageError(
            f"zone is {name!r}; give the name of a time zone, such as Europe/Brussels, or UTC"
        ) from None


def local_us(at: IntArray, zone: str) -> IntArray:
    """Times on the wall, as if their clock were UTC.

    Args:
        at: times of any shape in microseconds since 1970, in UTC.
        zone: IANA name of the time zone.

    Returns:
        Times of the same shape in microseconds; the same array for UTC.

    Raises:
        UsageError: there is no such zone.

    >>> at = np.array(["2026-03-29T00:59", "2026-03-29T01:00"], "datetime64[us]")
    >>> local_us(at.astype(np.int64), "Europe/Brussels").astype("datetime64[us]").tolist()
    [datetime.datetime(2026, 3, 29, 1, 59), datetime.datetime(2026, 3, 29, 3, 0)]
    """
    if zone == "UTC":
        return at
    minutes, which = np.unique(at // _MINUTE_US, return_inverse=True)
    offsets = [_offset_us(minute, zone) for minute in minutes.tolist()]
    return at + np.array(offsets, np.int64)[which].reshape(at.shape)


@lru_cache(maxsize=4096)
def _offset_us(minute: int, zone: str) -> int:
    """Offset of a zone's clock from UTC at a minute since 1970, in microseconds."""
    seconds = min(max(60 * minute, _FIRST_S), _LAST_S)
    offset = datetime.fromtimestamp(seconds, zone_of(zone)).utcoffset() or timedelta()
    return offset // timedelta(microseconds=1)
