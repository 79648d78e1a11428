"""Tests of the y axis of the chart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from streamer.dashboard.scale import AxisScale, find_scale

KW = st.floats(-50, 50)


@given(values=st.lists(KW, min_size=1, max_size=9), rows=st.integers(2, 60), low=KW, high=KW)
def test_the_rows_between_two_values_have_their_middle_between_them(
    values: list[float], rows: int, low: float, high: float
) -> None:
    scale = find_scale(values, rows)
    between = scale.between(low, high)
    shown = range(-scale.below, scale.top + 1)
    assert len(shown) == rows
    for row in shown:
        middle = row + 0.5
        height = min(abs(middle - low / scale.unit), abs(middle - high / scale.unit))
        if height > 1e-6:
            assert (row in between) == (low < middle * scale.unit < high)


def test_no_row_lies_between_undefined_or_reversed_values() -> None:
    scale = AxisScale(unit=0.5, per_tick=2, below=0, rows=4)
    assert not scale.between(float("nan"), 1.0)
    assert not scale.between(0.0, float("nan"))
    assert not scale.between(1.0, 0.0)


@given(values=st.lists(KW, max_size=9), rows=st.integers(2, 60))
def test_every_value_and_zero_fit_the_rows(values: list[float], rows: int) -> None:
    scale = find_scale(values, rows)
    for value in values:
        assert scale.unit * (scale.top + 1) >= value - 1e-6
        assert -scale.unit * scale.below <= value + 1e-6
    assert scale.below >= 0
