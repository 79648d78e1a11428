"""Tests of online forecasts of the next minutes' mean against a pipeline over the same readings."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from itertools import pairwise

import numpy as np
import pytest
from rich.console import Console

from streamer.demand.settings import DemandRule
from streamer.evaluation import Adapted, Stretch, forecast_stretch
from streamer.evaluation import forecasts as forecasts_module
from streamer.evaluation.demand import run_demand
from streamer.evaluation.means import MeanEvaluation, MeanForecasts, assess_means, model_means
from streamer.evaluation.means.online import OnlineMeans, readings_of
from streamer.evaluation.means.tables import mean_tables
from streamer.models import load_model
from streamer.models.forecaster import NetworkForecaster
from streamer.online.layer import Adapt
from streamer.pipeline import Pipeline
from streamer.readings import Step
from streamer.testing import FixedForecaster
from tests.evaluation.conftest import minutes
from tests.evaluation.test_frozen_means import Head

BLOCK = 400
HORIZONS = (1, 5, 60)


@pytest.fixture(scope="module")
def model() -> NetworkForecaster:
    found = load_model()
    found.horizons = Head()  # type: ignore[assignment]
    return found


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Split even a short stretch into several blocks."""
    monkeypatch.setattr(forecasts_module, "_BLOCK", BLOCK)


@pytest.fixture(scope="module")
def stretch(sample_kw: np.ndarray, sample_at: np.ndarray) -> Stretch:
    """A day and a half across the gap of the sample, after 300 readings before it."""
    return Stretch(sample_kw[:2400], sample_at[:2400], start=300)


def _online(model: NetworkForecaster, stretch: Stretch, confidence: float = 0.9) -> OnlineMeans:
    adapted = Adapted(model.levels, stretch, confidence)
    assert model.horizons is not None
    found = OnlineMeans(model.horizons, adapted, stretch, HORIZONS)
    forecast_stretch(model, stretch, lambda count: None, [found])
    return found


def _steps(
    model: NetworkForecaster,
    stretch: Stretch,
    confidence: float = 0.9,
    demand: DemandRule | None = None,
    adapt: Adapt = True,
) -> list[Step]:
    """Steps of a pipeline, in blocks for which the network computes the same windows together."""
    pipeline = Pipeline(model, confidence=confidence, demand=demand, adapt=adapt)
    readings = readings_of(stretch)
    edges = [0, *range(48 + BLOCK, len(readings) - 1, BLOCK), len(readings) - 1, len(readings)]
    steps: list[Step] = []
    for start, end in pairwise(edges):
        steps += pipeline.push_many(readings[start:end])
    return steps


def _shown(steps: list[Step]) -> np.ndarray:
    means = [step.next_means for step in steps[:-1] if step.next_means is not None]
    return np.array([each.values for each in means])[:, [0, 1, 3]]


@pytest.mark.parametrize("confidence", [0.9, 0.6])
def test_online_forecasts_equal_those_of_a_pipeline(
    model: NetworkForecaster, stretch: Stretch, confidence: float
) -> None:
    expected = _shown(_steps(model, stretch, confidence))
    found = _online(model, stretch, confidence)
    assert found.minutes == HORIZONS
    np.testing.assert_allclose(found.values_kw, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("adapt", [True, "light"])
def test_demand_intervals_are_those_of_a_pipeline(
    model: NetworkForecaster, stretch: Stretch, adapt: Adapt, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model.horizons, "minutes", (5, 15, 60))
    rule, light = DemandRule(15, floor_kw=0.5, alarms_per_month=100.0), adapt == "light"
    adapted = Adapted(model.levels, stretch, 0.9, adapt=adapt)
    given = (None, adapted) if light else (adapted, None)
    forecasters = model_means(model, given[0], stretch, (), every=True, light=given[1])
    forecast_stretch(model, stretch, lambda count: None, forecasters)
    online = forecasters[-1]
    means = MeanForecasts("model", online.minutes, online.values_kw)
    found = run_demand(stretch, means, rule, lambda count: None, confidence=0.9, light=light)
    p: list[list[float | None]] = [[]]
    settled = []
    for step in _steps(model, stretch, demand=rule, adapt=adapt):
        whole = [each for each in step.settled_demand if not each.unknown_minutes]
        if step.settled_demand:
            settled += [each for each in whole if len(p[-1]) == 14]
            p[-1:] = [p[-1], []] if whole and len(p[-1]) == 14 else [[]]
        if step.demand is not None and step.demand.minutes_left and step.demand.low_kw is not None:
            p[-1].append(step.demand.p_raises_peak)
    assert len(found.p) > 100
    np.testing.assert_allclose(found.p, np.array(p[:-1], float), atol=1e-4)
    np.testing.assert_allclose(found.mean_kw, [each.kw for each in settled])
    assert [bool(left) for left in found.warned_left.tolist()] == [
        each.warned_at is not None for each in settled
    ]


def test_with_solar_and_battery_power_they_equal_those_of_a_pipeline(
    model: NetworkForecaster, stretch: Stretch
) -> None:
    rng = np.random.default_rng(4)
    solar, battery = 2.0 * rng.random(2400), rng.normal(0, 0.3, 2400)
    grid = stretch.kw - solar + battery
    measured = replace(stretch, kw=grid, solar_kw=solar, battery_kw=battery)
    expected = _shown(_steps(model, measured))
    np.testing.assert_allclose(_online(model, measured).values_kw, expected, rtol=0, atol=1e-5)


def test_scores_are_those_that_a_replay_shows(model: NetworkForecaster, stretch: Stretch) -> None:
    adapted = Adapted(model.levels, stretch, 0.9)
    frozen, online = model_means(model, adapted, stretch, (1, 5, 60))
    forecast_stretch(model, stretch, lambda count: None, [frozen, online])
    given = [
        MeanForecasts("m", frozen.minutes, frozen.values_kw, is_model=True),
        MeanForecasts("m, adapted", online.minutes, online.values_kw, True, "m"),
    ]
    found = assess_means(stretch, given, (1, 5, 60))
    scores = _steps(model, stretch)[-1].mean_scores
    assert scores is not None
    for horizon in found.horizons:
        shown = scores.of(horizon.minutes)
        assert shown is not None
        assert shown.settled == horizon.settled
        by_name = {score.name: score for score in horizon.scores}
        score = by_name["m, adapted"]
        assert score.band is not None
        assert shown.mse_kw2 == pytest.approx(score.mse_kw2, rel=1e-4)
        assert shown.winkler_kw == pytest.approx(score.band.winkler_kw, rel=1e-4)
        assert shown.coverage == pytest.approx(score.band.coverage, abs=1e-3)
        persistence = by_name["persistence"]
        assert shown.persistence_mse_kw2 == pytest.approx(persistence.mse_kw2, rel=1e-6)


def test_those_of_a_fleet_equal_a_pipeline_s_adapted_like_one(stretch: Stretch) -> None:
    model = load_model("homes")
    adapted = Adapted(model.levels, stretch, 0.9, adapt="light")
    frozen, light = model_means(model, None, stretch, (5, 15, 60), light=adapted)
    assert isinstance(light, OnlineMeans)
    assert light.minutes == (15, 60)
    forecast_stretch(model, stretch, lambda count: None, [frozen, light])
    steps = Pipeline(model, adapt="light").push_many(readings_of(stretch))[:-1]
    expected = [step.next_means.values[1:] for step in steps if step.next_means is not None]
    np.testing.assert_allclose(light.values_kw, expected, rtol=0, atol=1e-5)
    title = "m, adapted lightly"
    given = [
        MeanForecasts("m", frozen.minutes, frozen.values_kw, is_model=True),
        MeanForecasts(title, light.minutes, light.values_kw, True, "m"),
    ]
    (table,) = _tables(assess_means(stretch, given, (5, 15, 60)))
    assert "lightly" in table
    assert [line.split()[0] for line in table.splitlines() if " min " in line] == ["15", "60"]


def _tables(evaluation: MeanEvaluation) -> list[str]:
    """The tables of models, as text."""
    console = Console(width=80, file=StringIO())
    for part in mean_tables(evaluation):
        console.print(part)
    assert isinstance(console.file, StringIO)
    blocks = console.file.getvalue().split("Mean of the next minutes: ")
    return [block for block in blocks if block.startswith("m\n")]


def test_frozen_forecasts_alone_are_made_without_adapted_ones(
    model: NetworkForecaster, stretch: Stretch
) -> None:
    (only,) = model_means(model, None, stretch, (5, 60))
    assert only.minutes == (5, 10, 60)  # a quarter-hour after 5 and after 10 minutes
    assert model_means(model, None, stretch, ()) == []
    assert model_means(FixedForecaster(), None, stretch, (5,)) == []
    assert model_means(FixedForecaster(horizons=(2,)), None, stretch, (5, 60)) == []


def test_a_clock_that_is_set_back_is_no_error(model: NetworkForecaster) -> None:
    at = minutes(400)
    at[150:] -= np.timedelta64(1, "h")
    stretch = Stretch(np.linspace(0.2, 3.0, 400), at)
    assert np.isfinite(_online(model, stretch).values_kw).all()
