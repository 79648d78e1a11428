"""Detectors of anomalies, stuck values, wrong units and drift, one reading at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from streamer.alarms.active import ActiveAlarms
from streamer.alarms.anomalies import AnomalyDetector
from streamer.alarms.drift import Drift
from streamer.alarms.repeats import RepeatCount
from streamer.alarms.rules import LEARN_DIGITS, RULES
from streamer.alarms.texts import BEFORE, SINCE, drift_text, stuck_text
from streamer.alarms.thresholds import DAY, HOUR, AdaptiveThreshold
from streamer.alarms.units import HUGE_KW, KILO_KW, MOST_SMALL, STEADY_ZEROS, WATTS_KW, UnitWatch
from streamer.readings import Alarm, Forecast
from streamer.readings.arrays import DoubleArray, IntArray, TimeArray
from streamer.readings.saved import count, number, numbers, whole


class Alarms:
    """Alarms of one meter, raised from its readings and ended by themselves.

    **Anomaly.** Several scores, each with a threshold of its own that adapts online:
    `streamer.alarms.thresholds.AdaptiveThreshold` has source, guarantee and what breaks it. The
    scores share 1.4 events a day, fewer where they coincide. They are: the
    distance above the middle of the band over the root of its half width there, which lies
    between the distance in kW (large loads in a restless hour) and in half widths (small loads in
    a quiet one); the distance in kW; the rise of the last four readings over the five before,
    longer than a kettle boils; a decimal shift (`streamer.alarms.scale.DecimalShiftTest`), where
    the band is not around zero; and the distance below the middle in half widths. Measured
    and left out, since at the same rate they found no more: the distance above in half widths (of
    3 kW heaters, 13 % in a second house where the distance in kW found 96 %), the level itself,
    and the rarity of a switching event of this size in this house. Not detected: a heater of
    1 kW, since a house switches that much on twenty times a day, and often one of 2 kW.

    What comes again and again is remembered, since an adaptive rate would make an alarm of every
    second time: large loads, such as a car (`streamer.alarms.loads.KnownLoads`), and the largest
    export (`streamer.alarms.exports.ExportMemory`), beyond which there is an anomaly, too. And a
    day has a budget (`streamer.alarms.budget.DailyBudget`). In three houses for 30 days twice, as
    they are and with sun, a car, a heat pump or all three, after a week: 0.26 to 1.15 anomalies
    a day, at most 3 on the worst day (before 0.74 to 1.54, and 5), none for a charge after the
    third (before, for 71 %), and 1 to 3 on the first day with sun on the roof (before, up to 11).

    **Stuck.** The number of times that a value has come in a row, with a threshold for plateaus of
    the house and one for other runs: `streamer.alarms.repeats.RepeatCount` tells them apart.
    Groups with thresholds of their own are those of Mondrian conformal prediction (Vovk, Lindsay,
    Nouretdinov and Gammerman 2003, "Mondrian confidence machine"); the guarantee holds in each.
    Exact zeros are bounded by twice the longest run that ended by itself.
    Alarms a day in ordinary life, and stuck meters found within 15 readings: 0.06 and 98 % on the
    last tenth of Sceaux (0.14 and 100 % with one threshold), 0.18 and 95 % in its summer of 2009
    (0.69 and 88 %), 0.00 and 99 % in UK-DALE 2 and REFIT 20. On import-only meters in the three
    houses with sun, at most 0.13 a day after a week (before 0.2 to 1.7). What breaks it: where half
    the readings repeat the one before, as in steps of 10 W, a stuck meter is found as late as
    plateaus are long; elsewhere that holds for the tenth of all readings that are at rest.

    **Unit.** Three readings in a row above 25 kW and forty times the mean of this house so far
    (once it is known) are taken for watts read as kW; five below 10 W and a hundredth of the
    mean for kW read as W, with more evidence where the power is near zero at times
    (`streamer.alarms.units.UnitWatch`). No anomalies are raised meanwhile. A rule of thumb without
    a source or a guarantee. None in the houses above (before, up to 11 in 23 days with sun). With
    sun, kW read as W are found within fifteen readings in 95 to 100 % of cases, with all three in
    87 to 92 %. What breaks it: an industrial meter, for which it stays active.

    **Drift.** `streamer.alarms.drift.Drift` has source, guarantee and what breaks it.

    >>> from datetime import timedelta
    >>> alarms, start = Alarms(), datetime(2010, 3, 19)
    >>> for minute in range(16):
    ...     at = start + minute * timedelta(minutes=1)
    ...     on = alarms.settle(at=at, kw=0.3, forecast=None, missing=0)
    >>> on[0].kind, on[0].text
    ('stuck', '0.3 kW 15 times in a row: more often than this meter repeats a value')
    >>> alarms.settle(at=at + timedelta(minutes=1), kw=0.4, forecast=None, missing=0)
    ()
    """

    def __init__(self) -> None:
        self._drift = Drift()
        self._thresholds = {name: AdaptiveThreshold(rule) for name, rule in RULES.items()}
        self._active = ActiveAlarms()
        self._anomalies = AnomalyDetector(self._thresholds, self._active)
        self._unit = UnitWatch()
        self._seen = 0
        self._repeats = RepeatCount()
        self._recent: list[float] = []
        self._sums = [0.0, 0.0, 0.0, 0.0]

    def settle(
        self, *, at: datetime, kw: float, forecast: Forecast | None, missing: int
    ) -> tuple[Alarm, ...]:
        """Check one reading.

        Args:
            at: minute of the reading.
            kw: its value in kW.
            forecast: the forecast that it settles, if any.
            missing: minutes missing just before it.

        Returns:
            The active alarms, oldest first.
        """
        middle = low = high = math.nan
        if forecast is not None:
            middle = forecast.kw if forecast.median_kw is None else forecast.median_kw
            if forecast.low_kw is not None and forecast.high_kw is not None:
                low, high = forecast.low_kw, forecast.high_kw
        self._settle(kw, middle, low, high, missing, at)
        return self._active.shown

    def settle_many(
        self,
        *,
        at: TimeArray,
        kw: DoubleArray,
        median_kw: DoubleArray,
        low_kw: DoubleArray,
        high_kw: DoubleArray,
        missing: IntArray,
    ) -> list[Alarm]:
        """Check consecutive readings, with the same result as `settle`.

        Args:
            at: (readings,) their minutes.
            kw: (readings,) their values in kW.
            median_kw: (readings,) median forecasts in kW, NaN where there is none.
            low_kw: (readings,) lower ends of the bands in kW, NaN where there is none.
            high_kw: (readings,) upper ends in kW.
            missing: (readings,) minutes missing before each.

        Returns:
            The alarms raised, in order.
        """
        raised: list[Alarm] = []
        columns = (kw, median_kw, low_kw, high_kw, missing, at.astype("datetime64[us]"))
        shown = self._active.shown
        for row in zip(*(column.tolist() for column in columns), strict=True):
            self._settle(*row)
            if self._active.shown is not shown:
                raised += [alarm for alarm in self._active.shown if alarm not in shown]
                shown = self._active.shown
        return raised

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs, as plain JSON values."""
        return {
            "drift": self._drift.state(),
            "limits": {name: threshold.state() for name, threshold in self._thresholds.items()},
            **self._anomalies.state(),
            "seen": self._seen,
            **self._repeats.state(),
            "recent": list(self._recent),
            "level": self._unit.level,
            "odd": self._unit.odd,
            "peak": self._unit.peak,
            "small": self._unit.small.longest,
            "sums": list(self._sums),
            "on": self._active.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        restored = Alarms()
        restored._restore(state)
        vars(self).update(vars(restored))

    def _restore(self, state: Mapping[str, Any]) -> None:
        self._drift.restore(state["drift"])
        limits = state["limits"]
        for name, threshold in self._thresholds.items():
            # A state of version 0.2 has one threshold for all repetitions.
            threshold.restore(limits["stuck" if name == "plateau" and name not in limits else name])
        self._anomalies.restore(state)
        if "exports" not in state and "export" in limits:
            self._anomalies.exports.restore_limit(number(limits["export"][0]))
        self._repeats.restore(state)
        self._seen = count(state["seen"])
        self._recent = numbers(state["recent"], most=BEFORE + SINCE - 1)
        drawn, readings, errors, settled = numbers(state["sums"], most=4)
        if min(drawn, readings, errors, settled) < 0.0:
            raise ValueError("a sum of magnitudes is negative")
        self._sums = [drawn, readings, errors, settled]
        level = state["level"]
        self._unit.level = None if level is None else number(level)
        self._unit.odd = whole(state["odd"])
        self._unit.peak = min(count(state.get("peak", 0)), MOST_SMALL)
        self._unit.small.restore(state.get("small", 0))
        self._active.restore(state["on"])

    def _settle(
        self, kw: float, middle: float, low: float, high: float, missing: int, at: datetime
    ) -> None:
        self._seen = seen = self._seen + 1
        recent, sums = self._recent, self._sums
        if missing:
            self._pass_gap()
        y = min(max(kw, -HUGE_KW), HUGE_KW)
        unit, anomalies = self._unit, self._anomalies
        if self._repeats.see(kw, y, recent, exports=anomalies.exports.most_kw > KILO_KW):
            self._check_repeats(kw, at)
        if unit.odd or not (KILO_KW <= y <= WATTS_KW or -WATTS_KW <= y <= -KILO_KW):
            self._check_unit(y, at)
        if not unit.odd:
            sums[0] += abs(y)
            sums[1] += 1.0
        if anomalies.loads.minutes:
            anomalies.loads.follow(y)
        if middle == middle:
            middle = min(max(middle, -HUGE_KW), HUGE_KW)
            sums[2] += abs(y - middle)
            sums[3] += 1.0
            # A NaN fails every comparison: without a band, no detector below runs. Neither does
            # one while the unit is in doubt, since that alarm explains the others.
            if 0.0 <= high - low < HUGE_KW and not (unit.odd and unit.is_in_doubt):
                anomalies.compare(y, middle, low, high, recent=recent, at=at, seen=seen)
        recent.append(y)
        if len(recent) == BEFORE + SINCE:
            del recent[0]
        if not seen % LEARN_DIGITS:
            self._learn(y, at)
        self._active.clear(seen)

    def _pass_gap(self) -> None:
        """Forget what is only of use for consecutive minutes."""
        self._recent.clear()
        self._repeats.value = self._anomalies.left = None
        self._anomalies.loads.minutes = 0

    def _check_unit(self, y: float, at: datetime) -> None:
        """Count a reading that only another unit may explain."""
        before = self._recent[-1] if self._recent else math.nan
        is_near_zero = (
            self._anomalies.exports.most_kw > KILO_KW or self._repeats.zeros.longest >= STEADY_ZEROS
        )
        found = self._unit.look(y, before, near_zero=is_near_zero)
        if found is not None:
            self._raise(Alarm.UNIT, *found, at)

    def _check_repeats(self, kw: float, at: datetime) -> None:
        """Compare the number of repetitions of a value with their threshold."""
        run = self._repeats.run
        if run > DAY:
            return
        if Alarm.STUCK in self._active:
            self._active.keep(Alarm.STUCK, seen=self._seen)
        if not kw:
            limit = self._repeats.zeros.limit
            if run > limit:
                self._raise(Alarm.STUCK, run / limit, stuck_text(kw, run), at)
            return
        stuck = self._thresholds["plateau" if self._repeats.is_plateau else "stuck"]
        if run > stuck.value:
            size = stuck.exceeded(float(run), self._seen)
            if size is not None:
                self._raise(Alarm.STUCK, size, stuck_text(kw, run), at)

    def _learn(self, y: float, at: datetime) -> None:
        """Count decimals, and after a full hour update thresholds, mean power and drift."""
        self._anomalies.scale.learn(y)
        if self._seen % HOUR:
            return
        for threshold in self._thresholds.values():
            threshold.close_hour()
        self._anomalies.close_hour(self._seen)
        self._repeats.zeros.close_hour()
        self._unit.small.close_hour()
        drawn, readings, errors, settled = self._sums
        if readings:
            mean = drawn / readings
            self._unit.learn(mean, weight=max(HOUR / DAY, HOUR / self._seen))
        self._sums = [0.0, 0.0, 0.0, 0.0]
        if settled < 0.5 * HOUR:
            return
        change = self._drift.update(errors / settled, at.hour)
        if change is not None:
            text = drift_text(change.before_kw, change.after_kw, change.hours)
            self._raise(Alarm.DRIFT, change.size, text, at)

    def _raise(self, kind: str, size: float, text: str, at: datetime) -> None:
        self._active.start(kind, size, text, at, seen=self._seen)
