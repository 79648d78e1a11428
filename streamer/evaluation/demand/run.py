"""Forecasts of every demand interval of a stretch, as by `streamer replay`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streamer.demand.part import Demand
from streamer.demand.settings import DemandRule
from streamer.evaluation.forecasts import Advance
from streamer.evaluation.means.forecasts import MeanForecasts
from streamer.evaluation.means.online import readings_of
from streamer.evaluation.stretch import Stretch
from streamer.readings.arrays import DoubleArray, IntArray
from streamer.readings.demand import SettledDemand

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
) -> DemandRun:
    """Forecast every demand interval of a stretch, which learning begins with.

    Args:
        stretch: the stretch.
        means: forecasts of the next minutes' mean, of all horizons of a model.
        rule: the intervals and their bound.
        advance: called every few thousand readings, with their number.
        confidence: nominal coverage of the bands of the forecasts.
    """
    demand = Demand(rule, means.minutes, confidence=confidence)
    warm_up = stretch.warm_up - 1
    # The last reading is not followed by a scored one, so that no forecast is issued at it.
    issued = iter(np.ascontiguousarray(means.values_kw.swapaxes(1, 2), np.float64))
    found, rows = _Intervals(rule.minutes), list[_Row]()
    warned_left = 0
    for number, reading in enumerate(readings_of(stretch)):
        raised = demand.take(
            reading.at, reading.kw, None if number < warm_up else next(issued, None)
        )
        values = demand.values()
        for settled in values.settled:
            found.add(settled, rows, warned_left)
            rows, warned_left = [], 0
        forecast = values.demand
        if forecast is None or not forecast.minutes_left:
            continue
        left = forecast.minutes_left
        if raised is not None:
            warned_left = left
        if forecast.kw is None or forecast.low_kw is None or forecast.high_kw is None:
            continue
        known = forecast.so_far_kw * (rule.minutes - left)
        last = max(reading.kw, 0.0) if not rule.net else reading.kw
        last_kw = max((known + left * last) / rule.minutes, 0.0)
        p = np.nan if forecast.p_raises_peak is None else forecast.p_raises_peak
        rows.append((forecast.kw, forecast.low_kw, forecast.high_kw, last_kw, p))
        if number % _ADVANCE_EVERY == 0:
            advance(_ADVANCE_EVERY)
    return found.made(rule)


class _Intervals:
    """Collects the complete ones."""

    def __init__(self, minutes: int) -> None:
        self._forecasts = minutes - 1
        self._settled: list[tuple[float, float, int]] = []
        self._rows: list[list[_Row]] = []

    def add(self, settled: SettledDemand, rows: list[_Row], warned_left: int) -> None:
        if settled.unknown_minutes or len(rows) != self._forecasts:
            return
        bound_kw = np.nan if settled.bound_kw is None else settled.bound_kw
        self._settled.append((settled.kw, bound_kw, warned_left))
        self._rows.append(rows)

    def made(self, rule: DemandRule) -> DemandRun:
        settled = np.array(self._settled, np.float64).reshape(-1, 3)
        rows = np.array(self._rows, np.float64).reshape(-1, self._forecasts, 5)
        kw, low_kw, high_kw, last_kw, p = np.moveaxis(rows, 2, 0)
        mean_kw, bound_kw, warned_left = settled.T
        return DemandRun(
            rule, mean_kw, bound_kw, warned_left.astype(np.int64), kw, low_kw, high_kw, last_kw, p
        )
