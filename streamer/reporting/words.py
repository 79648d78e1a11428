"""Times and shares as text in a report."""

from __future__ import annotations

import math
from datetime import datetime

from streamer.display.numbers import NOTHING, amount
from streamer.reporting.clock import HouseClock
from streamer.reporting.data import DAY, Recorded

HARD = "\xa0"
"""A no-break space."""


def share(value: float | None, *, signed: bool = False) -> str:
    r"""A share as a percentage.

    >>> share(0.9012), share(-0.05, signed=True), share(None)
    ('90.1\xa0%', '−5.0\xa0%', '–')
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{amount(100 * value, 1, signed=signed)}{HARD}%"


def moment(clock: HouseClock, at: int) -> str:
    r"""A day and a time.

    >>> import numpy as np
    >>> moment(HouseClock(np.array([0]), np.array([3600])), 60)
    '1\xa0Jan 01:01'
    """
    return day_and_time(clock.local(at))


def day_and_time(local: datetime) -> str:
    """The same of a time on the house's clock."""
    return f"{local.day}{HARD}{local:%b} {local:%H:%M}"


def dates(first: datetime, last: datetime) -> str:
    """The days from one to another, as short as possible.

    >>> dates(datetime(2010, 3, 25), datetime(2010, 3, 26))
    '25 – 26 March 2010'
    >>> dates(datetime(2010, 3, 25), datetime(2010, 3, 25))
    'Thursday 25 March 2010'
    >>> dates(datetime(2009, 12, 31), datetime(2010, 1, 1))
    '31 December 2009 – 1 January 2010'
    """
    end = f"{last.day} {last:%B} {last.year}"
    if first.date() == last.date():
        return f"{last:%A} {end}"
    if first.year != last.year:
        return f"{first.day} {first:%B} {first.year} – {end}"
    if first.month != last.month:
        return f"{first.day} {first:%B} – {end}"
    return f"{first.day} – {end}"


def named_days(recorded: Recorded) -> str:
    """The days of the period."""
    clock = recorded.clock
    return dates(clock.local(recorded.start), clock.local(recorded.end - 1))


def part_begin(recorded: Recorded, start: int) -> str:
    """Beginning of an hour or a day of the period, as text."""
    begin = recorded.clock.local(start)
    if recorded.period == DAY:
        return f"{begin:%a} {begin:%H:%M}"
    return f"{begin:%a} {begin.day} {begin:%b}"


def part_name(recorded: Recorded, start: int, end: int) -> str:
    """Name of an hour or a day of the period."""
    until = f" to {recorded.clock.local(end):%H:%M}" if recorded.period == DAY else ""
    return part_begin(recorded, start) + until
