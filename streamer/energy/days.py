"""Minutes of quarter-hours on the wall clock and in UTC, across summer time."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

from streamer.readings.demand import QuarterHour
from streamer.readings.seconds import seconds_of

_MINUTE = timedelta(minutes=1)
QUARTER = 15
"""Minutes of a quarter-hour."""


def minute_of(at: datetime, zone: tzinfo | None = None) -> int:
    """Minutes since the beginning of 1970 in UTC, or by its own clock without any zone.

    Args:
        at: the time; one without a zone is taken to be in `zone`. Of two such times with the
            same name, as clocks are set back, it is the first unless its `fold` is 1.
        zone: zone of a time that has none.

    >>> from zoneinfo import ZoneInfo
    >>> brussels = ZoneInfo("Europe/Brussels")
    >>> minute_of(datetime(1970, 1, 1, 1, 30), brussels), minute_of(datetime(1970, 1, 1, 1, 30))
    (30, 90)
    """
    if zone is not None and at.tzinfo is None:
        at = at.replace(tzinfo=zone)
    return seconds_of(at) // 60


def rows_of(quarter_hours: Sequence[QuarterHour], day: date) -> Sequence[QuarterHour]:
    """Those of a day of the wall clock, of quarter-hours in rising order of their days."""
    first = bisect_left(quarter_hours, day, key=_day_of)
    return quarter_hours[first : bisect_right(quarter_hours, day, first, key=_day_of)]


def _day_of(row: QuarterHour) -> date:
    return row.start.date()


def elapsed_minutes(
    day: date, at: datetime, ends: Sequence[datetime] = (), zone: tzinfo | None = None
) -> int:
    """Minutes from midnight of a day up to the minute of a time, that minute included.

    Args:
        day: a day, at most that of `at`.
        at: a time of the stream.
        ends: first and last time of the stream from that day on, up to `at`. Where times have an
            offset from UTC instead of the rules of a zone, and `zone` does not explain it,
            midnight is taken to have had the offset of the first.
        zone: zone of the house, if it is known.

    >>> from zoneinfo import ZoneInfo
    >>> noon = datetime(2026, 3, 29, 12, tzinfo=ZoneInfo("Europe/Brussels"))
    >>> elapsed_minutes(noon.date(), noon) / 60
    11.016666666666667
    """
    start = _zone_of(at, zone, ends[0] if ends else at)
    end = _zone_of(at, zone, ends[-1] if ends else at)
    first = datetime.combine(day, time(), start)
    return minute_of(_last_minute(at.replace(tzinfo=end))) + 1 - minute_of(first)


def _last_minute(at: datetime) -> datetime:
    """The time itself, or the last one before it if clocks that are set forward skip it."""
    if at.tzinfo is None or isinstance(at.tzinfo, timezone):
        return at
    while at.astimezone(UTC).astimezone(at.tzinfo).replace(fold=at.fold) != at:
        at -= _MINUTE
    return at


def _zone_of(at: datetime, zone: tzinfo | None, near: datetime) -> tzinfo | None:
    """Zone of a stream, or the offset that it has near a time."""
    if at.tzinfo is None:
        return zone
    if not isinstance(at.tzinfo, timezone):
        return at.tzinfo
    if zone is not None and at.astimezone(zone).utcoffset() == at.utcoffset():
        return zone
    return near.tzinfo
