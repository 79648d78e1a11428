"""Numbers of a saved state, checked by type as they are restored."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

MAX_COUNT = 1 << 53
"""Maximum magnitude of a whole number, up to which it is also a float."""


def number(value: Any) -> float:
    """A finite number of a saved state.

    Raises:
        TypeError, ValueError: it is not a number, or not finite.

    >>> number(3)
    3.0
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{value!r:.40} is not a number")
    # A huge whole number has no float.
    if not abs(value) <= sys.float_info.max:
        raise ValueError("a number is too large, or not finite")
    return float(value)


def numbers(values: Iterable[Any], most: int) -> list[float]:
    """Finite numbers of a saved state, at most so many.

    Raises:
        TypeError, ValueError: they are not numbers, not finite, or too many.

    >>> numbers([3, 0.5], most=2)
    [3.0, 0.5]
    """
    found = [number(value) for value in values]
    if len(found) > most:
        raise ValueError(f"{len(found)} numbers, at most {most} expected")
    return found


def count(value: Any) -> int:
    """A whole number, not negative, of a saved state.

    Raises:
        TypeError, ValueError: it is not a whole number, or negative.

    >>> count(3)
    3
    """
    found = whole(value)
    if found < 0:
        raise ValueError(f"{found} is negative")
    return found


def whole(value: Any) -> int:
    """A whole number of a saved state.

    Raises:
        TypeError, ValueError: it is not a whole number, or too large to be a count.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r:.40} is not a whole number")
    if abs(value) > MAX_COUNT:
        raise ValueError(f"{value!r:.40} is too large")
    return value
