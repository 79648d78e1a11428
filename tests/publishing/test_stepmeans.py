"""Tests of the coming steps of the clock, against means of single minutes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.pipeline import Pipeline
from streamer.publishing.stepmeans import STEPS, step_means, stretches
from streamer.readings import MINUTE, NextMeans, QuarterHour, Step
from streamer.testing import FixedForecaster, readings

START = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HORIZONS = (*range(2, 16), 30, 60)
QUARTER = timedelta(minutes=15)
STEP = Pipeline(FixedForecaster(0.5, window=1)).push(readings([0.5])[0])


def _step(minute_kw: np.ndarray | None, at: datetime = START) -> Step:
    """A step at which each of the next sixty minutes is forecast as given."""
    step = replace(STEP, reading=replace(STEP.reading, at=at))
    if minute_kw is None:
        return step
    means = np.array([minute_kw[:minutes].mean() for minutes in HORIZONS])
    return replace(step, next_means=NextMeans(HORIZONS, np.repeat(means[:, None], 4, axis=1)))


def _quarters(days: int, until: datetime, kw: float = 2.0) -> list[QuarterHour]:
    """Quarter-hours of the days up to a time, whose mean power grows by 1 W each."""
    first = until.replace(hour=0, minute=0) - timedelta(days=days)
    count = int((until - first) / QUARTER)
    return [QuarterHour(first + n * QUARTER, (kw + 0.001 * n) / 4.0, 0.0, 15) for n in range(count)]


minute_powers = st.lists(
    st.floats(-5.0, 10.0, allow_subnormal=False), min_size=60, max_size=60
).map(np.array)


@given(minute_powers)
@settings(max_examples=25)
def test_stretches_are_the_means_of_their_minutes(kw: np.ndarray) -> None:
    found = stretches(_step(kw))
    assert [(each.start, each.end) for each in found] == [
        (0, 5),
        (5, 10),
        (10, 15),
        (15, 30),
        (30, 60),
    ]
    for each in found:
        assert each.kw == pytest.approx(kw[each.start : each.end].mean(), abs=1e-9)


@given(minute_powers, st.sampled_from((15, 30, 60)))
@settings(max_examples=25)
def test_steps_of_whole_stretches_are_the_means_of_their_minutes(
    kw: np.ndarray, minutes: int
) -> None:
    found = step_means(_step(kw, START - MINUTE), START, minutes=minutes)
    assert [each.start for each in found] == [
        START + n * minutes * MINUTE for n in range(60 // minutes)
    ]
    assert [each.forecast for each in found] == [1.0] * (60 // minutes)
    # The minutes of 31 to 45 and 46 to 60 have one mean.
    whole = (
        [(0, 15), (15, 30), (30, 60), (30, 60)]
        if minutes == 15
        else [(n * minutes, (n + 1) * minutes) for n in range(60 // minutes)]
    )
    for each, (start, end) in zip(found, whole, strict=True):
        assert each.kw == pytest.approx(kw[start:end].mean(), abs=1e-9)


@given(
    minute_powers,
    st.integers(0, 180),
    st.integers(0, 150),
    st.sampled_from(STEPS),
    st.integers(1, 30),
)
@settings(max_examples=25)
def test_steps_are_those_of_the_clock_and_agree_with_single_minutes(
    kw: np.ndarray, past: int, late_s: int, minutes: int, hours: int
) -> None:
    at = START + past * MINUTE
    now = at + MINUTE + timedelta(seconds=late_s)
    quarters = _quarters(2, at)
    step = replace(_step(kw, at), quarter_hours=quarters)
    parts = stretches(step)
    of_day = {row.start: 4.0 * row.import_kwh for row in quarters}

    def expected(minute: datetime) -> float:
        number = int((minute - at) / MINUTE) - 1
        for part in parts:
            if part.start <= number < part.end:
                return part.kw
        quarter = minute - timedelta(minutes=minute.minute % 15)
        while quarter not in of_day:
            quarter -= timedelta(days=1)
        return of_day[quarter]

    found = step_means(step, now, minutes=minutes, hours=hours)
    assert len(found) == 60 * hours // minutes
    this_minute = now.replace(second=0)
    assert found[0].start <= this_minute < found[0].start + minutes * MINUTE
    for number, each in enumerate(found):
        assert each.start == found[0].start + number * minutes * MINUTE
        assert each.start.minute % minutes == 0
        coming = [each.start + n * MINUTE for n in range(minutes)]
        coming = [minute for minute in coming if minute >= this_minute]
        assert each.kw == pytest.approx(np.mean([expected(minute) for minute in coming]))
        ahead = [minute <= at + 60 * MINUTE for minute in coming]
        assert each.forecast == pytest.approx(np.mean(ahead))


def test_without_earlier_days_the_hour_is_all_that_is_known() -> None:
    step = _step(np.full(60, 0.4), START - 2 * MINUTE)
    found = step_means(step, START + timedelta(seconds=10), minutes=15, hours=24)
    # The last minute of the fourth quarter-hour is not forecast, and is taken to be like it.
    assert [each.start.minute for each in found] == [0, 15, 30, 45]
    assert [each.kw for each in found] == pytest.approx([0.4] * 4)
    assert found[-1].forecast == pytest.approx(14 / 15)


def test_without_forecasts_of_means_the_earlier_days_are_all_that_is_known() -> None:
    step = replace(_step(None), quarter_hours=_quarters(1, START))
    found = step_means(step, START + MINUTE, minutes=60, hours=2)
    assert [each.forecast for each in found] == [0.0, 0.0]
    assert step_means(_step(None), START + MINUTE) == []


def test_a_quarter_hour_that_was_hardly_measured_does_not_count() -> None:
    day = START - timedelta(days=1)
    rows = [
        QuarterHour(day - timedelta(days=1), 0.1, 0.0, 15),
        QuarterHour(day, 9.0, 0.0, 7),
        QuarterHour(day + QUARTER, 0.1, 0.2, 8),
    ]
    step = replace(_step(None, START - MINUTE), quarter_hours=rows)
    found = step_means(step, START, minutes=15)
    assert [each.kw for each in found] == pytest.approx([0.4, -0.75])


def test_the_same_time_of_day_is_that_of_the_wall_clock() -> None:
    # On 2026-03-29, clocks in Brussels skip the hour from two.
    zone = ZoneInfo("Europe/Brussels")
    at = datetime(2026, 3, 29, 1, 29, tzinfo=zone)
    midnight = datetime(2026, 3, 28, tzinfo=zone)
    rows = [QuarterHour(midnight + n * QUARTER, n / 4.0, 0.0, 15) for n in range(96)]
    step = replace(_step(None, at), quarter_hours=rows)
    found = step_means(step, at + MINUTE, minutes=30, hours=2)
    assert [each.start.strftime("%H:%M %z") for each in found] == [
        "01:30 +0100",
        "03:00 +0200",
        "03:30 +0200",
        "04:00 +0200",
    ]
    assert [each.kw for each in found] == pytest.approx([6.5, 12.5, 14.5, 16.5])


def test_times_without_a_zone_are_their_own_clock() -> None:
    at = datetime(2010, 3, 19, 17, 4)
    found = step_means(_step(np.full(60, 0.4), at), at + MINUTE, minutes=30)
    assert [each.start for each in found] == [at.replace(minute=0), at.replace(minute=30)]
