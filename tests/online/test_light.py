"""Tests of the light adapter against the same regression over the whole series."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from streamer.errors import StateError
from streamer.models import load_model
from streamer.models.forecaster import NetworkForecaster
from streamer.online import light
from streamer.online.layer import Adapt
from streamer.online.light import LIGHT, LightAdapter
from streamer.pipeline import Pipeline
from streamer.readings import Reading
from streamer.readings.packing import packed, unpacked
from tests.agreement import AGREEMENT_KW

START = datetime(2026, 1, 1)
METERS, MINUTES = 3, 2 * 1440


@pytest.fixture(scope="module")
def model() -> NetworkForecaster:
    return load_model()


def _series(seed: int = 0) -> dict[str, NDArray[np.float64]]:
    """Forecasts whose errors are a bias, a scale, a share of the last change, and noise."""
    rng = np.random.default_rng(seed)
    last = rng.gamma(2.0, 0.5, (MINUTES, METERS))
    change = rng.normal(0.0, 0.3, (MINUTES, METERS))
    frozen = last - 0.3 * change + rng.normal(0.0, 0.1, (MINUTES, METERS))
    missed = 0.05 + 0.2 * (frozen - last) - 0.1 * change + rng.normal(0.0, 0.05, last.shape)
    return {"last_kw": last, "change_kw": change, "frozen_kw": frozen, "actual_kw": frozen + missed}


def _run(series: dict[str, NDArray[np.float64]], spread: float = 1.0) -> tuple[Any, Any]:
    state = np.zeros(METERS, LIGHT)
    means = np.empty((MINUTES, METERS))
    for minute in range(MINUTES):
        now = {name: column[minute] for name, column in series.items()}
        actual = now.pop("actual_kw")
        means[minute] = light.see(state, **now, spread_kw=np.full(METERS, spread))
        light.settle(state, frozen_kw=now["frozen_kw"], actual_kw=actual)
    return means, state


def test_weights_equal_ridge_regression_over_the_series() -> None:
    series = _series()
    _, state = _run(series)
    frozen, last = series["frozen_kw"], series["last_kw"]
    age = np.arange(MINUTES - 1, -1, -1.0)
    for meter in range(METERS):
        rows = np.column_stack(
            [
                np.ones(MINUTES),
                (frozen - last)[:, meter],
                last[:, meter],
                series["change_kw"][:, meter],
            ]
        )
        error = (series["actual_kw"] - frozen)[:, meter]
        weighed = rows * (0.99999**age)[:, None]
        expected = np.linalg.solve(weighed.T @ rows + 30.0 * np.eye(4), weighed.T @ error)
        np.testing.assert_allclose(state["weights"][meter], expected, atol=1e-9)


def test_correction_reduces_the_error_and_is_shown_after_the_trial() -> None:
    series = _series()
    means, state = _run(series)
    frozen, actual = series["frozen_kw"], series["actual_kw"]
    np.testing.assert_array_equal(means[:1440], frozen[:1440])
    assert (state["weight"] > 0.9).all()
    after = slice(1440, None)
    gained = ((actual - means)[after] ** 2).mean(0) / ((actual - frozen)[after] ** 2).mean(0)
    assert (gained < 0.6).all()


def test_unpredictable_errors_cost_at_most_a_tenth_of_a_percent() -> None:
    rng = np.random.default_rng(5)
    series = {**_series(), "actual_kw": rng.gamma(2.0, 0.5, (MINUTES, METERS))}
    series["frozen_kw"] = np.full((MINUTES, METERS), 1.0)
    means, _ = _run(series)
    actual = series["actual_kw"]
    assert ((actual - means) ** 2).mean() < 1.001 * ((actual - series["frozen_kw"]) ** 2).mean()


def test_faulty_readings_leave_corrections_bounded_and_finite() -> None:
    series = _series()
    series["actual_kw"][600:605] = 1e300
    means, state = _run(series, spread=0.1)
    assert np.isfinite(means).all()
    assert (np.abs(means - series["frozen_kw"]) <= 0.1 + 1e-9).all()
    assert all(np.isfinite(state[name]).all() for name in LIGHT.names)


def test_network_without_quantiles_gets_its_spread_from_errors() -> None:
    adapter = LightAdapter()
    for _ in range(2 * 1440):
        mean, _ = adapter.see(
            recent_kw=np.array([[0.1, 0.0, 0.5]]),
            mean_kw=np.array([0.5]),
            quantiles_kw=np.zeros((1, 0)),
        )
        adapter.settle(np.array([0.8]))
    assert 0.75 < mean[0] < 0.81
    assert adapter.get().day_gain is not None


def _readings(kw: NDArray[np.float64]) -> list[Reading]:
    return [
        Reading(START + timedelta(minutes=minute), value)
        for minute, value in enumerate(kw.tolist())
    ]


def test_pipeline_gives_the_same_steps_in_blocks_and_after_a_restore(
    model: NetworkForecaster, sample_kw: NDArray[np.float64]
) -> None:
    readings = _readings(sample_kw[:1100])
    one_by_one = Pipeline(model, adapt="light")
    steps = [one_by_one.push(reading) for reading in readings]
    blocks = Pipeline(model, adapt="light")
    half = blocks.push_many(readings[:777])
    again = Pipeline(model, adapt="light")
    again.restore(blocks.state())
    rest = blocks.push_many(readings[777:])
    assert again.push_many(readings[777:]) == rest
    for step, other in zip(steps, [*half, *rest], strict=True):
        assert step.adaptation is not None
        assert other.adaptation is not None
        assert other.adaptation.shown == step.adaptation.shown
        if step.forecast is not None:
            assert other.forecast is not None
            assert abs(other.forecast.kw - step.forecast.kw) < AGREEMENT_KW
            assert abs(other.forecast.high_kw - step.forecast.high_kw) < AGREEMENT_KW
    assert steps[-1].adaptation is not None
    assert steps[-1].adaptation.learnt == (1100 - 49) // 60 * 60


def test_a_state_without_a_weight_gathers_the_evidence_anew() -> None:
    adapter = LightAdapter()
    for _ in range(2 * 1440):
        adapter.see(
            recent_kw=np.array([[0.1, 0.0, 0.5]]),
            mean_kw=np.array([0.5]),
            quantiles_kw=np.zeros((1, 0)),
        )
        adapter.settle(np.array([0.8]))
    numbers = unpacked(adapter.state()["light"], 34)
    # Those before the weight had whether the correction was shown.
    former = LightAdapter()
    former.restore({"light": packed([*numbers[:28], 1.0, numbers[-1]])})
    assert former.get() == replace(adapter.get(), shown=False)
    for _ in range(60):
        former.settle(np.array([0.8]))
    assert former.get().shown


@pytest.mark.parametrize(("place", "value"), [(30, -1.0), (31, -1.0), (32, 1.5), (32, -0.5)])
def test_damaged_evidence_is_rejected(place: int, value: float) -> None:
    adapter = LightAdapter()
    numbers = unpacked(adapter.state()["light"], 34)
    numbers[place] = value
    with pytest.raises(ValueError, match="weight of the correction"):
        adapter.restore({"light": packed(numbers)})


def test_light_and_full_states_are_rejected_by_the_other(
    model: NetworkForecaster, sample_kw: NDArray[np.float64]
) -> None:
    states: dict[Adapt, Any] = {}
    kinds: tuple[Adapt, ...] = ("light", True, False)
    for adapt in kinds:
        pipeline = Pipeline(model, adapt=adapt)
        pipeline.push_many(_readings(sample_kw[:60]))
        states[adapt] = pipeline.state()
    pairs: tuple[tuple[Adapt, Adapt], ...] = (("light", True), (True, "light"), (False, "light"))
    for adapt, other in pairs:
        with pytest.raises(StateError, match=r"saved state is .*adapted, this"):
            Pipeline(model, adapt=other).restore(states[adapt])
    states["light"]["online"]["adapter"]["light"] = "AAAA"
    with pytest.raises(StateError, match="damaged"):
        Pipeline(model, adapt="light").restore(states["light"])
