"""Minutes of made-up households, and quarter-hours added up from them by simple means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from fractions import Fraction

from streamer.readings.demand import QuarterHour

MINUTE = timedelta(minutes=1)


def minutes(first: datetime, last: datetime) -> Iterator[datetime]:
    """Each minute from one time until before another, in the zone of the first."""
    at, end, zone = first.astimezone(UTC), last.astimezone(UTC), first.tzinfo
    while at < end:
        yield at.astimezone(zone)
        at += MINUTE


def naive_minutes(first: datetime, last: datetime) -> Iterator[datetime]:
    """Each minute of a clock without a zone."""
    at = first
    while at < last:
        yield at
        at += MINUTE


def quarter_hours(
    times: Iterator[datetime],
    watts: Callable[[datetime], int | None],
    *,
    offsets: bool = False,
) -> list[QuarterHour]:
    """Quarter-hours of a household.

    Args:
        times: its minutes.
        watts: its power in each, import positive; None where it is not measured.
        offsets: whether times have an offset from UTC instead of a zone.
    """
    groups: dict[tuple[object, ...], list[tuple[datetime, int]]] = {}
    for at in times:
        power = watts(at)
        if power is not None:
            start = at.replace(minute=at.minute // 15 * 15)
            # Times of one zone are equal by their names, of which one hour's come twice.
            key = (start.replace(tzinfo=None, fold=0), at.utcoffset())
            groups.setdefault(key, []).append((start, power))
    return [_added_up(group, offsets=offsets) for group in groups.values()]


def _added_up(group: list[tuple[datetime, int]], *, offsets: bool) -> QuarterHour:
    start = group[0][0]
    if offsets:
        start = start.replace(tzinfo=_offset(start))
    imported = sum(max(watts, 0) for _, watts in group)
    exported = sum(max(-watts, 0) for _, watts in group)
    return QuarterHour(start, imported / 60_000, exported / 60_000, len(group))


def _offset(at: datetime) -> tzinfo:
    return datetime.fromisoformat(at.isoformat()).tzinfo or UTC


def euros(amount: Fraction) -> str:
    """An amount in words of a bill: rounded half up to the cent."""
    cents, rest = divmod(abs(amount) * 100, 1)
    cents += rest >= Fraction(1, 2)
    sign = "-" if amount < 0 and cents else ""
    return f"{sign}{cents // 100}.{cents % 100:02}"
