"""Numbers, shares and counts as text for people."""

from __future__ import annotations

import math

NOTHING = "–"
"""Placeholder for a missing value: a zero would look like a perfect score."""


def number(value: float | None, form: str) -> str:
    """A number in a format, or a dash of the same width.

    >>> number(0.25, "6.3f"), number(None, "6.3f")
    (' 0.250', '     –')
    """
    if value is not None:
        return format(value, form)
    width = form.lstrip("+").partition(".")[0]
    return f"{NOTHING:>{int(width or 1)}}"


def percent(share: float | None, *, signed: bool = True) -> str:
    """A share as a percentage, with or without a sign.

    >>> percent(0.1234), percent(-0.5), percent(0.9, signed=False), percent(None)
    ('+12.3 %', '-50.0 %', '90.0 %', '–')
    """
    if share is None:
        return NOTHING
    return f"{100 * share:{'+' if signed else ''}.1f} %"


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    >>> plural(1, "gap"), plural(2_000, "gap")
    ('1 gap', '2,000 gaps')
    """
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def fixed(value: float | None, decimals: int, *, signed: bool = False) -> str:
    """A number with a fixed number of decimals, so that it does not jitter.

    >>> fixed(0.4321, 3), fixed(-0.5, 2, signed=True), fixed(None, 3)
    ('0.432', '−0.50', '–')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    kind = f".{decimals}f" if abs(value) < 1e6 else ".3g"
    text = f"{value:+{kind}}" if signed else f"{value:{kind}}"
    if not text.strip("+-0."):
        text = text.lstrip("+-")  # a number that rounds to zero has no sign
    return text.replace("-", "−")


def significant(value: float | None, digits: int = 5) -> str:
    """A number with a fixed number of significant digits.

    >>> significant(0.0452634), significant(12.5), significant(0.1, 4)
    ('0.045263', '12.500', '0.1000')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{value:#.{digits}g}".rstrip(".").replace("-", "−")


def amount(value: float | None, decimals: int, *, signed: bool = False) -> str:
    """A number with a typographic minus sign, or a dash for a missing one.

    >>> amount(-1234.5, 1), amount(0.5, 2, signed=True), amount(None, 1), amount(1e200, 1)
    ('−1,234.5', '+0.50', '–', '1e+200')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    if abs(value) >= 1e7:
        return f"{value:.3g}".replace("-", "−")
    sign = "+" if signed and round(value, decimals) > 0.0 else ""
    return sign + f"{value:z,.{decimals}f}".replace("-", "−")
