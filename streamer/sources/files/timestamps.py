"""Recognition and parsing of times in text.

The first row determines the style of a whole file, so that one row is not read day first
and the next month first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import lru_cache
from typing import TypeAlias

from streamer.display.lines import printable
from streamer.errors import UsageError

MIN_YEAR = 1900
"""First year accepted in a recording."""

MAX_YEAR = 2199
"""Last year accepted in a recording."""

TimeParser: TypeAlias = Callable[..., datetime]
"""Parses one text, or two (date and time of day). Raises ValueError, OverflowError or
OSError for a text in another style."""

DateParser: TypeAlias = Callable[[str], date]
"""Parses a date. Raises ValueError for a text in another style."""


@dataclass(frozen=True, slots=True)
class TimeStyle:
    """A style of written times.

    Attributes:
        parse: parses a time.
        parse_date: parses the date of a time without a zone, if a time consists of a date
            followed by a time of day; None otherwise.
        separators: characters allowed between the two if they are one text.
    """

    parse: TimeParser
    parse_date: DateParser | None = None
    separators: str = " "


_NUMERIC_DATE = re.compile(r"\s*(\d{1,2})([/.-])(\d{1,2})\2(\d{4})\s*", re.ASCII)
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_YEAR_FIRST = re.compile(r"\s*(\d{4})([/.-])(\d{1,2})\2(\d{1,2})\s*", re.ASCII)
_TIME_OF_DAY = re.compile(r"\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6})\d*)?)?\s*", re.ASCII)
_EPOCH_S = re.compile(r"\s*\d{9,10}(\.\d+)?\s*", re.ASCII)
_EPOCH_MS = re.compile(r"\s*\d{13}\s*", re.ASCII)
_MONTHS = 12
_PROBE = datetime(2010, 12, 31, 23, 59, 58, tzinfo=UTC)


def explicit_style(time_format: str) -> TimeStyle:
    """Return the style of a `strptime` format; date and time of day are joined by a space.

    Raises:
        UsageError: `strptime` does not accept the format.
    """
    strptime = datetime.strptime
    try:
        probe = strptime(_PROBE.strftime(time_format), time_format)
    except (ValueError, re.error) as error:
        raise UsageError(
            f"--time-format {time_format!r} is not valid ({printable(str(error))}); "
            "write it like '%d/%m/%Y %H:%M:%S'"
        ) from None
    if probe.date() != _PROBE.date():
        raise UsageError(
            f"--time-format {time_format!r} lacks the year, the month or the day; "
            "write it like '%d/%m/%Y %H:%M:%S'"
        )
    return TimeStyle(lambda *texts: strptime(" ".join(texts), time_format))


def recognise_time(text: str, clock: str | None = None, *, day_first: bool) -> TimeStyle | None:
    """Recognise the style of a time.

    Args:
        text: date and time, or the date alone if the time of day has its own column.
        clock: the time of day, if it has its own column.
        day_first: read ``1/2/2010`` as the first of February, without an error.

    Returns:
        The style; None if the text is not a time in a known style.

    Raises:
        UsageError: day and month cannot be distinguished.
    """
    if clock is not None:
        if not _TIME_OF_DAY.fullmatch(clock):
            return None
        return _paired(_recognise_date(text, day_first=day_first))
    if _EPOCH_S.fullmatch(text):
        return TimeStyle(_epoch_s)
    if _EPOCH_MS.fullmatch(text):
        return TimeStyle(_epoch_ms)
    if _succeeds(_iso, text):
        return TimeStyle(_iso, _iso_date, "T ")
    day, _, rest = text.strip().partition(" ")
    if rest and not _TIME_OF_DAY.fullmatch(rest):
        return None
    return _spaced(_recognise_date(day, day_first=day_first))


def looks_like_time(text: str) -> bool:
    """Whether a field holds a date, a time of day or both; a plain number does not count.

    >>> [looks_like_time(text) for text in ("2013-05-21T00:00", "1/2/2010", "power", "4.216")]
    [True, True, False, False]
    """
    if text.strip().isdecimal() or _EPOCH_S.fullmatch(text):
        return False
    if _TIME_OF_DAY.fullmatch(text):
        return True
    try:
        return recognise_time(text, day_first=False) is not None
    except UsageError:  # an ambiguous date
        return True


def _recognise_date(text: str, *, day_first: bool) -> DateParser | None:
    match = _NUMERIC_DATE.fullmatch(text)
    if match is None:
        return _year_first if _succeeds(_year_first, text) else None
    first, second = int(match[1]), int(match[3])
    if day_first or first > _MONTHS or match[2] == ".":
        parser: DateParser = _day_first
    elif second > _MONTHS:
        parser = _month_first
    else:
        raise UsageError(
            f"date {text.strip()!r} may be day/month or month/day; "
            "give --time-format, such as '%d/%m/%Y %H:%M:%S'"
        )
    return parser if _succeeds(parser, text) else None


def _succeeds(parser: Callable[[str], date], text: str) -> bool:
    try:
        parser(text)
    except ValueError:
        return False
    return True


def _iso(text: str) -> datetime:
    return datetime.fromisoformat(text.strip())


def _iso_date(text: str) -> date:
    # ISO 8601 has other forms of dates, whose end is harder to find.
    if not _ISO_DATE.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text)


def _epoch_s(text: str) -> datetime:
    return datetime.fromtimestamp(float(text), UTC)


def _epoch_ms(text: str) -> datetime:
    return datetime.fromtimestamp(float(text) / 1000.0, UTC)


def _paired(parse_date: DateParser | None) -> TimeStyle | None:
    if parse_date is None:
        return None
    combine = datetime.combine
    return TimeStyle(lambda day, clock: combine(parse_date(day), _time_of_day(clock)), parse_date)


def _spaced(parse_date: DateParser | None) -> TimeStyle | None:
    if parse_date is None:
        return None

    def parse(text: str) -> datetime:
        day, _, clock = text.strip().partition(" ")
        return datetime.combine(parse_date(day), _time_of_day(clock) if clock else time())

    return TimeStyle(parse, parse_date)


# A date repeats 1440 times in a row, and a day has 1440 minutes: the caches reduce both to a
# look-up.


@lru_cache(maxsize=8)
def _day_first(text: str) -> date:
    day, _, month, year = _groups(_NUMERIC_DATE, text)
    return date(int(year), int(month), int(day))


@lru_cache(maxsize=8)
def _month_first(text: str) -> date:
    month, _, day, year = _groups(_NUMERIC_DATE, text)
    return date(int(year), int(month), int(day))


@lru_cache(maxsize=8)
def _year_first(text: str) -> date:
    year, _, month, day = _groups(_YEAR_FIRST, text)
    return date(int(year), int(month), int(day))


@lru_cache(maxsize=4096)
def _time_of_day(text: str) -> time:
    hour, minute, second, fraction = _groups(_TIME_OF_DAY, text)
    return time(int(hour), int(minute), int(second or 0), int((fraction or "").ljust(6, "0")))


def _groups(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return match.groups(default="")
