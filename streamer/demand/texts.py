"""Text of the alarm for a demand interval, one line."""

from __future__ import annotations

import math
from typing import Literal

Bound = Literal["month", "limit", "floor"]
"""Kind of a bound: the month's peak so far, one of one's own, or the lowest charged peak."""

_BOUNDS: dict[Bound, str] = {
    "month": "this month's peak",
    "limit": "the limit",
    "floor": "the lowest peak that is charged",
}


def peak_text(
    *,
    minutes: int,
    left: int,
    kw: float,
    high_kw: float,
    rest_kw: float,
    bound_kw: float,
    bound: Bound,
    margin_kw: float,
    price_per_kw_year: float | None = None,
    currency: str = "€",
) -> str:
    """A demand interval that is likely to exceed its bound: by how much, its price, a remedy.

    A tariff that charges the mean of the last twelve months' peaks, as in Flanders, charges a kW
    above one month's peak with a twelfth of its price for a year; the year's price is that of
    twelve such months.

    Args:
        minutes: length of the interval.
        left: minutes of it that are still to come, at least 1.
        kw: expected mean of the interval in kW.
        high_kw: upper end of its prediction interval.
        rest_kw: expected mean over the minutes to come.
        bound_kw: the bound.
        bound: its kind.
        margin_kw: mean over the minutes to come at which the interval reaches the bound, at
            least 0.
        price_per_kw_year: price of a kW of peak for a year; None if it is not known.
        currency: of the price.

    >>> print(peak_text(
    ...     minutes=15, left=8, kw=4.9, high_kw=5.6, rest_kw=5.2, bound_kw=4.2, bound="month",
    ...     margin_kw=3.4, price_per_kw_year=54.0,
    ... ))
    this quarter-hour is heading for 4.9 kW, 0.7 above this month's peak: some 3.15 €, or 38 € a \
year if it were so every month; switch off 1.8 kW for 8 minutes
    """
    name = "this quarter-hour" if minutes == 15 else "this hour"
    span = "1 minute" if left == 1 else f"{left} minutes"
    if kw > bound_kw:
        above = kw - bound_kw
        text = f"{name} is heading for {kw:.1f} kW, {_above(above, bound)}"
        if margin_kw <= 0.0:
            remedy = f"switch off what you can for {span}"
        else:
            remedy = f"switch off {_up(rest_kw - margin_kw)} kW for {span}"
        priced = "some"
    else:
        above = high_kw - bound_kw
        if above <= 0.0:
            text = f"{name} may exceed {_BOUNDS[bound]} of {bound_kw:.1f} kW"
        else:
            text = f"{name} may reach {high_kw:.1f} kW, {_above(above, bound)}"
        remedy = f"stay below {_down(margin_kw)} kW for {span}"
        priced = "up to"
    if price_per_kw_year and above > 0.0:
        year = above * price_per_kw_year
        text += (
            f": {priced} {_money(year / 12.0)} {currency}, or {_money(year)} {currency} a year "
            "if it were so every month"
        )
    return f"{text}; {remedy}"


def _above(kw: float, bound: Bound) -> str:
    return f"{kw:.1f} above {_BOUNDS[bound]}" if kw >= 0.05 else f"just above {_BOUNDS[bound]}"


def _money(amount: float) -> str:
    return f"{amount:.2f}" if amount < 10.0 else f"{amount:.0f}"


def _up(kw: float) -> str:
    """At least so many kW, at least 0.1."""
    return f"{max(math.ceil(10.0 * kw - 1e-6), 1) / 10.0:.1f}"


def _down(kw: float) -> str:
    """At most so many kW."""
    return f"{math.floor(10.0 * kw + 1e-6) / 10.0:.1f}"
