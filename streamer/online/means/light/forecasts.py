"""Forecasts of the mean of the next 15 and 60 minutes of many meters: issued, settled, scored."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamer.models import MeansHead
from streamer.online.means.light import history, learning
from streamer.online.means.light.history import BUCKET, HISTORY
from streamer.online.means.light.learning import CLASSES, EVERY, MINUTES, TERMS, LightBands
from streamer.online.minutesums import MAX_KW
from streamer.online.wallclock import DAY, WallClocks
from streamer.readings.arrays import BoolArray, DoubleArray, FloatArray, IntArray, Records

HORIZONS = (1, *MINUTES)

PARTS = ("mean", "median", "low", "high")
"""Values of a forecast."""

_WAITING = (*PARTS, "last", "change")
WAITING = np.dtype([(name, "<f4") for name in _WAITING])
"""A forecast that waits, the reading that it was issued at, and the change before it was
weighted. The mean is NaN where none waits."""

_FIRST = tuple(sum(n // EVERY for n in MINUTES[:place]) for place in range(len(MINUTES)))
"""First place of each horizon among the forecasts that wait."""

_HEAD_ORDER = [0, 2, 1, 3]
"""Mean, median, low and high among mean and quantiles in rising order."""

_SCORED = ("mse_kw2", "persistence_mse_kw2", "coverage")
SCORES = np.dtype([("settled", "<u4"), *((name, "<f4") for name in _SCORED)])
_MAX_KW = 1e12
"""Bound of what a saved state has; that of readings, stretched by an interval, is far below it."""

MEANS = np.dtype(
    [
        ("history", HISTORY),
        ("waiting", WAITING, sum(n // EVERY for n in MINUTES)),
        ("terms", "<i2", (len(MINUTES), 2, TERMS)),  # of the lower and the upper end
        ("sums", "<f4", (len(MINUTES), 2, CLASSES)),  # evidence of the guard
        ("scores", SCORES, len(MINUTES)),
    ]
)
"""State of one meter."""


def offers(head: MeansHead) -> bool:
    """Whether a head forecasts both horizons."""
    return set(MINUTES) <= set(head.minutes)


class Settled(NamedTuple):
    """Forecasts of one horizon that readings have settled.

    Attributes:
        rows: (settled,) rows of the meters.
        forecasts: (settled,) records of `WAITING`.
        actual_kw: (settled,) the means that came.
    """

    rows: IntArray
    forecasts: Records
    actual_kw: DoubleArray


class Taken(NamedTuple):
    """What one reading of each of some meters leads to.

    Attributes:
        issued_kw: (meters, 4, horizons) mean, median, low and high of the mean of the next 15 and
            60 minutes; NaN where nothing is issued.
        settled: for each of these horizons, the forecasts that the readings settle; empty between
            the ends of quarter-hours.
    """

    issued_kw: DoubleArray
    settled: tuple[Settled, ...]


class LightHorizons:
    """The means of the next 15 and 60 minutes of many meters, as `streamer.online.means` for one.

    Forecasts are issued at every reading. Of these, the ones issued at the last minute of a
    quarter-hour since 1970 wait for their minutes. They are settled, scored and learnt from if
    none of these is missing; otherwise never. There is no correction of the means, which takes
    more room than all else together.

    The object itself has no state: each meter has a record.

    Args:
        head: forecaster of both horizons.
        adapt: whether the means are weighted by what has been confirmed of their changes. If not,
            they are the head's own, which may lie outside the interval.
        confidence: nominal coverage of the intervals.

    Attributes:
        first: record of a new meter, without dimensions.
    """

    def __init__(self, head: MeansHead, *, adapt: bool, confidence: float) -> None:
        self._head, self._adapt = head, adapt
        self._columns = [head.minutes.index(each) for each in MINUTES]
        self._bands = LightBands(confidence)
        self.first = np.zeros((), MEANS)
        self.first["history"] = history.first_record()
        self.first["waiting"]["mean"] = np.nan
        self.first["terms"] = self._bands.first

    def take(
        self,
        state: Records,
        *,
        clocks: WallClocks,
        apart: IntArray,
        kw: DoubleArray,
        before_kw: DoubleArray,
        hidden: FloatArray | None,
        full: BoolArray,
    ) -> Taken:
        """Take one reading of each of some meters.

        Args:
            state: (meters,) records of `MEANS`, changed in place.
            clocks: (meters,) times of the readings.
            apart: (meters,) minutes since the reading before; not 1 for the first.
            kw: (meters,) the readings in kW.
            before_kw: (meters,) the readings before.
            hidden: (meters, units) the network's last hidden states; None without any.
            full: (meters,) whether the window is full, so that there is one.
        """
        kw, before = np.clip(kw, -MAX_KW, MAX_KW), np.clip(before_kw, -MAX_KW, MAX_KW)
        seen = history.take(
            state["history"], clocks=clocks, apart=apart, kw=kw, change_kw=kw - before
        )
        broken = np.flatnonzero(apart != 1)
        if len(broken):
            state["waiting"]["mean"][broken] = np.nan
        ends = np.flatnonzero(clocks.minutes % EVERY == EVERY - 1)
        settled: tuple[Settled, ...] = ()
        if len(ends):
            settled = tuple(
                self._settle(state, place, ends, clocks, seen.recent_kw)
                for place in range(len(MINUTES))
            )
        issued = np.full((len(state), len(PARTS) + 1, len(MINUTES)), np.nan)
        rows = np.flatnonzero(full)
        if hidden is not None and len(rows):
            # Most often all of the meters: an index would copy them.
            some = slice(None) if len(rows) == len(state) else rows
            found = self._head.many(hidden[some], seen.features[some], kw[some])
            floor = np.where(seen.exports[some], -np.inf, 0.0)
            issued[some] = self._issue(
                state[some], found[:, self._columns], kw[some], clocks.day_minutes[some], floor
            )
        if len(ends):
            self._wait(state, ends, clocks.minutes, kw, issued)
        return Taken(issued[:, : len(PARTS)], settled)

    def are_sound(self, state: Records) -> bool:
        """Whether restored records (meters,) can be continued."""
        waiting, scores = state["waiting"], state["scores"]
        return (
            history.are_sound(state["history"])
            and learning.are_sound(state["terms"], state["sums"])
            # What does not wait is NaN.
            and all((np.abs(np.nan_to_num(waiting[name])) <= _MAX_KW).all() for name in _WAITING)
            and all(
                ((scores[name] >= 0.0) & (scores[name] <= _MAX_KW**2)).all() for name in _SCORED
            )
        )

    def _issue(
        self,
        state: Records,
        head_kw: DoubleArray,
        last_kw: DoubleArray,
        day_minutes: IntArray,
        floor_kw: DoubleArray,
    ) -> DoubleArray:
        """(meters, 5, horizons) mean, median, low, high, and the change before it is weighted."""
        low, high = self._bands.see(state["terms"], head_kw, last_kw, day_minutes)
        low, high = (np.maximum(each, floor_kw[:, None]) for each in (low, high))
        mean, last = head_kw[..., 0], last_kw[:, None]
        change = mean - last
        if self._adapt:
            mean = last + learning.weighted(
                state["sums"], change, last_kw, state["scores"]["mse_kw2"]
            )
            mean = np.minimum(np.maximum(mean, low), high)
        median = np.minimum(np.maximum(head_kw[..., _HEAD_ORDER[1]], low), high)
        return np.stack([mean, median, low, high, change], axis=1)

    def _wait(
        self,
        state: Records,
        rows: IntArray,
        minutes: IntArray,
        kw: DoubleArray,
        issued: DoubleArray,
    ) -> None:
        """Keep the forecasts, if any, that have been issued at the ends of quarter-hours."""
        for place in range(len(MINUTES)):
            slots = _slots(place, minutes[rows])
            for column, name in enumerate((*PARTS, "change")):
                state["waiting"][name][rows, slots] = issued[rows, column, place]
            state["waiting"]["last"][rows, slots] = kw[rows]

    def _settle(
        self, state: Records, place: int, ends: IntArray, clocks: WallClocks, recent_kw: DoubleArray
    ) -> Settled:
        """Settle, score and learn from the forecasts of one horizon that are due."""
        minutes = MINUTES[place]
        due = state["waiting"][ends, _slots(place, clocks.minutes[ends])]
        there = ~np.isnan(due["mean"])
        rows, due = ends[there], due[there]
        # All minutes since then are measured, or it would not wait any more.
        actual = recent_kw[rows, : minutes // BUCKET].mean(axis=1)
        if len(rows):
            some = state[rows]
            last = due["last"].astype(np.float64)
            outside = np.stack([actual < due["low"], actual > due["high"]], axis=1)
            scores, day_minutes = some["scores"][:, place], clocks.day_minutes[rows] - minutes
            self._bands.learn(
                some["terms"][:, place], place, scores["settled"], outside, last, day_minutes % DAY
            )
            if self._adapt:
                came, change = actual - last, due["change"].astype(np.float64)
                learning.confirm(some["sums"][:, place], change, came, last)
            score(scores, actual - due["mean"], actual - last, ~(outside[:, 0] | outside[:, 1]))
            state[rows] = some
        return Settled(rows, due, actual)


def score(
    state: Records, error_kw: DoubleArray, persistence_kw: DoubleArray, inside: BoolArray
) -> None:
    """Update running scores (meters,) by settled forecasts."""
    state["settled"] += 1
    squares = error_kw * error_kw, persistence_kw * persistence_kw
    for name, value in zip(_SCORED, (*squares, inside), strict=True):
        state[name] += (value - state[name]) / state["settled"]


def _slots(place: int, minutes: IntArray) -> IntArray:
    """Places, among the forecasts of a meter that wait, of those issued at these minutes."""
    return _FIRST[place] + minutes // EVERY % (MINUTES[place] // EVERY)
