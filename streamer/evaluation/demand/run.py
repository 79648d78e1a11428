"""Forecasts of every demand interval of a stretch, as by `streamer replay`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streamer.demand.light.part import LightDemand
from streamer.demand.part import Demand
from streamer.demand.settings import DemandRule
from streamer.evaluation.forecasts import Advance
from streamer.evaluation.means.forecasts import MeanForecasts
from streamer.evaluation.means.online import readings_of
from streamer.evaluation.stretch import Stretch
from streamer.readings.arrays import DoubleArray, IntArray
from streamer.readings.demand import DemandForecast, SettledDemand

_ADVANCE_EVERY = 4096


@dataclass(frozen=True)
class DemandRun:
    """Complete demand intervals, with a forecast at each of their minutes but the last.

    Attributes:
        rule: the intervals and their bound.
        mean_kw: (intervals,) mean import in kW.
        bound_kw: (intervals,) the bound in kW, NaN where there was none yet.
        warned_left: (intervals,) minutes left when the alarm was raised, 0 without one.
        kw: (intervals, minutes) expected mean of the interval in kW, by minutes since its start.
        low_kw: (intervals, minutes) lower end of its prediction interval.
        high_kw: (intervals, minutes) its upper end.
        last_kw: (intervals, minutes) its mean if the last reading continues.
        p: (intervals, minutes) probability that it exceeds the bound, NaN without one.
    """

    rule: DemandRule
    mean_kw: DoubleArray
    bound_kw: DoubleArray
    warned_left: IntArray
    kw: DoubleArray
    low_kw: DoubleArray
    high_kw: DoubleArray
    last_kw: DoubleArray
    p: DoubleArray

    @property
    def left(self) -> IntArray:
        """(minutes,) minutes that are left after each minute since the start."""
        return np.arange(self.rule.minutes - 1, 0, -1)


_Row = tuple[float, float, float, float, float]


def run_demand(
    stretch: Stretch,
    means: MeanForecasts,
    rule: DemandRule,
    advance: Advance,
    *,
    confidence: float,
    light: bool = False,
) -> DemandRun:
    """Forecast every demand interval of a stretch, which learning begins with.

    Args:
        stretch: the stretch.
        means: forecasts of the next minutes' mean, of all horizons of a model.
        rule: the intervals and their bound; export counts as nothing, not as negative import.
        advance: called every few thousand readings, with their number.
        confidence: nominal coverage of the bands of the forecasts.
        light: whether the intervals are kept as those of a fleet's meter.
    """
    kind = LightDemand if light else Demand
    demand = kind(rule, means.minutes, confidence=confidence)
    first = stretch.warm_up - 1
    intervals, warned_left = _Intervals(rule), 0
    for number, reading in enumerate(readings_of(stretch)):
        if number and number % _ADVANCE_EVERY == 0:
            advance(_ADVANCE_EVERY)
        issued_kw = None
        # The last reading is not followed by a scored one, and has no forecast.
        if first <= number < first + len(means.values_kw):
            issued_kw = means.values_kw[number - first].T.astype(np.float64)
        raised = demand.take(reading.at, reading.kw, issued_kw)
        values = demand.values()
        for settled in values.settled:
            intervals.end(settled, warned_left)
            warned_left = 0
        if values.demand is not None and values.demand.minutes_left:
            intervals.see(values.demand, reading.kw)
            if raised is not None:
                warned_left = values.demand.minutes_left
    return intervals.run()


class _Intervals:
    """Collects the complete ones with all their forecasts."""

    def __init__(self, rule: DemandRule) -> None:
        self._rule = rule
        self._settled: list[tuple[float, float, int]] = []
        self._rows: list[list[_Row]] = []
        self._running: list[_Row] = []

    def see(self, forecast: DemandForecast, last_kw: float) -> None:
        """Take the forecast of the running one after a reading."""
        kw, low_kw, high_kw = forecast.kw, forecast.low_kw, forecast.high_kw
        if kw is None or low_kw is None or high_kw is None:
            return
        minutes, left = self._rule.minutes, forecast.minutes_left
        known = forecast.so_far_kw * (minutes - left)
        last_kw = (known + left * max(last_kw, 0.0)) / minutes
        p = np.nan if forecast.p_raises_peak is None else forecast.p_raises_peak
        self._running.append((kw, low_kw, high_kw, last_kw, p))

    def end(self, settled: SettledDemand, warned_left: int) -> None:
        """End the running one."""
        rows, self._running = self._running, []
        if settled.unknown_minutes or len(rows) != self._rule.minutes - 1:
            return
        bound_kw = np.nan if settled.bound_kw is None else settled.bound_kw
        self._settled.append((settled.kw, bound_kw, warned_left))
        self._rows.append(rows)

    def run(self) -> DemandRun:
        """All of them as arrays."""
        settled = np.array(self._settled, np.float64).reshape(-1, 3)
        rows = np.array(self._rows, np.float64).reshape(-1, self._rule.minutes - 1, 5)
        kw, low_kw, high_kw, last_kw, p = np.moveaxis(rows, 2, 0)
        mean_kw, bound_kw, warned_left = settled.T
        left = warned_left.astype(np.int64)
        return DemandRun(self._rule, mean_kw, bound_kw, left, kw, low_kw, high_kw, last_kw, p)
