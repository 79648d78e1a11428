"""Tests of adapted forecasts against a pipeline over the same readings."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from streamer.evaluation import Adapted, Stretch, forecast_stretch
from streamer.evaluation import forecasts as forecasts_module
from streamer.models import Forecaster, load_model
from streamer.pipeline import Pipeline
from streamer.readings import Forecast, Reading
from streamer.testing import FixedForecaster
from tests.evaluation.conftest import minutes

BLOCK = 1000


def _ignore(count: int) -> None:
    pass


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Split even a short stretch into several blocks."""
    monkeypatch.setattr(forecasts_module, "_BLOCK", BLOCK)


def _adapted(model: Forecaster, stretch: Stretch, confidence: float = 0.9) -> Adapted:
    found = Adapted(model.levels, stretch, confidence)
    forecast_stretch(model, stretch, _ignore, [found])
    return found


def _shown(model: Forecaster, stretch: Stretch, confidence: float = 0.9) -> list[Forecast]:
    """Forecasts of a pipeline for each scored minute.

    It gets the readings in such blocks that the network computes the same windows together,
    since 32-bit products differ in the last bits by how many there are. The last reading is
    not needed: its forecast is made before it.
    """
    pipeline = Pipeline(model, confidence=confidence)
    columns = [
        [None] * len(stretch.kw) if kw is None else kw.tolist()
        for kw in (stretch.kw, stretch.solar_kw, stretch.battery_kw)
    ]
    readings = [
        Reading(at.item(), *powers)
        for at, *powers in zip(stretch.at, *columns, strict=True)  # type: ignore[arg-type]
    ][stretch.start : -1]
    begin = model.window - 1
    edges = [0, *range(begin + BLOCK, len(readings), BLOCK), len(readings)]
    steps = []
    for start, end in pairwise(edges):
        steps += pipeline.push_many(readings[start:end])
    return [step.forecast for step in steps if step.forecast is not None]


@pytest.mark.parametrize("confidence", [0.9, 0.6])
def test_adapted_forecasts_equal_those_of_a_pipeline(
    sample_kw: np.ndarray, sample_at: np.ndarray, confidence: float
) -> None:
    # Smaller loads than those that the network was trained on, so that the correction is shown.
    stretch = Stretch(0.3 * sample_kw[:4600], sample_at[:4600], start=500)
    model = load_model()
    shown = _shown(model, stretch, confidence)
    found = _adapted(model, stretch, confidence)
    assert found.levels == pytest.approx((0.5 - confidence / 2, 0.5, 0.5 + confidence / 2))
    assert len(shown) == stretch.minutes
    assert any(forecast.kw != forecast.frozen_kw for forecast in shown)
    for name, column in (
        ("kw", found.mean_kw),
        *zip(("low_kw", "median_kw", "high_kw"), found.quantiles_kw.T, strict=True),
    ):
        expected = [getattr(forecast, name) for forecast in shown]
        np.testing.assert_allclose(column, expected, rtol=0, atol=1e-9)


def test_model_without_quantiles_has_a_band_and_no_median(
    make_keras_file: Callable[..., tuple[Any, Path]], stretch: Stretch
) -> None:
    model = load_model(str(make_keras_file(3, timesteps=49)[1]))
    found = _adapted(model, stretch)
    assert found.levels == pytest.approx((0.05, 0.95))
    shown = _shown(model, stretch)
    expected = [(forecast.low_kw, forecast.high_kw) for forecast in shown]
    np.testing.assert_allclose(found.quantiles_kw, expected, rtol=0, atol=1e-9)


def test_forecasts_do_not_depend_on_later_readings(stretch: Stretch) -> None:
    model = load_model()
    whole = _adapted(model, stretch)
    kw = stretch.kw.copy()
    kw[stretch.first + 2500 :] += 1.0
    other = _adapted(model, Stretch(kw, stretch.at, stretch.start))
    # The forecast of the first changed reading was made before it.
    for one, two in ((whole.mean_kw, other.mean_kw), (whole.quantiles_kw, other.quantiles_kw)):
        np.testing.assert_array_equal(one[:2501], two[:2501])
        assert (one[2501] != two[2501]).any()


def test_stretch_of_one_minute_is_forecast() -> None:
    stretch = Stretch(np.linspace(0.3, 0.5, 50), minutes(50))
    found = _adapted(FixedForecaster(spread_kw=0.1), stretch)
    np.testing.assert_allclose(found.mean_kw, stretch.last_kw)
    assert found.quantiles_kw.shape == (1, 3)
    assert (np.diff(found.quantiles_kw) > 0).all()


def test_forecasts_with_solar_and_battery_power_equal_those_of_a_pipeline(
    sample_kw: np.ndarray, sample_at: np.ndarray
) -> None:
    house, rng = 0.3 * sample_kw[:2200], np.random.default_rng(4)
    sun = 3.0 * np.maximum(np.sin(np.arange(2200) / 200), 0.0) * rng.choice([0.4, 1.0, 1.0], 2200)
    stored = np.where(np.arange(2200) % 400 < 200, sun - house, 0.0)
    grid = house - sun + stored
    sun[:500] = np.nan  # what came before the stretch is not used
    stretch = Stretch(grid, sample_at[:2200], start=500, solar_kw=sun, battery_kw=stored)
    model = load_model()
    shown = _shown(model, stretch)
    found = Adapted(model.levels, stretch, 0.9)
    frozen_kw, quantiles_kw = forecast_stretch(model, stretch, _ignore, [found])
    assert any(forecast.kw != forecast.frozen_kw for forecast in shown)
    columns = {"kw": found.mean_kw, "frozen_kw": frozen_kw}
    columns |= dict(zip(("low_kw", "median_kw", "high_kw"), found.quantiles_kw.T, strict=True))
    for name, column in columns.items():
        expected = [getattr(forecast, name) for forecast in shown]
        np.testing.assert_allclose(column, expected, rtol=0, atol=1e-9, err_msg=name)
    assert (quantiles_kw[:, 0] <= quantiles_kw[:, 2]).all()
