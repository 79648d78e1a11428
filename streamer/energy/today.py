"""Energy of today beside yesterday, the week and the usual day, from quarter-hours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from statistics import median
from typing import NamedTuple

from streamer.energy.days import QUARTER, elapsed_minutes, minute_of, rows_of
from streamer.readings.demand import QuarterHour

USUAL_DAYS = 28
"""Days before today that the usual energy is the median of: whole weeks."""

MIN_USUAL_DAYS = 3
"""Known days from which on there is a usual energy."""

MAX_UNKNOWN = 0.02
"""Share of the minutes that may be unknown in a day that counts for the usual energy."""


class IntervalMean(NamedTuple):
    """Mean import over a demand interval.

    Attributes:
        start: its first minute.
        kw: mean over its measured minutes in kW.
        unknown_minutes: minutes of it that were not measured, up to now.
    """

    start: datetime
    kw: float
    unknown_minutes: int


@dataclass(frozen=True, slots=True)
class Today:
    """Energy of the day so far, of its measured minutes alone.

    Attributes:
        import_kwh: energy drawn since midnight in kWh.
        export_kwh: energy fed in since midnight in kWh.
        unknown_minutes: minutes since midnight that were not measured.
        yesterday_by_now_kwh: energy drawn yesterday up to the same time; None if none of it was
            measured.
        yesterday_unknown_minutes: minutes of it that were not measured.
        usual_by_now_kwh: median of the energies drawn up to the same time on the last
            `USUAL_DAYS` days, of those that are known to that time; None for fewer than
            `MIN_USUAL_DAYS` of them.
        week_kwh: energy drawn since Monday midnight.
        week_unknown_minutes: minutes since then that were not measured.
        highest: the highest of today's demand intervals that are complete and over; None before
            the first.
        lowest: the lowest of them.
        intervals: today's demand intervals, the running one last; those of which no minute was
            measured are left out.
    """

    import_kwh: float
    export_kwh: float
    unknown_minutes: int
    yesterday_by_now_kwh: float | None
    yesterday_unknown_minutes: int
    usual_by_now_kwh: float | None
    week_kwh: float
    week_unknown_minutes: int
    highest: IntervalMean | None
    lowest: IntervalMean | None
    intervals: tuple[IntervalMean, ...]


def today(
    quarter_hours: Sequence[QuarterHour],
    at: datetime,
    demand_minutes: int = QUARTER,
    *,
    net: bool = False,
    zone: tzinfo | None = None,
) -> Today:
    """Energy of the day of a reading.

    Days are those of the wall clock, of 23 or 25 hours as summer time begins and ends. Of earlier
    days, the quarter-hour that is running now counts in proportion to its minutes so far.

    Args:
        quarter_hours: quarter-hours of the stream, oldest first; those after `at` are left out.
        at: time of the last reading, of the same clock.
        demand_minutes: length of a demand interval, 15 or 60.
        net: whether export is subtracted within a demand interval.
        zone: zone of the house, for times without one: their days then have 23 or 25 hours.
    """
    days = _by_day(quarter_hours, at)
    rows = days[at.date()]
    monday = at.date() - timedelta(days=at.weekday())
    week = [row for day in sorted(days) if day >= monday for row in days[day]]
    before = [_until_now(known, day, at, zone) for day, known in days.items() if day != at.date()]
    yesterday = before[0] if before else _Part(0.0, 0, 0)
    usual = [part.kwh for part in before if part.unknown <= MAX_UNKNOWN * part.minutes]
    intervals = _intervals(rows, at, demand_minutes, net=net)
    complete = [each for each in intervals if not each.unknown_minutes]
    if complete and not _is_over(complete[-1], at, demand_minutes):
        complete.pop()
    return Today(
        import_kwh=sum(row.import_kwh for row in rows),
        export_kwh=sum(row.export_kwh for row in rows),
        unknown_minutes=_unknown(rows, elapsed_minutes(at.date(), at, _ends(rows), zone)),
        yesterday_by_now_kwh=yesterday.kwh if yesterday.unknown < yesterday.minutes else None,
        yesterday_unknown_minutes=yesterday.unknown,
        usual_by_now_kwh=median(usual) if len(usual) >= MIN_USUAL_DAYS else None,
        week_kwh=sum(row.import_kwh for row in week),
        week_unknown_minutes=_unknown(week, elapsed_minutes(monday, at, _ends(week), zone)),
        highest=max(complete, default=None, key=lambda each: each.kw),
        lowest=min(complete, default=None, key=lambda each: each.kw),
        intervals=tuple(intervals),
    )


def _by_day(
    quarter_hours: Sequence[QuarterHour], at: datetime
) -> dict[date, Sequence[QuarterHour]]:
    """Quarter-hours of the last days up to a time, by day of the wall clock, latest day first."""
    # A list is read several times as fast as a snapshot.
    rows, day, end = list(quarter_hours), at.date(), minute_of(at)
    last = day.toordinal()
    ordinals = range(last, max(last - USUAL_DAYS - 1, 0), -1)
    days = {each: rows_of(rows, each) for each in map(date.fromordinal, ordinals)}
    # By minutes: times of one zone compare as on the wall clock, which repeats an hour.
    days[day] = [row for row in days[day] if minute_of(row.start) <= end]
    return days


def _ends(rows: Sequence[QuarterHour]) -> list[datetime]:
    return [rows[0].start, rows[-1].start] if rows else []


def _unknown(rows: Sequence[QuarterHour], minutes: int) -> int:
    return max(minutes - sum(row.minutes for row in rows), 0)


class _Part(NamedTuple):
    """Energy of a part of a day, its minutes, and how many of them are unknown."""

    kwh: float
    minutes: int
    unknown: int


def _until_now(rows: Sequence[QuarterHour], day: date, at: datetime, zone: tzinfo | None) -> _Part:
    """The part of an earlier day up to the time of day of `at`."""
    running = 60 * at.hour + at.minute - at.minute % QUARTER
    share = (at.minute % QUARTER + 1) / QUARTER
    kwh = measured = 0.0
    known: list[datetime] = []
    for row in rows:
        clock = 60 * row.start.hour + row.start.minute
        if clock <= running:
            weight = share if clock == running else 1.0
            kwh += weight * row.import_kwh
            measured += weight * row.minutes
            known.append(row.start)
    then = datetime.combine(day, at.timetz())
    minutes = elapsed_minutes(day, then, known, zone)
    return _Part(kwh, minutes, min(max(round(minutes - measured), 0), minutes))


def _intervals(
    rows: Sequence[QuarterHour],
    at: datetime,
    demand_minutes: int,
    *,
    net: bool,
) -> list[IntervalMean]:
    """Demand intervals of the quarter-hours of a day, of which any minute was measured."""
    groups: dict[int, list[QuarterHour]] = {}
    for row in rows:
        first = _interval_of(row.start, demand_minutes)
        groups.setdefault(minute_of(first), []).append(row)
    end = minute_of(at) + 1
    found = []
    for minute, group in groups.items():
        measured = sum(row.minutes for row in group)
        if not measured:
            continue
        kwh = sum(row.import_kwh for row in group)
        if net:
            kwh = max(kwh - sum(row.export_kwh for row in group), 0.0)
        first = _interval_of(group[0].start, demand_minutes)
        elapsed = min(demand_minutes, end - minute)
        found.append(IntervalMean(first, 60.0 * kwh / measured, max(elapsed - measured, 0)))
    return found


def _interval_of(start: datetime, demand_minutes: int) -> datetime:
    return start.replace(minute=start.minute - start.minute % demand_minutes)


def _is_over(interval: IntervalMean, at: datetime, demand_minutes: int) -> bool:
    return minute_of(interval.start) + demand_minutes <= minute_of(at) + 1
