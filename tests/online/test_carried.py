"""Tests of the range of power that a connection is known to carry."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.online.carried import KNOWN_AFTER, PERIOD, CarriedPower


def _bounds(kw: np.ndarray) -> tuple[float, float]:
    """The same of a whole series, in the last period begun and the one before."""
    start = max((len(kw) - 1) // PERIOD - 1, 0) * PERIOD
    steps = np.abs(np.diff(kw))[max(start - 1, 0) :]
    kept, step = kw[start:], steps.max(initial=0.0)
    known = len(kw) >= KNOWN_AFTER
    lowest = min(kept.min(), 0.0)
    floor = 0.0 if lowest == 0.0 else lowest - step if known else -math.inf
    return floor, max(kept.max(), 0.0) + step if known else math.inf


@given(st.lists(st.floats(-20.0, 20.0), min_size=1, max_size=150))
def test_bounds_equal_those_of_the_whole_series(kw: list[float]) -> None:
    carried = CarriedPower()
    for number, value in enumerate(kw):
        carried.settle(value)
        assert (carried.floor_kw, carried.ceiling_kw) == _bounds(np.array(kw[: number + 1]))


def test_bounds_equal_those_of_the_whole_series_over_weeks() -> None:
    rng = np.random.default_rng(3)
    kw = np.round(rng.gamma(1.0, rng.gamma(1.0, 1.0, 60).repeat(1200)), 3) - 0.05
    carried = CarriedPower()
    checked = set(rng.integers(0, len(kw), 200).tolist())
    checked |= {period * PERIOD + shift for period in (1, 2, 3) for shift in (-1, 0, 1)}
    for number, value in enumerate(kw.tolist()):
        carried.settle(value)
        if number in checked:
            assert (carried.floor_kw, carried.ceiling_kw) == _bounds(kw[: number + 1])


def test_a_faulty_reading_is_forgotten_after_two_periods() -> None:
    carried = CarriedPower()
    for kw in [0.2, 1.0] * 50 + [1e300, -math.inf]:
        carried.settle(kw)
    assert carried.ceiling_kw == 2e6
    for number in range(2 * PERIOD):
        carried.settle((0.2, 1.0)[number % 2])
        assert math.isfinite(carried.floor_kw)
        assert math.isfinite(carried.ceiling_kw)
    assert (carried.floor_kw, carried.ceiling_kw) == (0.0, 1.8)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=100))
def test_saved_state_continues_bit_for_bit(kw: list[float]) -> None:
    carried = CarriedPower()
    for value in kw:
        carried.settle(value)
    restored = CarriedPower.restored(json.loads(json.dumps(carried.state(), allow_nan=False)))
    for value in (0.5, -0.5):
        assert vars(restored) == vars(carried)
        restored.settle(value)
        carried.settle(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("settled", -1),
        ("last_kw", math.nan),
        ("present_kw", [0.1, 0.2, 0.3]),
        ("present_kw", [0.0, 0.2]),
        ("before_kw", [0.0, 1.0, -0.1]),
        ("before_kw", [0.0, 1e9, 0.1]),
    ],
)
def test_damaged_state_is_rejected(name: str, value: object) -> None:
    with pytest.raises((TypeError, ValueError)):
        CarriedPower.restored({**CarriedPower().state(), name: value})
