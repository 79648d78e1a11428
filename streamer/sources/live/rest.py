"""Solar panels at rest: an inverter that is silent after it has reported about zero.

No I/O and no clock: times are passed in, in seconds since 1970.
"""

from __future__ import annotations

import math
from bisect import insort
from typing import NamedTuple

from streamer.sources.live.minutes import MIN_COVERED_S, MINUTE_S, minute_of

REST_KW = 0.010
"""Power in kW up to which panels may be at rest."""

MAX_REST_S = 20 * 3600.0
"""Seconds for which panels may be at rest after their last report."""

_MAX_REPORTS = 1440


class Report(NamedTuple):
    """A known power: time in seconds, and kW."""

    at_s: float
    kw: float


class Rest:
    """Decision whether panels are at rest in a minute in which their power is not known.

    Inverters sleep at night: they disconnect, fall silent, or report that they have no value.
    After a last report of about zero that means zero, until the next known power, for up to 20
    hours. What may have been reported while nobody listened is in doubt; then the inverter has
    to be heard again first, even if only that it has no value, or to be silent for a while.

    >>> rest = Rest()
    >>> rest.add(30.0, 0.004)
    >>> rest.since(60.0), rest.since(120.0)
    (Report(at_s=30.0, kw=0.004), Report(at_s=30.0, kw=0.004))
    >>> rest.add(200.0, 0.5)
    >>> rest.since(120.0), rest.since(180.0)
    (Report(at_s=30.0, kw=0.004), None)
    """

    def __init__(self) -> None:
        # The last report before the first open minute, and the last of each minute after it.
        self._reports: list[Report] = []
        self._doubt_from_s, self._doubt_until_s = math.inf, -math.inf

    def add(self, at_s: float, kw: float) -> None:
        """Take a power in kW, NaN if the inverter reports that it is unknown."""
        if self._doubt_from_s <= at_s < self._doubt_until_s:
            self._doubt_until_s = at_s
        if math.isnan(kw):
            return
        report, reports = Report(at_s, kw), self._reports
        if not reports or minute_of(reports[-1].at_s) < minute_of(at_s):
            reports.append(report)
        elif at_s >= reports[-1].at_s:
            reports[-1] = report
        else:
            insort(reports, report)
        del reports[:-_MAX_REPORTS]

    def doubt(self, from_s: float, until_s: float) -> None:
        """Leave the power open in a time in which a report may have been missed.

        That holds for a minute of which more than half is in it. A time that begins within the
        one before prolongs it.
        """
        if from_s > self._doubt_until_s:
            self._doubt_from_s = from_s
        self._doubt_until_s = until_s

    def step(self, delta_s: float) -> None:
        """Continue after the clock was set ahead by `delta_s`."""
        self._reports = [Report(each.at_s + delta_s, each.kw) for each in self._reports]

    def since(self, start_s: float) -> Report | None:
        """Return the report since which the panels are at rest; None if they may not be.

        Args:
            start_s: start of the minute, not earlier than in the calls before.
        """
        end_s, reports = start_s + MINUTE_S, self._reports
        while len(reports) > 1 and reports[1].at_s < end_s:
            del reports[0]
        if not reports or reports[0].at_s >= end_s:
            return None
        in_doubt_s = min(end_s, self._doubt_until_s) - max(start_s, self._doubt_from_s)
        if in_doubt_s > MINUTE_S - MIN_COVERED_S:
            return None
        last = reports[0]
        return last if last.kw <= REST_KW and start_s - last.at_s <= MAX_REST_S else None
