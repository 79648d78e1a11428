"""Tests of a fleet's horizons in a pipeline, settled and scored, against whole series."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

import numpy as np
import pytest

from streamer.errors import StateError
from streamer.online.means.light.forecasts import MEANS
from streamer.pipeline import Pipeline
from streamer.readings import MINUTE, Step
from streamer.readings.blocks import ReadingBlock
from streamer.readings.gaps import GapRule
from streamer.testing import START, FixedForecaster, readings
from tests.online.means.test_layer import agree

MINUTES = (15, 60)


def pipeline(kw: float | None = None, **settings: object) -> Pipeline:
    forecaster = FixedForecaster(kw, window=3, spread_kw=0.3, horizons=(5, *MINUTES))
    return Pipeline(forecaster, adapt="light", **settings)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def series() -> np.ndarray:
    """Eight hours of minutes in kW, NaN in gaps, one of which empties the buffer."""
    rng = np.random.default_rng(3)
    kw = np.abs(np.cumsum(rng.normal(size=480))) * 0.05 + rng.random(480)
    kw[[200, 201, 202, 294]] = np.nan
    kw[300:330] = np.nan
    return kw


@pytest.fixture(scope="module")
def steps(series: np.ndarray) -> list[Step]:
    """Steps of the series, one by one."""
    one = pipeline(gaps=GapRule("reset", 10))
    return [one.push(reading) for reading in readings(series)]


def minute_of(at: datetime) -> int:
    return round((at - START) / MINUTE)


def test_forecasts_of_the_ends_of_quarter_hours_settle(
    series: np.ndarray, steps: list[Step]
) -> None:
    first = round(START.timestamp()) // 60
    by_minute = {minute_of(step.reading.at): step for step in steps}
    errors: dict[int, list[tuple[float, float, bool]]] = {15: [], 60: []}
    for now, step in by_minute.items():
        found = {each.forecast.minutes: each for each in step.settled_means}
        for minutes in MINUTES:
            issued = by_minute.get(now - minutes)
            whole = now >= minutes and not np.isnan(series[now - minutes + 1 : now + 1]).any()
            ends = (first + now) % 15 == 14
            if issued is None or issued.next_means is None or not whole or not ends:
                assert minutes not in found
                continue
            forecast, actual = issued.next_means.of(minutes), found[minutes].actual_kw
            assert forecast is not None
            assert found[minutes].issued_at == issued.reading.at
            for part in ("kw", "median_kw", "low_kw", "high_kw"):
                expected = getattr(forecast, part)
                assert getattr(found[minutes].forecast, part) == pytest.approx(expected, rel=1e-6)
            mean = series[now - minutes + 1 : now + 1].mean()
            assert actual == pytest.approx(mean, rel=1e-6)
            inside = forecast.low_kw <= actual <= forecast.high_kw
            errors[minutes].append((actual - forecast.kw, actual - issued.reading.kw, inside))
    assert min(map(len, errors.values())) > 5
    scores = steps[-1].mean_scores
    assert scores is not None
    for minutes in MINUTES:
        score, known = scores.of(minutes), np.array(errors[minutes])
        assert score is not None
        assert score.settled == len(known)
        assert score.mse_kw2 == pytest.approx(np.mean(known[:, 0] ** 2), rel=1e-5)
        assert score.persistence_mse_kw2 == pytest.approx(np.mean(known[:, 1] ** 2), rel=1e-5)
        assert score.coverage == pytest.approx(known[:, 2].mean(), rel=1e-5)
        assert score.mae_kw is score.winkler_kw is score.recent_mse_kw2 is None


def test_the_first_horizon_is_the_forecast_of_the_next_reading(steps: list[Step]) -> None:
    settled = 0
    for before, step in pairwise(steps):
        assert (step.next_means is None) == (step.forecast is None)
        if step.forecast is not None and step.next_means is not None:
            first = step.next_means[0]
            assert (first.minutes, first.kw) == (1, step.forecast.kw)
            assert first.median_kw == step.forecast.median_kw
        apart = minute_of(step.reading.at) - minute_of(before.reading.at)
        due = apart == 1 and before.next_means is not None
        settled += due
        found = [each for each in step.settled_means if each.forecast.minutes == 1]
        assert len(found) == due
    scores = steps[-1].mean_scores
    assert scores is not None
    assert scores[0].settled == settled


@pytest.mark.parametrize("cut", [1, 199, 310])
def test_blocks_and_a_restored_state_give_the_same_steps(
    series: np.ndarray, steps: list[Step], cut: int
) -> None:
    given = readings(series)
    first, second = (pipeline(gaps=GapRule("reset", 10)) for _ in range(2))
    before = first.push_many(given[:cut])
    second.restore(json.loads(json.dumps(first.state(), allow_nan=False)))
    agree([*before, *second.push_many(given[cut:])], steps)


def test_a_block_gives_the_last_step(series: np.ndarray, steps: list[Step]) -> None:
    given = readings(series)
    at = np.array([reading.at for reading in given], "datetime64[us]")
    block = ReadingBlock(at, np.array([reading.kw for reading in given]))
    agree([pipeline(gaps=GapRule("reset", 10)).push_block(block).last], steps[-1:])


def test_changes_that_do_not_come_are_weighted_down() -> None:
    step = pipeline(5.0).push_many(readings([1.0] * 400))[-1]
    assert step.next_means is not None
    assert step.next_means[-1].kw == pytest.approx(1.0, abs=0.6)
    frozen = pipeline(5.0).push_many(readings([1.0] * 10))[-1]
    assert frozen.next_means is not None
    assert frozen.next_means[-1].kw == 5.0


def test_a_house_without_export_has_no_interval_below_zero() -> None:
    step = pipeline(0.1).push_many(readings([0.1] * 30))[-1]
    assert step.next_means is not None
    assert step.next_means[-1].low_kw == 0.0
    step = pipeline(0.1).push_many(readings([-0.1] * 5 + [0.1] * 30))[-1]
    assert step.next_means is not None
    assert step.next_means[-1].low_kw < -0.1


def test_solar_power_leaves_the_next_reading_alone() -> None:
    given = [replace(reading, solar_kw=0.2) for reading in readings([0.5] * 40)]
    found = pipeline()
    assert all(step.next_means is None for step in found.push_many(given[:20]))
    assert all(found.push(reading).next_means is None for reading in given[20:])
    assert found.state()["means"]["light"]


def test_a_model_of_other_horizons_has_none() -> None:
    bare = Pipeline(FixedForecaster(window=3, horizons=(5, 15)), adapt="light")
    step = bare.push_many(readings([0.3] * 5))[-1]
    assert step.next_means is step.mean_scores is None
    step = pipeline(horizons=False).push_many(readings([0.3] * 5))[-1]
    assert step.next_means is None


def test_damaged_states_are_refused() -> None:
    found = pipeline()
    found.push_many(readings(np.random.default_rng(1).random(100)))
    state = found.state()["means"]
    record, scores = state["light"]
    wrong = bytearray.fromhex(record)
    wrong[: MEANS["history"]["recent"].itemsize] = b"\\xff" * MEANS["history"]["recent"].itemsize
    for change in (
        {"light": [record]},
        {"light": [record[:-2], scores]},
        {"light": [record * 2, scores * 2]},
        {"light": [wrong.hex()[:-8] + "000080ff", scores]},
        {"light": ["x", scores]},
        {"last": "x"},
        {"last": [0.5, state["last"][1]]},
        {"last_kw": "AAAA"},
    ):
        with pytest.raises(StateError):
            pipeline().restore({**found.state(), "means": {**state, **change}})
