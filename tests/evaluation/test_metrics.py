"""Tests of each metric against a plain computation, minute by minute."""

from __future__ import annotations

import math

import numpy as np
import pytest

from streamer.evaluation import Forecasts, measure

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)


@pytest.fixture(scope="module")
def case() -> tuple[Forecasts, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    actual = rng.gamma(2.0, 0.5, 500)
    last = actual + rng.normal(0, 0.3, 500)
    mean = actual + rng.normal(0.05, 0.2, 500)
    quantiles = np.sort(mean[:, None] + rng.normal(0, 0.3, (500, 5)), axis=1)
    return Forecasts("m", mean, LEVELS, quantiles), actual, last


def test_metrics_of_the_mean_equal_a_plain_computation(
    case: tuple[Forecasts, np.ndarray, np.ndarray],
) -> None:
    forecasts, actual, last = case
    found = measure(*case)
    pairs = list(zip(actual.tolist(), forecasts.mean_kw.tolist(), strict=True))
    mse = sum((y - f) ** 2 for y, f in pairs) / 500
    assert found.mse_kw2 == pytest.approx(mse, rel=1e-12)
    assert found.rmse_w == pytest.approx(1000 * math.sqrt(mse), rel=1e-12)
    assert found.mae_w == pytest.approx(2 * sum(abs(y - f) for y, f in pairs), rel=1e-12)
    assert found.bias_w == pytest.approx(2 * sum(f - y for y, f in pairs), rel=1e-9)
    average = sum(actual) / 500
    explained = 1 - mse * 500 / sum((y - average) ** 2 for y in actual)
    assert found.r2 == pytest.approx(explained, rel=1e-9)
    reference = sum((y - p) ** 2 for y, p in zip(actual, last, strict=True)) / 500
    assert found.skill == pytest.approx(1 - mse / reference, rel=1e-9)


def test_metrics_of_quantiles_equal_a_plain_computation(
    case: tuple[Forecasts, np.ndarray, np.ndarray],
) -> None:
    forecasts, actual, _ = case
    found = measure(*case)
    assert tuple(found.pinball_kw) == tuple(found.reliability) == LEVELS
    for column, level in enumerate(LEVELS):
        pairs = list(zip(actual, forecasts.quantiles_kw[:, column], strict=True))
        losses = [level * (y - q) if y >= q else (1 - level) * (q - y) for y, q in pairs]
        assert found.pinball_kw[level] == pytest.approx(sum(losses) / 500, rel=1e-12)
        assert found.reliability[level] == sum(y <= q for y, q in pairs) / 500
    # The pinball loss of the median is half its absolute error.
    assert found.median_mae_w == pytest.approx(2000 * found.pinball_kw[0.5], rel=1e-12)


@pytest.mark.parametrize(("number", "low", "high"), [(0, 0.05, 0.95), (1, 0.25, 0.75)])
def test_metrics_of_bands_equal_a_plain_computation(
    case: tuple[Forecasts, np.ndarray, np.ndarray], number: int, low: float, high: float
) -> None:
    forecasts, actual, _ = case
    band = measure(*case).bands[number]
    assert (band.low, band.high) == (low, high)
    alpha = 1 - (high - low)
    inside, widths, scores = 0, [], []
    for y, quantiles in zip(actual, forecasts.quantiles_kw, strict=True):
        lower, upper = quantiles[LEVELS.index(low)], quantiles[LEVELS.index(high)]
        inside += lower <= y <= upper
        widths.append(upper - lower)
        outside = max(lower - y, y - upper, 0.0)
        scores.append(upper - lower + 2 / alpha * outside)
    assert band.coverage == inside / 500
    assert band.width_kw == pytest.approx(sum(widths) / 500, rel=1e-12)
    assert band.winkler_kw == pytest.approx(sum(scores) / 500, rel=1e-9)


def test_band_score_equals_the_pinball_losses_of_its_ends(
    case: tuple[Forecasts, np.ndarray, np.ndarray],
) -> None:
    # Gneiting and Raftery 2007: interval score = (2 / alpha) (pinball low + pinball high).
    found = measure(*case)
    both = found.pinball_kw[0.05] + found.pinball_kw[0.95]
    assert found.bands[0].winkler_kw == pytest.approx(2 / 0.1 * both, rel=1e-9)


def test_without_quantiles_their_metrics_are_empty() -> None:
    found = measure(Forecasts("m", np.ones(3)), np.arange(3.0), np.arange(3.0) - 1)
    assert found.median_mae_w is None
    assert found.pinball_kw == found.reliability == {}
    assert found.bands == ()


def test_level_without_its_opposite_makes_no_band() -> None:
    quantiles = np.tile([0.0, 1.0, 2.0], (3, 1))
    found = measure(Forecasts("m", np.ones(3), (0.1, 0.5, 0.8), quantiles), np.ones(3), np.ones(3))
    assert found.bands == ()


def test_persistence_has_skill_zero_and_constant_readings_none() -> None:
    rng = np.random.default_rng(0)
    actual, last = rng.random(100), rng.random(100)
    assert measure(Forecasts("p", last.copy()), actual, last).skill == 0.0
    constant = np.full(100, 0.3)
    found = measure(Forecasts("p", constant), constant, constant)
    assert (found.mse_kw2, found.skill, found.r2) == (0.0, None, None)
