"""Streams made by hand, the same on every machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from streamer.dashboard import History, Snapshot
from streamer.readings import (
    MINUTE,
    About,
    Counts,
    Errors,
    Forecast,
    Notice,
    Reading,
    Scores,
    Step,
    Vitals,
)

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
"""Of a recording that is not held back."""

DAY = [0.3, 0.31, 0.29, 0.32, 1.2, 1.25, 1.21, 0.4, 0.35, 2.9, 2.85, 2.8, 0.9, 0.34, 0.33, 0.3]
"""A kettle and an oven in kW; repeated, it makes a stream."""


def house(count: int, scale: float = 1.0, offset: float = 0.0) -> list[float]:
    """Some readings of a house in kW."""
    return [offset + scale * (DAY[i % len(DAY)] + 0.01 * (i % 7)) for i in range(count)]


def make_steps(
    values: Iterable[float], *, gaps: dict[int, int] | None = None, capacity: int = 50
) -> list[Step]:
    """Steps as a pipeline with a plain forecaster would make them.

    Args:
        values: the readings in kW.
        gaps: minutes missing before a reading, by its index; more than ten empty the buffer.
        capacity: size of the ring buffer.
    """
    gaps = gaps or {}
    at, last, buffered = START, None, 0
    readings = missing = resets = 0
    waiting: Forecast | None = None
    ours: list[float] = []
    theirs: list[float] = []
    steps = []
    for index, kw in enumerate(values):
        gap = gaps.get(index, 0)
        at += (gap + 1) * MINUTE
        missing += gap
        if gap > 10:
            buffered, resets, waiting = 0, resets + 1, None
        settled, readings = waiting, readings + 1
        if settled is not None:
            ours.append(kw - settled.kw)
            theirs.append(kw - settled.last_kw)
        buffered = min(capacity, buffered + 1)
        waiting = None
        if buffered >= capacity - 1:
            expected = 0.8 * kw + 0.2 * (kw if last is None else last)
            waiting = Forecast(at + MINUTE, expected, kw)
        gap_count = sum(1 for i in gaps if i <= index)
        counts = Counts(readings, gap_count, missing, resets)
        scores = Scores(len(ours), _errors(ours), _errors(theirs)) if ours else Scores()
        steps.append(Step(Reading(at, kw), settled, waiting, scores, gap, buffered, counts))
        last = kw
    return steps


def _errors(errors: Sequence[float]) -> Errors:
    squares = [e * e for e in errors]
    return Errors(
        mse_kw2=sum(squares) / len(squares),
        mae_kw=sum(map(abs, errors)) / len(errors),
        hour_mse_kw2=sum(squares[-60:]) / len(squares[-60:]),
        day_mse_kw2=sum(squares[-1440:]) / len(squares[-1440:]),
    )


def snapshot(
    steps: Iterable[Step] = (),
    *,
    about: About | None = ABOUT,
    notices: Iterable[Notice] = (),
    vitals: Vitals | None = VITALS,
) -> Snapshot:
    """A snapshot of a history that was given these, in this order."""
    history = History()
    items = [about, *steps, *notices, vitals]
    for item in items:
        if item is not None:
            history.write(item)
    return history.snapshot()


def usual(vitals: Vitals = VITALS) -> Snapshot:
    """A replay that runs well, with two gaps and some rows that were skipped."""
    notices = [
        Notice(Notice.MALFORMED, "house.txt:12: 'abc' is not a number; row skipped"),
        Notice(Notice.ORDER, "house.txt:99: time does not advance; row skipped", count=3),
        Notice(Notice.WARNING, "the file ends in the middle of a row", START + timedelta(hours=9)),
    ]
    steps = make_steps(house(480), gaps={200: 2, 440: 5})
    return snapshot(steps, notices=notices, vitals=vitals)
