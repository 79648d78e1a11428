"""Text of the alarm."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streamer.demand.texts import peak_text

CASE: dict[str, Any] = {
    "minutes": 15,
    "left": 8,
    "kw": 4.9,
    "high_kw": 5.6,
    "rest_kw": 5.3,
    "bound_kw": 4.2,
    "bound": "month",
    "margin_kw": 3.4,
}


def test_heading_for_more() -> None:
    assert peak_text(**CASE, price_per_kw_year=54.0) == (
        "this quarter-hour is heading for 4.9 kW, 0.7 above this month's peak: some 3.15 €, or "
        "38 € a year if it were so every month; switch off 1.9 kW for 8 minutes"
    )


def test_without_a_price() -> None:
    assert peak_text(**CASE | {"minutes": 60, "bound": "limit", "left": 1}) == (
        "this hour is heading for 4.9 kW, 0.7 above the limit; switch off 1.9 kW for 1 minute"
    )


def test_it_may_be_more() -> None:
    case = CASE | {"kw": 4.1, "high_kw": 4.8, "bound": "floor", "margin_kw": 4.38}
    assert peak_text(**case, price_per_kw_year=60.0, currency="CHF") == (
        "this quarter-hour may reach 4.8 kW, 0.6 above the lowest peak that is charged: up to "
        "3.00 CHF, or 36 CHF a year if it were so every month; stay below 4.3 kW for 8 minutes"
    )


def test_it_may_be_hardly_more() -> None:
    case = CASE | {"kw": 4.1, "high_kw": 4.15}
    assert peak_text(**case, price_per_kw_year=60.0) == (
        "this quarter-hour may exceed this month's peak of 4.2 kW; stay below 3.4 kW for 8 minutes"
    )


def test_it_is_above_already() -> None:
    case = CASE | {"margin_kw": 0.0, "kw": 4.22}
    assert peak_text(**case) == (
        "this quarter-hour is heading for 4.2 kW, just above this month's peak; switch off what "
        "you can for 8 minutes"
    )


@given(
    st.floats(0.1, 30.0),
    st.floats(0.0, 30.0),
    st.floats(0.0, 20.0),
    st.integers(1, 14),
    st.floats(0.0, 30.0),
)
def test_who_follows_it_stays_below(
    bound: float, rest: float, wide: float, left: int, so_far: float
) -> None:
    """What remains of the expected rest does not exceed the bound."""
    kw = (so_far + left * rest) / 15
    margin = max((bound * 15 - so_far) / left, 0.0)
    case = CASE | {"left": left, "kw": kw, "high_kw": kw + wide, "rest_kw": rest}
    text = peak_text(**case | {"bound_kw": bound, "margin_kw": margin})
    if " switch off what " in text:
        assert margin == 0.0
    elif " switch off " in text:
        off = float(text.partition(" switch off ")[2].partition(" kW")[0])
        assert (so_far + left * max(rest - off, 0.0)) / 15 <= bound + 1e-5
    else:
        below = float(text.partition(" stay below ")[2].partition(" kW")[0])
        assert below <= margin + 1e-5
