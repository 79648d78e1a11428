"""Tests of the adapter against plain ridge regression, and with faulty readings."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.online.adapter import Adapter
from streamer.online.champion import ChampionChallenger
from streamer.online.minibatch import DAY, MINI_BATCH, TRIAL

LEVELS = (0.05, 0.5, 0.95)


@dataclass
class House:
    """Forecasts and readings, as arrays (minutes, ...)."""

    hidden: np.ndarray
    changes_kw: np.ndarray
    mean_kw: np.ndarray
    quantiles_kw: np.ndarray
    actual_kw: np.ndarray

    def __len__(self) -> int:
        return len(self.mean_kw)


def _house(minutes: int, *, seed: int = 0, units: int = 6, missed: float = 0.1) -> House:
    """A house whose frozen forecast has errors that its hidden state predicts."""
    rng = np.random.default_rng(seed)
    hidden = np.tanh(rng.normal(size=(minutes, units))).astype(np.float32)
    mean = 1.0 + 0.3 * rng.normal(size=minutes)
    noise = 0.1 * rng.normal(size=minutes)
    actual = mean + missed * (hidden @ np.linspace(-1.0, 1.0, units)) + noise
    quantiles = mean[:, None] + np.array([-0.25, 0.0, 0.25])
    return House(hidden, 0.1 * rng.normal(size=(minutes, 2)), mean, quantiles, actual)


def _run(adapter: Adapter, house: House, sizes: list[int] | None = None) -> tuple[np.ndarray, ...]:
    """See and settle the forecasts of a house, in blocks of the given sizes."""
    means, quantiles, shown = [np.zeros(0)], [np.zeros((0, house.quantiles_kw.shape[1]))], []
    done = turn = 0
    while done < len(house):
        size = adapter.room if sizes is None else min(sizes[turn % len(sizes)], adapter.room)
        rows = slice(done, done + size)
        shown += [adapter.get().shown] * len(house.mean_kw[rows])
        mean, quantile = adapter.see(
            hidden=house.hidden[rows],
            changes_kw=house.changes_kw[rows],
            mean_kw=house.mean_kw[rows],
            quantiles_kw=house.quantiles_kw[rows],
        )
        means.append(mean)
        quantiles.append(quantile)
        adapter.settle(house.actual_kw[rows])
        done, turn = done + size, turn + 1
    return np.concatenate(means), np.concatenate(quantiles), np.array(shown)


def _mse(house: House, mean: np.ndarray, rows: slice = slice(None)) -> float:
    return float(np.mean(np.square((house.actual_kw - mean)[rows])))


def test_weights_equal_ridge_regression() -> None:
    house, forgetting, ridge = _house(20 * MINI_BATCH), 0.999, 5.0
    adapter = Adapter(LEVELS, forgetting=forgetting, ridge=ridge)
    _run(adapter, house)
    rows = np.column_stack([house.hidden, np.ones(len(house)), house.changes_kw])
    ages = forgetting ** np.arange(len(house) - 1, -1, -1.0)
    a = (rows.T * ages) @ rows + ridge * np.eye(rows.shape[1])
    expected = np.linalg.solve(a, (rows.T * ages) @ (house.actual_kw - house.mean_kw))
    np.testing.assert_allclose(adapter._fit.weights[:, 0], expected, rtol=1e-9, atol=1e-12)


def test_correction_reduces_the_error_and_is_shown_after_the_trial() -> None:
    house = _house(40 * MINI_BATCH)
    mean, quantiles, shown = _run(Adapter(LEVELS), house)
    trial = TRIAL * MINI_BATCH
    assert not shown[:trial].any()
    assert shown[trial:].all()
    np.testing.assert_array_equal(mean[:trial], house.mean_kw[:trial])
    assert _mse(house, mean, slice(trial, None)) < 0.6 * _mse(
        house, house.mean_kw, slice(trial, None)
    )
    late = slice(30 * MINI_BATCH, None)
    below = (house.actual_kw[late, None] < quantiles[late]).mean(axis=0)
    assert below == pytest.approx(LEVELS, abs=0.05)
    loss = np.abs(house.actual_kw - quantiles[:, 1])[late].mean()
    assert loss < 0.8 * np.abs(house.actual_kw - house.mean_kw)[late].mean()


def test_unpredictable_errors_cost_at_most_a_tenth_of_a_percent() -> None:
    for seed in range(4):
        house = _house(8 * 24 * MINI_BATCH, seed=seed, missed=0.0)
        mean, quantiles, _ = _run(Adapter(LEVELS), house)
        assert _mse(house, mean) < 1.001 * _mse(house, house.mean_kw)
        outside = (house.actual_kw < quantiles[:, 0]) | (house.actual_kw > quantiles[:, 2])
        frozen = np.abs(house.actual_kw - house.mean_kw) > 0.25
        assert outside.mean() < frozen.mean() + 0.1


@settings(max_examples=15)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=6))
def test_blocks_of_any_size_give_the_same_forecasts(sizes: list[int]) -> None:
    house = _house(16 * MINI_BATCH + 17)
    whole, pieces = Adapter(LEVELS), Adapter(LEVELS)
    for mine, theirs in zip(_run(whole, house), _run(pieces, house, sizes), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-12)
    assert whole.get() == pieces.get()


def test_harmful_correction_is_withdrawn_within_a_day() -> None:
    first, then = _house(40 * MINI_BATCH), _house(5 * DAY * MINI_BATCH, seed=1, missed=-0.1)
    adapter = Adapter(LEVELS)
    assert _run(adapter, first)[2][-1]
    mean, _, shown = _run(adapter, then)
    assert not shown[DAY * MINI_BATCH]
    assert _mse(then, mean) < 1.1 * _mse(then, then.mean_kw)


def test_correction_that_loses_for_three_days_is_reset() -> None:
    adapter = Adapter(LEVELS, forgetting=1.0)
    _run(adapter, _house(3000 * MINI_BATCH // 10))
    _run(adapter, _house(6 * DAY * MINI_BATCH, seed=1, missed=-0.1))
    assert adapter.get().restarts == 1
    house = _house(3 * DAY * MINI_BATCH, seed=2, missed=-0.1)
    mean, _, shown = _run(adapter, house)
    assert shown[-1]
    assert _mse(house, mean) < 0.7 * _mse(house, house.mean_kw)


@pytest.mark.parametrize("factor", [10.0, -1.0, 1e3, 1e300])
def test_faulty_day_is_forgotten_after_two_days(factor: float) -> None:
    house = _house(20 * DAY * MINI_BATCH)
    clean = np.mean(np.square(house.actual_kw - house.mean_kw))
    day = slice(5 * DAY * MINI_BATCH, 6 * DAY * MINI_BATCH)
    house.actual_kw[day] *= factor
    mean, _, _ = _run(Adapter(LEVELS), house)
    assert np.isfinite(mean).all()
    from_third_day = slice(8 * DAY * MINI_BATCH, None)
    assert _mse(house, mean, from_third_day) < 0.7 * clean


def test_numerically_stable_after_ten_million_readings() -> None:
    # The worst case for recursive least squares: constant input. Since all mini-batches are
    # alike, their weight can replace their number: ten million readings with the usual
    # forgetting equal a thousand mini-batches that forget as much together.
    batches = 1000
    forgetting = 0.99999 ** (10_000_000 / (batches * MINI_BATCH))
    house = _house(50 * MINI_BATCH)
    adapter = Adapter(LEVELS, forgetting=forgetting)
    _run(adapter, house)
    still = House(
        np.full((MINI_BATCH, 6), 0.5, np.float32),
        np.zeros((MINI_BATCH, 2)),
        np.full(MINI_BATCH, 0.5),
        np.tile([0.3, 0.5, 0.7], (MINI_BATCH, 1)),
        np.full(MINI_BATCH, 0.51),
    )
    for _ in range(batches):
        mean, quantiles, _ = _run(adapter, still)
        assert np.isfinite(mean).all()
    assert mean == pytest.approx(0.51, abs=1e-3)
    assert (quantiles[:, 0] <= quantiles[:, 1]).all()
    a = adapter._fit.a
    np.testing.assert_array_equal(a, a.T)
    assert np.linalg.eigvalsh(a).min() > -1e-9
    mean, _, _ = _run(adapter, _house(40 * MINI_BATCH, seed=5))
    assert np.isfinite(mean).all()


def test_sums_stay_exact_over_a_quarter_of_a_million_readings() -> None:
    batches, house = 4_000, _house(MINI_BATCH)
    house.hidden[:, 3:] *= 1e-6  # directions with little data lose accuracy first
    adapter = Adapter()
    house.quantiles_kw = np.zeros((MINI_BATCH, 0))
    for _ in range(batches):
        adapter.see(
            hidden=house.hidden,
            changes_kw=house.changes_kw,
            mean_kw=house.mean_kw,
            quantiles_kw=house.quantiles_kw,
        )
        adapter.settle(house.actual_kw)
    rows = np.column_stack([house.hidden, np.ones(MINI_BATCH), house.changes_kw])
    kept = 0.99999**MINI_BATCH
    one = (rows.T * 0.99999 ** np.arange(MINI_BATCH - 1, -1, -1.0)) @ rows
    exact = one * (1.0 - kept**batches) / (1.0 - kept)
    assert adapter.get().learnt == batches * MINI_BATCH
    np.testing.assert_allclose(adapter._fit.a, exact, rtol=1e-9, atol=1e-20)


_ANY_FINITE = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=40)
@given(
    kw=st.lists(st.tuples(_ANY_FINITE, _ANY_FINITE), min_size=1, max_size=8),
    forgetting=st.floats(0.0, 1.0),
    ridge=st.floats(1e-300, 1e300),
    levels=st.sampled_from([(), (0.5,), LEVELS]),
)
def test_any_finite_numbers_and_settings_give_finite_forecasts(
    kw: list[tuple[float, float]], forgetting: float, ridge: float, levels: tuple[float, ...]
) -> None:
    adapter = Adapter(levels, forgetting=forgetting, ridge=ridge)
    count = 20 * MINI_BATCH
    mean_kw, actual_kw = np.resize(np.array(kw), (count, 2)).T
    house = House(
        np.resize(np.array([-1.0, 1.0, 0.0, 0.5], np.float32), (count, 2)),
        np.resize(np.array(kw), (count, 2)),
        mean_kw,
        np.sort(np.resize(actual_kw, (count, len(levels))), axis=1),
        actual_kw,
    )
    mean, quantiles, _ = _run(adapter, house, [17])
    assert np.isfinite(mean).all()
    assert np.isfinite(quantiles).all()
    state = json.loads(json.dumps(adapter.state(), allow_nan=False))
    restored = Adapter(levels, forgetting=forgetting, ridge=ridge)
    restored.restore(state)
    assert restored.state() == state


@pytest.mark.parametrize("settled", [0, 1, 59, 60, 61, 14 * MINI_BATCH + 30, 30 * MINI_BATCH])
def test_state_is_restored_bit_for_bit(settled: int) -> None:
    before, after = _house(settled), _house(3 * MINI_BATCH, seed=9)
    undisturbed, restored = Adapter(LEVELS), Adapter(LEVELS)
    _run(undisturbed, before)
    restored.restore(json.loads(json.dumps(undisturbed.state())))
    assert restored.get() == undisturbed.get()
    for mine, theirs in zip(_run(restored, after, [1]), _run(undisturbed, after, [1]), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert restored.state() == undisturbed.state()


def test_a_state_of_version_0_2_has_the_evidence_of_its_last_day() -> None:
    adapter, restored = Adapter(LEVELS), Adapter(LEVELS)
    _run(adapter, _house(TRIAL * MINI_BATCH))
    state = adapter.state()
    del state["learnt"]["duel"]["lead"]
    restored.restore(state)
    assert restored.get() == adapter.get()
    assert restored.get().shown
    mine, theirs = (_run(each, _house(MINI_BATCH, seed=9))[0] for each in (restored, adapter))
    np.testing.assert_allclose(mine, theirs, atol=1e-3)


def test_unsettled_forecast_is_not_learnt_from() -> None:
    house = _house(MINI_BATCH)
    once, twice = Adapter(LEVELS), Adapter(LEVELS)
    stray = _house(1, seed=3)
    twice.see(
        hidden=stray.hidden,
        changes_kw=stray.changes_kw,
        mean_kw=stray.mean_kw,
        quantiles_kw=stray.quantiles_kw,
    )
    for adapter in (once, twice):
        _run(adapter, house)
    assert once.state() == twice.state()


def test_state_has_nothing_of_finished_mini_batches() -> None:
    undisturbed, restored = Adapter(LEVELS), Adapter(LEVELS)
    _run(undisturbed, _house(3 * MINI_BATCH + 20))
    restored.restore(undisturbed.state())
    for adapter in (undisturbed, restored):
        _run(adapter, _house(10, seed=1))
    assert restored.state() == undisturbed.state()


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"forgetting": 1.1}, "forgetting is 1.1"),
        ({"forgetting": math.nan}, "forgetting is nan"),
        ({"ridge": 0.0}, "ridge is 0.0"),
        ({"ridge": math.nan}, "ridge is nan"),
    ],
)
def test_settings_out_of_range_are_rejected(settings_: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Adapter(LEVELS, **settings_)


@pytest.mark.parametrize(
    "damage",
    [{"learnt": {}}, {"units": "x"}, {"pending": {"seen": 61, "settled": 60}}, {"units": 3}],
)
def test_damaged_state_is_rejected(damage: dict[str, object]) -> None:
    adapter = Adapter(LEVELS)
    _run(adapter, _house(2 * MINI_BATCH + 5))
    with pytest.raises((KeyError, TypeError, ValueError)):
        Adapter(LEVELS).restore({**adapter.state(), **damage})


@pytest.mark.parametrize("lead", [[1.0, -1.0], [1.0, math.nan], [1.0], None, "x"])
def test_damaged_evidence_is_rejected(lead: object) -> None:
    comparison = ChampionChallenger(rounds=3, trial=2)
    comparison.add(1.0, 0.5)
    before = comparison.state()
    with pytest.raises((TypeError, ValueError)):
        comparison.restore({"losses": [], "lost": 2, "lead": lead})
    assert comparison.state() == before
