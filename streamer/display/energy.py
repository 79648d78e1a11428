"""Names of demand intervals, probabilities, and amounts of money, for people."""

from __future__ import annotations

from decimal import Decimal

from streamer.display.numbers import NOTHING, amount

_SMALLEST = 0.001
"""Probabilities below, and above 1 minus this, are not told apart."""

_WHOLE = 2.0
"""Percentages below, and above 100 minus this, have a decimal."""


def interval_name(minutes: int) -> str:
    """A demand interval by its length.

    >>> interval_name(15), interval_name(60), interval_name(30)
    ('quarter-hour', 'hour', '30 minutes')
    """
    return {15: "quarter-hour", 60: "hour"}.get(minutes, f"{minutes} minutes")


def likely(probability: float | None) -> str:
    """A probability in percent, to a percent where that is enough.

    >>> likely(0.123), likely(0.0123), likely(0.97), likely(None)
    ('12 %', '1.2 %', '97 %', '–')
    >>> likely(0.0002), likely(0.9999)
    ('under 0.1 %', 'over 99.9 %')
    """
    if probability is None or not 0.0 <= probability <= 1.0:
        return NOTHING
    if probability < _SMALLEST:
        return f"under {100 * _SMALLEST:g} %"
    if probability > 1.0 - _SMALLEST:
        return f"over {100 - 100 * _SMALLEST:g} %"
    percent = 100.0 * probability
    return (
        f"{percent:.1f} %" if percent < _WHOLE or percent > 100.0 - _WHOLE else f"{percent:.0f} %"
    )


def money(value: Decimal | None, currency: str, decimals: int = 2) -> str:
    """An amount of money with its currency.

    >>> money(Decimal("-1234.5"), "€"), money(Decimal("0.4213"), "kr", 3), money(None, "€")
    ('−1,234.50 €', '0.421 kr', '–')
    """
    if value is None:
        return NOTHING
    return f"{amount(float(value), decimals)} {currency}"
