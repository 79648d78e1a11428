"""Lines with a number, or with a time and a number: ``1774745940; 250.5 W``."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Final

from streamer.feeds.values import MalformedError, is_unknown, to_moment
from streamer.feeds.values.malformed import quoted

_UNIT_AT_END = re.compile(r"(.*[0-9.])\s+([^\W\d_]+)", re.DOTALL)
_TIME_AND_VALUE = re.compile(r"(.*[^\s,;])[\s,;]+(\S*)", re.DOTALL)
_TIME_AND_COMMA = re.compile(r"(.*[^\s;])[\s;]+(\S*)", re.DOTALL)

_REMEDY = "; decimals need a point, or give decimal=comma"

MIN_TIME_S: Final = 1e9
"""September 2001. A smaller number is not a time, but the first half of a value with a decimal
comma, or is in another unit than the option precision."""


def split_time(line: str, *, comma: bool = False) -> tuple[datetime | None, str]:
    """Split a line into its time, if it has one, and its value with the unit.

    Args:
        line: the line, without spaces around it.
        comma: whether a comma is a decimal comma, and not a separator.

    Raises:
        MalformedError: what precedes the value is not a time.

    >>> split_time("2026-03-29T01:59:00+01:00, 0.25 kW")[1], split_time("250.5")
    ('0.25 kW', (None, '250.5'))
    """
    unit = ""
    match = _UNIT_AT_END.fullmatch(line)
    if match is not None and not is_unknown(match[2]):
        line, unit = match[1], f" {match[2]}"
    match = (_TIME_AND_COMMA if comma else _TIME_AND_VALUE).fullmatch(line)
    if match is None:
        return None, line + unit
    time, value = match.groups()
    # The comma before the value may be a decimal comma.
    is_decimal = not comma and time[-1].isdigit() and line.endswith(f",{value}")
    remedy = _REMEDY if is_decimal else ""
    try:
        at = to_moment(time)
    except MalformedError as error:
        raise MalformedError(f"{error}{remedy}") from None
    if at.timestamp() < MIN_TIME_S and _is_number(time):
        raise MalformedError(f"{quoted(time)} is not a time{remedy}")
    return at, value + unit


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
