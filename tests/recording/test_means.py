"""Recorded forecasts of the next minutes' mean, and their settlement by the readings."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from streamer.pipeline import Pipeline
from streamer.readings import MINUTE, NextMeans, Step
from streamer.recording.database import open_for_writing
from streamer.recording.future import set_future_aside
from streamer.testing import FixedForecaster
from tests.recording.conftest import Foreseeing, House, foreseeing, house

Key: TypeAlias = tuple[int, int]
"""Time of issue and horizon."""


def _view(path: Path) -> dict[Key, tuple[float | None, ...]]:
    """The view `means`, as any program sees it."""
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute(
            "SELECT at, minutes, kw, median_kw, low_kw, high_kw, actual_kw FROM means"
        )
        return {(at, minutes): tuple(values) for at, minutes, *values in rows}


def _at(step: Step) -> int:
    return int(step.reading.at.timestamp())


def _expected(
    steps: list[Step], horizons: tuple[int, ...] = (5, 15, 60)
) -> dict[Key, tuple[float | None, ...]]:
    """The same from the steps, settled by looking up each of the minutes."""
    kw = {_at(step): step.reading.kw for step in steps}
    found = {}
    for step in steps:
        for mean in step.next_means or ():
            if mean.minutes in horizons:
                coming = [kw.get(_at(step) + 60 * n) for n in range(1, mean.minutes + 1)]
                known = [value for value in coming if value is not None]
                whole = len(known) == mean.minutes
                found[_at(step), mean.minutes] = (
                    *(mean.kw, mean.median_kw, mean.low_kw, mean.high_kw),
                    sum(known) / mean.minutes if whole else None,
                )
    return found


def _assert_recorded(
    path: Path, steps: list[Step], horizons: tuple[int, ...] = (5, 15, 60)
) -> None:
    found, expected = _view(path), _expected(steps, horizons)
    assert found.keys() == expected.keys()
    values = [np.array(list(each.values()), np.float64) for each in (found, expected)]
    # Forecasts are recorded to 0.1 W.
    np.testing.assert_allclose(*(each[:, :4] for each in values), rtol=0, atol=0.00005001)
    np.testing.assert_allclose(*(each[:, 4] for each in values), rtol=0, atol=1e-9)


@pytest.fixture
def watcher(db: Path) -> House:
    return House(db, pipeline=Foreseeing())


def test_forecasts_are_recorded_with_the_mean_that_came(db: Path, watcher: House) -> None:
    steps = watcher.watch(house(300))
    watcher.close()
    assert any(step.gap_minutes for step in steps)
    _assert_recorded(db, steps)
    actual = [values[-1] for values in _view(db).values()]
    assert None in actual[:-100]
    assert actual[-3:] == [None] * 3


def test_only_some_horizons_are_recorded(db: Path) -> None:
    watcher = House(db, pipeline=Foreseeing(), horizons=(1, 60, 90))
    steps = watcher.watch(house(80))
    watcher.close()
    _assert_recorded(db, steps, (1, 60))


def test_an_interrupted_recording_has_the_same_means(db: Path, tmp_path: Path) -> None:
    readings = house(160)
    undisturbed = House(tmp_path / "other.db", pipeline=Foreseeing())
    undisturbed.watch(readings)
    undisturbed.close()
    for first, last in ((0, 20), (20, 21), (21, 90), (90, 160)):
        watcher = House(db, pipeline=Foreseeing())
        # After a kill, a minute may arrive again.
        watcher.watch(readings[max(first - 2, 0) : last])
        watcher.close()
    assert _view(db) == _view(tmp_path / "other.db")


def test_a_minute_that_is_already_recorded_keeps_its_forecasts(db: Path, watcher: House) -> None:
    steps = watcher.watch(house(10))
    for step in steps:
        watcher.recorder.write(foreseeing(step, (5, 30)))
    watcher.close()
    _assert_recorded(db, steps)


def test_recording_continues_without_forecasts(db: Path, watcher: House) -> None:
    steps = watcher.watch(house(20))
    watcher.close()
    plain = House(db)
    steps += plain.watch(house(100)[20:])
    plain.close()
    assert not steps[-1].next_means
    _assert_recorded(db, steps)


@pytest.mark.parametrize("kw", [np.nan, np.inf, -1e300])
def test_a_forecast_of_a_diverged_model_is_left_out(db: Path, watcher: House, kw: float) -> None:
    step = foreseeing(watcher.pipeline.push(house(1)[0]), (5, 15))
    assert step.next_means is not None
    values = step.next_means.values.copy()
    values[0, 3] = kw
    watcher.recorder.write(replace(step, next_means=NextMeans((5, 15), values)))
    watcher.close()
    _assert_recorded(db, [step], (15,))


def test_means_go_with_minutes_that_are_set_aside(db: Path, watcher: House) -> None:
    readings = house(40)
    late = [replace(each, at=each.at + timedelta(days=2)) for each in readings]
    steps = watcher.watch(readings + late)
    watcher.close()
    with closing(open_for_writing(db)) as connection:
        aside = set_future_aside(connection, db, readings[-1].at + MINUTE)
    assert aside is not None
    assert aside.minutes == 40
    _assert_recorded(db, steps[:40])
    _assert_recorded(aside.path, steps[40:])


def test_the_view_is_for_people(db: Path, watcher: House) -> None:
    steps = watcher.watch(house(200))
    watcher.close()
    with closing(sqlite3.connect(db)) as connection:
        shown = [at for (at,) in connection.execute("SELECT DISTINCT local_time FROM means")]
    assert shown == [f"{step.reading.at:%Y-%m-%d %H:%M}" for step in steps]


def test_a_recording_without_forecasts_costs_nothing(db: Path) -> None:
    watcher = House(db)
    watcher.watch(house(200))
    watcher.close()
    with closing(sqlite3.connect(db)) as connection:
        pages = "SELECT count(*) FROM dbstat WHERE name IN ('mean_forecasts', 'channel_values')"
        try:
            assert connection.execute(pages).fetchone() == (2,)
        except sqlite3.OperationalError:
            pytest.skip("this SQLite has no table of its pages")


def _settling() -> Pipeline:
    return Pipeline(FixedForecaster(window=5, spread_kw=0.3, horizons=(5, 15, 30, 60)))


def test_the_means_that_came_are_those_of_the_pipeline(db: Path) -> None:
    watcher = House(db, pipeline=_settling())
    steps = watcher.watch(house(250))
    watcher.close()
    _assert_recorded(db, steps)
    settled = {
        (int(mean.issued_at.timestamp()), mean.forecast.minutes): mean.actual_kw
        for step in steps
        for mean in step.settled_means
        if mean.forecast.minutes in (5, 15, 60)
    }
    found = {key: row[-1] for key, row in _view(db).items() if row[-1] is not None}
    assert len(settled) > 100
    assert found == {key: pytest.approx(kw, abs=1e-9) for key, kw in settled.items()}


def test_open_forecasts_are_settled_after_a_restart(db: Path, tmp_path: Path) -> None:
    readings = house(200)
    undisturbed = House(tmp_path / "other.db", pipeline=_settling(), snapshot_every=50)
    expected = undisturbed.watch(readings)
    undisturbed.close()
    steps = []
    for first, last in ((0, 45), (45, 46), (46, 130), (130, 200)):
        watcher = House(db, pipeline=_settling(), snapshot_every=50)
        watcher.recorder.resume(watcher.pipeline, steps=0)
        steps += watcher.watch(readings[first:last])
        watcher.close()
        assert not watcher.texts
    assert steps == expected
    assert sum(len(step.settled_means) for step in steps) > 300
    assert _view(db) == _view(tmp_path / "other.db")
