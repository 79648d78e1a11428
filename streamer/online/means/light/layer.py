"""Horizons of a single stream, as those of a fleet's meter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np

from streamer.models import MeansHead
from streamer.online.forecasts import ForecastBatch, Issued
from streamer.online.means.light.forecasts import (
    HORIZONS,
    PARTS,
    LightHorizons,
    Settled,
    score,
)
from streamer.online.means.part import BlockMeans, MeanValues
from streamer.online.minutesums import MAX_KW
from streamer.online.wallclock import WallClocks, wall_clock
from streamer.readings import Reading
from streamer.readings.arrays import DoubleArray, FloatArray, IntArray, Records
from streamer.readings.means import MeanScores, NextMeans, SettledMeans
from streamer.readings.packing import packed, unpacked
from streamer.readings.powers import Powers, side_powers_of
from streamer.readings.saved import whole
from streamer.scores.means import COLUMNS

_MSE, _PERSISTENCE, _COVERAGE = 0, 2, 6
"""Rows of the scores that are known, in the order of `streamer.readings.means.HorizonScores`."""

_KEPT = len(PARTS) + 1
_NONE_KW = 1e300
"""Value of what is not known, in a saved state."""


class LightMeans:
    """Issues and settles the forecasts of the next 1, 15 and 60 minutes of one stream.

    It has the interface of `streamer.online.means.layer.Means`, and the arithmetic of
    `LightHorizons`, whose record of one meter it holds: so of the longer horizons only what was
    issued at the end of a quarter-hour is settled. Their scores have no absolute and no interval
    score. Where solar or battery power is measured, which a fleet's meters do not have, nothing
    is forecast but the next reading.

    Args:
        head: forecaster of both horizons.
        adapt: whether the forecasts are corrected.
        confidence: nominal coverage of the intervals.
    """

    minutes = HORIZONS
    """Numbers of minutes whose mean is forecast."""

    def __init__(self, head: MeansHead, *, adapt: bool, confidence: float) -> None:
        self._horizons = LightHorizons(head, adapt=adapt, confidence=confidence)
        self._record = np.full(1, self._horizons.first)
        self._next_scores = np.zeros(1, self._record["scores"].dtype)
        self._minute, self._last_kw = 0, np.zeros(1)
        # Mean, median, low and high of the next reading, and the last; NaN if none is forecast.
        self._next = np.full(_KEPT, np.nan)

    def one(self, reading: Reading, hidden: FloatArray | None, issued: Issued | None) -> MeanValues:
        """Take a reading; the arguments are those of `Means.one`."""
        next_kw = None
        if issued is not None:
            mean, _, median, low, high, *_ = issued
            # A NaN is not equal to itself.
            point = median if median == median else min(max(mean, low), high)
            next_kw = np.array([mean, point, low, high])
        return self._values(reading.at, *self._take(reading, hidden, next_kw))

    def many(
        self,
        readings: Sequence[Reading],
        powers: Powers,  # noqa: ARG002 - those of the readings
        hidden: FloatArray | None,
        batch: ForecastBatch | None,
        *,
        every: bool,
    ) -> BlockMeans:
        """Take consecutive readings; the arguments are those of `Means.many`."""
        answers: list[tuple[FloatArray | None, DoubleArray | None]] = [(None, None)] * len(readings)
        if batch is not None and hidden is not None:
            columns = batch.mean_kw, batch.point_kw, batch.low_kw, batch.high_kw
            answers[-len(hidden) :] = zip(hidden[:, None], np.stack(columns, axis=1), strict=True)
        values: list[MeanValues] = []
        issued_kw = np.full((len(readings), len(PARTS), len(HORIZONS)), np.nan)
        for row, (reading, answer) in enumerate(zip(readings, answers, strict=True)):
            issued, settled = self._take(reading, *answer)
            if issued is not None:
                issued_kw[row] = issued
            if every or row == len(readings) - 1:
                values.append(self._values(reading.at, issued, settled))
        return BlockMeans(values, [issued_kw])

    def state(self) -> dict[str, Any]:
        """Everything that the next forecasts and scores depend on, as plain JSON values."""
        return {
            "light": [each.tobytes().hex() for each in (self._record, self._next_scores)],
            "last": [self._minute, packed(np.nan_to_num(self._next, nan=_NONE_KW))],
            "last_kw": packed(self._last_kw),
        }

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Continue from a saved state, bit for bit, for which this one has to be new.

        Without one, or with one of the full version, it begins anew.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged.
        """
        if state is None or "light" not in state:
            return
        record, scores = (
            np.frombuffer(bytes.fromhex(text), each.dtype).copy()
            for text, each in zip(state["light"], (self._record, self._next_scores), strict=True)
        )
        if len(record) != 1 or len(scores) != 1 or not self._horizons.are_sound(record):
            raise ValueError("the horizons of a meter are out of bounds")
        minute, text = state["last"]
        self._minute, following = whole(minute), unpacked(text, _KEPT)
        self._next = np.where(following == _NONE_KW, np.nan, following)
        self._last_kw = unpacked(state["last_kw"], 1)
        self._record, self._next_scores = record, scores

    def _take(
        self, reading: Reading, hidden: FloatArray | None, next_kw: DoubleArray | None
    ) -> tuple[DoubleArray | None, tuple[DoubleArray, DoubleArray]]:
        """Take a reading.

        Returns:
            (4, horizons) the forecasts issued at it, if any; and what it settles: (horizons, 4)
            forecasts and (horizons,) means, NaN where there is none.
        """
        clock, kw = wall_clock(reading.at), np.clip([reading.kw], -MAX_KW, MAX_KW)
        if any(side_powers_of(reading)):
            next_kw = None
        apart = clock.minute - self._minute
        taken = self._horizons.take(
            self._record,
            clocks=WallClocks(*(np.array([each]) for each in clock)),
            apart=np.array([apart]),
            kw=kw,
            before_kw=self._last_kw,
            hidden=hidden,
            full=np.array([next_kw is not None]),
        )
        settled = self._settled(kw, taken.settled, consecutive=apart == 1)
        self._minute, self._last_kw = clock.minute, kw
        self._next = np.full(_KEPT, np.nan)
        if next_kw is None:
            return None, settled
        next_kw = np.clip(next_kw, -MAX_KW, MAX_KW)
        self._next = np.append(next_kw, kw)
        return np.column_stack([next_kw, taken.issued_kw[0]]), settled

    def _settled(
        self, kw: DoubleArray, longer: Sequence[Settled], *, consecutive: bool
    ) -> tuple[DoubleArray, DoubleArray]:
        values, actual = (
            np.full((len(HORIZONS), len(PARTS)), np.nan),
            np.full(len(HORIZONS), np.nan),
        )
        *forecast, last = self._next
        if consecutive and not np.isnan(last):
            values[0], actual[0] = forecast, kw[0]
            inside = np.array([forecast[2] <= kw[0] <= forecast[3]])
            score(self._next_scores, kw - forecast[0], kw - last, inside)
        for place, each in enumerate(longer, start=1):
            if len(each.rows):
                values[place] = [each.forecasts[name][0] for name in PARTS]
                actual[place] = each.actual_kw[0]
        return values, actual

    def _values(
        self,
        at: datetime,
        issued: DoubleArray | None,
        settled: tuple[DoubleArray, DoubleArray],
    ) -> MeanValues:
        # A copy, since the records are changed in place.
        scores = np.append(self._next_scores, self._record["scores"][0])
        return MeanValues(
            None if issued is None else NextMeans(HORIZONS, issued.T.copy()),
            SettledMeans(at, HORIZONS, lambda: settled),
            MeanScores.later(HORIZONS, partial(_figures, scores)),
        )


def _figures(scores: Records) -> tuple[IntArray, DoubleArray]:
    """(horizons,) numbers and (horizons, 8) values of the scores of all horizons."""
    figures = np.full((len(HORIZONS), COLUMNS), np.nan)
    for column, name in (
        (_MSE, "mse_kw2"),
        (_PERSISTENCE, "persistence_mse_kw2"),
        (_COVERAGE, "coverage"),
    ):
        figures[:, column] = np.where(scores["settled"] > 0, scores[name], np.nan)
    return scores["settled"].astype(np.int64), figures
