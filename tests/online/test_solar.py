"""Tests of the forecast of solar power."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.online.solar import SolarForecast


def _leaping(count: int = 3000, seed: int = 1) -> np.ndarray:
    """Broken clouds: spells of some minutes in and out of the sun, more in it than not."""
    rng = np.random.default_rng(seed)
    spell = rng.random(count) < 0.25
    return np.where(spell, 0.8, 3.0) + rng.normal(0.0, 0.05, count)


def _forecasts(kw: np.ndarray, forecast: SolarForecast | None = None) -> np.ndarray:
    """(readings,) forecasts issued at each."""
    push = (SolarForecast() if forecast is None else forecast).push
    return np.array([push(value)[0] for value in kw.tolist()])


def _oracle(kw: np.ndarray) -> np.ndarray:
    """The same by sums over the whole past, each computed anew."""
    found = kw.copy()
    pairs: list[tuple[float, float]] = []
    kept_10, kept_3, forgetting = 0.5 ** (1 / 10), 0.5 ** (1 / 3), 0.9995
    leads: list[float] = []
    changes = np.abs(np.diff(kw, prepend=kw[0]))
    pending = 0.0
    for now in range(len(kw)):
        ages = np.arange(now, -1, -1.0)
        if pending:
            older = forgetting ** np.arange(len(pairs), 0, -1.0)
            distance, change = np.array(pairs).reshape(-1, 2).T
            square = 0.5 * forgetting ** len(pairs) + (older / forgetting) @ distance**2
            share = np.clip((older / forgetting) @ (distance * change) / square, 0.0, 1.0)
            seen = kw[now] - kw[now - 1]
            leads.append(seen**2 - (seen - share * pending) ** 2)
            pairs.append((pending, seen))
        mean = kw[0] * kept_10**now + (1 - kept_10) * (kept_10 ** ages[1:]) @ kw[1 : now + 1]
        rough = (1 - kept_3) * (kept_3**ages) @ changes[: now + 1]
        pending = mean - kw[now] if kw[now] > 0.0 and rough > 0.1 * (mean + 0.02) else 0.0
        lead = sum(lead * forgetting**age for age, lead in enumerate(reversed(leads)))
        if pending and lead >= 0.0:
            older = forgetting ** np.arange(len(pairs) - 1, -1, -1.0)
            distance, change = np.array(pairs or [(0.0, 0.0)])[: len(pairs)].reshape(-1, 2).T
            square = 0.5 * forgetting ** len(pairs) + older @ distance**2
            share = np.clip(older @ (distance * change) / square, 0.0, 1.0)
            found[now] = max(kw[now] + share * pending, 0.0)
    return found


def test_it_equals_sums_over_the_whole_past() -> None:
    kw = np.concatenate([np.zeros(5), _leaping(300), np.zeros(5), _leaping(90, seed=2)])
    np.testing.assert_allclose(_forecasts(kw), _oracle(kw), rtol=0, atol=1e-9)


def test_among_broken_clouds_the_squared_error_is_below_that_of_persistence() -> None:
    kw = _leaping()
    ours, persistence = kw[1:] - _forecasts(kw)[:-1], np.diff(kw)
    assert (ours**2).mean() < 0.8 * (persistence**2).mean()


def test_a_random_walk_is_left_to_persistence() -> None:
    kw = 3.0 + np.cumsum(np.random.default_rng(3).normal(0.0, 0.2, 5000)) % 2.0
    ours, persistence = kw[1:] - _forecasts(kw)[:-1], np.diff(kw)
    assert (ours**2).mean() < 1.002 * (persistence**2).mean()


def test_a_share_that_has_become_harmful_is_withdrawn() -> None:
    reverting = _leaping(600)
    # From here on every large change is followed by another of the same kind.
    trending = 3.0 + 2.0 * np.sin(np.arange(3000) / 4.0)
    kw = np.concatenate([reverting, trending])
    found = _forecasts(kw)
    np.testing.assert_array_equal(found[-500:], kw[-500:])
    assert (found[300:600] != kw[300:600]).any()


def test_night_and_standby_are_forecast_as_they_are() -> None:
    forecast = SolarForecast()
    _forecasts(_leaping(200), forecast)
    night = np.array([0.0, 0.0, -0.005, -0.005, 0.0])
    np.testing.assert_array_equal(_forecasts(night, forecast), night)


def test_steady_sun_is_forecast_as_it_is() -> None:
    kw = 3.0 * np.sin(np.linspace(0.05, 3.0, 700))
    np.testing.assert_array_equal(_forecasts(kw)[20:], kw[20:])


@given(
    kw=st.lists(
        st.floats(-1e6, 1e6) | st.sampled_from([0.0, 0.5, 3.0, 1e6, -1e6]), min_size=1, max_size=80
    )
)
def test_forecasts_are_finite_and_not_negative(kw: list[float]) -> None:
    forecast = SolarForecast()
    for value in kw:
        mean_kw, change_kw = forecast.push(value)
        assert np.isfinite(mean_kw)
        assert np.isfinite(change_kw)
        assert change_kw >= 0.0
        assert mean_kw == value if value <= 0.0 else mean_kw >= 0.0
    restored = SolarForecast()
    restored.restore(json.loads(json.dumps(forecast.state(), allow_nan=False)))
    assert restored.state() == forecast.state()


def test_a_faulty_value_is_soon_forgotten() -> None:
    kw = _leaping(1000)
    faulty = kw.copy()
    faulty[500] = 1e6
    usual, after = _forecasts(kw)[520:], _forecasts(faulty)[520:]
    assert np.abs(after - usual).max() < 0.5


@pytest.mark.parametrize("at", [0, 1, 2, 150, 151])
def test_a_restored_forecast_continues_bit_for_bit(at: int) -> None:
    kw = _leaping(300)
    undisturbed, restored = SolarForecast(), SolarForecast()
    _forecasts(kw[:at], undisturbed)
    restored.restore(json.loads(json.dumps(undisturbed.state())))
    np.testing.assert_array_equal(_forecasts(kw[at:], restored), _forecasts(kw[at:], undisturbed))


def test_after_a_restart_only_what_was_learnt_counts() -> None:
    forecast = SolarForecast()
    _forecasts(_leaping(500), forecast)
    learnt = forecast.state()[-3:]
    forecast.restart()
    assert forecast.state()[-3:] == learnt
    assert forecast.push(2.0) == (2.0, 0.0)


@pytest.mark.parametrize(
    "state",
    [
        [],
        [0.0] * 7,
        [0.0] * 9,
        [0.0, 0.0, -1.0, 0.0, 1.0, 0.0, 0.5, 0.0],
        [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
        [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, "0.5", 0.0],
        [1e300, 0.0, 0.0, 0.0, 1.0, 0.0, 0.5, 0.0],
    ],
)
def test_a_damaged_state_is_rejected(state: list) -> None:
    forecast = SolarForecast()
    before = forecast.state()
    with pytest.raises((TypeError, ValueError)):
        forecast.restore(state)
    assert forecast.state() == before
