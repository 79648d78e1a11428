"""Tests of the y axis of the chart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streamer.dashboard.scale import QUARTERS, AxisScale, find_scale

KW = st.floats(-50, 50)


@given(values=st.lists(KW, min_size=1, max_size=9), rows=st.integers(2, 60), kw=KW)
def test_the_middle_of_a_quarter_is_within_an_eighth_of_a_row(
    values: list[float], rows: int, kw: float
) -> None:
    scale = find_scale([*values, kw], rows)
    middle = (scale.quarter(kw) + 0.5) / QUARTERS * scale.unit
    assert abs(middle - kw) <= scale.unit * (1 / 8 + 1e-6)


@given(values=st.lists(KW, min_size=1, max_size=9), rows=st.integers(2, 60), low=KW, high=KW)
def test_the_quarters_between_two_values_are_those_in_the_plot(
    values: list[float], rows: int, low: float, high: float
) -> None:
    scale = find_scale(values, rows)
    between = scale.quarters_between(low, high)
    for quarter in range(-QUARTERS * scale.below, QUARTERS * (scale.top + 1)):
        middle = (quarter + 0.5) / QUARTERS * scale.unit
        if min(abs(middle - low), abs(middle - high)) > 1.001 * scale.unit / 8:
            assert (quarter in between) == (low < middle < high)
    assert len(between) <= QUARTERS * rows


def test_no_quarter_lies_between_undefined_or_reversed_values() -> None:
    scale = AxisScale(unit=0.5, per_tick=2, below=0, rows=4)
    assert not scale.quarters_between(float("nan"), 1.0)
    assert not scale.quarters_between(0.0, float("nan"))
    assert not scale.quarters_between(1.0, 0.0)
    assert not scale.quarters_between(2.1, 3.0)
    assert scale.quarters_between(-1e300, 1e300) == range(16)


@given(values=st.lists(KW, max_size=9), rows=st.integers(2, 60))
def test_every_value_and_zero_fit_the_rows(values: list[float], rows: int) -> None:
    scale = find_scale(values, rows)
    for value in values:
        assert scale.unit * (scale.top + 1) >= value - 1e-6
        assert -scale.unit * scale.below <= value + 1e-6
    assert scale.below >= 0
