"""Online layer of the horizons: forecasts of the next minutes' mean, for one stream."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import Any

import numpy as np

from streamer.models import MeansHead
from streamer.online.forecasts import ForecastBatch, Issued
from streamer.online.means.bands import LEVEL, MeanBands
from streamer.online.means.context import Context, Observation
from streamer.online.means.correction import Correction, regressors_of
from streamer.online.means.guard import MeanGuard
from streamer.online.means.part import (
    FORECAST,
    BlockMeans,
    Forecast,
    MeanValues,
    Observed,
    Outcome,
    Part,
)
from streamer.online.means.rules import Rules
from streamer.online.means.waiting import BATCH, KEPT, Rows, Waiting
from streamer.readings import Reading
from streamer.readings.arrays import FloatArray
from streamer.readings.powers import Powers
from streamer.readings.saved import count
from streamer.scores.means import HIGH, LAST, LOW, YESTERDAY, RunningMeanScores


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
        self._columns = np.arange(len(head.minutes))
        self._seen = 0
        self._context = Context(self._minutes)
        self._waiting = Waiting(self._back)
        self._bands = MeanBands(self._back[1:], confidence=confidence)
        self._correction = Correction(len(head.minutes)) if adapt else None
        self._guard = MeanGuard(len(head.minutes)) if adapt else None
        self._scores = RunningMeanScores(self._minutes, confidence=confidence)
        self._rules = self._learnt()
        # Of readings that were taken one by one, and whose values have not been needed so far.
        self._open: tuple[Observed, Part] | None = None

    @property
    def minutes(self) -> tuple[int, ...]:
        """Numbers of minutes whose mean is forecast."""
        return self._minutes

    def one(self, reading: Reading, hidden: FloatArray | None, issued: Issued | None) -> MeanValues:
        """Take a reading.

        Args:
            reading: the reading.
            hidden: (1, units) the network's last hidden state at it.
            issued: the forecast of the next reading; None if the window is not full.
        """
        observation = self._context.one(reading)
        forecast = None
        if issued is not None and hidden is not None:
            mean, _, median, low, high, *_ = issued
            # A NaN is not equal to itself.
            point = median if median == median else min(max(mean, low), high)
            consumption = observation.consumption_kw
            head_kw = self._head.one(hidden[0], observation.features, consumption)
            forecast = Forecast((mean, point, low, high), head_kw)
        observed, part = self._part_of(observation, forecast)
        observed.readings.append(observation)
        if forecast is not None:
            observed.forecasts.append(forecast)
        row = len(observed.readings) - 1
        values = part.values(row, reading.at, self._minutes, issued=forecast is not None)
        self._seen += 1
        if self._seen % BATCH == 0:
            self._close()
            self._learn()
        return values

    def many(
        self,
        readings: Sequence[Reading],
        powers: Powers,
        hidden: FloatArray | None,
        batch: ForecastBatch | None,
        *,
        every: bool,
    ) -> BlockMeans:
        """Take consecutive readings with the same channels, as `one` would in turn.

        Args:
            readings: at least one.
            powers: (readings,) theirs.
            hidden: (forecasts, units) the network's last hidden states at the last of them.
            batch: (forecasts,) the forecasts of the next reading; None if there are none.
            every: whether the values after each reading are returned, or only the last.
        """
        self._close()
        around = self._context.many(readings, powers)
        first, next_kw, head_kw = len(readings), None, None
        if batch is not None and hidden is not None:
            columns = batch.mean_kw, batch.point_kw, batch.low_kw, batch.high_kw
            next_kw = np.stack(columns, axis=1)
            first -= len(next_kw)
            features, consumption_kw = around.features[first:], around.consumption_kw[first:]
            head_kw = self._head.many(hidden, features, consumption_kw)
        values: list[MeanValues] = []
        issued_kw = []
        start = 0
        # Each part is of consecutive minutes, within a mini-batch, and has forecasts or has none.
        for edge in sorted({first, len(readings), *np.flatnonzero(around.broken).tolist()}):
            while start < edge:
                end = min(edge, start + BATCH - self._seen % BATCH)
                part = around.part(slice(start, end))
                if next_kw is None or head_kw is None or start < first:
                    rows = Rows.without_forecasts(part.actual_kw)
                else:
                    ahead = slice(start - first, end - first)
                    rows = self._rules.issue(part, next_kw[ahead], head_kw[ahead])
                issued_kw.append(rows.issued[:, FORECAST])
                shown = self._take(rows, broken=bool(part.broken[0]))
                if not every:
                    values.clear()
                for row in range(0 if every else end - start - 1, end - start):
                    at = readings[start + row].at
                    values.append(shown.values(row, at, self._minutes, issued=start >= first))
                start = end
        return BlockMeans(values, issued_kw)

    def state(self) -> dict[str, Any]:
        """Everything that the next forecasts and scores depend on, as plain JSON values."""
        self._close()
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
        self._rules = self._learnt()

    def _learnt(self) -> Rules:
        """The rules of the next mini-batch; shallow copies, since learning replaces the arrays."""
        return Rules(copy(self._bands), copy(self._correction), copy(self._guard))

    def _part_of(
        self, observation: Observation, forecast: Forecast | None
    ) -> tuple[Observed, Part]:
        """The part that a reading belongs to: a new one if it does not continue the last."""
        if self._open is not None:
            observed, _ = self._open
            if not observation.broken and bool(observed.forecasts) == (forecast is not None):
                return self._open
        self._close()
        if observation.broken:
            self._waiting.drop()
        observed = Observed(self._back, self._rules, copy(self._waiting), [], [])
        self._open = observed, Part(observed, self._scores)
        return self._open

    def _close(self) -> None:
        """Settle and score the forecasts that the readings taken one by one are the last of."""
        if self._open is not None:
            _, part = self._open
            self._open = None
            self._settle(part.close())

    def _take(self, rows: Rows, *, broken: bool) -> Part:
        """Take a part of a block, before which minutes may be missing."""
        if broken:
            self._waiting.drop()
        outcome = Outcome(rows, self._waiting.due(rows.issued))
        part = Part(outcome, self._scores)
        self._settle(outcome)
        self._seen += len(rows.actual)
        if self._seen % BATCH == 0:
            self._learn()
        return part

    def _settle(self, outcome: Outcome) -> None:
        self._waiting.append(outcome.rows)
        self._scores.update(outcome.due, outcome.rows.actual)

    def _learn(self) -> None:
        """Learn from all forecasts that the last mini-batch of readings has settled."""
        last_rows = self._waiting.rows
        rows = np.arange(KEPT - BATCH, KEPT)[:, None] - self._back[1:]
        actual = last_rows.actual[-BATCH:, 1:]
        settled = self._waiting.settled_last()[:, :, 1:]
        self._bands.learn(settled[:, LOW], actual, settled[:, HIGH], last_rows.classes[rows])
        if self._correction is not None and self._guard is not None:
            columns = self._columns
            mean, median = last_rows.network[rows, :, columns].transpose(2, 0, 1)
            last = settled[:, LAST]
            levels = np.maximum(last_rows.classes[rows, -1] - LEVEL, 0)  # without a forecast, 0
            self._guard.learn(last_rows.change[rows, columns], actual - last, levels)
            common = last_rows.common[rows].swapaxes(1, 2)
            regressors = regressors_of(common, mean, median, settled[:, YESTERDAY], last)
            correction = last_rows.correction[rows, columns]
            self._correction.learn(regressors, actual - mean, correction)
        self._rules = self._learnt()
