"""Online layer of the horizons: forecasts of the next minutes' mean, for one stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from streamer.models import MeansHead
from streamer.online.carried import MAX_CARRIED_KW
from streamer.online.forecasts import ForecastBatch, Issued
from streamer.online.means.bands import LEVEL, MeanBands
from streamer.online.means.context import Context, Surroundings
from streamer.online.means.correction import Correction, regressors_of
from streamer.online.means.guard import MeanGuard
from streamer.online.means.waiting import BATCH, Waiting
from streamer.readings import Reading
from streamer.readings.arrays import DoubleArray, FloatArray
from streamer.readings.channels import Powers
from streamer.readings.means import MeanScores, NextMeans, SettledMean, SettledMeans
from streamer.readings.saved import count
from streamer.scores.means import (
    COLUMNS,
    HIGH,
    LAST,
    LOW,
    MEAN,
    MEDIAN,
    YESTERDAY,
    RunningMeanScores,
)

_MEAN_AND_MEDIAN = slice(0, None, 2)
_FORECAST, _BASELINES = slice(MEAN, LAST), slice(LAST, None)


class MeanValues(NamedTuple):
    """What a step has of the next minutes' means; see `streamer.readings.Step`."""

    next_means: NextMeans | None = None
    settled: Sequence[SettledMean] = ()
    scores: MeanScores | None = None


class Means:
    """Issues the forecasts of the next minutes' mean, settles and scores them, and learns.

    A forecast that is issued at a minute for the n after it settles with the last of these, if
    none of them is missing; otherwise never. Corrections and intervals change every `BATCH`
    readings, so that blocks are computed as arrays and equal readings one by one to 1e-5 kW.

    Where solar or battery power is measured, the head forecasts the consumption; the last values
    of the sun and the battery make its forecasts those of the grid power, of which all else is.

    Args:
        head: forecaster of the horizons beyond the next reading.
        adapt: whether to correct them. Without correction, the mean is the head's own, which may
            lie outside the interval.
        confidence: nominal coverage of the intervals.
    """

    def __init__(self, head: MeansHead, *, adapt: bool, confidence: float) -> None:
        self._head = head
        self._minutes = (1, *head.minutes)
        self._back = np.array(self._minutes)
        horizons = len(self._minutes)
        # Of the forecast that a row settles, for each horizon as many rows before.
        places = np.arange(COLUMNS * horizons).reshape(COLUMNS, horizons)
        self._due = places - COLUMNS * horizons * self._back
        self._columns = np.arange(horizons)
        self._seen = 0
        self._context = Context(self._minutes)
        self._waiting = Waiting(self._back)
        self._bands = MeanBands(self._back[1:], confidence=confidence)
        self._correction = Correction(len(head.minutes)) if adapt else None
        self._guard = MeanGuard(len(head.minutes)) if adapt else None
        self._scores = RunningMeanScores(self._minutes, confidence=confidence)

    def one(self, reading: Reading, hidden: FloatArray | None, issued: Issued | None) -> MeanValues:
        """Take a reading.

        Args:
            reading: the reading.
            hidden: (1, units) the network's last hidden state at it.
            issued: the forecast of the next reading; None if the window is not full.
        """
        around = self._context.one(reading)
        next_kw = head_kw = None
        if issued is not None and hidden is not None:
            mean, _, median, low, high, *_ = issued
            # A NaN is not equal to itself.
            point = median if median == median else min(max(mean, low), high)
            next_kw = np.array([[mean, point, low, high]])
            consumption = around.consumption_kw.item()
            found = self._head.one(hidden[0], around.features[0], consumption)
            head_kw = _of_the_grid(found[None], around)
        (values,) = self._advance(around, next_kw, head_kw, [reading.at])
        return values

    def many(
        self,
        readings: Sequence[Reading],
        powers: Powers,
        hidden: FloatArray | None,
        batch: ForecastBatch | None,
        *,
        every: bool,
    ) -> list[MeanValues]:
        """Take consecutive readings with the same channels, as `one` would in turn.

        Args:
            readings: at least one.
            powers: (readings,) theirs.
            hidden: (forecasts, units) the network's last hidden states at the last of them.
            batch: (forecasts,) the forecasts of the next reading; None if there are none.
            every: whether the values after each reading are returned, or only the last.
        """
        around = self._context.many(readings, powers)
        first, next_kw, head_kw = len(readings), None, None
        if batch is not None and hidden is not None:
            columns = batch.mean_kw, batch.point_kw, batch.low_kw, batch.high_kw
            next_kw = np.stack(columns, axis=1)
            first -= len(next_kw)
            ahead = around.part(slice(first, None))
            made = self._head.many(hidden, ahead.features, ahead.consumption_kw)
            head_kw = _of_the_grid(made, ahead)
        values: list[MeanValues] = []
        start = 0
        # Each part is of consecutive minutes, within a mini-batch, and has forecasts or has none.
        for edge in sorted({first, len(readings), *np.flatnonzero(around.broken).tolist()}):
            while start < edge:
                end = min(edge, start + BATCH - self._seen % BATCH)
                part = around.part(slice(start, end))
                at = [each.at for each in readings[start if every else end - 1 : end]]
                if next_kw is None or head_kw is None or start < first:
                    found = self._advance(part, None, None, at)
                else:
                    rows = slice(start - first, end - first)
                    found = self._advance(part, next_kw[rows], head_kw[rows], at)
                if not every:
                    values.clear()
                values += found
                start = end
        return values

    def state(self) -> dict[str, Any]:
        """Everything that the next forecasts and scores depend on, as plain JSON values."""
        return {
            "minutes": list(self._minutes),
            "seen": self._seen,
            "context": self._context.state(),
            "waiting": self._waiting.state(),
            "bands": self._bands.state(),
            "correction": None if self._correction is None else self._correction.state(),
            "guard": None if self._guard is None else self._guard.state(),
            "scores": self._scores.state(),
        }

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Continue from a saved state, bit for bit, for which this one has to be new.

        Without one, or with one of other horizons, it begins anew.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged.
        """
        if state is None or state["minutes"] != list(self._minutes):
            return
        self._seen = count(state["seen"])
        self._context.restore(state["context"])
        self._waiting.restore(state["waiting"])
        self._bands.restore(state["bands"])
        if self._correction is not None:
            self._correction.restore(state["correction"])
        if self._guard is not None:
            self._guard.restore(state["guard"])
        self._scores.restore(state["scores"])

    def _advance(
        self,
        around: Surroundings,
        next_kw: DoubleArray | None,
        head_kw: DoubleArray | None,
        at: Sequence[datetime],
    ) -> list[MeanValues]:
        """Issue the forecasts of a part, settle those that are due, and learn from them.

        Args:
            around: (readings,) those of the part.
            next_kw: (readings, 4) mean, median, low and high of the next reading; None where no
                forecasts are issued.
            head_kw: (readings, 4, horizons - 1) the head's, of the grid power.
            at: times of the last readings of the part, whose values are returned.
        """
        waiting, readings = self._waiting, len(around.broken)
        if around.broken[0]:
            waiting.drop()
        place = waiting.append(readings)
        waiting.actual[place] = around.actual_kw
        if next_kw is None or head_kw is None:
            waiting.put_none(place)
        else:
            self._issue(around, next_kw, head_kw, place)
        due = self._due_at(place)
        scores = self._scores.update(due, around.actual_kw, last=len(at))
        self._seen += readings
        if self._seen % BATCH == 0:
            self._learn()
        values = []
        for row, (time, score) in enumerate(zip(at, scores, strict=True), readings - len(at)):
            actual = around.actual_kw[row]
            settled = SettledMeans(time, self._minutes, due[row, _FORECAST].T, actual)
            shown = None
            if next_kw is not None:
                issued = waiting.issued[place.start + row, _FORECAST]
                shown = NextMeans(self._minutes, issued.copy().T)
            values.append(MeanValues(shown, settled, score))
        return values

    def _issue(
        self, around: Surroundings, next_kw: DoubleArray, head_kw: DoubleArray, place: slice
    ) -> None:
        waiting = self._waiting
        issued = waiting.issued[place]
        issued[:, _BASELINES] = around.baselines_kw
        waiting.common[place], waiting.classes[place] = around.common[:, :, 0], around.classes
        waiting.network[place] = head_kw[:, _MEAN_AND_MEDIAN]
        if self._correction is not None:
            mean, _, median, _ = head_kw.swapaxes(0, 1)
            yesterday = issued[:, YESTERDAY, 1:]
            regressors = regressors_of(around.common, mean, median, yesterday, around.last_kw)
            waiting.correction[place] = correction = self._correction.see(regressors)
            correction *= self._correction.weights
            head_kw = head_kw + correction[:, None]
        mean, lowest, median, highest = head_kw.swapaxes(0, 1)
        low, high = self._bands.see(lowest, median, highest, around.classes)
        floor, ceiling = around.bounds_kw
        np.maximum(low, floor, out=low)
        np.minimum(low, ceiling, out=issued[:, LOW, 1:])
        np.maximum(high, floor, out=high)
        np.minimum(high, ceiling, out=issued[:, HIGH, 1:])
        low, high = issued[:, LOW, 1:], issued[:, HIGH, 1:]
        np.minimum(np.maximum(median, low), high, out=issued[:, MEDIAN, 1:])
        if self._guard is not None:
            waiting.change[place] = change = mean - around.last_kw
            mean = around.last_kw + self._guard.see(change, around.classes[:, -1:] - LEVEL)
            mean = np.minimum(np.maximum(mean, low), high)
        issued[:, MEAN, 1:] = mean
        bounded = np.minimum(np.maximum(next_kw, -MAX_CARRIED_KW), MAX_CARRIED_KW)
        issued[:, _FORECAST, 0] = bounded

    def _due_at(self, place: slice) -> DoubleArray:
        """(rows, 8, horizons) the forecasts whose last minute is that of each row."""
        first = np.arange(place.start, place.stop) * self._due.size
        due: DoubleArray = self._waiting.issued.reshape(-1).take(self._due + first[:, None, None])
        return due

    def _learn(self) -> None:
        """Learn from all forecasts that the last mini-batch of readings has settled."""
        waiting = self._waiting
        batch = slice(waiting.end - BATCH, waiting.end)
        rows = np.arange(batch.start, batch.stop)[:, None] - self._back[1:]
        actual, issued = waiting.actual[batch, 1:], self._due_at(batch)[:, :, 1:]
        self._bands.learn(issued[:, LOW], actual, issued[:, HIGH], waiting.classes[rows])
        if self._correction is None or self._guard is None:
            return
        columns = self._columns[:-1]
        mean, median = waiting.network[rows, :, columns].transpose(2, 0, 1)
        last = issued[:, LAST]
        levels = np.maximum(waiting.classes[rows, -1] - LEVEL, 0)  # without a forecast, 0
        self._guard.learn(waiting.change[rows, columns], actual - last, levels)
        common = waiting.common[rows].swapaxes(1, 2)
        regressors = regressors_of(common, mean, median, issued[:, YESTERDAY], last)
        self._correction.learn(regressors, actual - mean, waiting.correction[rows, columns])


def _of_the_grid(head_kw: DoubleArray, around: Surroundings) -> DoubleArray:
    """Forecasts (readings, 4, horizons) of the grid power from the head's of the consumption.

    Args:
        head_kw: (readings, horizons, 4) the head's.
        around: (readings,) their surroundings.
    """
    offset = around.last_kw - around.consumption_kw[:, None]
    grid_kw: DoubleArray = np.add(head_kw.swapaxes(1, 2), offset[:, :, None], order="C")
    return grid_kw
