"""Synthetic streams for the dashboard, the same on every machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone, tzinfo
from functools import lru_cache

import numpy as np

from streamer.dashboard import History, HistorySnapshot
from streamer.readings import (
    MINUTE,
    Adaptation,
    Alarm,
    BandScores,
    Counts,
    ErrorScores,
    Forecast,
    Link,
    MeanScores,
    NextMeans,
    Notice,
    PointScores,
    Reading,
    Sample,
    Scores,
    Step,
)
from streamer.readings.challengers import ChallengerScores
from streamer.sinks import Item
from streamer.sinks.items import About, Vitals

START = datetime(2010, 3, 20, 22, 40)
ABOUT = About(
    "household_power_consumption.txt",
    "sceaux",
    trained_from=datetime(2006, 12, 16, 17, 24),
    trained_to=datetime(2009, 6, 30, 23, 59),
)
IN_SAMPLE = About("house.csv", "sceaux", datetime(2010, 1, 1), datetime(2010, 12, 31))
VITALS = Vitals(readings_per_s=10.02, latency_p50_ms=0.153, latency_p99_ms=0.418)

AT_MAX = Vitals(27_345.2, 0.031, 0.052, readings=480, progress=0.454, left_s=83.2)
"""Vitals of a recording replayed at full speed."""

DAY = [0.3, 0.31, 0.29, 0.32, 1.2, 1.25, 1.21, 0.4, 0.35, 2.9, 2.85, 2.8, 0.9, 0.34, 0.33, 0.3]
"""A kettle and an oven in kW, to be repeated."""


def house(count: int, scale: float = 1.0, offset: float = 0.0) -> list[float]:
    """Readings of a house in kW."""
    return [offset + scale * (DAY[i % len(DAY)] + 0.01 * (i % 7)) for i in range(count)]


def make_steps(
    values: Iterable[float],
    *,
    gaps: dict[int, int] | None = None,
    capacity: int = 50,
    adaptation: Adaptation | None = None,
) -> list[Step]:
    """Steps as a pipeline with a plain forecaster would make them.

    Args:
        values: the readings in kW.
        gaps: minutes missing before a reading, by its index; more than ten empty the buffer.
        capacity: size of the ring buffer.
        adaptation: state of the adapter in every step; the frozen network is then
            persistence.
    """
    return list(_steps(tuple(values), tuple((gaps or {}).items()), capacity, adaptation))


@lru_cache(maxsize=32)
def _steps(
    values: tuple[float, ...],
    gaps_before: tuple[tuple[int, int], ...],
    capacity: int,
    adaptation: Adaptation | None,
) -> tuple[Step, ...]:
    gaps = dict(gaps_before)
    at, last, buffered = START, None, 0
    readings = gap_count = missing = resets = 0
    waiting: Forecast | None = None
    ours, points, theirs = _Errors(), _Errors(), _Errors()
    inside, width = _Mean(), _Mean()
    count = 0
    steps = []
    for index, kw in enumerate(values):
        gap = gaps.get(index, 0)
        at += (gap + 1) * MINUTE
        missing += gap
        gap_count += index in gaps
        if gap > 10:
            buffered, resets, waiting = 0, resets + 1, None
        settled, readings = waiting, readings + 1
        if settled is not None:
            count += 1
            ours.add(kw - settled.kw)
            points.add(kw - settled.point_kw)
            theirs.add(kw - settled.last_kw)
            inside.add(settled.low_kw <= kw <= settled.high_kw)
            width.add(settled.high_kw - settled.low_kw)
        buffered = min(capacity, buffered + 1)
        waiting = None
        if buffered >= capacity - 1:
            expected = 0.8 * kw + 0.2 * (kw if last is None else last)
            half = 0.06 + 0.4 * abs(kw - expected)
            waiting = Forecast(
                at + MINUTE,
                expected,
                kw,
                frozen_kw=kw if adaptation else expected,
                median_kw=None,
                low_kw=expected - half,
                high_kw=expected + 2.0 * half,
            )
        counts = Counts(readings, gap_count, missing, resets)
        scores = Scores(frozen=ErrorScores() if adaptation else None)
        if count:
            both = points.scores(), theirs.scores()
            frozen = both[1] if adaptation else None
            point = PointScores(*(e for one in both for e in (one.mae_kw, one.mse_kw2)))
            band = BandScores(0.9, inside.of(), inside.of(1440), width.of(), width.of(1440))
            scores = Scores(count, ours.scores(), both[1], frozen, band, point)
        reading = Reading(at, kw)
        steps.append(Step(reading, settled, waiting, scores, gap, buffered, counts, adaptation))
        last = kw
    return tuple(steps)


class _Mean:
    """The mean of the values so far, and of the last ones."""

    def __init__(self) -> None:
        self._values: list[float] = []
        self._sum = 0.0

    def add(self, value: float) -> None:
        self._values.append(value)
        self._sum += value

    def of(self, last: int | None = None) -> float:
        count = len(self._values)
        if last is None or count <= last:
            return self._sum / count
        return sum(self._values[-last:]) / last


class _Errors:
    """Errors of forecasts so far."""

    def __init__(self) -> None:
        self._squared, self._absolute = _Mean(), _Mean()

    def add(self, error: float) -> None:
        self._squared.add(error * error)
        self._absolute.add(abs(error))

    def scores(self) -> ErrorScores:
        return ErrorScores(
            mse_kw2=self._squared.of(),
            mae_kw=self._absolute.of(),
            hour_mse_kw2=self._squared.of(60),
            day_mse_kw2=self._squared.of(1440),
        )


def sunny(steps: Iterable[Step], *, battery: bool = False) -> list[Step]:
    """The same steps in a house with solar panels, which covers its consumption and more.

    Args:
        steps: the steps.
        battery: whether there is a battery, which takes 0.5 kW where power would be exported.
    """
    found, waiting = [], None
    for index, step in enumerate(steps):
        solar = 0.05 * (index % 60)
        charge = (0.5 if step.reading.kw < solar else -0.25) if battery else None
        kw = step.reading.kw - solar + (charge or 0.0)
        reading = replace(step.reading, kw=kw, solar_kw=solar, battery_kw=charge)
        forecast = step.forecast
        if forecast is not None:
            away = kw - step.reading.kw
            median = None if forecast.median_kw is None else forecast.median_kw + away
            forecast = replace(
                forecast,
                kw=forecast.kw + away,
                last_kw=kw,
                frozen_kw=forecast.frozen_kw + away,
                median_kw=median,
                low_kw=forecast.low_kw + away,
                high_kw=forecast.high_kw + away,
                consumption_kw=forecast.kw,
                solar_kw=solar + 0.01,
            )
        found.append(replace(step, reading=reading, settled=waiting, forecast=forecast))
        waiting = forecast
    return found


def racing(steps: Iterable[Step], *, settled: int = 431) -> list[Step]:
    """The same steps with challengers, one better and two worse than the model.

    Args:
        steps: the steps.
        settled: minutes that each and the model had forecast.
    """
    squares = {
        "river:HoeffdingAdaptiveTreeRegressor": 0.75,
        "lightgbm:modèle.txt": 0.5,
        "seasonal-naive": 9.0,
    }
    found = []
    for step in steps:
        challengers = []
        for name, mse in squares.items():
            errors = ErrorScores(), ErrorScores(), ErrorScores()
            if settled:
                errors = ErrorScores(mse, mse), ErrorScores(0.625, 0.5), ErrorScores(1.0, 0.75)
            absent = 12 if mse > 1.0 else 0
            challengers.append(ChallengerScores(name, step.reading.kw, settled, absent, *errors))
        found.append(replace(step, challengers=tuple(challengers)))
    return found


HORIZONS = (*range(1, 16), 30, 60)


def foreseeing(
    steps: Iterable[Step], *, minutes: tuple[int, ...] = HORIZONS, settled: int = 2000
) -> list[Step]:
    """The same steps with forecasts of the mean of the next minutes, where the window is full.

    The means tend towards 0.9 kW, and the skill grows with the horizon.

    Args:
        steps: the steps.
        minutes: the horizons.
        settled: settled forecasts of each.
    """
    share = np.sqrt(np.array(minutes) / 60.0)
    figures = np.full((len(minutes), 8), 0.5)
    figures[:, 0], figures[:, 2], figures[:, 6] = 0.8 - 0.4 * share, 1.0, 0.9
    if not settled:
        figures[:] = np.nan
    found = []
    for step in steps:
        means = None
        if step.forecast is not None:
            kw = step.reading.kw + share * (0.9 - step.reading.kw)
            values = [kw, kw - 0.1 * share, kw - 0.25 * share, kw + 1.25 * share]
            means = NextMeans(minutes, np.column_stack(values))
        scores = MeanScores(minutes, np.full(len(minutes), settled), figures.copy())
        found.append(replace(step, next_means=means, mean_scores=scores))
    return found


def alarming(steps: Sequence[Step], alarm: Alarm, *, lasts: int = 10) -> list[Step]:
    """The same steps with an alarm that is on for some readings from its minute on."""
    first = next(index for index, step in enumerate(steps) if step.reading.at == alarm.at)
    return [
        replace(step, alarms=(*step.alarms, alarm)) if first <= index < first + lasts else step
        for index, step in enumerate(steps)
    ]


def snapshot(
    steps: Iterable[Step] = (),
    *,
    about: About | None = ABOUT,
    notices: Iterable[Notice] = (),
    vitals: Vitals | None = VITALS,
) -> HistorySnapshot:
    """A snapshot of a history with these items, in this order."""
    history = History()
    items = [about, *steps, *notices, vitals]
    for item in items:
        if item is not None:
            history.write(item)
    return history.snapshot()


def usual(vitals: Vitals = VITALS) -> HistorySnapshot:
    """A normal replay, with two gaps and some skipped rows."""
    notices = [
        Notice(Notice.MALFORMED, "house.txt:12: 'abc' is not a number; row skipped"),
        Notice(Notice.ORDER, "house.txt:99: time does not advance; row skipped", count=3),
        Notice(Notice.WARNING, "the file ends in the middle of a row", START + timedelta(hours=9)),
    ]
    steps = make_steps(house(480), gaps={200: 2, 440: 5})
    return snapshot(steps, notices=notices, vitals=vitals)


ADAPTED = Adaptation(shown=True, day_gain=0.041, learnt=1440)


def adapted(adaptation: Adaptation = ADAPTED) -> HistorySnapshot:
    """A replay with adapted forecasts."""
    return snapshot(make_steps(house(480), gaps={200: 2}, adaptation=adaptation))


def alarmed(*, all_on: bool = True) -> HistorySnapshot:
    """A replay with one alarm that is over, and one or three that are on."""
    steps = make_steps(house(480), gaps={200: 2}, adaptation=ADAPTED)
    alarms = [
        (250, Alarm.ANOMALY, "4.69 kW where 1.35 to 1.476 was expected: 1.84 times the limit", 10)
    ]
    if all_on:
        text = "the errors are 2.1 times what they were: 0.151 kW, 0.0719 kW before, since 18 h"
        alarms.append((60, Alarm.DRIFT, text, 1440))
        text = "0.312 kW 8 times in a row: more often than this meter repeats a value"
        alarms.append((455, Alarm.STUCK, text, 60))
    text = "2.392 kW where 1.403 to 1.482 was expected: 1.64 times the limit"
    alarms.append((474, Alarm.ANOMALY, text, 10))
    for index, kind, text, lasts in alarms:
        steps = alarming(steps, Alarm(kind, steps[index].reading.at, text, 1.84), lasts=lasts)
    return snapshot(steps)


SUMMER = timezone(timedelta(hours=2))
METER = About("mqtt://pi.local/tele/meter/SENSOR", "sceaux", ABOUT.trained_from, ABOUT.trained_to)


def zoned(steps: Iterable[Step], zone: tzinfo = SUMMER) -> list[Step]:
    """The same steps with times in a zone."""

    def forecast(found: Forecast | None) -> Forecast | None:
        return found and replace(found, at=found.at.replace(tzinfo=zone))

    return [
        replace(
            step,
            reading=replace(step.reading, at=step.reading.at.replace(tzinfo=zone)),
            settled=forecast(step.settled),
            forecast=forecast(step.forecast),
            alarms=tuple(replace(a, at=a.at.replace(tzinfo=zone)) for a in step.alarms),
        )
        for step in steps
    ]


def watched(
    steps: Iterable[Step] | None = None,
    *,
    link: str | None = Link.UP,
    why: str = "connection refused",
    kw: float | None = 1.234,
    age_s: float = 3.0,
) -> HistorySnapshot:
    """A meter being watched, 87 seconds after the beginning of the last minute received.

    Args:
        steps: the steps so far; by default 480.
        link: the state of the connection; if it is not up, it was lost two minutes ago, or
            has been silent for four.
        why: reason for which the connection was lost.
        kw: the meter's latest sample; None before the first.
        age_s: seconds since that sample, while the connection is up.
    """
    steps = (
        zoned(make_steps(house(480), gaps={200: 2}, adaptation=ADAPTED))
        if steps is None
        else [*steps]
    )
    at = steps[-1].reading.at if steps else START.replace(tzinfo=SUMMER)
    now = at + timedelta(seconds=87)
    items: list[Item] = [METER, *steps]
    if link is not None:
        items.append(Link(Link.UP, "broker", "", now - timedelta(hours=3)))
    if kw is not None:
        age = timedelta(seconds=240 if link == Link.SILENT else age_s)
        items.append(Sample(kw, now - age))
    if link == Link.SILENT:
        items.append(Link(link, "broker", "nothing for 4 min", now - timedelta(seconds=240)))
    elif link == Link.LOST:
        since, due = now - timedelta(seconds=125), now + timedelta(seconds=8)
        items.append(Link(link, "broker", why, since, due))
    history = History()
    for item in [*items, Vitals(0.0167, 0.153, 0.418, len(steps))]:
        history.write(item)
    return replace(history.snapshot(), now=now)
