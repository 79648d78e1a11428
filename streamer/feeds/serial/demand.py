r"""Demand registers of P1 telegrams, as meters in Flanders send them.

By e-MUCS P1, edition 1.7.1, a telegram has the running average demand of the quarter-hour, the
month's maximum demand with its time, and those of the 13 months before::

    1-0:1.4.0(00.032*kW)
    1-0:1.6.0(221203174500W)(03.716*kW)
    0-0:98.1.0(1)(1-0:1.6.0)(1-0:1.6.0)(230201000000W)(230114124500W)(03.332*kW)

The running average is the energy since the quarter-hour began, divided by 15 minutes and not by
the time that has passed (the current average value of a DLMS demand register, IEC 62056-6-2): a
meter that has drawn 0.524 kW for 56 s sends 0.032 kW. The time of a maximum is that at which its
quarter-hour ended. Other meters may have the same registers of other periods, so only telegrams
with a version of e-MUCS (0-0:96.1.4) are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from streamer.readings.meterdemand import MeterDemand, MonthPeak

PowerOf = Callable[[bytes], float | None]
"""Value in kW of a power in brackets, ``(00.032*kW)``; None if it is none."""

TimeOf = Callable[[bytes, bytes], datetime | None]
"""Time of its digits and its letter for summer or winter; None if there is no such time."""

_VERSION: Final = re.compile(rb"^0-0:96\.1\.4(?:[*.]255)?\([0-9]", re.MULTILINE)
_RUNNING: Final = re.compile(rb"^1-0:1\.4\.0(?:[*.]255)?(\([^()\r\n]*\))", re.MULTILINE)
_TIMED = rb"\(([0-9]{12})([SW])\)\(?([^()\r\n]*\))"
_MONTH: Final = re.compile(rb"^1-0:1\.6\.0(?:[*.]255)?" + _TIMED, re.MULTILINE)
_MONTHS: Final = re.compile(
    rb"^0-0:98\.1\.0(?:[*.]255)?\([0-9]{1,2}\)\(1-0:1\.6\.0\)\(1-0:1\.6\.0\)([^\r\n]*)",
    re.MULTILINE,
)
_PAST: Final = re.compile(rb"\([0-9]{12}[SW]\)" + _TIMED)
"""The end of a month, and the time and size of its peak.

The example of the specification lacks a bracket before one of the sizes.
"""

MAX_MONTHS: Final = 13
_QUARTER: Final = timedelta(minutes=15)


def read_demand(
    body: bytes, at: datetime | None, power_of: PowerOf, time_of: TimeOf
) -> MeterDemand | None:
    """The demand registers of a telegram; None if it has none that can be read.

    A register that cannot be read counts as missing, since a maximum that was never set has a
    time that does not exist.

    Args:
        body: lines of the telegram.
        at: its time.
        power_of: value of a power.
        time_of: value of a time.
    """
    running, month = _RUNNING.search(body), _MONTH.search(body)
    if (running is None and month is None) or _VERSION.search(body) is None:
        return None
    so_far_kw = None if running is None else power_of(running[1])
    peak = None if month is None else _peak(month, power_of, time_of)
    if so_far_kw is None and peak is None:
        return None
    past = _MONTHS.search(body)
    months = () if past is None else _months(past[1], power_of, time_of)
    return MeterDemand(so_far_kw, peak, months, at)


@lru_cache(maxsize=4)  # the same text comes every second for a month
def _months(text: bytes, power_of: PowerOf, time_of: TimeOf) -> tuple[MonthPeak, ...]:
    peaks = (_peak(match, power_of, time_of) for match in _PAST.finditer(text))
    return tuple(sorted(peak for peak in peaks if peak is not None)[-MAX_MONTHS:])


def _peak(match: re.Match[bytes], power_of: PowerOf, time_of: TimeOf) -> MonthPeak | None:
    """The peak of three groups: time, letter, and value without the bracket before it."""
    ended, kw = time_of(match[1], match[2]), power_of(b"(" + match[3])
    if ended is None or kw is None:
        return None
    past = timedelta(minutes=ended.minute % 15, seconds=ended.second)
    return MonthPeak(ended - past - _QUARTER, kw)
