"""Tests of the correction of the means' forecasts, against least squares over the whole series."""

from __future__ import annotations

import json

import numpy as np
import pytest

from streamer.models.features import FEATURES
from streamer.online.means.correction import (
    HIGH_KW,
    MAX_KW,
    REGRESSORS,
    Correction,
    commons_of,
    regressors_of,
)
from streamer.readings.packing import packed

HORIZONS, ROWS = 3, 30


def batches(count: int, *, seed: int = 1) -> list[tuple[np.ndarray, np.ndarray]]:
    """Mini-batches of regressors and errors that depend on two of them."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        rows = rng.normal(size=(ROWS, REGRESSORS, HORIZONS))
        error = 0.5 * rows[:, 0] - 0.25 * rows[:, 12] + 0.1 * rng.normal(size=(ROWS, HORIZONS))
        found.append((rows, error))
    return found


def learnt(given: list[tuple[np.ndarray, np.ndarray]]) -> Correction:
    correction = Correction(HORIZONS)
    for rows, error in given:
        correction.learn(rows, error, correction.see(rows))
    return correction


def test_coefficients_are_those_of_ridge_regression_with_forgetting() -> None:
    given = batches(8)
    given[3][1][5:9] = np.nan  # not settled
    correction = learnt(given)
    kept = 0.5 ** (ROWS / 28_800)
    probe = np.eye(REGRESSORS)[:, :, None].repeat(HORIZONS, axis=2)
    found = correction.see(probe)
    for horizon in range(HORIZONS):
        rows = np.concatenate([each[0][:, :, horizon] for each in given])
        error = np.concatenate([each[1][:, horizon] for each in given])
        age = np.repeat(np.arange(len(given))[::-1], ROWS)
        weight = kept**age * ~np.isnan(error)
        squares = (rows * weight[:, None]).T @ rows
        ridge = 60.0 * (np.trace(squares) / REGRESSORS / weight.sum() + 1e-3)
        expected = np.linalg.solve(
            squares + ridge * np.eye(REGRESSORS), rows.T @ (weight * np.nan_to_num(error))
        )
        assert found[:, horizon] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_correction_that_helps_is_applied_and_one_that_does_not_is_withdrawn() -> None:
    correction = learnt(batches(60))
    assert correction.weights.min() > 0.9
    for rows, _ in batches(60, seed=2):
        issued = correction.see(rows)
        correction.learn(rows, -issued, issued)
    assert correction.weights.max() < 0.5


def test_absurd_errors_are_bounded() -> None:
    correction = learnt(batches(3))
    rows = np.full((ROWS, REGRESSORS, HORIZONS), MAX_KW)
    correction.learn(rows, np.full((ROWS, HORIZONS), -2e6), correction.see(rows))
    assert np.abs(correction.see(rows)).max() < REGRESSORS * MAX_KW


def test_regressors_are_bounded_and_zero_where_yesterday_is_not_known() -> None:
    features = np.zeros((2, len(FEATURES)), np.float32)
    common = commons_of(features, np.array([0.5, HIGH_KW + 1.0]), np.array([0.25, 1e6]))
    found = regressors_of(
        common[:, :, None],
        np.array([[0.75], [1e6]]),
        np.array([[0.5], [1e6]]),
        np.array([[np.nan], [2.0]]),
        np.array([[0.5], [HIGH_KW + 1.0]]),
    )
    assert found[0, :, 0].tolist() == pytest.approx(
        [0, 0, 0, 0, 0.25, 0, np.arcsinh(0.5), 0, 1, 0.25, -0.25, 0, 0]
    )
    assert found[1, 8:, 0].tolist() == pytest.approx([1, MAX_KW, 0, 1.0 - HIGH_KW, MAX_KW])


def test_a_row_has_the_same_correction_in_any_block() -> None:
    correction, rng = learnt(batches(3)), np.random.default_rng(4)
    rows = rng.normal(size=(20, REGRESSORS, HORIZONS))
    single = [correction.see(rows[row : row + 1])[0] for row in range(20)]
    assert np.array_equal(correction.see(rows), single)


def test_a_saved_state_continues_exactly() -> None:
    given = batches(6)
    first, second = learnt(given[:3]), Correction(HORIZONS)
    second.restore(json.loads(json.dumps(first.state())))
    for rows, error in given[3:]:
        assert np.array_equal(first.see(rows), second.see(rows))
        first.learn(rows, error, first.see(rows))
        second.learn(rows, error, second.see(rows))
    assert np.array_equal(first.weights, second.weights)


@pytest.mark.parametrize(
    "damage",
    [
        {"squares": packed(np.full((HORIZONS, 91), -1.0))},
        {"squares": packed(np.full((HORIZONS, 91), 1e13))},
        {"squares": packed(np.arange(HORIZONS * 91.0))},
        {"products": packed([1.0])},
        {"sums": packed(np.full((3, HORIZONS), -1.0))},
    ],
)
def test_damaged_states_are_refused(damage: dict[str, str]) -> None:
    correction = learnt(batches(3))
    before = correction.state()
    with pytest.raises(ValueError, match=r"correction|packed"):
        correction.restore({**before, **damage})
    assert correction.state() == before
