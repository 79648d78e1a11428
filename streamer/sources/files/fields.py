"""Splitting of lines into fields, and recognition of the delimiter."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence

from streamer.display.lines import shorten
from streamer.errors import UsageError

DELIMITERS = (";", ",", "\t", "|")
MISSING = frozenset(("", "?"))
"""Fields that represent a missing value."""


def split_fields(line: str, delimiter: str) -> list[str]:
    """Split a line into fields, with quotes removed.

    Raises:
        csv.Error: the quotes are not balanced.
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
    """Split a line into fields; returns none if its quotes are not balanced."""
    try:
        return split_fields(line, delimiter)
    except csv.Error:
        return []


def find_delimiter(
    name: str, lines: Sequence[str], requested: str | None, *, final: bool
) -> str | None:
    """Return the requested delimiter, or the one that the first lines show unambiguously.

    Args:
        name: the file's name, for errors.
        lines: its first lines, at least one.
        requested: the requested delimiter, if any.
        final: whether no more lines will be available.

    Returns:
        The delimiter, or None if more lines are needed.

    Raises:
        UsageError: no delimiter is found, or several are possible.
    """
    if requested is not None:
        return _requested_delimiter(requested)
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
            f"{name}: no columns in the first line {shorten(lines[0])}; a header line such as "
            "timestamp,power_kw is required (or give --delimiter)"
        )
    if len(found) > 1:
        raise UsageError(
            f"{name}: the delimiter may be {' or '.join(map(repr, found))}; give --delimiter"
        )
    return found[0]


def _requested_delimiter(requested: str) -> str:
    delimiter = "\t" if requested in ("tab", "\\t") else requested
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise UsageError(f"--delimiter {requested!r} is not one character; try ';', ',' or 'tab'")
    return delimiter
