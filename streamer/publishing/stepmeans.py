"""Mean power of the coming steps of the clock, as optimisers plan in.

The next hour is forecast, as means of the next 5, 10, 15, 30 and 60 minutes: each contains the
one before, so that the mean of the minutes between two of them follows exactly. Quantiles do not
subtract like that, and have no place here. What lies beyond is what was measured at the same
time of an earlier day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from streamer.energy.days import QUARTER, minute_of, rows_of
from streamer.readings import MINUTE, QuarterHour, Step

STEPS = (5, 10, 15, 20, 30, 60)
"""Lengths of a step in minutes."""

MAX_HOURS = 48

_ENDS = (5, 10, 15, 30, 60)
"""Minutes from now at which a stretch with a mean of its own ends."""

_DAY = timedelta(days=1)
_DAYS_BACK = 7


class Stretch(NamedTuple):
    """Consecutive minutes and their expected mean power.

    Attributes:
        start: number of the first minute, 0 for the one after the latest reading.
        end: number of the minute after the last one.
        kw: expected mean power in kW.
    """

    start: int
    end: int
    kw: float


@dataclass(frozen=True, slots=True)
class StepMean:
    """Mean power of a step of the clock, or of what is left of it.

    Attributes:
        start: its first minute, with a zone.
        kw: expected mean power of its minutes to come in kW.
        forecast: share of these minutes that is forecast; for the others, an earlier day counts.
    """

    start: datetime
    kw: float
    forecast: float


def stretches(step: Step) -> list[Stretch]:
    """The next hour as consecutive stretches; empty without forecasts of means.

    >>> from streamer.pipeline import Pipeline
    >>> from streamer.testing import FixedForecaster, readings
    >>> pipeline = Pipeline(FixedForecaster(0.5, window=1, horizons=(5, 15, 60)))
    >>> stretches(pipeline.push(readings([0.25])[0]))
    [Stretch(start=0, end=5, kw=0.5), Stretch(start=5, end=15, kw=0.5), \
Stretch(start=15, end=60, kw=0.5)]
    """
    found: list[Stretch] = []
    start, before = 0, 0.0
    for mean in step.next_means or ():
        if mean.minutes in _ENDS:
            total = mean.minutes * mean.kw
            found.append(Stretch(start, mean.minutes, (total - before) / (mean.minutes - start)))
            start, before = mean.minutes, total
    return found


def step_means(step: Step, now: datetime, *, minutes: int = 30, hours: int = 1) -> list[StepMean]:
    """Mean power at the grid connection in the running step of the clock and the next ones.

    A mean is given if at least half of its minutes are known, and nothing after the first that
    is not. Of the running step, the minutes from now on count.

    Args:
        step: the latest step of the pipeline.
        now: the time, with a zone if the readings have one.
        minutes: length of a step, one of `STEPS`.
        hours: length of all steps together.
    """
    first = _minute(step.reading.at) + MINUTE
    now = max(_minute(now), first)
    begin = now.replace(minute=now.minute - now.minute % minutes)
    ahead_of = _Forecast(stretches(step), first)
    earlier = _EarlierDays(step.quarter_hours, now)
    found: list[StepMean] = []
    for number in range(60 * hours // minutes):
        start = later(begin, number * minutes)
        coming = [at for minute in range(minutes) if (at := later(start, minute)) >= now]
        ahead = [ahead_of.kw(at) for at in coming]
        values = [
            earlier.kw(at) if kw is None else kw for at, kw in zip(coming, ahead, strict=True)
        ]
        known = [kw for kw in values if kw is not None]
        if 2 * len(known) < len(coming):
            break
        share = sum(kw is not None for kw in ahead) / len(coming)
        found.append(StepMean(start, sum(known) / len(known), share))
    return found


def later(at: datetime, minutes: int) -> datetime:
    """The time so many elapsed minutes later, in the same zone."""
    if at.tzinfo is None:
        return at + minutes * MINUTE
    return (at.astimezone(UTC) + minutes * MINUTE).astimezone(at.tzinfo)


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)


class _Forecast:
    """Expected power of the minutes after a reading.

    Args:
        parts: the stretches.
        first: the first of the minutes.
    """

    def __init__(self, parts: Sequence[Stretch], first: datetime) -> None:
        self._kw = [part.kw for part in parts for _ in range(part.start, part.end)]
        self._first = minute_of(first)

    def kw(self, at: datetime) -> float | None:
        """Expected power of a minute in kW; None if it is not forecast."""
        number = minute_of(at) - self._first
        return self._kw[number] if number < len(self._kw) else None


class _EarlierDays:
    """Power at the same time of the latest day on which it was measured.

    Args:
        quarter_hours: quarter-hours of the stream, oldest first.
        now: the time, of the same clock.
    """

    def __init__(self, quarter_hours: Sequence[QuarterHour], now: datetime) -> None:
        days = [now.date() - back * _DAY for back in range(_DAYS_BACK, -1, -1)]
        rows = [row for day in days for row in rows_of(quarter_hours, day)]
        self._kw = {
            _quarter(row.start): 60.0 * (row.import_kwh - row.export_kwh) / row.minutes
            for row in rows
            if 2 * row.minutes >= QUARTER
        }

    def kw(self, at: datetime) -> float | None:
        """Mean power of that quarter-hour in kW; None if it was not measured in a week."""
        day, hour, quarter = _quarter(at)
        days = (day - back * _DAY for back in range(1, _DAYS_BACK + 1))
        found = (self._kw.get((each, hour, quarter)) for each in days)
        return next((kw for kw in found if kw is not None), None)


def _quarter(at: datetime) -> tuple[date, int, int]:
    """Day, hour and quarter of a time, on the wall clock."""
    return at.date(), at.hour, at.minute // QUARTER
