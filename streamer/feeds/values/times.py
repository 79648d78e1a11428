"""Times in the messages of meters."""

from __future__ import annotations

from datetime import UTC, datetime

from streamer.feeds.values.malformed import MalformedError, quoted
from streamer.feeds.values.numbers import to_number


def to_moment(value: object) -> datetime:
    """Convert a value to a moment in time, in UTC.

    Args:
        value: ISO 8601, or seconds, milliseconds, microseconds or nanoseconds since 1970,
            distinguished by their size. Without a zone it is in this machine's local time.

    Raises:
        MalformedError: the value is not a time.

    >>> to_moment("2026-03-29T01:59:00+01:00")
    datetime.datetime(2026, 3, 29, 0, 59, tzinfo=datetime.timezone.utc)
    >>> to_moment(1774745940) == to_moment("1774745940000") == to_moment(1774745940000000000)
    True
    """
    # Some numbers would pass for ISO 8601 dates.
    if isinstance(value, str) and not value.strip().isdigit():
        try:
            return datetime.fromisoformat(value.strip()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    try:
        number = to_number(value)
        for _ in range(3):
            number /= 1e3 if abs(number) >= 1e11 else 1.0
        return datetime.fromtimestamp(number, UTC)
    except (ValueError, OverflowError, OSError):
        raise MalformedError(f"{quoted(value)} is not a time") from None
