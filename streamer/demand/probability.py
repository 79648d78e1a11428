"""Probability that a demand interval exceeds a bound, with online calibration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from streamer.demand.distribution import RestDistribution
from streamer.demand.highest import RecentHighest
from streamer.demand.rest import Rest
from streamer.energy.ledger import MAX_KW
from streamer.readings.arrays import DoubleArray
from streamer.readings.saved import number, numbers

_DAY = 1440

Number = TypeVar("Number", float, DoubleArray)


class Weights(NamedTuple):
    """Weights of the logistic regression for "the interval exceeds the bound".

    Distances are from the mean over the rest that reaches the bound, in standard deviations of
    the forecast.

    Attributes:
        constant: intercept.
        quantiles: of the logit of the probability that follows from the forecast's quantiles.
        expected: of the distance of the expected mean over the rest.
        near: of the hyperbolic tangent of that distance.
        last: of the distance of the last reading, limited to half of one either way.
        left: of the share of the interval that is left, scaled to −1 … 1.
        left_quantiles: of the product of that and the first logit.
    """

    constant: float
    quantiles: float
    expected: float
    near: float
    last: float
    left: float
    left_quantiles: float


WEIGHTS = Weights(-0.57, 0.24, 0.51, 1.0, 0.98, -0.19, -0.12)
"""Fitted to quarter-hours of three houses, as docs/evaluation.md describes."""

SPANS_DAYS = (1, 3)
"""Days whose highest interval is a bound to learn from."""

PRIOR = (0.1, 0.02)
"""Variances of the intercept and the slope of the calibration before it has learnt."""

SHARE = 0.1
"""Weight of one minute in learning, since all minutes of an interval have the same outcome."""

MEMORY_DAYS = 200
"""Days in which the learnt variances grow by a factor e, up to those of the beginning."""

MIN_SCALE_KW = 0.02
SCALE_OF_BOUND = 0.02
"""Minimum standard deviation, in kW and as a share of the bound."""

_MAX_LOGIT, MAX_DISTANCE, MAX_LAST = 12.0, 12.0, 0.5
MIN_P = 1.0 / (1.0 + math.exp(_MAX_LOGIT))

_MAX_VARIANCE = 2.0 * max(PRIOR)
MAX_WEIGHT = 1e3
"""Bounds of a saved calibration; variances never exceed those of the beginning."""

PLAUSIBLE = 1.0
"""Widths of the upper half of the band above it up to which there is something to learn."""


class ExceedanceProbability:
    """Probability that the running demand interval exceeds a bound, calibrated online.

    A logistic regression on the forecast of the rest, and on top of it two numbers that are
    learnt from this stream, intercept and slope (Platt 1999, "Probabilistic outputs for support
    vector machines"), by recursive Bayesian updates of a Gaussian (Spiegelhalter and Lauritzen
    1990, "Sequential updating of conditional probabilities"). An interval that raises a month's
    peak is too rare to learn from, so the bounds that it learns from are the highest interval of
    the last day and of the last three days. A probability is calibrated if what it is given to
    comes true that often (Dawid 1982, "The well-calibrated Bayesian"; Gneiting, Balabdaoui and
    Raftery 2007, "Probabilistic forecasts, calibration and sharpness").

    Guarantee: between 0 and 1, and 1 once the known minutes alone exceed the bound. What breaks
    it: a house whose highest interval of a month comes about in another way than those of its
    days, such as by a car that charges twice a month.

    Args:
        minutes: length of the demand intervals.
        confidence: nominal coverage of the forecast's band, between 0 and 1.
        net: whether export is subtracted from import within an interval.
    """

    __slots__ = (
        "_covariance",
        "_distribution",
        "_far",
        "_growth",
        "_highest",
        "_intercept",
        "_lowest",
        "_minutes",
        "_net",
        "_seen",
        "_slope",
        "_variances",
    )

    def __init__(self, minutes: int, *, confidence: float, net: bool = False) -> None:
        self._minutes, self._net = minutes, net
        self._distribution = RestDistribution(confidence, net=net)
        # Most minutes are so far from the bound that all inputs but the time are at their ends.
        self._far = self._distribution.reach(MIN_P)
        self._lowest = [
            combined(-_MAX_LOGIT, -MAX_DISTANCE, math.tanh(-MAX_DISTANCE), -MAX_LAST, share)
            for share in (2.0 * left / minutes - 1.0 for left in range(minutes))
        ]
        a_day = _DAY // minutes
        self._growth = math.exp(1.0 / (MEMORY_DAYS * a_day))
        self._highest = [RecentHighest(days * a_day, a_day) for days in SPANS_DAYS]
        self._intercept, self._slope = 0.0, 1.0
        self._variances, self._covariance = PRIOR, 0.0
        self._seen: list[tuple[float, int, Rest, float]] = []

    def of(self, bound_kw: float, so_far: float, left: int, rest: Rest, last_kw: float) -> float:
        """The probability that the mean of the interval exceeds a bound.

        Args:
            bound_kw: the bound in kW, at least 0.
            so_far: sum of the interval's minutes so far in kW; those that are missing are taken
                to be as the others.
            left: minutes that are still to come, at least 1.
            rest: forecast of the mean grid power over them.
            last_kw: the last reading in kW.
        """
        need_kw = (bound_kw * self._minutes - so_far) / left
        if need_kw < 0.0 and not self._net:
            return 1.0
        score = self._score(bound_kw, need_kw, left, rest, last_kw)
        return _logistic(self._intercept + self._slope * score)

    def see(self, so_far: float, left: int, rest: Rest, last_kw: float) -> None:
        """Keep the forecast at one minute of the running interval, to learn from at its end.

        Args:
            so_far: sum of the interval's minutes so far in kW.
            left: minutes that are still to come, at least 1.
            rest: forecast of the mean grid power over them.
            last_kw: the last reading in kW.
        """
        self._seen.append((so_far, left, rest, last_kw))

    def end(self, kw: float | None) -> None:
        """Learn from the running interval, which is over.

        Args:
            kw: its mean in kW; None if minutes of it are missing, and nothing is learnt.
        """
        seen, self._seen = self._seen, []
        if kw is None:
            return
        for highest in self._highest:
            bound_kw = highest.kw
            if bound_kw:
                self._learn(bound_kw, seen, exceeded=kw > bound_kw)
            highest.add(kw)

    def state(self) -> dict[str, Any]:
        """Everything that the next probability depends on, as plain JSON values."""
        return {
            "calibration": [self._intercept, self._slope, *self._variances, self._covariance],
            "highest": [each.state() for each in self._highest],
            "seen": [[so_far, left, *rest, kw] for so_far, left, rest, kw in self._seen],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit, for which this one has to be new.

        Args:
            state: result of `state`, with the same settings.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged.
        """
        intercept, slope, *variances, covariance = numbers(state["calibration"], 5)
        first, second = variances
        if (
            not (0.0 < first <= _MAX_VARIANCE and 0.0 < second <= _MAX_VARIANCE)
            or max(abs(intercept), abs(slope)) > MAX_WEIGHT
        ):
            raise ValueError("the calibration is out of bounds")
        if covariance * covariance >= first * second:
            raise ValueError("the calibration's variances are not those of a distribution")
        self._intercept, self._slope = intercept, slope
        self._variances, self._covariance = (first, second), covariance
        for each, saved in zip(self._highest, state["highest"], strict=True):
            each.restore(saved)
        seen = [self._restored(each) for each in state["seen"]]
        if len(seen) >= self._minutes:
            raise ValueError(f"{len(seen)} minutes of a demand interval of {self._minutes}")
        self._seen = seen

    def _restored(self, saved: Any) -> tuple[float, int, Rest, float]:
        so_far, left, mean, median, low, high, last = found = numbers(saved, 7)
        if max(map(abs, found)) > self._minutes * MAX_KW:
            raise ValueError("a forecast of a demand interval is out of bounds")
        if not (left.is_integer() and 1 <= left < self._minutes):
            raise ValueError(f"{left} minutes left of {self._minutes}")
        return number(so_far), int(left), Rest(mean, median, low, high), last

    def _score(
        self, bound_kw: float, need_kw: float, left: int, rest: Rest, last_kw: float
    ) -> float:
        """The logit before calibration, where the rest has to have a mean of `need_kw`."""
        mean, median, low, high = rest
        scale = max(high - low, 0.0) * self._distribution.per_band
        scale += MIN_SCALE_KW + SCALE_OF_BOUND * bound_kw
        distance = (mean - need_kw) / scale
        last = (last_kw - need_kw) / scale
        if (
            distance <= -MAX_DISTANCE
            and last <= -MAX_LAST
            and need_kw >= high + self._far * (high - median)
        ):
            return self._lowest[left]
        p = self._distribution.exceedance(need_kw, rest)
        p = min(max(p, MIN_P), 1.0 - MIN_P)
        distance = min(max(distance, -MAX_DISTANCE), MAX_DISTANCE)
        return combined(
            math.log(p / (1.0 - p)),
            distance,
            math.tanh(distance),
            min(max(last, -MAX_LAST), MAX_LAST),
            2.0 * left / self._minutes - 1.0,
        )

    def _learn(
        self, bound_kw: float, seen: list[tuple[float, int, Rest, float]], *, exceeded: bool
    ) -> None:
        """Update the calibration by the minutes at which the outcome was open."""
        outcome = 1.0 if exceeded else 0.0
        total = bound_kw * self._minutes
        for so_far, left, rest, last_kw in seen:
            need_kw = (total - so_far) / left
            _, median, _, high = rest
            if need_kw > high + PLAUSIBLE * (high - median) or need_kw <= 0.0:
                continue
            score = self._score(bound_kw, need_kw, left, rest, last_kw)
            self._update(score, outcome)
        first, second = self._variances
        growth = min(self._growth, PRIOR[0] / first, PRIOR[1] / second)
        if growth > 1.0:
            self._variances = first * growth, second * growth
            self._covariance *= growth

    def _update(self, score: float, outcome: float) -> None:
        """One step of the recursive update, with the regressors 1 and `score`."""
        (first, second), both = self._variances, self._covariance
        p = _logistic(self._intercept + self._slope * score)
        weight = SHARE * p * (1.0 - p)
        along_first = first + both * score
        along_second = both + second * score
        factor = weight / (1.0 + weight * (along_first + score * along_second))
        first -= factor * along_first * along_first
        second -= factor * along_second * along_second
        both -= factor * along_first * along_second
        self._variances, self._covariance = (first, second), both
        error = SHARE * (outcome - p)
        self._intercept += error * (first + both * score)
        self._slope += error * (both + second * score)


def combined(logit: Number, distance: Number, near: Number, last: Number, share: Number) -> Number:
    """The logit before calibration, of one meter or of each of many.

    Args:
        logit: logit of the probability that follows from the forecast's quantiles.
        distance: distance of the expected mean over the rest from the one that reaches the bound.
        near: hyperbolic tangent of that.
        last: distance of the last reading.
        share: share of the interval that is left, scaled to −1 … 1.
    """
    constant, quantiles, expected, of_near, of_last, of_share, of_both = WEIGHTS
    return (
        constant
        + quantiles * logit
        + expected * distance
        + of_near * near
        + of_last * last
        + of_share * share
        + of_both * share * logit
    )


def _logistic(score: float) -> float:
    if score < -700.0:
        return 0.0
    return 1.0 / (1.0 + math.exp(-score))
