"""Tests of the guard of the means' forecasts: its weights, its limits and its state."""

from __future__ import annotations

import json

import numpy as np
import pytest

from streamer.online.means.guard import CLASSES, MeanGuard
from streamer.readings.packing import packed

HORIZONS, ROWS = 2, 30


def learnt(share: float, *, batches: int = 100, seed: int = 1) -> MeanGuard:
    """A guard of forecasts of which so large a share comes, at the highest level alone."""
    guard, rng = MeanGuard(HORIZONS), np.random.default_rng(seed)
    for _ in range(batches):
        change = rng.normal(size=(ROWS, HORIZONS))
        came = share * change + 0.1 * rng.normal(size=change.shape)
        came[:2] = np.nan
        guard.learn(change, came, np.full(change.shape, 5))
    return guard


@pytest.mark.parametrize(("share", "weight"), [(1.5, 1.0), (0.4, 0.4), (0.0, 0.0), (-1.0, 0.0)])
def test_changes_are_weighted_by_how_much_of_them_came(share: float, weight: float) -> None:
    change = np.array([[2.0, -2.0]])
    guard = learnt(share)
    assert guard.see(change, np.array([[5]])) == pytest.approx(weight * change, abs=0.02)
    assert np.array_equal(guard.see(change, np.array([[0]])), change)


def test_weights_are_the_least_squares_coefficients() -> None:
    guard, rng = MeanGuard(1), np.random.default_rng(2)
    change, came = rng.normal(size=(2, 5, ROWS))
    for one, other in zip(change, came, strict=True):
        guard.learn(one[:, None], other[:, None] + one[:, None], np.zeros((ROWS, 1), np.int64))
    kept = np.repeat(0.5 ** (np.arange(5)[::-1] * ROWS / 14_400), ROWS)
    up = change.ravel() > 0.0
    size = (kept * change.ravel() ** 2)[up].sum() + 0.5
    gain = (kept * change.ravel() * (came + change).ravel())[up].sum() + 0.5
    expected = min(max(gain / size, 0.0), 1.0)
    assert guard.see(np.array([[1.0]]), np.array([[0]])).item() == pytest.approx(expected)


def test_a_saved_state_continues_exactly() -> None:
    first, second = learnt(0.4), MeanGuard(HORIZONS)
    second.restore(json.loads(json.dumps(first.state())))
    change, levels = np.array([[0.7, -0.3]]), np.array([[5]])
    assert np.array_equal(first.see(change, levels), second.see(change, levels))


@pytest.mark.parametrize("name", ["size", "gain"])
@pytest.mark.parametrize("value", [-1e13, 1e13])
def test_damaged_states_are_refused(name: str, value: float) -> None:
    guard = learnt(0.4)
    before = guard.state()
    with pytest.raises(ValueError, match="bounds"):
        guard.restore({**before, name: packed(np.full(CLASSES * HORIZONS, value))})
    assert guard.state() == before
