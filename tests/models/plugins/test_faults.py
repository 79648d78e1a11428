"""Tests of what counts as an answer of a forecaster."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer import Answer
from streamer.models.plugins.faults import (
    MAX_FORECAST_KW,
    FaultError,
    Faults,
    checked_answer,
    numbers_of,
)

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner),
)


@given(ANYTHING, st.integers(0, 3))
def test_any_object_is_numbers_or_a_fault(result: Any, levels: int) -> None:
    try:
        found = numbers_of(result, levels)
    except FaultError:
        return
    assert len(found) == 1 + levels
    assert all(abs(kw) <= MAX_FORECAST_KW for kw in found)
    assert found[1:] == sorted(found[1:])


@pytest.mark.parametrize("result", [0.5, 1, np.float32(0.5), np.array(0.5), np.array([0.5]), [0.5]])
def test_a_number_may_have_any_type_of_a_number(result: Any) -> None:
    assert numbers_of(result, 0) == [float(np.asarray(result).reshape(-1)[0])]


_ARRAYS = st.sampled_from(
    [
        np.zeros(2),
        np.zeros((2, 2)),
        np.zeros((2, 0), np.float32),
        np.zeros((2, 3), np.float32),
        np.zeros(3),
        np.full(2, math.nan),
        np.full((2, 2), math.inf),
        np.full((2, 1), 1e300),
        np.array([["a", "b"], ["c", "d"]]),
        None,
        "text",
    ]
)


@given(_ARRAYS, _ARRAYS, _ARRAYS)
def test_any_answer_has_the_right_shapes_or_is_a_fault(mean: Any, low: Any, hidden: Any) -> None:
    try:
        found = checked_answer(Answer(mean, low, hidden), windows=2, levels=2)
    except FaultError:
        return
    assert found.mean_kw.shape == (2,)
    assert found.quantiles_kw.shape == (2, 2)
    assert len(found.hidden) == 2
    assert found.hidden.dtype == np.float32
    assert all(np.isfinite(each).all() for each in (found.mean_kw, found.quantiles_kw))


def test_quantiles_are_sorted_and_another_object_is_a_fault() -> None:
    answer = Answer(np.zeros(1), np.array([[0.3, 0.1]]), np.zeros((1, 0), np.float32))
    assert checked_answer(answer, 1, 2).quantiles_kw.tolist() == [[0.1, 0.3]]
    with pytest.raises(FaultError, match="gave float, not an Answer"):
        checked_answer(0.5, 1, 2)


def test_a_text_is_one_short_line() -> None:
    faults = Faults("mine")
    faults.add(ValueError("a\x1b[2J\n" * 500), "forecast()", None)
    (notice,) = faults.gathered()
    assert notice.text.isprintable()
    assert len(notice.text) < 300


@pytest.mark.parametrize("result", [10**400, [[1], [2, 3]], {"kw": 0.5}, "x", b"x", object()])
def test_what_is_no_number_is_named(result: Any) -> None:
    with pytest.raises(FaultError, match="not a number of kW"):
        numbers_of(result, 0)
