"""Demand intervals of a single meter, kept as those of a fleet's meter."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from streamer.demand.alarm import restored_alarm, saved_alarm
from streamer.demand.light.demands import Demands
from streamer.demand.light.intervals import EndedIntervals, RunningIntervals
from streamer.demand.light.records import DEMAND, are_sound
from streamer.demand.part import DemandValues
from streamer.demand.scores import RunningDemandScores
from streamer.demand.settings import DemandRule
from streamer.readings.arrays import DoubleArray
from streamer.readings.demand import DemandForecast, SettledDemand
from streamer.readings.meterdemand import MeterDemand
from streamer.readings.seconds import seconds_of
from streamer.readings.steps import Alarm

_EPOCH = datetime(1970, 1, 1)


class LightDemand:
    """Keeps one record of `Demands`, with the interface of `streamer.demand.part.Demand`.

    There are neither energies of quarter-hours nor registers of the meter.

    Args:
        rule: the intervals, and the bound that they should not exceed.
        horizons: numbers of minutes whose mean is forecast, in rising order.
        confidence: nominal coverage of the forecasts' intervals.

    Attributes:
        alarm: the alarm about the running interval, until its last minute; None if there is none.
        settled: the intervals that the last reading or a gap before it ended.
    """

    def __init__(self, rule: DemandRule, horizons: Sequence[int], *, confidence: float) -> None:
        self._demands = Demands(rule, horizons, confidence=confidence)
        self._record = self._demands.first[None].copy()
        self._scores = RunningDemandScores(rule.minutes)
        self._latest = self._scores.get()
        self._forecast: DemandForecast | None = None
        self.alarm: Alarm | None = None
        self.settled: tuple[SettledDemand, ...] = ()

    def take(
        self,
        at: datetime,
        kw: float,
        issued_kw: DoubleArray | None,
        _: MeterDemand | None = None,
    ) -> Alarm | None:
        """Take a reading.

        Args:
            at: its time.
            kw: its power in kW.
            issued_kw: (4, horizons) mean, median, low and high of the next minutes' mean that
                were forecast at it, NaN if none was; None likewise.
            _: the meter's own registers, which are left out.

        Returns:
            The alarm that it raised, if any.
        """
        rule, former = self._demands.rule, self._record["start"][0]
        found = self._demands.take(
            self._record,
            minute=np.array([seconds_of(at) // 60]),
            past=np.array([at.minute % rule.minutes]),
            month=np.array([12 * at.year + at.month]),
            kw=np.array([kw]),
            issued_kw=None if issued_kw is None else issued_kw[None],
        )
        self._forecast, self.settled = None, ()
        if not len(found.rows):
            return None
        for ended in found.ended:
            if ended.start[0] == former:
                self._settle(ended, at)
        if found.start[0] != former:
            self.alarm = None
        raised = None
        for _row, text, size in found.raised:
            self.alarm = raised = Alarm(Alarm.PEAK, at, text, size)
        self._see(found)
        for ended in found.ended:
            if ended.start[0] != former:
                self._settle(ended, at)
        self._forecast = self._shown(found, at)
        return raised

    @property
    def is_new(self) -> bool:
        """Whether no reading has been taken."""
        return not self._record["passed"][0]

    def values(self) -> DemandValues:
        """What the step of the last reading has; no forecast at a second one within a minute."""
        return DemandValues(self._forecast, self.settled, self._latest)

    def state(self) -> dict[str, Any]:
        """Everything that the next steps depend on, as plain JSON values."""
        rule = self._demands.rule
        return {
            "intervals": [rule.minutes, rule.net],
            "bound": [rule.limit_kw, rule.floor_kw, rule.alarms_per_month],
            "record": base64.b64encode(self._record.tobytes()).decode("ascii"),
            "active": saved_alarm(self.alarm),
            "scores": self._scores.state(),
        }

    def restore(self, state: Mapping[str, Any] | None, last_at: datetime | None) -> None:
        """Continue from a saved state, bit for bit, for which this one has to be new.

        Without one, from one of other intervals, or from one of a pipeline without the light
        adapter, it begins anew. From one with another bound, the peak and the calibration are kept,
        but neither the alarm threshold nor the scores.

        Args:
            state: result of `state`.
            last_at: time of the last reading; None before the first.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged.
        """
        rule = self._demands.rule
        if state is None or "record" not in state:
            return
        if state["intervals"] != [rule.minutes, rule.net]:
            return
        record = np.frombuffer(base64.b64decode(state["record"], validate=True), DEMAND).copy()
        if len(record) != 1 or not are_sound(record, rule.minutes):
            raise ValueError("the demand intervals are damaged")
        last = record["start"][0].item() + record["passed"][0].item() - 1
        if record["passed"][0] and (last_at is None or last != seconds_of(last_at) // 60):
            raise ValueError("the running demand interval does not have the last reading")
        self._record = record
        if state["bound"] != [rule.limit_kw, rule.floor_kw, rule.alarms_per_month]:
            record["threshold"], record["raised"] = self._demands.first["threshold"], False
            return
        if state["active"] is not None:
            start = None if last_at is None else _time(int(record["start"][0]), last_at)
            self.alarm = restored_alarm(state["active"], start, last_at)
        self._scores.restore(state["scores"])
        self._latest = self._scores.get()

    def _see(self, found: RunningIntervals) -> None:
        """Score the forecast, if there is one, at the minutes at which it is scored."""
        passed = self._demands.rule.minutes - int(found.left[0])
        if passed in self._scores.scored and found.low_kw[0] == found.low_kw[0]:
            self._scores.see(
                passed,
                kw=float(found.kw[0]),
                low_kw=float(found.low_kw[0]),
                high_kw=float(found.high_kw[0]),
                last_kw=float(found.last_kw[0]),
                p=_known(found.p),
            )

    def _settle(self, ended: EndedIntervals, at: datetime) -> None:
        """Score an interval that is over."""
        unknown, bound_kw = int(ended.unknown[0]), _known(ended.bound_kw)
        kw, exceeded = float(ended.kw[0]), bool(ended.exceeded[0])
        settled = None if unknown or bound_kw is None else exceeded
        warned_at = None if self.alarm is None else self.alarm.at
        complete_kw = None if unknown else kw
        self._scores.end(complete_kw, exceeded=settled, warned=warned_at is not None)
        self._latest = self._scores.get()
        start = int(ended.start[0])
        over = SettledDemand(
            _time(start, at),
            _time(start + self._demands.rule.minutes, at),
            kw,
            unknown,
            bound_kw,
            True if exceeded else settled,
            warned_at,
            float(ended.export_kw[0]),
        )
        self.settled = (*self.settled, over)

    def _shown(self, found: RunningIntervals, at: datetime) -> DemandForecast:
        start, peak_kw = int(found.start[0]), _known(found.peak_kw)
        return DemandForecast(
            _time(start, at),
            _time(start + self._demands.rule.minutes, at),
            int(found.left[0]),
            int(found.unknown[0]),
            float(found.so_far_kw[0]),
            float(found.kw[0]),
            _known(found.low_kw),
            _known(found.high_kw),
            _known(found.bound_kw),
            _known(found.margin_kw),
            peak_kw,
            None if peak_kw is None else _time(int(found.peak_at[0]), at),
            _known(found.p),
        )


def _known(values: DoubleArray) -> float | None:
    """The first of some values; None for NaN."""
    value = float(values[0])
    return value if value == value else None


def _time(minute: int, at: datetime) -> datetime:
    """A minute since 1970 on the clock of a time."""
    naive = _EPOCH + timedelta(minutes=minute)
    return naive if at.tzinfo is None else naive.replace(tzinfo=UTC).astimezone(at.tzinfo)
