"""Tests of the intervals of the next minutes' mean: coverage, classes, bounds and state."""

from __future__ import annotations

import json

import numpy as np
import pytest

from streamer.models.features import FEATURES
from streamer.online.means.bands import (
    KINDS,
    MAX_LOG_SCALE,
    STEP,
    TERMS,
    MeanBands,
    classes_of,
)
from streamer.readings.packing import packed, unpacked

MINUTES = np.array([2, 60])
ROWS = 30


def classes(rng: np.random.Generator, rows: int = ROWS) -> np.ndarray:
    features = rng.normal(size=(rows, len(FEATURES))).astype(np.float32) * 0.2
    return classes_of(features, rng.random(rows) * 3.0, rng.integers(0, 24, rows))


def settled(bands: MeanBands, rng: np.random.Generator, batches: int) -> list[np.ndarray]:
    """Learn from means that are twice as far out as the head says; outcomes (rows, horizons)."""
    inside = []
    for _ in range(batches):
        found = classes(rng)
        median = np.zeros((ROWS, 2))
        low, high = bands.see(median - 1.0, median, median + 1.0, found)
        actual = rng.normal(size=(ROWS, 2)) * 2.0 / 1.645
        inside.append((low <= actual) & (actual <= high))
        bands.learn(low, actual, high, found[:, None].repeat(2, axis=1))
    return inside


def test_the_first_intervals_are_the_heads_own() -> None:
    ends = np.full((1, 2), -1.0), np.zeros((1, 2)), np.ones((1, 2))
    low, high = MeanBands(MINUTES, confidence=0.9).see(*ends, np.zeros((1, KINDS), np.int64))
    assert (low.tolist(), high.tolist()) == ([[-1.0, -1.0]], [[1.0, 1.0]])
    wide, _ = MeanBands(MINUTES, confidence=0.99).see(*ends, np.zeros((1, KINDS), np.int64))
    assert wide.max() < -1.2


@pytest.mark.parametrize("confidence", [0.5, 0.9])
def test_the_coverage_is_the_nominal_one(confidence: float) -> None:
    bands, rng = MeanBands(MINUTES, confidence=confidence), np.random.default_rng(2)
    settled(bands, rng, 200)
    inside = np.concatenate(settled(bands, rng, 300))
    assert inside.mean(axis=0) == pytest.approx(confidence, abs=0.02)


def test_the_moves_of_a_term_add_up_to_its_change() -> None:
    """The guarantee: whatever comes, the misses follow from how far a term has moved."""
    bands, rng = MeanBands(MINUTES, confidence=0.9), np.random.default_rng(3)
    expected = unpacked(bands.state()["terms"], TERMS * 4).reshape(TERMS, 2, 2)
    for batch in range(20):
        found = classes(rng)
        median = rng.normal(size=(ROWS, 2))
        low, high = bands.see(median - 0.5, median, median + 0.5, found)
        actual = rng.standard_cauchy(size=(ROWS, 2))
        actual[:3] = np.nan  # not settled
        gain = 1.0 + 3.0 * 24.0 / (24.0 + batch * ROWS / 60.0)
        for row in range(3, ROWS):
            for horizon, minutes in enumerate(MINUTES):
                step = gain * STEP / np.sqrt(minutes)
                for place in found[row]:
                    outside = actual[row, horizon] < low[row, horizon]
                    expected[place, 0, horizon] += step * (outside - 0.05)
                    outside = actual[row, horizon] > high[row, horizon]
                    expected[place, 1, horizon] += step * (outside - 0.05)
        bands.learn(low, actual, high, found[:, None].repeat(2, axis=1))
    terms = unpacked(bands.state()["terms"], TERMS * 4).reshape(TERMS, 2, 2)
    assert terms == pytest.approx(expected, abs=1e-9)


def test_an_end_never_passes_the_median() -> None:
    bands, rng = MeanBands(MINUTES, confidence=0.9), np.random.default_rng(4)
    zeros = np.zeros((ROWS, 2))
    for _ in range(300):
        found = classes(rng)
        low, high = bands.see(zeros - 1.0, zeros + 0.9, zeros + 1.0, found)
        assert low.max() <= 0.9 <= high.min()
        bands.learn(low, zeros + 0.9, high, found[:, None].repeat(2, axis=1))


def test_a_saved_state_continues_exactly() -> None:
    first, second = (MeanBands(MINUTES, confidence=0.9) for _ in range(2))
    settled(first, np.random.default_rng(6), 5)
    second.restore(json.loads(json.dumps(first.state())))
    one, other = (settled(each, np.random.default_rng(7), 5) for each in (first, second))
    assert np.array_equal(one, other)
    assert first.state() == second.state()


@pytest.mark.parametrize(
    "damage",
    [
        {"terms": packed(np.full(TERMS * 4, MAX_LOG_SCALE + 1.0))},
        {"terms": packed([0.0])},
        {"settled": -1},
    ],
)
def test_damaged_states_are_refused(damage: dict[str, object]) -> None:
    bands = MeanBands(MINUTES, confidence=0.9)
    before = bands.state()
    with pytest.raises(ValueError, match=r"bounds|packed|negative"):
        bands.restore({**before, **damage})
    assert bands.state() == before
