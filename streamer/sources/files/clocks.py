"""Dates and times of day in text, each in one style."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import TypeAlias

MIN_YEAR = 1900
"""First year accepted in a recording."""

MAX_YEAR = 2199
"""Last year accepted in a recording."""

DateParser: TypeAlias = Callable[[str], date]
"""Parses a date. Raises ValueError for a text in another style."""

NUMERIC_DATE = re.compile(r"\s*(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})\s*", re.ASCII)
"""Two numbers and a year of four or two digits."""

_YEAR_FIRST = re.compile(r"\s*(\d{4})([/.-])(\d{1,2})\2(\d{1,2})\s*", re.ASCII)
_COMPACT = re.compile(r"\s*(\d{4})(\d{2})(\d{2})\s*", re.ASCII)
_DAY_MONTH_NAME = re.compile(r"\s*(\d{1,2})[ ./-]*([^\W\d_]{3,})\.?[ ,./-]*(\d{4}|\d{2})\s*")
_MONTH_NAME_DAY = re.compile(r"\s*([^\W\d_]{3,})\.? *(\d{1,2}),? +(\d{4})\s*")
_TIME_OF_DAY = re.compile(
    r"\s*(\d{1,2})[:h](\d{2})(?::(\d{2})(?:[.,](\d{1,6})\d*)?)?\s*(?:([AaPp])\.?[Mm]\.?)?\s*",
    re.ASCII,
)
_DOTTED_TIME = re.compile(r"\s*\d{1,2}\.\d{2}\.\d{2}\s*", re.ASCII)
_COMPACT_TIME = re.compile(r"\s*(\d{2})(\d{2})(\d{2})?\s*", re.ASCII)
_DAY = timedelta(days=1)
_FIRST_YEAR_OF_CENTURY = 69
"""POSIX: years of two digits from 69 on are of the 20th century."""

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan ene gen", "feb fév fev", "mar mär mrz mrt maa", "apr avr abr", "may mai mei mag",
            "jun jui giu", "jul lug", "aug aoû aou ago", "sep set", "oct okt ott", "nov",
            "dec dez déc dic",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MONTHS["juil"] = 7  # French: juin and juillet share three letters


def is_time_of_day(text: str) -> bool:
    """Whether a text is a time of day, such as ``17:24:00``, ``17.24.00`` or ``5:24 PM``."""
    return bool(_TIME_OF_DAY.fullmatch(text) or _DOTTED_TIME.fullmatch(text))


def combine(day: date, clock: str) -> datetime:
    """Return the moment of a date and a time of day; ``24:00`` is the end of the day.

    >>> combine(date(2024, 3, 12), "24:00")
    datetime.datetime(2024, 3, 13, 0, 0)

    Raises:
        ValueError: the text is not a time of day.
        OverflowError: the moment is beyond the calendar.
    """
    at = _time_of_day(clock)
    moment = datetime.combine(day, at[0])
    return moment + _DAY if at[1] else moment


# A date repeats 1440 times in a row, and a day has 1440 minutes: the caches reduce both to a
# look-up.


@lru_cache(maxsize=4096)
def _time_of_day(text: str) -> tuple[time, bool]:
    """A time of day, and whether it is the end of the day."""
    if _DOTTED_TIME.fullmatch(text):
        text = text.replace(".", ":")
    match = _TIME_OF_DAY.fullmatch(text)
    if match is None:
        match = _COMPACT_TIME.fullmatch(text)
        if match is None:
            raise ValueError(text)
        return time(int(match[1]), int(match[2]), int(match[3] or 0)), False
    hour, minute, second = int(match[1]), int(match[2]), int(match[3] or 0)
    micros = int((match[4] or "").ljust(6, "0"))
    if match[5]:
        if not 1 <= hour <= 12:
            raise ValueError(text)
        hour = hour % 12 + (12 if match[5] in "Pp" else 0)
    if hour == 24 and not (minute or second or micros):
        return time(), True
    return time(hour, minute, second, micros), False


@lru_cache(maxsize=8)
def day_first(text: str) -> date:
    """Parse ``31/12/2010``, ``31.12.10`` or ``31-12-2010``."""
    day, _, month, year = _groups(NUMERIC_DATE, text)
    return date(_year(year), int(month), int(day))


@lru_cache(maxsize=8)
def month_first(text: str) -> date:
    """Parse ``12/31/2010`` or ``12/31/10``."""
    month, _, day, year = _groups(NUMERIC_DATE, text)
    return date(_year(year), int(month), int(day))


@lru_cache(maxsize=8)
def year_first(text: str) -> date:
    """Parse ``2010/12/31``."""
    year, _, month, day = _groups(_YEAR_FIRST, text)
    return date(int(year), int(month), int(day))


@lru_cache(maxsize=8)
def compact_date(text: str) -> date:
    """Parse ``20101231``."""
    year, month, day = _groups(_COMPACT, text)
    found = date(int(year), int(month), int(day))
    if not MIN_YEAR <= found.year <= MAX_YEAR:
        raise ValueError(text)
    return found


@lru_cache(maxsize=8)
def named_month(text: str) -> date:
    """Parse ``31 Dec 2010``, ``31-Dec-10``, ``31. Dezember 2010`` or ``December 31, 2010``."""
    if match := _DAY_MONTH_NAME.fullmatch(text):
        day, month, year = match.groups()
    else:
        month, day, year = _groups(_MONTH_NAME_DAY, text)
    name = month.lower()
    number = _MONTHS.get(name[:4]) or _MONTHS.get(name[:3])
    if number is None:
        raise ValueError(text)
    return date(_year(year), number, int(day))


def _year(text: str) -> int:
    year = int(text)
    if len(text) == 2:
        year += 1900 if year >= _FIRST_YEAR_OF_CENTURY else 2000
    return year


def _groups(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return match.groups(default="")
