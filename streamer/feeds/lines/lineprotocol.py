"""InfluxDB line protocol, one point a line, as written by Telegraf and many scripts.

::

    electricity,host=cellar power_w=250.5,voltage=230i 1774745940000000000

A line has a measurement with its tags, a space, fields, and optionally a space and a time. In
names a backslash escapes a comma, a space or an equals sign, and is an ordinary character
elsewhere; in quoted text it escapes quotes and backslashes. A bare word that reports an unknown
value, such as ``nan``, is read as NaN.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from streamer.feeds.values import MalformedError, is_unknown

FieldValue: TypeAlias = float | int | bool | str

PRECISIONS = {
    "ns": 1,
    "n": 1,
    "us": 10**3,
    "u": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}
"""Units of time stamps, in nanoseconds, by their names in InfluxDB's versions 1 and 2."""

_MEASUREMENT = re.compile(r"(?:\\[, ]|[^, \\]|\\(?![, ]))+")
_NAME = re.compile(r"(?:\\[,= ]|[^,= \\]|\\(?![,= ]))+")
_QUOTED = re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)
_BARE = re.compile(r'[^," ]+')
_SPACES = re.compile(" +")
_ESCAPED_IN_MEASUREMENT = re.compile(r"\\([, ])")
_ESCAPED_IN_NAME = re.compile(r"\\([,= ])")
_ESCAPED_IN_TEXT = re.compile(r'\\(["\\])')

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"([+-]?[0-9]{1,20})i|([0-9]{1,20})u")
_TIME = re.compile(r"[+-]?[0-9]{1,20}")
_BOOLEANS = {
    **dict.fromkeys(("t", "T", "true", "True", "TRUE"), True),
    **dict.fromkeys(("f", "F", "false", "False", "FALSE"), False),
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Point:
    """One point.

    Attributes:
        measurement: name of the measurement.
        fields: values by name, at least one.
        tags: labels by name.
        time: time since 1970, in a unit agreed between sender and receiver; None if the
            point has none.
    """

    measurement: str
    fields: Mapping[str, FieldValue]
    tags: Mapping[str, str] = field(default_factory=dict)
    time: int | None = None


def parse_point(line: str) -> Point | None:
    r"""Parse a line; None if it is empty or a comment.

    Raises:
        MalformedError: the line is not line protocol.

    >>> point = parse_point(r"my\ house,room=a\,b power_w=250.5,on=t,n=3i 17")
    >>> point.measurement, point.tags, point.time
    ('my house', {'room': 'a,b'}, 17)
    >>> point.fields
    {'power_w': 250.5, 'on': True, 'n': 3}
    """
    line = line.strip(" \t\r\n")
    if not line or line.startswith("#"):
        return None
    match = _MEASUREMENT.match(line)
    if match is None:
        raise MalformedError(f"the measurement is missing at {_here(line, 0)}")
    measurement = _ESCAPED_IN_MEASUREMENT.sub(r"\1", match.group())
    tags, position = _tags(line, match.end())
    fields, position = _fields(line, _after_space(line, position, "fields"))
    time = None
    if position < len(line):
        start = _after_space(line, position, "the time")
        if _TIME.fullmatch(line, start) is None:
            raise MalformedError(f"the time is not a number at {_here(line, start)}")
        time = int(line[start:])
    return Point(measurement, fields, tags, time)


def parse_tags(text: str) -> dict[str, str]:
    """Parse tags alone, as in ``host=cellar,phase=1``.

    Raises:
        MalformedError: the text is not a list of tags.
    """
    tags, end = _tags(f",{text}", 0)
    if end <= len(text):
        raise MalformedError(f"a tag is missing at {_here(text, end - 1)}")
    return tags


def to_time(time: int, precision: str) -> datetime:
    """Convert the time of a point to a moment, to the microsecond.

    Args:
        time: time since 1970.
        precision: its unit, one of `PRECISIONS`.

    Raises:
        MalformedError: the time is beyond the calendar.
    """
    try:
        return _EPOCH + timedelta(microseconds=time * PRECISIONS[precision] // 1000)
    except OverflowError:
        raise MalformedError(f"{time} is not a time in {precision}") from None


def _tags(line: str, position: int) -> tuple[dict[str, str], int]:
    tags = {}
    while line.startswith(",", position):
        name, position = _name(line, position + 1, "a tag")
        value, position = _name(line, _after_equals(line, position), "the value of a tag")
        tags[name] = value
    return tags, position


def _fields(line: str, position: int) -> tuple[dict[str, FieldValue], int]:
    fields = {}
    while True:
        name, position = _name(line, position, "a field")
        fields[name], position = _value(line, _after_equals(line, position))
        if not line.startswith(",", position):
            return fields, position
        position += 1


def _name(line: str, position: int, what: str) -> tuple[str, int]:
    match = _NAME.match(line, position)
    if match is None:
        raise MalformedError(f"{what} is missing at {_here(line, position)}")
    return _ESCAPED_IN_NAME.sub(r"\1", match.group()), match.end()


def _value(line: str, position: int) -> tuple[FieldValue, int]:
    if match := _QUOTED.match(line, position):
        return _ESCAPED_IN_TEXT.sub(r"\1", match.group(1)), match.end()
    match = _BARE.match(line, position)
    if match is None:
        raise MalformedError(f"a value is missing at {_here(line, position)}")
    text = match.group()
    if text in _BOOLEANS:
        return _BOOLEANS[text], match.end()
    if integer := _INTEGER.fullmatch(text):
        return int(integer[1] or integer[2]), match.end()
    if _NUMBER.fullmatch(text) and math.isfinite(number := float(text)):
        return number, match.end()
    if is_unknown(text):  # not in InfluxDB, but scripts write what they got
        return math.nan, match.end()
    raise MalformedError(f"the value is not valid at {_here(line, position)}")


def _after_equals(line: str, position: int) -> int:
    if not line.startswith("=", position):
        raise MalformedError(f"an equals sign is missing at {_here(line, position)}")
    return position + 1


def _after_space(line: str, position: int, what: str) -> int:
    match = _SPACES.match(line, position)
    if match is None:
        raise MalformedError(f"a space and {what} are missing at {_here(line, position)}")
    return match.end()


def _here(line: str, position: int) -> str:
    rest = line[position:]
    return repr(rest if len(rest) <= 30 else rest[:29] + "…") if rest else "the end"
