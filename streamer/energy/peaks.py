"""Demand peaks of the last months: the highest mean import over a demand interval in each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from streamer.energy.ledger import QUARTER
from streamer.readings.demand import QuarterHour
from streamer.readings.saved import number

MONTHS = 13
"""Months that are kept: those of a year, as a tariff may average them, and the running one."""

_QUARTERS_PER_HOUR = 4


class Peak(NamedTuple):
    """Demand peak of a month.

    Attributes:
        kw: mean import over the interval in kW.
        at: first minute of the interval.
    """

    kw: float
    at: datetime


class MonthPeaks:
    """The peak of each of the last 13 months, by the clock on the wall."""

    def __init__(self) -> None:
        self._peaks: dict[int, Peak] = {}

    def of(self, at: datetime) -> Peak | None:
        """The peak so far of the month of a time; None if no interval of it is known."""
        return self._peaks.get(_month(at))

    def see(self, start: datetime, kw: float, *, complete: bool) -> None:
        """Take an interval that is over.

        Args:
            start: its first minute.
            kw: its mean import in kW, or a lower bound of that.
            complete: whether it is the mean; a lower bound only raises a peak that is known.
        """
        before = self.of(start)
        if complete if before is None else kw > before.kw:
            self.replace(Peak(kw, start))

    def replace(self, peak: Peak) -> None:
        """Take the peak of a month, whatever is known of it."""
        self._peaks[_month(peak.at)] = peak
        if len(self._peaks) > MONTHS:
            del self._peaks[min(self._peaks)]

    def see_past(self, rows: Sequence[QuarterHour], *, minutes: int, net: bool) -> None:
        """Take the complete intervals of quarter-hours that are over, oldest first.

        Args:
            rows: the quarter-hours.
            minutes: length of the intervals, 15 or 60.
            net: whether export is subtracted.
        """
        quarters = minutes // 15
        for place, row in enumerate(rows):
            interval = rows[place : place + quarters]
            if row.start.minute % minutes or not _is_whole(interval, quarters):
                continue
            kwh = sum(each.import_kwh - (each.export_kwh if net else 0.0) for each in interval)
            self.see(row.start, max(kwh, 0.0) * _QUARTERS_PER_HOUR / quarters, complete=True)

    def state(self) -> list[list[Any]]:
        """Everything that `restore` needs, as plain JSON values."""
        return [[peak.kw, peak.at.isoformat()] for peak in self._peaks.values()]

    def restore(self, state: Iterable[Iterable[Any]]) -> None:
        """Continue from a saved state.

        Raises:
            TypeError, ValueError: the state is damaged.
        """
        peaks: dict[int, Peak] = {}
        for kw, text in state:
            at = datetime.fromisoformat(text)
            if number(kw) < 0.0:
                raise ValueError(f"a peak is negative: {kw}")
            peaks[_month(at)] = Peak(number(kw), at)
        if len(peaks) > MONTHS:
            raise ValueError(f"peaks of {len(peaks)} months, at most {MONTHS} expected")
        self._peaks = peaks


def _is_whole(interval: Sequence[QuarterHour], quarters: int) -> bool:
    """Whether consecutive quarter-hours of an interval are all there, with all their minutes."""
    first = interval[0].start
    return (
        len(interval) == quarters
        and interval[-1].start - first == (quarters - 1) * QUARTER
        and all(each.minutes == QUARTER // timedelta(minutes=1) for each in interval)
    )


def _month(at: datetime) -> int:
    return 12 * at.year + at.month
