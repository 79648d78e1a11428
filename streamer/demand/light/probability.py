"""Probability that demand intervals exceed a bound, for many meters, with online calibration."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from streamer.demand.distribution import MIN_KW, RestDistribution
from streamer.demand.probability import (
    MAX_DISTANCE,
    MAX_LAST,
    MEMORY_DAYS,
    MIN_P,
    MIN_SCALE_KW,
    PLAUSIBLE,
    PRIOR,
    SCALE_OF_BOUND,
    SHARE,
    SPANS_DAYS,
    combined,
)
from streamer.readings.arrays import BoolArray, DoubleArray, IndexArray, IntArray, Records

_MAX_LOGIT = 700.0


class Ahead(NamedTuple):
    """What is known of the running interval of each of some meters, and forecast of its rest.

    Attributes:
        known: (meters,) sums of the minutes so far in kW; those that are missing are taken to be
            as the others.
        left: (meters,) minutes that are still to come, at least 1.
        rest: (meters, 4) forecasts of the mean over them in kW: mean, median, low and high.
        last_kw: (meters,) the last readings in kW.
    """

    known: DoubleArray
    left: IntArray
    rest: DoubleArray
    last_kw: DoubleArray

    def of(self, rows: IndexArray) -> Ahead:
        """The same of some of the meters."""
        known, left, rest, last_kw = self
        return Ahead(known[rows], left[rows], rest[rows], last_kw[rows])


class LightProbability:
    """What `streamer.demand.probability.ExceedanceProbability` does, for many meters at once.

    The logistic regression is the same. Its calibration is learnt in one Newton step an interval
    instead of one a minute, for which seven sums over the minutes suffice; and the highest
    intervals are those of the last one to two and three to four days, for which those of four
    days suffice.

    Args:
        minutes: length of the demand intervals.
        confidence: nominal coverage of the forecast's band, between 0 and 1.
        net: whether export is subtracted from import within an interval.
    """

    def __init__(self, minutes: int, *, confidence: float, net: bool) -> None:
        self._minutes, self._net = minutes, net
        self._distribution = RestDistribution(confidence, net=net)
        self._a_day = 1440 // minutes
        self._growth = math.exp(len(SPANS_DAYS) / (MEMORY_DAYS * self._a_day))

    def of(self, now: Records, bound_kw: DoubleArray, ahead: Ahead) -> DoubleArray:
        """(meters,) probabilities that the means of the running intervals exceed a bound.

        Args:
            now: (meters,) records.
            bound_kw: (meters,) the bounds in kW; NaN for none.
            ahead: (meters,) what is forecast of the intervals.
        """
        need_kw = self._needed(bound_kw, ahead)
        p = _logistic(_calibrated(now, self._scores(bound_kw, need_kw, ahead)))
        return p if self._net else np.where(need_kw < 0.0, 1.0, p)

    def see(self, now: Records, ahead: Ahead) -> None:
        """Add one minute of the running intervals to what is learnt from at their ends.

        Args:
            now: (meters,) records, changed in place.
            ahead: (meters,) what is forecast of the intervals.
        """
        median, high = ahead.rest[:, 1], ahead.rest[:, 3]
        most = high + PLAUSIBLE * (high - median)
        for place, bounds in enumerate(_bounds(now).T):
            need_kw = self._needed(bounds, ahead)
            # A comparison with NaN, for no bound, fails.
            rows = np.flatnonzero((need_kw > 0.0) & (need_kw <= most))
            if not len(rows):
                continue
            some = now[rows]
            score = self._scores(bounds[rows], need_kw[rows], ahead.of(rows))
            p = _logistic(_calibrated(some, score))
            weight = p * (1.0 - p)
            terms = p, p * score, weight, weight * score, weight * score * score
            some["open"][:, place] += 1
            some["scores"][:, place] += score
            some["sums"] += np.stack(terms, axis=1)
            now[rows] = some

    def end(self, now: Records, kw: DoubleArray, complete: BoolArray) -> None:
        """Learn from the running intervals, which are over.

        Args:
            now: (meters,) records, changed in place.
            kw: (meters,) their means in kW.
            complete: (meters,) whether none of their minutes are missing; otherwise, nothing is
                learnt.
        """
        bounds = _bounds(now)
        learns = complete & ~np.isnan(bounds[:, 0])
        rows = np.flatnonzero(learns)
        if len(rows):
            some = now[rows]
            self._learn(some, kw[rows, None] > bounds[rows])
            now[rows] = some
        now["open"], now["scores"], now["sums"] = 0, 0.0, 0.0
        highest, intervals = now["highest"], now["intervals"]
        highest[:, 0] = np.where(complete, np.maximum(highest[:, 0], kw), highest[:, 0])
        over = intervals + complete == self._a_day
        now["intervals"] = np.where(over, 0, intervals + complete)
        days = np.flatnonzero(over)
        highest[days, 1:] = highest[days, :-1]
        highest[days, 0] = 0.0

    def _learn(self, some: Records, exceeded: BoolArray) -> None:
        """Update the calibration by one Newton step from the minutes that were open."""
        intercept, slope, first, second, both = some["calibration"].T.astype(np.float64)
        p, p_scores, weight, scores, squares = some["sums"].T.astype(np.float64)
        of_intercept = SHARE * ((some["open"] * exceeded).sum(axis=1) - p)
        of_slope = SHARE * ((some["scores"] * exceeded).sum(axis=1) - p_scores)
        weight, scores, squares = SHARE * weight, SHARE * scores, SHARE * squares
        # (1 + C J)⁻¹ C, for the covariance C and the information J.
        a, b = 1.0 + first * weight + both * scores, first * scores + both * squares
        c, d = both * weight + second * scores, 1.0 + both * scores + second * squares
        size = a * d - b * c
        first, second, both = (
            (d * first - b * both) / size,
            (a * second - c * both) / size,
            (d * both - b * second) / size,
        )
        growth = np.minimum(self._growth, np.minimum(PRIOR[0] / first, PRIOR[1] / second))
        growth = np.maximum(growth, 1.0)
        columns = (
            intercept + first * of_intercept + both * of_slope,
            slope + both * of_intercept + second * of_slope,
            first * growth,
            second * growth,
            both * growth,
        )
        some["calibration"] = np.stack(columns, axis=1)

    def _needed(self, bound_kw: DoubleArray, ahead: Ahead) -> DoubleArray:
        """Means over the rests with which the intervals reach a bound, in kW."""
        found: DoubleArray = (bound_kw * self._minutes - ahead.known) / ahead.left
        return found

    def _scores(self, bound_kw: DoubleArray, need_kw: DoubleArray, ahead: Ahead) -> DoubleArray:
        """The logits before calibration, where the rests have to have means of `need_kw`."""
        mean, _, low, high = ahead.rest.T
        scale = np.maximum(high - low, 0.0) * self._distribution.per_band
        scale += MIN_SCALE_KW + SCALE_OF_BOUND * bound_kw
        distance = (mean - need_kw) / scale
        last = (ahead.last_kw - need_kw) / scale
        p = np.minimum(np.maximum(self._exceedance(need_kw, ahead.rest), MIN_P), 1.0 - MIN_P)
        distance = np.minimum(np.maximum(distance, -MAX_DISTANCE), MAX_DISTANCE)
        return combined(
            np.log(p / (1.0 - p)),
            distance,
            np.tanh(distance),
            np.minimum(np.maximum(last, -MAX_LAST), MAX_LAST),
            2.0 * ahead.left / self._minutes - 1.0,
        )

    def _exceedance(self, kw: DoubleArray, rest: DoubleArray) -> DoubleArray:
        """What `RestDistribution.exceedance` has for each meter."""
        tail, rate = self._distribution.tail, self._distribution.rate
        inner = 0.5 - tail
        _, median, low, high = rest.T
        # Each part is used only where its divisor is positive.
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            above = tail * np.exp(-rate * (kw - high) / np.maximum(high - median, MIN_KW))
            upper = 0.5 - inner * (kw - median) / (high - median)
            lower = 1.0 - tail - inner * (kw - low) / (median - low)
            if self._net:
                width = np.maximum(median - low, MIN_KW)
                below = 1.0 - tail * np.exp(-rate * (low - kw) / width)
            else:
                below = 1.0 - tail * kw / low
        certain = (kw <= 0.0) & (not self._net)
        conditions = [certain, kw >= high, kw >= median, kw >= low]
        parts: DoubleArray = np.select(conditions, [1.0, above, upper, lower], below)
        return parts


def _bounds(now: Records) -> DoubleArray:
    """(meters, 2) bounds to learn from in kW; NaN before there is a day."""
    highest = now["highest"].astype(np.float64)
    bounds = np.stack([highest[:, :2].max(axis=1), highest.max(axis=1)], axis=1)
    bounds[highest[:, 1] <= 0.0] = np.nan
    return bounds


def _calibrated(now: Records, score: DoubleArray) -> DoubleArray:
    found: DoubleArray = now["calibration"][:, 0] + now["calibration"][:, 1] * score
    return found


def _logistic(score: DoubleArray) -> DoubleArray:
    p: DoubleArray = 1.0 / (1.0 + np.exp(-np.maximum(score, -_MAX_LOGIT)))
    return p
