"""Times as whole seconds, with or without a time zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_NAIVE_EPOCH = datetime(1970, 1, 1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_S = 86_400


def seconds_of(at: datetime) -> int:
    """Seconds since the beginning of 1970: Unix time, or local time if it has no zone.

    >>> seconds_of(datetime(2010, 3, 20, 22, 40))
    1269124800
    """
    passed = at - (_NAIVE_EPOCH if at.tzinfo is None else _EPOCH)
    return passed.days * _DAY_S + passed.seconds


def local_time(at: int, utc_offset: int = 0) -> datetime:
    """Local time, without a zone, of seconds as by `seconds_of`.

    Raises:
        OverflowError: no `datetime` is so early or so late.

    >>> local_time(1269124800, 3600)
    datetime.datetime(2010, 3, 20, 23, 40)
    """
    return _NAIVE_EPOCH + timedelta(seconds=at + utc_offset)
