"""Tests of the prediction interval: its guarantee, and its coverage of known errors."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.online.intervals import ConformalBand

_ANY_FINITE = st.floats(allow_nan=False, allow_infinity=False)


def _covered(
    band: ConformalBand, errors: np.ndarray, ends: tuple[float, float] | None
) -> np.ndarray:
    """Whether each error about a forecast of 1 kW lay in its band."""
    found = []
    for error in errors.tolist():
        low, high = band.see(1.0, *(() if ends is None else ends))
        assert low <= high
        found.append(low <= 1.0 + error <= high)
        band.settle(1.0 + error)
    return np.array(found)


@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.9, 0.98])
@pytest.mark.parametrize("ends", [None, (0.9, 1.2), (0.999, 1.0), (-3.0, 5.0)])
def test_coverage_is_nominal_for_any_quantiles(
    confidence: float, ends: tuple[float, float] | None
) -> None:
    errors = np.random.default_rng(1).laplace(scale=0.1, size=20_000)
    covered = _covered(ConformalBand(confidence, inner=None if ends is None else 0.9), errors, ends)
    assert covered[1000:].mean() == pytest.approx(confidence, abs=0.01)


@settings(max_examples=60)
@given(st.lists(st.floats(-2.0, 2.0), min_size=1, max_size=400), st.floats(0.01, 0.3))
def test_guarantee_holds_for_any_errors(errors: list[float], step: float) -> None:
    band = ConformalBand(0.9, inner=0.9, step=step)
    start = band.state()[:2]
    below = above = 0
    within_limits = True
    for error in errors:
        low, high = band.see(1.0, 0.8, 1.3)
        below += 1.0 + error < low
        above += 1.0 + error > high
        band.settle(1.0 + error)
        within_limits = within_limits and all(-3.0 < scale < 4.0 for scale in band.state()[:2])
    if within_limits:
        for misses, before, after in zip((below, above), start, band.state(), strict=False):
            moved = (after - before) / (step * len(errors))
            assert misses / len(errors) - 0.05 == pytest.approx(moved, abs=1e-9)


@pytest.mark.parametrize("ends", [None, (0.85, 1.15)])
@pytest.mark.parametrize("seed", range(5))
def test_coverage_recovers_within_500_readings_of_a_doubled_error(
    seed: int, ends: tuple[float, float] | None
) -> None:
    rng = np.random.default_rng(seed)
    errors = rng.normal(scale=0.1, size=3000)
    errors[1500:] *= 2.0
    covered = _covered(ConformalBand(0.9, inner=None if ends is None else 0.9), errors, ends)
    after = [covered[start : start + 500].mean() for start in range(1500, 2001)]
    assert min(abs(coverage - 0.9) for coverage in after) <= 0.02
    assert covered[2000:2500].mean() == pytest.approx(0.9, abs=0.03)


def test_constant_stream_gives_a_narrow_band() -> None:
    for ends in (None, (0.3, 0.6)):
        band = ConformalBand(0.9, inner=None if ends is None else 0.9)
        for _ in range(3000):
            low, high = band.see(0.5, *(() if ends is None else ends))
            band.settle(0.5)
        assert high - low < 0.03
        assert abs(low - 0.5) < 0.03


def test_faulty_readings_are_forgotten_in_two_days() -> None:
    rng = np.random.default_rng(0)
    band = ConformalBand(0.9, inner=0.9)
    _covered(band, np.full(5000, 1e9), (0.8, 1.2))
    _covered(band, rng.normal(scale=0.12, size=2880), (0.8, 1.2))
    low, high = band.see(1.0, 0.8, 1.2)
    assert high - low < 1.0
    later = _covered(band, rng.normal(scale=0.12, size=2000), (0.8, 1.2))
    assert later.mean() == pytest.approx(0.9, abs=0.02)


@given(
    kw=st.lists(st.tuples(_ANY_FINITE, _ANY_FINITE, _ANY_FINITE), max_size=60),
    confidence=st.floats(0.001, 0.999),
    step=st.floats(1e-9, 1e9),
    quantiles=st.booleans(),
)
def test_any_finite_numbers_and_step_give_a_finite_band(
    kw: list[tuple[float, float, float]], confidence: float, step: float, quantiles: bool
) -> None:
    band = ConformalBand(confidence, inner=0.9 if quantiles else None, step=step)
    for mean, actual, other in kw:
        if quantiles:
            low, high = band.see(mean, *sorted((mean, other)))
        else:
            low, high = band.see(mean)
        assert math.isfinite(low)
        assert math.isfinite(high)
        assert low <= high
        band.settle(actual)
    state = json.loads(json.dumps(band.state(), allow_nan=False))
    restored = ConformalBand(confidence, inner=0.9 if quantiles else None, step=step)
    restored.restore(state)
    assert restored.state() == state
    assert restored.see(0.5, 0.2, 0.9) == band.see(0.5, 0.2, 0.9)


@pytest.mark.parametrize("state", [[], [0.0] * 5, [0.0] * 7, [math.nan] * 6, ["x"] * 6, None])
def test_damaged_state_is_rejected(state: list[float]) -> None:
    with pytest.raises((TypeError, ValueError)):
        ConformalBand().restore(state)


def test_settings_out_of_range_are_rejected() -> None:
    for confidence in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="confidence is"):
            ConformalBand(confidence)
    for step in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="step is"):
            ConformalBand(step=step)
