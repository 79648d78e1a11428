"""Adaptive alarm thresholds with a target event rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from streamer.readings.saved import count, number, whole

DAY = 1440
HOUR = 60

QUIET = 10
"""Readings below the threshold after which an event is over."""

_EAGER = 5.0
"""Factor on the step with which the first event raises a threshold; smaller for each further."""

STEADY = round(2.0 * (_EAGER - 1.0))
"""Events after which the step is constant."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Settings of one threshold.

    Attributes:
        share: target rate, in events a day.
        start: initial value.
        floor: minimum value; scores below it are an event in no house.
        caution: multiple of the threshold that sets off an event during the first day.
        margin: multiple of a score to which that raises the threshold during the first day.
        reach: bound on the threshold during the first day, as a multiple of its start.
        step: increase of the logarithm of the threshold per event, in the long run.
        adopts: whether an event of more than an hour raises the threshold to its score.
    """

    share: float
    start: float
    floor: float
    caution: float = 2.0
    margin: float = 1.0
    reach: float = 4.0
    step: float = 0.1
    adopts: bool = True

    def rise(self, events: int) -> float:
        """Increase of the logarithm of the threshold by an event, after so many others."""
        return self.step * max(1.0, _EAGER / (1.0 + 0.5 * events))

    def decay(self, events: int) -> float:
        """Factor on the threshold for each hour, after so many events."""
        return math.exp(-self.rise(events) * self.share / 24.0)


class AdaptiveThreshold:
    """Threshold on one score, exceeded at a target rate.

    Source: the quantile tracking of Angelopoulos, Candès and Tibshirani (2023, "Conformal
    PID control for time series prediction"), after Gibbs and Candès (2021, "Adaptive
    conformal inference under distribution shift"), on the logarithm of the threshold: each
    event adds a step, and each hour subtracts the step times an hour's share of an event.
    Exceedances with fewer than ten readings between them are one event, and a score that lasts
    for more than an hour becomes the threshold, unless the rule forbids it.

    Guarantee: for any readings, a score that is never more than ``r`` times the floor
    has no more than about ``share · days + ln(r) / step`` events after the first day, in
    which the threshold is learnt from the largest scores and only twice that is an event.

    What breaks it: nothing breaks the rate. But the rate is all that is controlled: an oddity
    that happens every day is soon treated as ordinary, and in a house where nothing ever
    happens, a small score above the floor sets off an event.

    Args:
        rule: settings of the threshold.

    >>> threshold = AdaptiveThreshold(Rule(share=0.5, start=2.0, floor=0.5))
    >>> threshold.exceeded(3.0, seen=5000), threshold.value > 3.0
    (1.5, True)
    """

    __slots__ = ("_events", "_last", "_rule", "_since", "value")

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self.value = rule.start
        self._events = 0
        self._since = self._last = -DAY

    def exceeded(self, score: float, seen: int) -> float | None:
        """Register a score above the threshold.

        Args:
            score: the score.
            seen: number of the reading.

        Returns:
            The score as a multiple of the threshold of an event; None below it.
        """
        rule, size = self._rule, score / self.value
        if seen <= DAY:
            size /= rule.caution
            self.value = max(self.value, min(rule.margin * score, rule.reach * rule.start))
            return size if size >= 1.0 else None
        if seen - self._last > QUIET:
            self.value *= math.exp(rule.rise(self._events))
            self._events += 1
            self._since = seen
        elif rule.adopts and seen - self._since > HOUR:
            self.value = score
        self._last = seen
        return size

    def close_hour(self) -> None:
        """Lower the threshold by an hour's share of an event."""
        rule = self._rule
        self.value = max(rule.floor, self.value * rule.decay(self._events))

    def state(self) -> list[float]:
        """Everything that `restore` needs, as plain JSON values."""
        return [self.value, self._events, self._since, self._last]

    def restore(self, state: Sequence[float]) -> None:
        """Continue from a saved state, bit for bit.

        Raises:
            TypeError, ValueError: the state is damaged; nothing has changed.
        """
        value, events, since, last = state
        if not number(value) > 0.0:
            raise ValueError(f"the threshold is {value}")
        self.value, self._events, self._since, self._last = (
            *(number(value), count(events)),
            *(whole(since), whole(last)),
        )
