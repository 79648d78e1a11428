"""Fields of a line of delimited text."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence

from streamer.display.lines import shorten
from streamer.errors import UsageError

DELIMITERS = (";", ",", "\t", "|")
MISSING = frozenset(("", "?"))
"""What stands for a value that was not measured."""


def split_fields(line: str, delimiter: str) -> list[str]:
    """The fields of one line, quotes taken off.

    Raises:
        csv.Error: the quotes do not match.
    """
    if '"' not in line:
        return line.split(delimiter)
    return next(csv.reader([line], delimiter=delimiter, strict=True))


def is_number(text: str) -> bool:
    """Whether a field holds a finite number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def split_or_nothing(line: str, delimiter: str) -> list[str]:
    """The fields of one line, or none if its quotes do not match."""
    try:
        return split_fields(line, delimiter)
    except csv.Error:
        return []


def find_delimiter(
    name: str, lines: Sequence[str], asked: str | None, *, final: bool
) -> str | None:
    """The delimiter that was asked for, or that the first line shows beyond doubt.

    Args:
        name: the file's name, for errors.
        lines: its first lines, at least one.
        asked: the delimiter that was asked for, if any.
        final: whether these are all the lines there will be to decide by.

    Returns:
        The delimiter, or None if more lines are needed.

    Raises:
        UsageError: there is none, or there are several.
    """
    if asked is not None:
        return _asked_delimiter(asked)
    widths = {each: len(split_or_nothing(lines[0], each)) for each in DELIMITERS}
    found = [each for each, width in widths.items() if width > 1]
    if len(found) > 1:
        if len(lines) == 1 and not final:
            return None
        agreeing = [
            each
            for each in found
            if all(len(split_or_nothing(row, each)) == widths[each] for row in lines[1:])
        ]
        found = agreeing or found
    if not found:
        raise UsageError(
            f"{name}: no columns in the first line {shorten(lines[0])}; it needs a header line "
            "such as timestamp,power_kw (or say --delimiter)"
        )
    if len(found) > 1:
        raise UsageError(
            f"{name}: fields may be separated by {' or '.join(map(repr, found))}; say --delimiter"
        )
    return found[0]


def _asked_delimiter(asked: str) -> str:
    delimiter = "\t" if asked in ("tab", "\\t") else asked
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise UsageError(f"--delimiter {asked!r} is not one character; try ';', ',' or 'tab'")
    return delimiter
