"""Tests of the rolling mean against plain sums."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.scores.rolling import RollingMean


@given(st.integers(1, 40), st.lists(st.floats(0, 1e6), max_size=200))
def test_rolling_mean_equals_the_mean_of_the_last_values(size: int, values: list[float]) -> None:
    mean = RollingMean(size)
    assert mean.get() is None
    for upto, value in enumerate(values, start=1):
        latest = mean.update(value)
        window = values[max(0, upto - size) : upto]
        assert mean.values() == window
        assert latest == mean.get() == pytest.approx(math.fsum(window) / len(window), rel=1e-12)


@given(
    size=st.integers(1, 12),
    values=st.lists(st.floats(0, 1e6), max_size=120),
    cuts=st.lists(st.integers(0, 120), max_size=6),
)
def test_update_many_equals_repeated_update(
    size: int, values: list[float], cuts: list[int]
) -> None:
    single, many = RollingMean(size), RollingMean(size)
    edges = sorted({0, len(values), *(min(cut, len(values)) for cut in cuts)})
    for start, end in pairwise(edges):
        for value in values[start:end]:
            single.update(value)
        many.update_many(np.array(values[start:end]))
        assert many.state() == single.state()
        assert (many.get(), len(many)) == (single.get(), len(single))
    assert many.update(1.0) == single.update(1.0)


def test_rolling_mean_forgets_a_huge_value_completely() -> None:
    mean = RollingMean(3)
    for value in (1e300, 0.1, 0.2, 0.3):
        mean.update(value)
    assert mean.get() == pytest.approx(0.2, rel=1e-15)


def test_rolling_mean_does_not_drift() -> None:
    mean = RollingMean(60)
    values = np.random.default_rng(0).exponential(size=200_000) ** 4
    for value in values.tolist():
        mean.update(value)
    assert mean.get() == pytest.approx(values[-60:].mean(), rel=1e-13)


def test_size_must_be_positive() -> None:
    with pytest.raises(ValueError, match="size is 0"):
        RollingMean(0)
