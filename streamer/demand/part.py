"""Part of the pipeline that keeps demand intervals and forecasts the running one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from streamer.demand.alarm import PeakAlarm
from streamer.demand.interval import Interval
from streamer.demand.meter import MeterRegisters
from streamer.demand.probability import ExceedanceProbability
from streamer.demand.rest import Rest, RestForecasts
from streamer.demand.scores import RunningDemandScores
from streamer.demand.settings import DemandRule
from streamer.energy.ledger import MAX_KW, QUARTERS_A_DAY, Ledger
from streamer.energy.peaks import MonthPeaks, Peak
from streamer.readings.arrays import DoubleArray
from streamer.readings.demand import DemandForecast, DemandScores, QuarterHour, SettledDemand
from streamer.readings.meterdemand import MeterDemand
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
            no such forecasts. Then the last reading is taken to continue, without an interval,
            a probability or alarms.
        confidence: nominal coverage of the forecasts' intervals.
    """

    def __init__(self, rule: DemandRule, horizons: Sequence[int], *, confidence: float) -> None:
        minutes = rule.minutes
        self._rule = rule
        self._forecasts = RestForecasts(horizons)
        self._ledger = Ledger()
        self._peaks = MonthPeaks()
        self._interval = Interval(minutes, net=rule.net)
        self._meter = MeterRegisters(rule, self._interval, self._peaks)
        self._probability = ExceedanceProbability(minutes, confidence=confidence, net=rule.net)
        self._alarm = PeakAlarm(rule, self._interval)
        self._scores = RunningDemandScores(minutes)
        self._latest = self._scores.get()
        self._minute_s = _NEVER
        self._kw = 0.0
        self._peak: Peak | None = None
        self._bound_kw: float | None = None
        self._rest: Rest | None = None
        self._p: float | None = None
        self._settled: tuple[SettledDemand, ...] = ()

    @property
    def alarm(self) -> Alarm | None:
        """The alarm about the running interval, until its last minute; None if there is none."""
        return self._alarm.active

    def take(
        self,
        at: datetime,
        kw: float,
        issued_kw: DoubleArray | None,
        registers: MeterDemand | None = None,
    ) -> Alarm | None:
        """Take a reading.

        Args:
            at: its time.
            kw: its power in kW.
            issued_kw: (4, horizons) mean, median, low and high of the next minutes' mean that
                were forecast at it, NaN if none was; None likewise.
            registers: the meter's own at its end; None if it has none.

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
            self._alarm.active = None
            self._look_up(interval.begin(at, minute_s))
        interval.add(at, kw)
        if registers is not None and self._meter.take(at, registers) and interval.start:
            self._look_up(interval.start)
        self._rest = self._p = None
        left = interval.left
        if not left:
            self._settle()
            return None
        rest = self._forecasts.of(left, issued_kw)
        return None if rest is None else self._foresee(at, rest)

    @property
    def settled(self) -> Sequence[SettledDemand]:
        """The intervals that the last reading or a gap before it ended."""
        return self._settled

    @property
    def is_new(self) -> bool:
        """Whether no reading has been taken."""
        return self._minute_s == _NEVER

    def values(self) -> DemandValues:
        """What the step of the last reading has."""
        return DemandValues(self._forecast(), self._settled, self._latest, self._ledger.snapshot())

    def state(self) -> dict[str, Any]:
        """Everything that the next steps depend on, as plain JSON values."""
        rule = self._rule
        return {
            "intervals": [rule.minutes, rule.net],
            "bound": [rule.limit_kw, rule.floor_kw],
            "ledger": self._ledger.state(),
            "peaks": self._peaks.state(),
            "interval": self._interval.state(),
            "probability": self._probability.state(),
            "alarm": self._alarm.state(),
            "scores": self._scores.state(),
        }

    def restore(self, state: Mapping[str, Any] | None, last_at: datetime | None) -> None:
        """Continue from a saved state, bit for bit, for which this one has to be new.

        Without one, it begins anew. From one of other intervals, the energies are kept, and the
        months' peaks are found in them. From one with another bound, the calibration of the
        probability is kept, too, but neither the alarm threshold nor the scores.

        Args:
            state: result of `state`.
            last_at: time of the last reading; None before the first.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged.
        """
        if state is None:
            return
        rule, interval = self._rule, self._interval
        self._ledger.restore(state["ledger"], last_at)
        if last_at is not None:
            self._minute_s = _minute_s(last_at)
        if state["intervals"] != [rule.minutes, rule.net]:
            self._peaks.see_past(self._ledger.snapshot(), minutes=rule.minutes, net=rule.net)
            return
        self._peaks.restore(state["peaks"])
        interval.restore(state["interval"], last_at)
        if interval.start is not None:
            self._look_up(interval.start)
        self._probability.restore(state["probability"])
        if state["bound"] != [rule.limit_kw, rule.floor_kw]:
            return
        self._alarm.restore(state["alarm"], last_at)
        self._scores.restore(state["scores"])
        self._latest = self._scores.get()

    def _look_up(self, start: datetime) -> None:
        """Look up the peak of the month and the bound of the interval that begins."""
        rule = self._rule
        self._peak = peak = self._peaks.of(start)
        if rule.limit_kw is not None:
            self._bound_kw = rule.limit_kw
        else:
            self._bound_kw = max(0.0 if peak is None else peak.kw, rule.floor_kw) or None

    def _foresee(self, at: datetime, rest: Rest) -> Alarm | None:
        """Take the forecast of the rest, and return the alarm that it raises, if any."""
        interval, bound_kw, kw = self._interval, self._bound_kw, self._kw
        known, left = interval.known, interval.left
        self._rest = rest
        self._probability.see(known, left, rest, kw)
        raised = None
        if bound_kw is not None:
            self._p = p = self._probability.of(bound_kw, known, left, rest, kw)
            if self._knows_bound():
                raised = self._alarm.take(at, p, rest, bound_kw, self._peak)
        if interval.passed in self._scores.scored:
            self._scores.see(
                interval.passed,
                kw=interval.mean_kw(rest.kw),
                low_kw=interval.mean_kw(rest.low_kw),
                high_kw=interval.mean_kw(rest.high_kw),
                last_kw=interval.mean_kw(kw),
                p=self._p,
            )
        return raised

    def _knows_bound(self) -> bool:
        """Whether the bound is worth an alarm.

        The peak of the month before the first reading is not known. What has been highest in less
        than a day is exceeded by every evening.
        """
        peak = self._peak
        return (
            self._ledger.over >= QUARTERS_A_DAY
            or peak is None
            or self._bound_kw != peak.kw
            or self._meter.knows_peak
        )

    def _settle(self) -> None:
        """End the running interval, and learn from it if it is complete."""
        interval, bound_kw, alarm = self._interval, self._bound_kw, self.alarm
        start, end = interval.start, interval.end
        if start is None or end is None:
            return
        unknown = interval.unmeasured
        kw = max(interval.counted_kw, 0.0)
        complete_kw, exceeded = None if unknown else kw, None
        if bound_kw is not None and not unknown:
            exceeded = kw > bound_kw
        self._probability.end(complete_kw)
        self._alarm.end(exceeded)
        self._scores.end(complete_kw, exceeded=exceeded, warned=alarm is not None)
        self._latest = self._scores.get()
        self._peaks.see(start, interval.least_kw if unknown else kw, complete=not unknown)
        if unknown and bound_kw is not None and interval.least_kw > bound_kw:
            exceeded = True
        warned_at = None if alarm is None else alarm.at
        settled = SettledDemand(
            start, end, kw, unknown, bound_kw, exceeded, warned_at, interval.export_kw
        )
        self._settled = (*self._settled, settled)

    def _forecast(self) -> DemandForecast | None:
        """The forecast of the running interval, from the last reading."""
        interval, rest, bound_kw = self._interval, self._rest, self._bound_kw
        start, end = interval.start, interval.end
        if start is None or end is None:
            return None
        left, low_kw, high_kw = interval.left, None, None
        kw = interval.mean_kw(self._kw if rest is None else rest.kw)
        p, margin_kw = self._p, None
        if rest is not None:
            low_kw, high_kw = interval.mean_kw(rest.low_kw), interval.mean_kw(rest.high_kw)
        elif not left:
            low_kw = high_kw = kw
            p = None if bound_kw is None else float(kw > bound_kw)
        if bound_kw is not None and left:
            margin_kw = interval.margin_kw(bound_kw)
        peak_kw, peak_at = (None, None) if self._peak is None else self._peak
        return DemandForecast(
            start,
            end,
            left,
            interval.unknown,
            max(interval.counted_kw, 0.0),
            kw,
            low_kw,
            high_kw,
            bound_kw,
            margin_kw,
            peak_kw,
            peak_at,
            p,
        )


def _minute_s(at: datetime) -> int:
    """Beginning of the minute of a time, as by `seconds_of`."""
    return seconds_of(at) - at.second
