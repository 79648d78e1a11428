"""Recognition and parsing of times in text.

The first rows determine the style of a whole file, so that one row is not read day first and
the next month first. A parser that accepts any style, such as dateutil's, decides anew for
each row, and takes a bare ``10`` for a day of this month.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise
from typing import TypeAlias

from streamer.display.lines import printable
from streamer.errors import UsageError
from streamer.sources.files.clocks import (
    NUMERIC_DATE,
    DateParser,
    combine,
    compact_date,
    day_first,
    is_time_of_day,
    month_first,
    named_month,
    year_first,
)

TimeParser: TypeAlias = Callable[..., datetime]
"""Parses one text, or two (date and time of day). Raises ValueError, OverflowError or
OSError for a text in another style."""


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


_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_EPOCH = re.compile(r"\s*(\d{9,10}|\d{13}|\d{16}|\d{19})(\.\d*)?\s*", re.ASCII)
_EPOCH_FLOAT = re.compile(r"\s*\d(\.\d+)?[eE]\+?(9|09|12|15|18)\s*", re.ASCII)
_COMPACT = re.compile(r"\s*(\d{8})[T _]?(\d{4}|\d{6})\s*", re.ASCII)
_ZONE = re.compile(r"(.*\d)\s*(Z|UTC|GMT|CEST|CET|MESZ|MEZ)\s*", re.ASCII)
_WEEKDAY = re.compile(r"^\s*(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+", re.IGNORECASE)
_ZONES = {
    "Z": UTC,
    "UTC": UTC,
    "GMT": UTC,
    "CET": timezone(timedelta(hours=1)),
    "MEZ": timezone(timedelta(hours=1)),
    "CEST": timezone(timedelta(hours=2)),
    "MESZ": timezone(timedelta(hours=2)),
}
_MAX_EPOCH_S = 1e11
_MONTHS = 12
_MIN_SHARE = 0.8
"""Share of the rows whose times must be in a style for it to be the file's."""
_PROBE = datetime(2010, 12, 31, 23, 59, 58, tzinfo=UTC)


def explicit_style(time_format: str) -> TimeStyle:
    """Return the style of a `strptime` format; date and time of day are joined by a space.

    Raises:
        UsageError: `strptime` does not accept the format.
    """
    strptime = datetime.strptime
    try:
        with warnings.catch_warnings():
            # From Python 3.13 on, a format without a year warns; it is refused below.
            warnings.simplefilter("ignore", DeprecationWarning)
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


def recognise_times(
    texts: Sequence[tuple[str, str | None]], *, day_first_known: bool | None = None
) -> TimeStyle | None:
    """Recognise the style of a column of times.

    Args:
        texts: of each row, the date and time, or the date alone and the time of day, if that
            has its own column.
        day_first_known: whether ``1/2/2010`` is the first of February; None to find out.

    Returns:
        The style; None if most of the texts are not times in one known style.

    Raises:
        UsageError: day and month cannot be distinguished.
    """
    if not texts:
        return None
    needed = _MIN_SHARE * len(texts)
    for style in _STYLES if texts[0][1] is None else _PAIR_STYLES:
        if _count(style, texts) >= needed:
            return style
    return _numeric_style(texts, needed, day_first_known)


def looks_like_time(text: str) -> bool:
    """Whether a field holds a date, a time of day or both; a plain number does not count.

    >>> [looks_like_time(text) for text in ("2013-05-21T00:00", "1/2/2010", "power", "4.216")]
    [True, True, False, False]
    """
    if text.strip().isdecimal() or _EPOCH.fullmatch(text):
        return False
    if is_time_of_day(text):
        return True
    try:
        return recognise_times([(text, None)]) is not None
    except UsageError:  # an ambiguous date
        return True


def is_epoch(text: str) -> bool:
    """Whether a field may be a time in seconds, or parts of them, since 1970.

    >>> is_epoch("1710262800000"), is_epoch("202403121700"), is_epoch("269.1")
    (True, False, False)
    """
    return _EPOCH.fullmatch(text) is not None or _EPOCH_FLOAT.fullmatch(text) is not None


def has_only_date(text: str) -> bool:
    """Whether a field holds a date without a time of day."""
    if NUMERIC_DATE.fullmatch(text):
        return True
    return any(_succeeds(parse, text) for parse in (year_first, named_month, _iso_date))


def _numeric_style(
    texts: Sequence[tuple[str, str | None]], needed: float, day_first_known: bool | None
) -> TimeStyle | None:
    """The style of dates such as ``1/2/2010``, of which day and month must be distinguished."""
    dates = [_date_part(text) for text, _ in texts]
    numeric = [match for match in map(NUMERIC_DATE.fullmatch, dates) if match is not None]
    if len(numeric) < needed:
        return None
    make = _spaced if texts[0][1] is None else _paired
    known = _is_day_first(numeric) if day_first_known is None else day_first_known
    if known is None:
        text, clock = texts[0]
        raise UsageError(
            f"date {dates[0]!r} may be day/month or month/day; give "
            f"--time-format {_format_of(numeric[0], text, clock)!r} for day/month, or with %d and "
            "%m exchanged"
        )
    style = make(day_first if known else month_first)
    return style if _count(style, texts) >= needed else None


def _is_day_first(dates: Sequence[re.Match[str]]) -> bool | None:
    """Whether numeric dates have the day first; None if they do not show it."""
    first = [int(match[1]) for match in dates]
    second = [int(match[3]) for match in dates]
    if max(first) > _MONTHS or dates[0][2] == ".":
        return True
    if max(second) > _MONTHS:
        return False
    # From one day to the next, the month stays or both change.
    for (a, b), (c, d) in pairwise(zip(first, second, strict=True)):
        if (a, b) != (c, d) and (a == c or b == d):
            return b == d
    return None


def _format_of(date: re.Match[str], text: str, clock: str | None) -> str:
    """The `strptime` format of a time with a numeric date, the day first."""
    separator, year = date[2], "%Y" if len(date[4]) == 4 else "%y"
    day = f"%d{separator}%m{separator}{year}"
    rest = clock.strip() if clock is not None else text.strip()[len(date.group().strip()) :]
    if not rest.strip():
        return day
    is_12 = rest.strip()[-1] in "mM"
    time = ("%I" if is_12 else "%H") + ":%M" + (":%S" if rest.count(":") > 1 else "")
    return f"{day} {time}" + (" %p" if is_12 else "")


def _count(style: TimeStyle, texts: Sequence[tuple[str, str | None]]) -> int:
    count = 0
    for text, clock in texts:
        try:
            style.parse(text) if clock is None else style.parse(text, clock)
        except (ValueError, OverflowError, OSError):
            continue
        count += 1
    return count


def _date_part(text: str) -> str:
    return text.strip().partition(" ")[0].rstrip(",")


def _succeeds(parser: Callable[[str], date], text: str) -> bool:
    try:
        parser(text)
    except ValueError:
        return False
    return True


def _iso(text: str) -> datetime:
    text = text.strip()
    if text.isdecimal():  # 20100319 would pass for a date, but may be any number
        raise ValueError(text)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        if " 24:00" not in text and "T24:00" not in text:
            raise
        return _iso_spaced(text)


def _iso_date(text: str) -> date:
    # ISO 8601 has other forms of dates, whose end is harder to find.
    if not _ISO_DATE.fullmatch(text):
        raise ValueError(text)
    return date.fromisoformat(text)


def _epoch(text: str) -> datetime:
    if not is_epoch(text):
        raise ValueError(text)
    seconds = float(text)
    while seconds >= _MAX_EPOCH_S:
        seconds /= 1e3
    return datetime.fromtimestamp(round(seconds, 6), UTC)


def _compact(text: str) -> datetime:
    match = _COMPACT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return combine(compact_date(match[1]), match[2])


def _zoned(text: str) -> datetime:
    """A time with the name of a zone at its end: ``2010-03-19 17:24:00 UTC``."""
    match = _ZONE.fullmatch(text)
    if match is None:
        raise ValueError(text)
    for parse in (_iso, _year_first_spaced, _day_first_spaced):
        try:
            moment = parse(match[1])
        except ValueError:
            continue
        if moment.tzinfo is None:
            return moment.replace(tzinfo=_ZONES[match[2]])
    raise ValueError(text)


def _underscored(text: str) -> datetime:
    """FHEM's ``2010-03-19_17:24:00``."""
    day, separator, clock = text.strip().partition("_")
    if not separator:
        raise ValueError(text)
    return combine(_iso_date(day), clock)


def _iso_spaced(text: str) -> datetime:
    """ISO 8601 with ``24:00`` for the end of the day, or with AM and PM."""
    day, _, clock = text.strip().replace("T", " ").partition(" ")
    return combine(_iso_date(day), clock)


def _named(text: str) -> datetime:
    """``Fri 19 Mar 2010 17:24``, ``March 19, 2010, 5:24 PM``."""
    text = _WEEKDAY.sub("", text)
    match = re.match(r"(.*?(?:\d{4}|-\d{2}))(?:,?\s+(\d{1,2}:.*))?$", text.strip())
    if match is None:
        raise ValueError(text)
    return combine(named_month(match[1]), match[2] or "00:00")


def _paired(parse_date: DateParser) -> TimeStyle:
    return TimeStyle(lambda day, clock: combine(parse_date(day), clock), parse_date)


def _spaced(parse_date: DateParser) -> TimeStyle:
    def parse(text: str) -> datetime:
        day, _, clock = text.strip().partition(" ")
        return combine(parse_date(day.rstrip(",")), clock or "00:00")

    return TimeStyle(parse, parse_date)


_year_first_spaced = _spaced(year_first).parse
_day_first_spaced = _spaced(day_first).parse

_STYLES = (
    TimeStyle(_epoch),
    TimeStyle(_iso, _iso_date, "T "),
    TimeStyle(_iso_spaced, _iso_date, "T "),
    _spaced(year_first),
    TimeStyle(_compact),
    TimeStyle(_zoned),
    TimeStyle(_underscored),
    TimeStyle(_named),
)
_PAIR_STYLES = (
    _paired(_iso_date),
    _paired(year_first),
    _paired(compact_date),
    _paired(named_month),
)
