"""Tests of the recent changes that the online layer sees."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streamer.online.layer import recent_changes


@given(st.lists(st.floats(-1e300, 1e300), min_size=3, max_size=20))
def test_changes_of_one_window_are_those_of_many(kw: list[float]) -> None:
    known = np.array(kw)
    many = recent_changes(known, len(kw) - 2)
    one_by_one = [recent_changes(known[: end + 1], 1)[0] for end in range(2, len(kw))]
    np.testing.assert_array_equal(many, one_by_one)
    assert np.isfinite(many).all()


def test_changes_before_the_first_reading_are_zero() -> None:
    np.testing.assert_array_equal(recent_changes(np.array([0.5]), 1), [[0.0, 0.0, 0.5]])
    np.testing.assert_array_equal(
        recent_changes(np.array([0.5, 0.75]), 2), [[0.0, 0.0, 0.5], [0.25, 0.0, 0.75]]
    )
