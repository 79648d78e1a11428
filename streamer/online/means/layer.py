"""Online layer of the horizons: forecasts of the next minutes' mean, one stream's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from streamer.models import MeansHead
from streamer.online.carried import MAX_CARRIED_KW, CarriedPower
from streamer.online.forecasts import ForecastBatch, Issued
from streamer.online.history import History
from streamer.online.means.bands import MeanBands, classes_of
from streamer.online.means.correction import Correction, common_of, regressors_of
from streamer.online.means.waiting import BATCH, Waiting
from streamer.online.wallclock import wall_clock, wall_clocks
from streamer.readings import Reading
from streamer.readings.arrays import DoubleArray, FloatArray, IntArray
from streamer.readings.channels import Channels, Powers, channels_of
from streamer.readings.means import MeanScores, NextMeans, SettledMean, SettledMeans
from streamer.readings.saved import count, number, whole
from streamer.scores.means import (
    HALF,
    HIGH,
    LAST,
    LOW,
    MEAN,
    MEDIAN,
    RECENT,
    YESTERDAY,
    RunningMeanScores,
)

_HEAD_MEAN, _HEAD_LOW, _HEAD_MEDIAN, _HEAD_HIGH = range(4)
_SHOWN = [MEAN, MEDIAN, LOW, HIGH]
_LONG_AGO = -(1 << 40)


class MeanValues(NamedTuple):
    """What a step has of the next minutes' means; see `streamer.readings.Step`."""

    next_means: NextMeans | None = None
    settled: Sequence[SettledMean] = ()
    scores: MeanScores | None = None


class _Part(NamedTuple):
    """Readings of consecutive minutes, all with forecasts or none.

    Attributes:
        last_kw: (readings,) grid power.
        hours: (readings,) hours of the day.
        features: (readings, features) of the longer history.
        recent_kw: (readings, horizons) means of the last minutes, NaN if one is missing.
        yesterday_kw: (readings, horizons) those of the next minutes a day ago.
        next_kw: (readings, 4) mean, median, low and high of the next reading; None without
            forecasts.
        head_kw: (readings, horizons - 1, 4) the head's, of the grid power.
    """

    last_kw: DoubleArray
    hours: IntArray
    features: FloatArray
    recent_kw: DoubleArray
    yesterday_kw: DoubleArray
    next_kw: DoubleArray | None
    head_kw: DoubleArray | None


class Means:
    """Issues the forecasts of the next minutes' mean, settles and scores them, and learns.

    A forecast that is issued at a minute for the n after it settles with the last of these, if
    none of them is missing; otherwise never. Corrections and intervals change every `BATCH`
    readings, so that blocks are computed as arrays and equal readings one by one.

    Where solar or battery power is measured, the head forecasts the consumption; the last values
    of the sun and the battery make its forecasts those of the grid power, of which all else is.
    Where that begins or ends, the long history begins anew.

    Args:
        head: forecaster of the horizons beyond the next reading.
        adapt: whether to correct them.
        confidence: nominal coverage of the intervals.
    """

    def __init__(self, head: MeansHead, *, adapt: bool, confidence: float) -> None:
        self._head = head
        self._minutes = (1, *head.minutes)
        self._back = np.array(self._minutes)
        self._columns = np.arange(len(self._minutes))
        self._history = History()
        self._grid: History | None = None
        self._channels: Channels | None = None
        self._minute, self._last_kw, self._seen = _LONG_AGO, 0.0, 0
        self._waiting = Waiting(len(self._minutes))
        self._carried = CarriedPower()
        self._bands = MeanBands(self._back[1:], confidence=confidence)
        self._correction = Correction(len(head.minutes)) if adapt else None
        self._scores = RunningMeanScores(self._minutes, confidence=confidence)

    def one(self, reading: Reading, hidden: FloatArray | None, issued: Issued | None) -> MeanValues:
        """Take a reading.

        Args:
            reading: the reading.
            hidden: (1, units) the network's last hidden state at it.
            issued: the forecast of the next reading; None if the window is not full.
        """
        self._follow(channels_of(reading))
        clock = wall_clock(reading.at)
        last, consumption = _bounded(reading.kw), _bounded(reading.consumption_kw)
        features, measured = self._history.push(*clock, consumption), self._history
        if self._grid is not None:
            measured = self._grid
            measured.push(*clock, last)
        next_kw = head_kw = None
        if issued is not None and hidden is not None:
            point = issued.median_kw
            if point != point:
                point = min(max(issued.mean_kw, issued.low_kw), issued.high_kw)
            next_kw = np.array([[issued.mean_kw, point, issued.low_kw, issued.high_kw]])
            head_kw = self._head.one(hidden[0], features, consumption)[None]
            if self._grid is not None:
                head_kw = head_kw + (last - consumption)
        part = _Part(
            np.array([last]),
            np.array([clock.day_minute // 60]),
            features[None],
            np.array([measured.recent_means(self._minutes)]),
            np.array([measured.yesterday_means(self._minutes)]),
            next_kw,
            head_kw,
        )
        broken = clock.minute - self._minute != 1
        self._minute = clock.minute
        return self._advance(part, [reading.at], broken=broken, every=True)[0]

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
        self._follow(channels_of(readings[0]))
        clocks = wall_clocks(readings)
        last, consumption = _all_bounded(powers.kw), _all_bounded(powers.consumption_kw)
        found = self._history.extend_with_means(*clocks, consumption, self._minutes)
        features, recent, yesterday = found
        if self._grid is not None:
            _, recent, yesterday = self._grid.extend_with_means(*clocks, last, self._minutes)
        issued = 0 if batch is None else len(batch.mean_kw)
        first = len(last) - issued
        next_kw = head_kw = None
        if batch is not None and hidden is not None:
            columns = batch.mean_kw, batch.point_kw, batch.low_kw, batch.high_kw
            next_kw = np.stack(columns, axis=1)
            head_kw = self._head.many(hidden, features[first:], consumption[first:])
            if self._grid is not None:
                head_kw = head_kw + (last - consumption)[first:, None, None]
        breaks = np.flatnonzero(np.diff(clocks.minutes, prepend=self._minute) != 1)
        self._minute = int(clocks.minutes[-1])
        values: list[MeanValues] = []
        broken = set(breaks.tolist())
        edges = sorted({first, len(last)} | broken)
        start = 0
        for edge in edges:
            while start < edge:
                end = min(edge, start + BATCH - self._seen % BATCH)
                rows, forecast = slice(start, end), slice(start - first, end - first)
                part = _Part(
                    last[rows],
                    clocks.day_minutes[rows] // 60,
                    features[rows],
                    recent[rows],
                    yesterday[rows],
                    None if next_kw is None or start < first else next_kw[forecast],
                    None if head_kw is None or start < first else head_kw[forecast],
                )
                at = [each.at for each in readings[rows]] if every else [readings[end - 1].at]
                found_here = self._advance(part, at, broken=start in broken, every=every)
                values = values + found_here if every else found_here
                start = end
        return values

    def get(self) -> MeanScores:
        """The scores so far."""
        return self._scores.get()

    def state(self) -> dict[str, Any]:
        """Everything that the next forecasts and scores depend on, as plain JSON values."""
        return {
            "minutes": list(self._minutes),
            "history": self._history.state(),
            "grid": None if self._grid is None else self._grid.state(),
            "channels": None if self._channels is None else list(self._channels),
            "last": [self._minute, self._last_kw, self._seen],
            "waiting": self._waiting.state(),
            "carried": self._carried.state(),
            "bands": self._bands.state(),
            "correction": None if self._correction is None else self._correction.state(),
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
        channels = state["channels"]
        if channels is not None:
            solar, battery = channels
            if not isinstance(solar, bool) or not isinstance(battery, bool):
                raise TypeError(f"channels are {channels!r:.40}, not two truth values")
            self._channels = solar, battery
        if (state["grid"] is not None) != (self._channels not in (None, (False, False))):
            raise ValueError("a history of the grid power does not fit the channels")
        if state["grid"] is not None:
            self._grid = History()
            self._grid.restore(state["grid"])
        self._history.restore(state["history"])
        minute, last_kw, seen = state["last"]
        self._minute, self._last_kw, self._seen = whole(minute), number(last_kw), count(seen)
        self._waiting.restore(state["waiting"])
        self._carried = CarriedPower.restored(state["carried"])
        self._bands.restore(state["bands"])
        if self._correction is not None and state["correction"] is not None:
            self._correction.restore(state["correction"])
        self._scores.restore(state["scores"])

    def _follow(self, channels: Channels) -> None:
        """Begin the long history anew where other powers are measured than before."""
        if channels == self._channels:
            return
        if self._channels is not None:
            self._history = History()
            self._waiting.drop()
            self._minute = _LONG_AGO
        self._channels = channels
        self._grid = History() if any(channels) else None

    def _advance(
        self, part: _Part, at: Sequence[datetime], *, broken: bool, every: bool
    ) -> list[MeanValues]:
        """Issue the forecasts of a part within a mini-batch, and settle those that are due.

        Args:
            part: the part.
            at: times of its readings, or of the last if only its values are wanted.
            broken: whether minutes before it are missing.
            every: whether the values after each reading are returned, or only the last.
        """
        waiting, readings = self._waiting, len(part.last_kw)
        if broken:
            waiting.drop()
        place = waiting.append(readings)
        waiting.actual[place] = part.recent_kw
        floors, ceilings = self._carry(part.last_kw)
        self._issue(part, place, broken=broken, floors=floors, ceilings=ceilings)
        rows = np.arange(place.start, place.stop)[:, None] - self._back
        due = waiting.issued[rows, self._columns]
        scores = self._scores.update(due, part.recent_kw, every=every)
        self._last_kw = float(part.last_kw[-1])
        self._seen += readings
        if self._seen % BATCH == 0:
            self._learn()
        has_forecasts = part.head_kw is not None
        values = []
        for row, (time, score) in enumerate(zip(at, scores, strict=True), readings - len(at)):
            settled = SettledMeans(
                time, self._minutes, due[row][:, _SHOWN], part.recent_kw[row].copy()
            )
            shown = None
            if has_forecasts:
                issued = waiting.issued[place.start + row]
                shown = NextMeans(self._minutes, issued[:, _SHOWN])
            values.append(MeanValues(shown, settled, score))
        return values

    def _issue(
        self,
        part: _Part,
        place: slice,
        *,
        broken: bool,
        floors: DoubleArray,
        ceilings: DoubleArray,
    ) -> None:
        waiting, last = self._waiting, part.last_kw
        issued, network = waiting.issued[place], waiting.network[place]
        if part.head_kw is None or part.next_kw is None:
            issued[:], network[:] = np.nan, np.nan
            waiting.correction[place] = 0.0
            return
        change = np.diff(last, prepend=last[0] if broken else self._last_kw)
        waiting.common[place] = common = common_of(part.features, last, change)
        waiting.classes[place] = classes = classes_of(part.features, last, part.hours)
        issued[:, :, LAST] = column = last[:, None]
        issued[:, :, RECENT] = np.where(np.isnan(part.recent_kw), column, part.recent_kw)
        issued[:, :, HALF] = 0.5 * (column + issued[:, :, RECENT])
        issued[:, :, YESTERDAY] = part.yesterday_kw
        head = part.head_kw
        mean, low, median, high = head.transpose(2, 0, 1)
        network[:, :, 0], network[:, :, 1] = mean, median
        if self._correction is not None:
            yesterday = part.yesterday_kw[:, 1:] - column
            regressors = regressors_of(common, mean - column, median - mean, yesterday)
            waiting.correction[place] = correction = self._correction.see(regressors)
            shift = self._correction.weights * correction
            mean, low, median, high = mean + shift, low + shift, median + shift, high + shift
        low, high = self._bands.see(low, median, high, classes)
        floor, ceiling = floors[:, None], ceilings[:, None]
        low = np.minimum(np.maximum(low, floor), ceiling)
        high = np.minimum(np.maximum(high, floor), ceiling)
        if self._correction is not None:
            mean = np.minimum(np.maximum(mean, low), high)
        longer = issued[:, 1:]
        longer[:, :, MEAN], longer[:, :, LOW], longer[:, :, HIGH] = mean, low, high
        longer[:, :, MEDIAN] = np.minimum(np.maximum(median, low), high)
        issued[:, 0, _SHOWN] = part.next_kw
        np.clip(issued, -MAX_CARRIED_KW, MAX_CARRIED_KW, out=issued)

    def _learn(self) -> None:
        """Learn from all forecasts that the last mini-batch of readings has settled."""
        waiting, back = self._waiting, self._back[1:]
        batch = slice(waiting.end - BATCH, waiting.end)
        rows = np.arange(batch.start, batch.stop)[:, None] - back
        actual = waiting.actual[batch, 1:]
        issued = waiting.issued[rows, self._columns[1:]]
        low, high = issued[:, :, LOW], issued[:, :, HIGH]
        self._bands.learn(low, actual, high, waiting.classes[rows])
        if self._correction is None:
            return
        columns = self._columns[:-1]
        mean, median = waiting.network[rows, columns].transpose(2, 0, 1)
        last = issued[:, :, LAST]
        regressors = regressors_of(
            waiting.common[rows], mean - last, median - mean, issued[:, :, YESTERDAY] - last
        )
        self._correction.learn(regressors, actual - mean, waiting.correction[rows, columns])

    def _carry(self, kw: DoubleArray) -> tuple[DoubleArray, DoubleArray]:
        """Bounds of what the connection is known to carry, after each of the readings."""
        carried, bounds = self._carried, []
        for each in kw.tolist():
            carried.settle(each)
            bounds.append((carried.floor_kw, carried.ceiling_kw))
        floors, ceilings = np.array(bounds).T
        return floors, ceilings


def _bounded(kw: float) -> float:
    return min(max(kw, -MAX_CARRIED_KW), MAX_CARRIED_KW)


def _all_bounded(kw: DoubleArray) -> DoubleArray:
    return np.clip(kw, -MAX_CARRIED_KW, MAX_CARRIED_KW)
