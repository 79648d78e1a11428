"""Demand registers of the meter as the truth about quarter-hours and months' peaks."""

from __future__ import annotations

from datetime import datetime, timedelta

from streamer.demand.interval import Interval
from streamer.demand.settings import DemandRule
from streamer.energy.ledger import MAX_KW
from streamer.energy.peaks import MonthPeaks, Peak
from streamer.readings.meterdemand import MeterDemand, MonthPeak

QUARTER_MINUTES = 15

LATE = timedelta(minutes=45)
"""Time after the beginning of a quarter-hour in which the meter's peak must have followed it."""


class MeterRegisters:
    """Takes the registers of a meter for the truth, where they are of the intervals of the tariff.

    The meter has seen every minute, and what it has is what is billed. So its sum replaces that of
    the measured minutes, and its peaks those that were found in them. A peak of the last
    quarter-hours is kept where the meter's is lower, since its register may not have followed yet.
    Registers are of quarter-hours of import: other intervals are left alone.

    Args:
        rule: the intervals.
        interval: the running one.
        peaks: the months' peaks.

    Attributes:
        knows_peak: whether the meter has sent the peak of the running month.
    """

    def __init__(self, rule: DemandRule, interval: Interval, peaks: MonthPeaks) -> None:
        self._counts = rule.minutes == QUARTER_MINUTES and not rule.net
        self._interval = interval
        self._peaks = peaks
        self._months: tuple[MonthPeak, ...] = ()
        self.knows_peak = False

    def take(self, at: datetime, demand: MeterDemand) -> bool:
        """Take the registers at the end of a minute; returns whether a peak has changed.

        Args:
            at: time of the reading, which was added to the interval. Peaks whose times have no
                zone where this one has, or the other way round, are left out.
            demand: the registers.
        """
        if not self._counts:
            return False
        if demand.so_far_kw is not None:
            self._interval.correct(min(demand.so_far_kw, MAX_KW))
        changed = False
        if demand.months != self._months:
            self._months = demand.months
            for past in demand.months:
                changed |= self._replace(at, past)
        self.knows_peak = demand.peak is not None
        return changed if demand.peak is None else self._replace(at, demand.peak) or changed

    def _replace(self, at: datetime, peak: MonthPeak) -> bool:
        if (peak.start.tzinfo is None) != (at.tzinfo is None):
            return False
        known, by_meter = self._peaks.of(peak.start), Peak(peak.kw, peak.start)
        is_late = known is not None and known.kw > peak.kw and at - known.at < LATE
        if known == by_meter or is_late:
            return False
        self._peaks.replace(by_meter)
        return True
