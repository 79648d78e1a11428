"""Start times of market prices, in the forms that exports have."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from streamer.display.lines import shorten
from streamer.energy.days import minute_of
from streamer.errors import ConfigError

_DAY_FIRST = re.compile(
    r"(\d{1,2})[./](\d{1,2})[./](\d{4})[ T]+(\d{1,2}):(\d{2})(?::\d{2})?(?: *\((\w+)\))?"
)
_UNIX = re.compile(r"\d{9,13}(?:\.0*)?")
_MILLISECONDS = 100_000_000_000
"""Numbers from here on are milliseconds since 1970: as seconds, they are after the year 5000."""
_OFFSETS = {"UTC": 0, "WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3}


def split(text: str) -> tuple[str, str]:
    """Start and end of a time or of a range of times; the end is empty if it is not given.

    >>> split("01/10/2025 00:00:00 - 01/10/2025 00:15:00")
    ('01/10/2025 00:00:00', '01/10/2025 00:15:00')
    """
    start, _, end = text.partition(" - ")
    return start.strip(), end.strip()


def parse(text: str) -> datetime | None:
    """Parse ISO 8601, day/month/year, or Unix time in seconds or milliseconds; None otherwise.

    >>> parse("26/10/2025 02:00:00 (CEST)").isoformat(), parse("1761436800000").isoformat()
    ('2025-10-26T02:00:00+02:00', '2025-10-26T00:00:00+00:00')
    """
    try:
        if _UNIX.fullmatch(text):
            number = int(text.partition(".")[0])
            seconds = number // 1000 if number >= _MILLISECONDS else number
            return datetime.fromtimestamp(seconds, UTC)
        if (found := _DAY_FIRST.fullmatch(text)) is None:
            # A date alone, or 20251026, is not the start of an hour.
            return datetime.fromisoformat(text) if ":" in text else None
        day, month, year, hour, minute = map(int, found.groups()[:5])
        if found[6] is None:
            return datetime(year, month, day, hour, minute)
        if found[6] not in _OFFSETS:
            return None
        offset = timezone(timedelta(hours=_OFFSETS[found[6]]))
        return datetime(year, month, day, hour, minute, tzinfo=offset)
    except (ValueError, OverflowError, OSError):
        return None


def instant(text: str, zone: tzinfo, seen: set[datetime], where: str) -> int:
    """The minute in UTC of a start time.

    Args:
        text: the time.
        zone: its zone, if it has none.
        seen: times without a zone so far, which it is added to. As clocks are set back, an hour
            comes twice: a time that was seen before is the second one's.
        where: file and line, for the error.

    Raises:
        ConfigError: it is not a time, or none of this zone.
    """
    at = parse(text)
    if at is None:
        raise ConfigError(
            f"{where}: {shorten(text)} is not a time; write it like 2026-10-25T02:00+02:00"
        )
    try:
        if at.tzinfo is None:
            at = at.replace(tzinfo=zone, fold=int(at in seen))
            seen.add(at.replace(tzinfo=None, fold=0))
            if at.astimezone(UTC).astimezone(zone).replace(fold=0) != at.replace(fold=0):
                raise ConfigError(
                    f"{where}: {shorten(text)} does not exist in {zone}, where summer time begins "
                    "then; is it UTC? Write it with its offset"
                )
        return minute_of(at)
    except OverflowError:
        raise ConfigError(f"{where}: {shorten(text)} is out of bounds") from None
