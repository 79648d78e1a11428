"""Formats of written numbers: decimal point or comma, groups of thousands, units."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from streamer.sources.files.fields import is_missing
from streamer.sources.files.units import Measure, measure_of

_MINUS = str.maketrans({"\u2212": "-", "\u2013": "-"})
_SPACES = "\u00a0\u202f\u2009 "
_NUMBER = re.compile(
    rf"\s*(?P<sign>[+-]?)\s*(?P<digits>[0-9.,'\u2019{_SPACES}]*[0-9][.,]?)"
    r"(?P<exponent>[eE][+-]?[0-9]{1,3})?\s*(?P<unit>°?[^\W\d_][\w³/°·-]*|[%€$£°])?\s*"
)
_MIN_SHARE = 0.8
"""Share of the values of a column that must be numbers for it to be numeric."""


@dataclass(frozen=True, slots=True)
class NumberFormat:
    """Format of the numbers in one column.

    Attributes:
        decimal: the decimal separator, ``.`` or ``,``.
        is_ambiguous: whether the separator may as well be one of thousands: ``1,234``.

    >>> NumberFormat(",").parse("1.234,5"), NumberFormat(".").parse("2,280.9 W")
    ((1234.5, ''), (2280.9, 'W'))
    """

    decimal: str = "."
    is_ambiguous: bool = False

    def parse(self, text: str) -> tuple[float, str]:
        """Return the number and its unit, which is empty if there is none.

        Raises:
            ValueError: the text is not a finite number in this format.
        """
        match = _NUMBER.fullmatch(text.translate(_MINUS))
        if match is None:
            raise ValueError(text)
        whole, _, decimals = match["digits"].partition(self.decimal)
        if not _are_groups(whole, self.decimal) or (decimals and not decimals.isdecimal()):
            raise ValueError(text)
        whole = re.sub(r"\D", "", whole)
        if not whole and not decimals:
            raise ValueError(text)
        number = float(f"{match['sign']}{whole or 0}.{decimals or 0}{match['exponent'] or ''}")
        if not math.isfinite(number):
            raise ValueError(text)
        return number, match["unit"] or ""


def recognise_numbers(values: Iterable[str], decimal: str | None = None) -> NumberFormat | None:
    """Recognise the format of a column by its values; None if it is not numeric.

    The decimal separator is the last one of a number with two kinds, and one that is not
    followed by exactly three digits. A comma that could separate thousands in every value is
    ambiguous.

    Args:
        values: fields of the column; missing ones are left out.
        decimal: the decimal separator, if it is known.

    >>> recognise_numbers(["0,269", "1,5"]), recognise_numbers(["1,234", "2,500"])
    (NumberFormat(decimal=',', is_ambiguous=False), NumberFormat(decimal=',', is_ambiguous=True))
    """
    given = [value for value in values if not is_missing(value)]
    if not given:
        return None
    if decimal is None:
        votes = {_decimal_of(value) for value in given}
        if "." in votes:
            found = NumberFormat(".")
        elif "," in votes:
            found = NumberFormat(",")
        else:
            found = NumberFormat(",", is_ambiguous=True) if "?," in votes else NumberFormat(".")
    else:
        found = NumberFormat(decimal)
    numeric = sum(_fits(found, value) for value in given)
    return found if numeric >= _MIN_SHARE * len(given) else None


def _fits(form: NumberFormat, text: str) -> bool:
    try:
        _, unit = form.parse(text)
    except ValueError:
        return False
    # 1SAG0000000000 is not a number, but the identifier of a meter.
    return not unit or measure_of(unit) != Measure()


@lru_cache(maxsize=256)
def _decimal_of(text: str) -> str:
    """The decimal separator that a number shows; ``?,`` if its comma is ambiguous."""
    match = _NUMBER.fullmatch(text.translate(_MINUS))
    if match is None:
        return ""
    digits = match["digits"]
    commas, points = digits.count(","), digits.count(".")
    if commas and points:
        return "," if digits.rfind(",") > digits.rfind(".") else "."
    if commas > 1:
        return "."
    if points > 1:
        return ","
    if commas:
        whole, _, decimals = digits.partition(",")
        is_group = len(decimals) == 3 and 0 < len(whole) <= 3 and not whole.startswith("0")
        return "?," if is_group else ","
    if points:
        whole, _, decimals = digits.partition(".")
        is_group = len(decimals) == 3 and 0 < len(whole) <= 3 and not whole.startswith("0")
        return "" if is_group else "."
    return ""


def _are_groups(whole: str, decimal: str) -> bool:
    """Whether the digits before the decimal separator are plain, or groups of three."""
    if whole.isdecimal() or not whole:
        return True
    separators = set(re.sub(r"\d", "", whole))
    if len(separators) > 1 or decimal in separators:
        return False
    first, *groups = re.split(r"\D", whole)
    return 0 < len(first) <= 3 and all(len(group) == 3 for group in groups)
