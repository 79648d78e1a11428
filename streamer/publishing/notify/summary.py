"""Summary of a day: energy, cost, highest demand interval, alarms, forecasts and outages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from streamer.energy.days import QUARTER, elapsed_minutes
from streamer.readings import Link, QuarterHour, Step
from streamer.recording.days import Day, DayInterval, DayMinute

if TYPE_CHECKING:
    from streamer.energy.tariff import Tariff
    from streamer.sinks import Item

MIN_SCORED = 60
"""Settled forecasts of a day from which on its skill and its coverage are reported."""

_DAYS_KEPT = 2


@dataclass(frozen=True, slots=True)
class DaySummary:
    """Figures of a day, of its measured minutes.

    Attributes:
        day: its date.
        import_kwh: energy drawn.
        export_kwh: energy fed in.
        cost: cost of the energy drawn less what the energy fed in earns, rounded to the cent;
            None if that is not known.
        currency: its currency.
        unpriced_minutes: measured minutes for which no price is known.
        peak: the highest demand interval, or else the highest quarter-hour; None if none was
            measured completely.
        alarms: number of alarms by kind.
        skill: 1 − MSE / MSE of persistence of the mean forecasts; None for too few of them.
        coverage: share of the readings inside their bands; None likewise.
        missing_minutes: minutes that were not measured.
        outages: how many times the connection was lost or silent.
        expired: number of notifications that could not be delivered in time.
    """

    day: date
    import_kwh: float
    export_kwh: float
    cost: Decimal | None
    currency: str
    unpriced_minutes: int
    peak: DayInterval | None
    alarms: Mapping[str, int]
    skill: float | None
    coverage: float | None
    missing_minutes: int
    outages: int
    expired: int = 0


def summarise(found: Day, tariff: Tariff | None, *, expired: int = 0) -> DaySummary:
    """Summarise a day that has at least one reading.

    Args:
        found: the day, which is over.
        tariff: what electricity costs; None if that is not known.
        expired: number of notifications that could not be delivered in time.
    """
    rows = quarter_hours(found.minutes)
    cost, unpriced = _cost(rows, tariff)
    skill, coverage = _scores(found.minutes)
    last = found.minutes[-1].at.replace(hour=23, minute=59, second=0, microsecond=0)
    ends = [found.minutes[0].at, found.minutes[-1].at]
    zone = None if tariff is None else tariff.zone
    return DaySummary(
        day=found.day,
        import_kwh=sum(row.import_kwh for row in rows),
        export_kwh=sum(row.export_kwh for row in rows),
        cost=cost,
        currency="" if tariff is None else tariff.currency,
        unpriced_minutes=unpriced,
        peak=max(found.intervals or _complete(rows), key=lambda each: each.kw, default=None),
        alarms=dict(found.alarms),
        skill=skill,
        coverage=coverage,
        missing_minutes=max(elapsed_minutes(found.day, last, ends, zone) - len(found.minutes), 0),
        outages=found.outages,
        expired=expired,
    )


def quarter_hours(minutes: Sequence[DayMinute]) -> list[QuarterHour]:
    """Energies of the quarter-hours of a day, in order of time."""
    groups: dict[datetime, list[float]] = {}
    for minute in minutes:
        at = minute.at
        start = at.replace(minute=at.minute - at.minute % QUARTER, second=0, microsecond=0)
        groups.setdefault(start, []).append(minute.kw)
    return [
        QuarterHour(
            start,
            sum(max(kw, 0.0) for kw in values) / 60.0,
            sum(max(-kw, 0.0) for kw in values) / 60.0,
            len(values),
        )
        for start, values in groups.items()
    ]


def _complete(rows: Sequence[QuarterHour]) -> list[DayInterval]:
    return [
        DayInterval(row.start, QUARTER, row.import_kwh * 60.0 / QUARTER)
        for row in rows
        if row.minutes == QUARTER
    ]


def _cost(rows: Sequence[QuarterHour], tariff: Tariff | None) -> tuple[Decimal | None, int]:
    if tariff is None:
        return None, 0
    from streamer.energy.cost import bill, rounded

    found = bill(rows, tariff)
    if found.energy is None or found.unpriced_minutes == found.minutes:
        return None, found.unpriced_minutes
    return rounded(found.energy - found.feed_in), found.unpriced_minutes


def _scores(minutes: Sequence[DayMinute]) -> tuple[float | None, float | None]:
    """Skill of the mean forecasts, and coverage of the bands."""
    errors = [
        (each.kw - each.mean_kw, each.kw - each.last_kw)
        for each in minutes
        if each.mean_kw is not None and each.last_kw is not None
    ]
    banded = [
        each.low_kw <= each.kw <= each.high_kw
        for each in minutes
        if each.low_kw is not None and each.high_kw is not None
    ]
    if len(errors) < MIN_SCORED:
        return None, None
    mse, of_persistence = (sum(e * e for e in column) for column in zip(*errors, strict=True))
    coverage = sum(banded) / len(banded) if banded else None
    return (1.0 - mse / of_persistence if of_persistence > 0.0 else None), coverage


class RememberedDays:
    """The last days of a stream that is not recorded."""

    def __init__(self) -> None:
        self._days: dict[date, Day] = {}
        self._link = Link.UP
        self._last_on: date | None = None

    def take(self, item: Item | None) -> None:
        """Take an item of the stream."""
        if isinstance(item, Step):
            self._add(item)
        elif isinstance(item, Link):
            is_out = item.state != Link.UP
            if is_out and item.state != self._link and self._last_on is not None:
                self._of(self._last_on).outages += 1
            self._link = item.state

    def get(self, day: date) -> Day:
        """A day, without minutes if none are known."""
        return self._days.get(day) or Day(day)

    def _add(self, step: Step) -> None:
        reading, settled = step.reading, step.settled
        self._last_on = reading.at.date()
        day = self._of(self._last_on)
        forecast: tuple[float | None, ...] = (None,) * 4
        if settled is not None:
            forecast = settled.last_kw, settled.kw, settled.low_kw, settled.high_kw
        minute = DayMinute(reading.at, reading.kw, *forecast)
        if day.minutes and day.minutes[-1].at >= reading.at:
            # A stream that is repeated from an earlier state replaces its minutes.
            day.minutes = [each for each in day.minutes if each.at < reading.at]
        day.minutes.append(minute)
        day.alarms.update(alarm.kind for alarm in step.alarms if alarm.at == reading.at)
        for each in step.settled_demand:
            if not each.unknown_minutes:
                interval = DayInterval(each.start, each.minutes, each.kw)
                self._of(each.start.date()).intervals.append(interval)

    def _of(self, day: date) -> Day:
        """A day to add to; those that are too old are forgotten."""
        found = self._days.setdefault(day, Day(day))
        for each in [each for each in self._days if day - each >= timedelta(days=_DAYS_KEPT)]:
            del self._days[each]
        return found
