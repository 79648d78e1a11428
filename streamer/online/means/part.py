"""Parts of a mini-batch of readings, whose values are computed together or when accessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, Protocol

import numpy as np

from streamer.online.forecasts import ForecastBatch, Issued
from streamer.online.means.context import Observation, surroundings_of
from streamer.online.means.rules import Rules
from streamer.online.means.waiting import Rows, Waiting
from streamer.readings import Reading
from streamer.readings.arrays import DoubleArray, FloatArray, IntArray
from streamer.readings.means import MeanScores, NextMeans, SettledMean, SettledMeans
from streamer.readings.powers import Powers
from streamer.scores.means import LAST, MEAN, RunningMeanScores

FORECAST = slice(MEAN, LAST)
"""Rows of a forecast's own values in an array of all that is scored."""


class MeanValues(NamedTuple):
    """What a step has of the next minutes' means; see `streamer.readings.Step`."""

    next_means: NextMeans | None = None
    settled: Sequence[SettledMean] = ()
    scores: MeanScores | None = None


class BlockMeans(NamedTuple):
    """What consecutive readings have of the next minutes' means.

    Attributes:
        values: of each reading, or of the last alone.
        issued_kw: (rows, 4, horizons) mean, median, low and high of consecutive parts, all
            readings together; NaN where nothing was issued.
    """

    values: list[MeanValues]
    issued_kw: list[DoubleArray]


class AnyMeans(Protocol):
    """Forecasts of the next minutes' mean for one stream, as a pipeline takes them.

    The methods are documented in `streamer.online.means.layer.Means`.
    """

    @property
    def minutes(self) -> tuple[int, ...]:
        """Numbers of minutes whose mean is forecast."""

    def one(self, reading: Reading, hidden: FloatArray | None, issued: Issued | None) -> MeanValues:
        """Take a reading."""

    def many(
        self,
        readings: Sequence[Reading],
        powers: Powers,
        hidden: FloatArray | None,
        batch: ForecastBatch | None,
        *,
        every: bool,
    ) -> BlockMeans:
        """Take consecutive readings with the same channels."""

    def state(self) -> dict[str, Any]:
        """Everything that the next forecasts and scores depend on."""

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Continue from a saved state."""


class Forecast(NamedTuple):
    """Forecast of the network at one reading.

    Attributes:
        next_kw: mean, median, low and high of the next reading.
        head_kw: (horizons - 1, 4) the head's, of the consumption.
    """

    next_kw: tuple[float, float, float, float]
    head_kw: DoubleArray


class Outcome(NamedTuple):
    """What the readings of a part lead to.

    Attributes:
        rows: the readings with the forecasts that are issued at them.
        due: (readings, 8, horizons) the forecasts that they settle.
    """

    rows: Rows
    due: DoubleArray


class Observed(NamedTuple):
    """Readings of a part, from which all else follows.

    Attributes:
        minutes: (horizons,) numbers of minutes.
        rules: how forecasts are issued.
        waiting: the readings before, with the forecasts that wait.
        readings: the readings so far.
        forecasts: the network's forecasts at them; none if the part has none.
    """

    minutes: IntArray
    rules: Rules
    waiting: Waiting
    readings: list[Observation]
    forecasts: list[Forecast]

    def rows(self, start: int, end: int) -> Rows:
        """The forecasts that are issued at some of the readings."""
        around = surroundings_of(self.readings[start:end], self.minutes)
        if not self.forecasts:
            return Rows.without_forecasts(around.actual_kw)
        next_kw, head_kw = map(np.array, zip(*self.forecasts[start:end], strict=True))
        return self.rules.issue(around, next_kw, head_kw)

    def outcome(self, end: int) -> Outcome:
        """What the first readings lead to."""
        rows = self.rows(0, end)
        return Outcome(rows, self.waiting.due(rows.issued))


class Part:
    """Consecutive minutes of one mini-batch, all with forecasts or all without.

    What is learnt changes with the mini-batch only. So the values of a reading follow from what
    was known when it came, whenever they are computed: for all readings together as the part
    ends, which takes a tenth of the time, or earlier for one of them that somebody reads. They
    are the same bits either way, since each row is computed by itself. What they follow from is
    replaced and never changed, so that another thread may read them.

    Args:
        content: the readings, more of which may be added, or already what they lead to.
        scores: the scores before.
    """

    def __init__(self, content: Observed | Outcome, scores: RunningMeanScores) -> None:
        self._content = content
        self._scores = copy(scores)

    def close(self) -> Outcome:
        """What the readings, one at least, lead to; no more may be added."""
        content = self._content
        if isinstance(content, Observed):
            self._content = content = content.outcome(len(content.readings))
        return content

    def values(
        self, row: int, at: datetime, horizons: tuple[int, ...], *, issued: bool
    ) -> MeanValues:
        """The values of a step, computed when they are accessed.

        Args:
            row: number of its reading in the part.
            at: time of the reading.
            horizons: numbers of minutes.
            issued: whether forecasts are issued at it.
        """
        return MeanValues(
            NextMeans(horizons, partial(self._next_means, row)) if issued else None,
            SettledMeans(at, horizons, partial(self._settled, row)),
            MeanScores.later(horizons, partial(self._figures, row)),
        )

    def _next_means(self, row: int) -> DoubleArray:
        content = self._content
        if isinstance(content, Observed):
            issued = content.rows(row, row + 1).issued[0]
        else:
            issued = content.rows.issued[row]
        # A copy, so that the rest of the part is not kept in memory.
        values: DoubleArray = issued[FORECAST].copy().T
        return values

    def _settled(self, row: int) -> tuple[DoubleArray, DoubleArray]:
        outcome = self._up_to(row)
        return outcome.due[row, FORECAST].T, outcome.rows.actual[row]

    def _figures(self, row: int) -> tuple[IntArray, DoubleArray]:
        outcome, scores = self._up_to(row), copy(self._scores)
        scores.update(outcome.due[: row + 1], outcome.rows.actual[: row + 1])
        return scores.figures()

    def _up_to(self, row: int) -> Outcome:
        content = self._content
        return content.outcome(row + 1) if isinstance(content, Observed) else content
