"""Limits that find their own level: so many events a day, in any house."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

DAY = 1440
HOUR = 60

QUIET = 10
"""Readings below the limit after which an event is over."""

_EAGER = 5.0
"""How many times its step the first event raises a limit by; each further one less."""

STEADY = round(2.0 * (_EAGER - 1.0))
"""Events after which the step stays what it is."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How one limit behaves.

    Attributes:
        share: events a day that it settles at.
        start: where it starts.
        floor: the least it may be: what is below is an event in no house.
        caution: how many times the limit sets off an event during the first day.
        reach: what the first day may raise the limit to, as a multiple of its start.
        step: what an event adds to the logarithm of the limit, in the long run.
        adopts: whether what goes on for more than an hour is ordinary from then on.
    """

    share: float
    start: float
    floor: float
    caution: float = 2.0
    reach: float = 4.0
    step: float = 0.1
    adopts: bool = True

    def rise(self, events: int) -> float:
        """What an event that follows so many others adds to the logarithm of the limit."""
        return self.step * max(1.0, _EAGER / (1.0 + 0.5 * events))

    def wane(self, events: int) -> float:
        """What an hour multiplies the limit by after so many events."""
        return math.exp(-self.rise(events) * self.share / 24.0)


class AdaptiveThreshold:
    """A limit on one score, which only so many scores a day shall exceed.

    Source: the quantile tracking of Angelopoulos, Candès and Tibshirani (2023, "Conformal
    PID control for time series prediction"), after Gibbs and Candès (2021, "Adaptive
    conformal inference under distribution shift"), on the logarithm of the limit: each
    event adds a step, and each hour takes away the step times an hour's share of an event.
    Exceedances with fewer than ten readings between them are one event, and what goes on
    for more than an hour is ordinary from then on, unless the rule says otherwise.

    Guarantee: whatever the readings, a score that is never more than ``r`` times the floor
    has no more than about ``share · days + ln(r) / step`` events after the first day, in
    which the limit is learnt from the largest scores and only twice that is an event.

    What breaks it: nothing breaks the count. But the count is all it is about: an odd thing
    that happens every day is soon taken for ordinary, and in a house where nothing ever
    happens, something small will set it off, if it is above the floor.

    Args:
        rule: share, start and floor.

    >>> limit = AdaptiveThreshold(Rule(share=0.5, start=2.0, floor=0.5))
    >>> limit.exceeded(3.0, seen=5000), limit.value > 3.0
    (1.5, True)
    """

    __slots__ = ("_events", "_last", "_rule", "_since", "value")

    def __init__(self, rule: Rule) -> None:
        self._rule = rule
        self.value = rule.start
        self._events = 0
        self._since = self._last = -DAY

    def exceeded(self, score: float, seen: int) -> float | None:
        """Take note of a score above the limit.

        Args:
            score: the score.
            seen: which reading it is of.

        Returns:
            The score as a multiple of what sets off an event, or None if it is none.
        """
        rule, size = self._rule, score / self.value
        if seen <= DAY:
            size /= rule.caution
            self.value = max(self.value, min(score, rule.reach * rule.start))
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
        """Lower the limit by an hour's share of an event."""
        rule = self._rule
        self.value = max(rule.floor, self.value * rule.wane(self._events))

    def state(self) -> list[float]:
        """What `restore` needs, as plain JSON values."""
        return [self.value, self._events, self._since, self._last]

    def restore(self, state: Sequence[float]) -> None:
        """Go on from what `state` gave, bit for bit."""
        self.value = float(state[0])
        self._events, self._since, self._last = (int(number) for number in state[1:])
