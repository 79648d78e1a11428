"""Tests of frozen forecasts of the next minutes' mean against the head, reading by reading."""

from __future__ import annotations

import numpy as np
import pytest

from streamer.evaluation import Stretch, forecast_stretch
from streamer.evaluation import forecasts as forecasts_module
from streamer.evaluation.means import offered_horizons
from streamer.evaluation.means.frozen import FrozenMeans
from streamer.models import load_model
from streamer.models.forecaster import NetworkForecaster
from streamer.online.history import History
from streamer.online.wallclock import wall_clock
from tests.evaluation.conftest import minutes

COUNT = 260


class Head:
    """Head whose outputs depend on every input, in the order of a real one."""

    minutes = (5, 10, 60)

    def one(self, hidden: np.ndarray, features: np.ndarray, last_kw: float) -> np.ndarray:
        return self.many(hidden[None], features[None], np.array([last_kw]))[0]

    def many(self, hidden: np.ndarray, features: np.ndarray, last_kw: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng(3)
        inputs = np.concatenate([hidden, features], axis=1).astype(float)
        change = inputs @ rng.normal(0, 0.1, (inputs.shape[1], 3))
        return (last_kw[:, None] + change)[:, :, None] + np.array([0.0, -0.3, 0.05, 0.4])


@pytest.fixture(scope="module")
def model() -> NetworkForecaster:
    found = load_model()
    found.horizons = Head()  # type: ignore[assignment]
    return found


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Split even a short stretch into several blocks."""
    monkeypatch.setattr(forecasts_module, "_BLOCK", 70)


def _frozen(model: NetworkForecaster, stretch: Stretch, horizons: tuple[int, ...]) -> FrozenMeans:
    found = FrozenMeans(Head(), model.levels, stretch, horizons)
    forecast_stretch(model, stretch, lambda count: None, [found])
    return found


def _expected(model: NetworkForecaster, stretch: Stretch) -> np.ndarray:
    """(issues, 4, 4) for 1, 5, 10 and 60 minutes, with the columns of the evaluation."""
    consumption = stretch.consumption_kw
    windows = np.lib.stride_tricks.sliding_window_view(consumption[:-1], 49)
    answer = model.forecast(windows)
    history, rows = History(), []
    for row, at in enumerate(stretch.at[stretch.start : -1].tolist()):
        kw = float(consumption[row])
        features = history.push(*wall_clock(at), kw)
        if row < 48:
            continue
        issue = row - 48
        low, median, high = answer.quantiles_kw[issue]
        mean, lows, medians, highs = Head().one(answer.hidden[issue], features, kw).T
        of_head = np.stack([mean, medians, lows, highs], axis=1)
        of_network = [[answer.mean_kw[issue], median, low, high]]
        offset = stretch.kw[stretch.start + row] - kw
        rows.append(np.concatenate([of_network, of_head]) + offset)
    return np.array(rows)


@pytest.fixture(scope="module")
def house() -> Stretch:
    """A recording with a gap, of which the first 30 readings are before the stretch."""
    kw = 0.3 + np.abs(np.random.default_rng(2).normal(0, 1, COUNT))
    at = minutes(COUNT)
    at[150:] += np.timedelta64(7, "m")
    return Stretch(kw, at, start=30)


def test_forecasts_equal_those_of_the_head(model: NetworkForecaster, house: Stretch) -> None:
    found = _frozen(model, house, (1, 5, 10, 60))
    np.testing.assert_allclose(found.values_kw, _expected(model, house), rtol=0, atol=2e-5)


def test_some_horizons_are_kept(model: NetworkForecaster, house: Stretch) -> None:
    found = _frozen(model, house, (5, 60))
    expected = _expected(model, house)[:, [1, 3]]
    np.testing.assert_allclose(found.values_kw, expected, rtol=0, atol=2e-5)


def test_with_solar_and_battery_power_they_are_of_the_grid_power(model: NetworkForecaster) -> None:
    rng = np.random.default_rng(5)
    house, solar = 0.5 + rng.random(COUNT), 2.0 * rng.random(COUNT)
    battery = rng.normal(0, 0.5, COUNT)
    stretch = Stretch(house - solar + battery, minutes(COUNT), solar_kw=solar, battery_kw=battery)
    found = _frozen(model, stretch, (1, 5, 10, 60))
    np.testing.assert_allclose(found.values_kw, _expected(model, stretch), rtol=0, atol=2e-5)


def test_a_clock_that_is_set_back_is_no_error(model: NetworkForecaster) -> None:
    at = minutes(COUNT)
    at[150:] -= np.timedelta64(1, "h")
    stretch = Stretch(np.linspace(0.2, 3.0, COUNT), at)
    assert np.isfinite(_frozen(model, stretch, (5,)).values_kw).all()


def test_a_network_without_quantiles_has_no_band_for_the_next_minute(house: Stretch) -> None:
    model = load_model()
    found = FrozenMeans(Head(), (), house, (1, 5))
    forecast_stretch(model, house, lambda count: None, [found])
    next_kw = found.values_kw[:, 0]
    np.testing.assert_array_equal(next_kw, np.repeat(next_kw[:, :1], 4, axis=1))


def test_a_model_offers_the_next_minute_and_the_horizons_of_its_head(
    model: NetworkForecaster,
) -> None:
    assert offered_horizons(model) == (1, 5, 10, 60)
