"""Numbers in the messages of meters: as such, as text, with a unit, or reported as unknown."""

from __future__ import annotations

import math
import re

from streamer.feeds.values.malformed import MalformedError, quoted

_UNKNOWN = frozenset(
    {
        "",
        "-",
        "--",
        "---",
        "?",
        "unavailable",  # Home Assistant
        "unknown",
        "none",  # a template of Home Assistant, or Python
        "null",  # openHAB in capitals, and JSON as text
        "undef",  # openHAB
        "undefined",  # JavaScript
        "nan",
        "-nan",  # printf in C
        "+nan",
        "n/a",
        "na",
        "inval",  # AVM's devices
    }
)
"""Words, in small letters, that report that the meter does not know."""

_QUANTITY = re.compile(
    r"([+\-\u2212]?)([0-9][0-9.,]*|[.,][0-9]+)((?:[eE][+-]?[0-9]+)?)\s*(.*)", re.DOTALL
)

# Groups of three digits, and a decimal part.
_GROUPED = {
    ".": re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+"),
    ",": re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]+)?"),
}

_REMEDY = "give decimal=comma if this is a decimal comma"


def is_unknown(value: object) -> bool:
    """Whether a value reports that the meter does not know.

    >>> [is_unknown(value) for value in (None, "unavailable", "NULL ", math.nan, b"nan", "", 0)]
    [True, True, True, True, True, True, False]
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str):
        return value.strip().lower() in _UNKNOWN
    return value is None or (isinstance(value, float) and math.isnan(value))


def to_number(value: object) -> float:
    """Convert a number, or the text of one, to a finite float.

    Raises:
        MalformedError: the value is not a finite number.

    >>> to_number("12.5"), to_number(3)
    (12.5, 3.0)
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise MalformedError(f"{quoted(value)} is not a number")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise MalformedError(f"{quoted(value)} is not a number")
    return number


def split_unit(value: object, *, comma: bool = False) -> tuple[float, str]:
    """Convert a number, or a text of a number with or without its unit.

    Args:
        value: the number or text.
        comma: whether a comma in the text is a decimal comma. Otherwise a comma is accepted
            only where it can be nothing else: with a unit, and not before three digits.

    Returns:
        The number, finite, and its unit; the unit is empty if the text has none.

    Raises:
        MalformedError: the value is not a finite number.

    >>> split_unit("250.3 W"), split_unit("250,3 W"), split_unit("−1.234,5 W"), split_unit(7)
    ((250.3, 'W'), (250.3, 'W'), (-1234.5, 'W'), (7.0, ''))
    >>> split_unit("1,250 W")
    Traceback (most recent call last):
    streamer.feeds.values.malformed.MalformedError: '1,250 W' can be read in two ways; give \
decimal=comma if this is a decimal comma
    """
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return to_number(value), ""
    match = _QUANTITY.fullmatch(value.strip())
    if match is None or any(mark.isdigit() or mark == ":" for mark in match[4]):
        raise MalformedError(f"{quoted(value)} is not a number")
    sign, digits, exponent, unit = match.groups()
    if "," in digits or (comma and "." in digits):
        digits = _with_point(value, digits, has_unit=bool(unit), comma=comma)
    try:
        number = float(digits + exponent)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise MalformedError(f"{quoted(value)} is not a number")
    return -number if sign in ("-", "\u2212") else number, unit


def _with_point(text: str, digits: str, *, has_unit: bool, comma: bool) -> str:
    """Replace a decimal comma by a point, and drop the marks between thousands."""
    whole, _, decimals = digits.partition(",")
    if comma:
        if _GROUPED[","].fullmatch(digits):
            return digits.replace(".", "").replace(",", ".")
        if "." in digits:
            raise MalformedError(f"{quoted(text)} has a point, but decimal=comma is given")
        return digits.replace(",", ".")
    if not has_unit:
        raise MalformedError(f"{quoted(text)} is not a number; {_REMEDY}")
    if _GROUPED["."].fullmatch(digits):
        return digits.replace(",", "")
    if _GROUPED[","].fullmatch(digits) and decimals:
        return digits.replace(".", "").replace(",", ".")
    if "." in digits or "," in decimals:
        raise MalformedError(f"{quoted(text)} is not a number")
    if len(decimals) == 3 and whole.strip("0"):
        raise MalformedError(f"{quoted(text)} can be read in two ways; {_REMEDY}")
    return digits.replace(",", ".")
