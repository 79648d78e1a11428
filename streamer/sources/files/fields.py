"""Splitting of lines into fields, and words for missing values."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence

from streamer.errors import UsageError
from streamer.feeds.values.numbers import is_unknown

DELIMITERS = (";", ",", "\t", "|")
"""Delimiters in order of preference; runs of spaces are the last resort."""

SPACES = " "
"""The delimiter for runs of spaces."""

MISSING = frozenset(("", "?"))
"""Fields that represent a missing value in the UCI file."""

_MORE_WORDS = frozenset(("#n/a", "nil", "\\n", "no ct"))
"""Words for a missing value that files have, beside those of meters."""


def is_missing(text: str) -> bool:
    """Whether a field represents a missing value.

    >>> [is_missing(text) for text in ("?", " NaN ", "unavailable", "0", "inf")]
    [True, True, True, False, False]
    """
    return text in MISSING or is_unknown(text) or text.strip().lower() in _MORE_WORDS


def split_fields(line: str, delimiter: str) -> list[str]:
    """Split a line into fields, with quotes removed.

    Raises:
        csv.Error: the quotes are not balanced.
    """
    if delimiter == SPACES:
        if '"' not in line:
            return line.split()
        return next(csv.reader([line.strip()], delimiter=" ", strict=True, skipinitialspace=True))
    if '"' not in line:
        return line.split(delimiter)
    return next(csv.reader([line], delimiter=delimiter, strict=True, skipinitialspace=True))


def is_number(text: str) -> bool:
    """Whether a field holds a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def split_or_nothing(line: str, delimiter: str) -> list[str]:
    """Split a line into fields; returns none if its quotes are not balanced."""
    try:
        return split_fields(line, delimiter)
    except csv.Error:
        return []


def possible_delimiters(lines: Sequence[str], requested: str | None) -> list[str]:
    """Return the delimiters that split any of the lines, in order of preference.

    Raises:
        UsageError: the requested delimiter is not a character.
    """
    if requested is not None:
        return [_requested_delimiter(requested)]
    found = [
        each for each in DELIMITERS if any(len(split_or_nothing(line, each)) > 1 for line in lines)
    ]
    return [*found, SPACES]


def _requested_delimiter(requested: str) -> str:
    delimiter = {"tab": "\t", "\\t": "\t", "space": " "}.get(requested, requested)
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise UsageError(
            f"--delimiter {requested!r} is not one character; try ';', ',', 'tab' or 'space'"
        )
    return delimiter
