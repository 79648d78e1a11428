"""Demand registers of a meter by minute, compared with the means of the same minutes.

No I/O and no clock: times are passed in, in seconds since 1970.
"""

from __future__ import annotations

import math
from dataclasses import replace

from streamer.readings.meterdemand import MeterDemand, MonthPeak
from streamer.sources.live.minutes import MINUTE_S, local_time, minute_of

QUARTER_S = 900.0

TOLERANCE_KW, TOLERANCE = 0.010, 0.02
"""Difference of a quarter-hour's mean from the meter's that is not reported, in kW and as a
share: a meter that sends every ten seconds misses what happens between."""

_AGAIN_S = 86_400.0
_MAX_KEPT = 1440


class MeterDemands:
    """The demand registers at the end of each minute.

    A register is taken to the end of its minute with the last power. Where the meter's clock
    differs from ours, one of the quarter-hour before or after is left out.

    Args:
        most_kw: demand above which it is implausible, in kW.

    >>> demands = MeterDemands(most_kw=100.0)
    >>> demands.add(930.0, 1.8, MeterDemand(so_far_kw=0.06))
    >>> demands.at_minute(900.0, 1.8).so_far_kw
    0.12
    """

    def __init__(self, most_kw: float) -> None:
        self._most_kw = most_kw
        self._latest: dict[float, tuple[float, MeterDemand]] = {}
        self._means_kw: list[float] = []  # of the quarter-hour so far
        self._next_s = -math.inf  # the minute that would continue it
        self._reported_s = -math.inf

    def add(self, at_s: float, kw: float, demand: MeterDemand) -> None:
        """Take the registers that came with a sample.

        Args:
            at_s: its time by our clock.
            kw: its power in kW.
            demand: the registers.
        """
        minute_s = minute_of(at_s)
        meter_s = at_s if demand.at is None else demand.at.timestamp()
        quarter_s = QUARTER_S * (meter_s // QUARTER_S)
        sizes = [demand.so_far_kw or 0.0] + ([demand.peak.kw] if demand.peak else [])
        if quarter_s != QUARTER_S * (minute_s // QUARTER_S) or max(sizes) > self._most_kw:
            return
        latest = self._latest.get(minute_s)
        if latest is not None and latest[0] > at_s:
            return
        so_far_kw = demand.so_far_kw
        if so_far_kw is not None and math.isfinite(kw):
            rest_s = min(minute_s + MINUTE_S - at_s, quarter_s + QUARTER_S - meter_s)
            so_far_kw += max(kw, 0.0) * rest_s / QUARTER_S
        self._latest[minute_s] = at_s, replace(demand, so_far_kw=so_far_kw)
        while len(self._latest) > _MAX_KEPT:
            del self._latest[next(iter(self._latest))]

    def at_minute(self, start_s: float, kw: float) -> MeterDemand | None:
        """The registers at the end of a minute, which is later than in the calls before.

        Args:
            start_s: its start.
            kw: its mean power in kW, to compare the quarter-hour with.
        """
        latest = self._latest.pop(start_s, None)
        for minute_s in [each for each in self._latest if each < start_s]:
            del self._latest[minute_s]
        begins = start_s % QUARTER_S == 0.0
        if start_s != self._next_s:
            self._means_kw = []
        elif begins or self._means_kw:
            self._means_kw = [kw] if begins else [*self._means_kw, kw]
        self._next_s = start_s + MINUTE_S
        return None if latest is None else _in_local_time(latest[1])

    def difference(self, start_s: float, demand: MeterDemand | None) -> str | None:
        """Report a quarter-hour that ends with a minute and is not the meter's, once a day.

        One with an export or a missing minute is left out, and the first one, which may have begun
        before: within a minute, a meter counts import and export apart.

        Args:
            start_s: start of the minute, of which `at_minute` was called.
            demand: the registers at its end.
        """
        whole = len(self._means_kw) * MINUTE_S == QUARTER_S
        if not whole or demand is None or demand.so_far_kw is None:
            return None
        means_kw, meter_kw = self._means_kw, demand.so_far_kw
        mean_kw = math.fsum(means_kw) / len(means_kw)
        off_kw = mean_kw - meter_kw
        if abs(off_kw) <= max(TOLERANCE_KW, TOLERANCE * meter_kw) or min(means_kw) <= 0.0:
            return None
        if start_s < self._reported_s + _AGAIN_S:
            return None
        self._reported_s = start_s
        began = f"{local_time(start_s + MINUTE_S - QUARTER_S):%Y-%m-%d %H:%M}"
        return (
            f"the quarter-hour {began} has {mean_kw:.3f} kW by its minutes and {meter_kw:.3f} kW "
            "by the meter's own register, which counts; check the clocks, and the sign"
        )

    def forget(self) -> None:
        """Begin anew, since the clock was set or later minutes were set aside."""
        self._latest.clear()
        self._means_kw = []


def _in_local_time(demand: MeterDemand) -> MeterDemand:
    """The same with local times, as readings have them, and without the time of the registers."""
    peak = None if demand.peak is None else _local(demand.peak)
    so_far_kw = None if demand.so_far_kw is None else round(demand.so_far_kw, 6)
    return MeterDemand(so_far_kw, peak, tuple(map(_local, demand.months)))


def _local(peak: MonthPeak) -> MonthPeak:
    return MonthPeak(local_time(peak.start.timestamp()), peak.kw)
