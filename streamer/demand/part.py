"""Part of the pipeline that keeps demand intervals and forecasts the running one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from streamer.demand.interval import Interval
from streamer.demand.rest import Rest, RestForecasts
from streamer.demand.settings import DemandRule
from streamer.energy.ledger import MAX_KW, Ledger
from streamer.energy.peaks import MonthPeaks, Peak
from streamer.readings.arrays import DoubleArray
from streamer.readings.demand import DemandForecast, DemandScores, QuarterHour, SettledDemand
from streamer.readings.seconds import seconds_of
from streamer.readings.steps import Alarm

_NEVER = -(1 << 62)


class DemandValues(NamedTuple):
    """What a step has of demand intervals; see `streamer.readings.Step`."""

    demand: DemandForecast | None = None
    settled: Sequence[SettledDemand] = ()
    scores: DemandScores | None = None
    quarter_hours: Sequence[QuarterHour] = ()


class Demand:
    """Keeps the demand intervals of a stream and the energy of its quarter-hours.

    It takes reading after reading in plain numbers, in blocks too, so that the results are the
    same bits either way for the same forecasts. An interval with minutes that were not measured
    is incomplete: it sets no month's peak, but raises one that its known import alone exceeds,
    and nothing is learnt from it. A second reading within a minute is left out.

    Args:
        rule: the intervals, and the bound that they should not exceed.
        horizons: numbers of minutes whose mean is forecast, in rising order; none if there are
            no such forecasts. Then the last reading is taken to continue, without an interval.

    Attributes:
        alarm: the alarm about the running interval; None if there is none.
    """

    def __init__(self, rule: DemandRule, horizons: Sequence[int]) -> None:
        self._rule = rule
        self._forecasts = RestForecasts(horizons)
        self._ledger = Ledger()
        self._peaks = MonthPeaks()
        self._interval = Interval(rule.minutes, net=rule.net)
        self._minute_s = _NEVER
        self._kw = 0.0
        self._peak: Peak | None = None
        self._bound_kw: float | None = None
        self._rest: Rest | None = None
        self._settled: tuple[SettledDemand, ...] = ()
        self.alarm: Alarm | None = None

    def take(self, at: datetime, kw: float, issued_kw: DoubleArray | None) -> Alarm | None:
        """Take a reading.

        Args:
            at: its time.
            kw: its power in kW.
            issued_kw: (4, horizons) mean, median, low and high of the next minutes' mean that
                were forecast at it, NaN if none was; None likewise.

        Returns:
            The alarm that it raised, if any.
        """
        self._settled = ()
        minute_s = _minute_s(at)
        if minute_s <= self._minute_s:
            return None
        self._minute_s = minute_s
        self._kw = kw = min(max(kw, -MAX_KW), MAX_KW)
        self._ledger.add(at, minute_s, kw)
        interval = self._interval
        if not interval.has(at, minute_s):
            if interval.left:
                self._settle()
            self._look_up(interval.begin(at, minute_s))
        interval.add(at, kw)
        left = interval.left
        self._rest = self._forecasts.of(left, issued_kw) if left else None
        if not left:
            self._settle()
        return None

    @property
    def is_new(self) -> bool:
        """Whether no reading has been taken."""
        return self._minute_s == _NEVER

    def values(self) -> DemandValues:
        """What the step of the last reading has."""
        return DemandValues(self._forecast(), self._settled, None, self._ledger.snapshot())

    def state(self) -> dict[str, Any]:
        """Everything that the next steps depend on, as plain JSON values."""
        return {
            "minutes": self._rule.minutes,
            "net": self._rule.net,
            "ledger": self._ledger.state(),
            "peaks": self._peaks.state(),
            "interval": self._interval.state(),
        }

    def restore(self, state: Mapping[str, Any] | None, last_at: datetime | None) -> None:
        """Continue from a saved state, bit for bit, for which this one has to be new.

        Without one, it begins anew. From one of other intervals, the energies are kept, and the
        months' peaks are found in them.

        Args:
            state: result of `state`.
            last_at: time of the last reading; None before the first.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged.
        """
        if state is None:
            return
        rule = self._rule
        self._ledger.restore(state["ledger"], last_at)
        if last_at is not None:
            self._minute_s = _minute_s(last_at)
        if (state["minutes"], state["net"]) != (rule.minutes, rule.net):
            self._peaks.see_past(self._ledger.snapshot(), minutes=rule.minutes, net=rule.net)
            return
        self._peaks.restore(state["peaks"])
        self._interval.restore(state["interval"], last_at)
        if self._interval.start is not None:
            self._look_up(self._interval.start)

    def _look_up(self, start: datetime) -> None:
        """Look up the peak of the month and the bound of the interval that begins."""
        rule = self._rule
        self._peak = peak = self._peaks.of(start)
        if rule.limit_kw is not None:
            self._bound_kw = rule.limit_kw
        else:
            self._bound_kw = max(0.0 if peak is None else peak.kw, rule.floor_kw) or None

    def _settle(self) -> None:
        """End the running interval."""
        interval, bound_kw = self._interval, self._bound_kw
        start, end = interval.start, interval.end
        if start is None or end is None:
            return
        unknown = interval.unmeasured
        kw = max(interval.counted_kw, 0.0)
        exceeded = None if bound_kw is None or unknown else kw > bound_kw
        if unknown and bound_kw is not None and interval.least_kw > bound_kw:
            exceeded = True
        self._peaks.see(start, interval.least_kw if unknown else kw, complete=not unknown)
        settled = SettledDemand(
            start, end, kw, unknown, bound_kw, exceeded, None, interval.export_kw
        )
        self._settled = (*self._settled, settled)

    def _forecast(self) -> DemandForecast | None:
        """The forecast of the running interval, from the last reading."""
        interval = self._interval
        start, end = interval.start, interval.end
        if start is None or end is None:
            return None
        length, left, passed = self._rule.minutes, interval.left, interval.passed
        so_far_kw = interval.counted_kw
        known = so_far_kw * passed
        rest, low_kw, high_kw = self._rest, None, None
        if rest is not None:
            low_kw, kw, high_kw = (
                self._with_rest(known, each) for each in (rest.low_kw, rest.kw, rest.high_kw)
            )
        else:
            kw = self._with_rest(known, self._kw)
            if not left:
                low_kw = high_kw = kw
        bound_kw, margin_kw = self._bound_kw, None
        if bound_kw is not None and left:
            margin_kw = max((bound_kw * length - known) / left, 0.0)
        peak_kw, peak_at = (None, None) if self._peak is None else self._peak
        return DemandForecast(
            start,
            end,
            left,
            interval.unknown,
            max(so_far_kw, 0.0),
            kw,
            low_kw,
            high_kw,
            bound_kw,
            margin_kw,
            peak_kw,
            peak_at,
        )

    def _with_rest(self, known: float, rest_kw: float) -> float:
        """Mean of the interval in kW if its rest has a mean power.

        Args:
            known: sum of what counts over the minutes that have passed, in kW.
            rest_kw: the power.
        """
        counted_kw = rest_kw if self._rule.net else max(rest_kw, 0.0)
        return max((known + self._interval.left * counted_kw) / self._rule.minutes, 0.0)


def _minute_s(at: datetime) -> int:
    """Beginning of the minute of a time, as by `seconds_of`."""
    return seconds_of(at) - at.second
