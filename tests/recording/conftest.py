"""Fixtures: a house with gaps, a summer-time change and export, and a recorder."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streamer.demand.settings import DemandRule
from streamer.pipeline import Pipeline
from streamer.readings import MINUTE, NextMeans, Notice, Reading, Step
from streamer.recording.recorder import Recorder
from streamer.testing import FixedForecaster
from tests.models.plugins.own import Leaning

SPRING = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
"""The moment at which Central Europe's clocks change from 02:00 to 03:00."""

_LATER = SPRING.timestamp() + 365 * 86_400.0

DEMAND = DemandRule(floor_kw=0.5)

SETTINGS = {"model": "fixed", "confidence": "0.9"}


def house(count: int, *, start: datetime = SPRING - 120 * MINUTE) -> list[Reading]:
    """Readings in local time, which changes at `SPRING`, with gaps, repetitions and export."""
    found = []
    for minute, kw in _values()[:count]:
        at = start + minute * MINUTE
        hours = 2 if at >= SPRING else 1
        found.append(Reading(at.astimezone(timezone(timedelta(hours=hours))), kw))
    return found


@cache
def _values(most: int = 8000) -> list[tuple[int, float]]:
    rng = np.random.default_rng(0)
    kw = np.round(rng.exponential(0.6, most) - 0.1, 3) + rng.integers(0, 9, most) / 7.0
    kw[40:90] = 0.25
    minutes = np.cumsum(1 + (rng.random(most) < 0.01) * rng.integers(1, 90, most))
    return list(zip(minutes.tolist(), kw.tolist(), strict=True))


def pipeline(**options: Any) -> Pipeline:
    """A fast pipeline with intervals, alarms and an adapter."""
    return Pipeline(FixedForecaster(window=5, spread_kw=0.3), **options)


def metered(rule: DemandRule | None = DEMAND, **options: Any) -> Pipeline:
    """A pipeline with demand intervals and forecasts of them; with rules of its own, or none."""
    forecaster = FixedForecaster(window=5, spread_kw=0.3, horizons=(5, 10, 15, 60))
    return Pipeline(forecaster, demand=rule, **options)


def racing(**options: Any) -> Pipeline:
    """The same with challengers, one of which learns."""
    challengers = {"leaning": Leaning(), "blocks": FixedForecaster(window=7, spread_kw=0.1)}
    return metered(challengers=challengers, **options)


class House:
    """A pipeline and a recorder, used like the command does.

    Attributes:
        notices: the notices so far.
        now: time of its clock in seconds.
    """

    def __init__(self, path: Path, **options: Any) -> None:
        self.path = path
        self.notices: list[Notice] = []
        self.now = 1000.0
        self.pipeline = options.pop("pipeline", None) or pipeline()
        self.recorder = Recorder.open(
            path,
            settings=options.pop("settings", SETTINGS),
            state=self.pipeline.state,
            notify=self.notices.append,
            now=lambda: self.now,
            wall=options.pop("wall", lambda: _LATER),
            **options,
        )
        if self.recorder._target.store is not None:
            # No power cut is tested here, and disks are slow.
            self.recorder._target.store.connection.execute("PRAGMA synchronous = OFF")

    @property
    def texts(self) -> list[str]:
        return [notice.text for notice in self.notices]

    def watch(self, readings: Iterable[Reading]) -> list[Step]:
        """Push and record readings, advancing the clock by a minute between them."""
        steps = []
        for reading in readings:
            self.now += 60.0
            steps.append(self.pipeline.push(reading))
            self.recorder.write(steps[-1])
        return steps

    def close(self) -> None:
        self.recorder.close()


def columns_of(step: Step) -> tuple[float | None, ...]:
    """Recorded columns of a step, without its time."""
    settled, forecast = step.settled, step.forecast
    before = (None,) * 5
    if settled is not None:
        before = (
            settled.kw,
            settled.low_kw,
            settled.high_kw,
            settled.median_kw,
            settled.frozen_kw,
        )
    after = (None,) * 4
    if forecast is not None:
        after = (forecast.kw, forecast.low_kw, forecast.high_kw, forecast.median_kw)
    coming = (None,) * 3
    if forecast is not None:
        coming = (forecast.point_kw, forecast.consumption_kw, forecast.solar_kw)
    reading = step.reading
    assert math.isfinite(reading.kw)
    consumption_kw = None if reading.solar_kw is None else reading.consumption_kw
    return (
        *(reading.kw, *before, *after, step.gap_minutes),
        *(None if settled is None else settled.point_kw, *coming),
        *(reading.solar_kw, reading.battery_kw, consumption_kw),
    )


COLUMNS = (
    "actual_kw, forecast_kw, low_kw, high_kw, median_kw, frozen_kw, "
    "next_kw, next_low_kw, next_high_kw, next_median_kw, gap_minutes, "
    "point_kw, next_point_kw, next_consumption_kw, next_solar_kw, "
    "solar_kw, battery_kw, consumption_kw"
)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    return tmp_path / "house.db"


def foreseeing(step: Step, minutes: tuple[int, ...] = (1, 5, 15, 60)) -> Step:
    """A step with forecasts of the next minutes' mean, each of other values."""
    middle = np.array(minutes) / 64.0 + step.reading.kw
    values = np.stack([middle + 0.03, middle, middle - 0.5, middle + 1.25], axis=1)
    return replace(step, next_means=NextMeans(minutes, values))


class Foreseeing:
    """A pipeline whose steps have forecasts of the next minutes' mean."""

    def __init__(self) -> None:
        self._pipeline = pipeline()
        self.state, self.restore = self._pipeline.state, self._pipeline.restore

    def push(self, reading: Reading) -> Step:
        return foreseeing(self._pipeline.push(reading))
