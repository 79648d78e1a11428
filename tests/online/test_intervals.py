"""Tests of the prediction interval: its guarantee, and its coverage of known errors."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.online.carried import KNOWN_AFTER
from streamer.online.intervals import TERMS, UNITS, ConformalBand

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
@given(st.lists(st.floats(-2.0, 2.0), min_size=1, max_size=400), st.floats(0.001, 0.1))
def test_guarantee_holds_for_any_errors_and_in_each_class(errors: list[float], step: float) -> None:
    band = ConformalBand(0.9, inner=0.9, step=step)
    begun = np.array([band.state()[end] for end in ("low", "high")]) / UNITS
    moved, readings, misses = np.zeros((2, TERMS)), np.zeros(TERMS), np.zeros((2, TERMS))
    largest, smallest = begun.copy(), begun.copy()
    for number, error in enumerate(errors):
        low, high = band.see(1.0, 0.8, 1.3)
        places = [0, *band.state()["places"]]
        outside = np.array([1.0 + error < low, 1.0 + error > high])
        this_step = step * (1.0 + 3.0 * 24.0 / (24.0 + number // 60))
        moved[:, places] += this_step * (outside - 0.05)[:, None]
        misses[:, places] += outside[:, None]
        readings[places] += 1
        band.settle(1.0 + error)
        terms = np.array([band.state()[end] for end in ("low", "high")]) / UNITS
        largest, smallest = np.maximum(largest, terms), np.minimum(smallest, terms)
        total = terms[:, places].sum(axis=1)
        if not ((total > -3.0) & (total < 4.0) & (np.abs(terms) < 4.0).all(axis=1)).all():
            return
    np.testing.assert_allclose(terms - begun, moved, rtol=0.0, atol=1e-5)
    seen = readings > 0
    excess = np.abs(misses[:, seen] - 0.05 * readings[seen])
    assert (excess <= (largest - smallest)[:, seen] / step + 1e-3).all()


def test_coverage_is_nominal_in_calm_and_in_rough_hours() -> None:
    rng = np.random.default_rng(2)
    rough = np.arange(60_000) // 300 % 3 == 0
    errors = rng.laplace(scale=np.where(rough, 0.2, 0.02))
    covered = _covered(ConformalBand(0.9, inner=0.9), errors, (0.9, 1.1))
    assert covered[rough].mean() == pytest.approx(0.9, abs=0.025)
    assert covered[~rough].mean() == pytest.approx(0.9, abs=0.015)


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


def test_interval_of_a_house_stays_within_what_its_connection_has_carried() -> None:
    band = ConformalBand(0.9, inner=0.9)
    assert band.see(0.1, -0.2, 0.4)[0] == 0.0
    for number in range(600):
        band.settle(2.0 if number % 30 == 0 else 0.1)
        low, high = band.see(0.1, -0.2, 9.0)
        assert low >= 0.0
        assert high <= (math.inf if number < KNOWN_AFTER - 1 else 2.0 + 1.9)


def test_first_interval_of_a_house_that_exports_is_not_moved_to_zero() -> None:
    band = ConformalBand(0.9, inner=0.9)
    assert band.see(-2.0, -2.5, -1.5) == (-2.5, -1.5)
    band.settle(-2.0)
    assert band.see(-2.0, -2.5, -1.5)[1] < 0.0


def test_state_of_before_the_classes_continues() -> None:
    band = ConformalBand(0.9, inner=0.9)
    band.restore([0.25, -0.5, 0.2, 0.1, 0.4, 0.3])
    assert band.state()["errors_kw"] == [0.2, 0.0]
    low, high = band.see(2.0, 1.0, 3.0)
    assert low == pytest.approx(1.0 - 2.0 * math.expm1(0.25))
    assert high == pytest.approx(3.0 + 2.0 * math.expm1(-0.5))


@pytest.mark.parametrize(
    "state",
    [[], [0.0] * 5, [0.0] * 7, [math.nan] * 6, ["x"] * 6, None, [9.0, 0.0, 0.1, 0.0, 0.0, 0.0]],
)
def test_damaged_state_of_before_the_classes_is_rejected(state: list[float]) -> None:
    with pytest.raises((TypeError, ValueError)):
        ConformalBand().restore(state)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("low", [0] * (TERMS - 1)),
        ("high", [0.5] * TERMS),
        ("high", [1 << 40] * TERMS),
        ("places", [1, 6, 11, 14, TERMS]),
        ("places", [1, 6, 11, 14]),
        ("errors_kw", [-0.1, 0.0]),
        ("errors_kw", [0.1]),
        ("waiting_kw", [0.0, math.inf, 0.0]),
        ("carried", {}),
        ("carried", None),
    ],
)
def test_damaged_state_is_rejected_and_changes_nothing(name: str, value: object) -> None:
    band = ConformalBand()
    for actual in (0.3, 0.5, 0.2):
        band.see(0.4)
        band.settle(actual)
    before = band.state()
    with pytest.raises((KeyError, TypeError, ValueError)):
        band.restore({**before, name: value})
    assert band.state() == before


def test_settings_out_of_range_are_rejected() -> None:
    for confidence in (0.0, 1.0, math.nan):
        with pytest.raises(ValueError, match="confidence is"):
            ConformalBand(confidence)
    for step in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match="step is"):
            ConformalBand(step=step)
