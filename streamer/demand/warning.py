"""Alarm threshold for demand intervals, with a monthly budget of false alarms."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import deque
from collections.abc import Mapping
from typing import Any

from streamer.readings.saved import count, number

MONTH_MINUTES = 30 * 1440

HURRY = 7.0 / 15.0
"""Share of the interval that is left from which on an alarm should not wait."""

LATE = 3.0 / 15.0
"""Share of the interval that is left below which an alarm comes too late to be of use."""

PATIENCE = 2.0
"""Amount by which the logit of the probability is lowered at the beginning of the interval."""

MIN_THRESHOLD = 0.25
"""Minimum threshold, so that an alarm is not false more than about three times in four."""

KEPT_MONTHS = 6
"""Months whose false alarms the threshold is found from."""

_USUAL = (0.89, 0.75, 0.62, 0.52, 0.45, 0.38, 0.32, 0.28)
_USUAL_MONTHS = 2.0
"""Highest scores of intervals below their bound in two months of a usual house, falling."""

_MAX_KEPT = 2000
_MIN_P = 1e-9


class AlarmThreshold:
    """Decides on the alarm of each demand interval, from the probability that it exceeds.

    An alarm can wait as long as the peak can still be avoided, and a minute later the probability
    is sharper. So the logit of the probability is lowered early in the interval, less and less
    until about half of it is left: a boundary that falls with time, as in optimal stopping. The
    score that results is compared with a threshold, an empirical quantile of the highest scores
    of the intervals of the last months that stayed below their bound: as many exceed it as the
    budget has false alarms. These intervals count whether or not there was an alarm, so that the
    threshold does not depend on its own past. Until there are two months, a usual house serves
    for the remainder.

    Guarantee: a month that is exchangeable with the last ones has on average no more false alarms
    than the budget (as in split conformal prediction, Vovk, Gammerman and Shafer 2005), and fewer
    where the quantile is below `MIN_THRESHOLD`. What breaks it: a change of the house, for some
    months, and the first two months of an unusual one.

    Args:
        minutes: length of the demand intervals.
        a_month: false alarms that are accepted in 30 days; 0 for no alarms.

    Attributes:
        threshold: value that the score has to exceed.

    >>> alarm = AlarmThreshold(15, a_month=3)
    >>> [alarm.raises(p, left) for p, left in ((0.5, 14), (0.8, 13), (0.9, 12))]
    [False, True, False]
    """

    __slots__ = (
        "_a_month",
        "_best",
        "_ended",
        "_false",
        "_minutes",
        "_month",
        "_raised",
        "_scores",
        "threshold",
    )

    def __init__(self, minutes: int, a_month: float) -> None:
        self._minutes, self._a_month = minutes, a_month
        self._month = MONTH_MINUTES // minutes
        # Number and best score of intervals that stayed below their bound, oldest first.
        self._false: deque[tuple[int, float]] = deque()
        # The scores alone, in rising order.
        self._scores: list[float] = []
        self._ended = 0
        self._best, self._raised = 0.0, False
        self.threshold = self._found()

    def raises(self, p: float, left: int) -> bool:
        """Whether to raise an alarm at this minute of the running interval: once at most.

        Args:
            p: probability that the interval exceeds its bound.
            left: minutes of it that are still to come.
        """
        share = left / self._minutes
        if p <= MIN_THRESHOLD or share < LATE:
            return False
        score = patient_score(p, share)
        if score > self._best:
            self._best = score
        if self._raised or not self._a_month or score <= self.threshold:
            return False
        self._raised = True
        return True

    def end(self, exceeded: bool | None) -> None:
        """End the running interval.

        Args:
            exceeded: whether it exceeded its bound; None if that is not known.
        """
        best, self._best, self._raised = self._best, 0.0, False
        if exceeded is None:
            return
        self._ended += 1
        false, scores = self._false, self._scores
        if not exceeded and best > MIN_THRESHOLD:
            false.append((self._ended, best))
            insort(scores, best)
        oldest = self._ended - KEPT_MONTHS * self._month
        while false and (false[0][0] <= oldest or len(false) > _MAX_KEPT):
            del scores[bisect_left(scores, false.popleft()[1])]
        self.threshold = self._found()

    def state(self) -> dict[str, Any]:
        """Everything that the next alarm depends on, as plain JSON values."""
        return {
            "ended": self._ended,
            "false": [list(each) for each in self._false],
            "best": self._best,
            "raised": self._raised,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, for which this one has to be new.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged.
        """
        self._ended = count(state["ended"])
        false = [(count(at), number(score)) for at, score in state["false"]]
        if len(false) > _MAX_KEPT or any(not 0.0 < score <= 1.0 for _, score in false):
            raise ValueError("the scores of false alarms are damaged")
        at = [each for each, _ in false]
        if at != sorted(set(at)) or (at and at[-1] > self._ended):
            raise ValueError("the false alarms are not in order")
        self._false = deque(false)
        self._best = number(state["best"])
        if not 0.0 <= self._best <= 1.0:
            raise ValueError(f"the best score of a demand interval is {self._best}")
        if not isinstance(state["raised"], bool):
            raise TypeError(f"{state['raised']!r:.40} is not true or false")
        self._raised = state["raised"]
        self._scores = sorted(score for _, score in false)
        self.threshold = self._found()

    def _found(self) -> float:
        """The threshold of the intervals so far."""
        months = min(self._ended / self._month, KEPT_MONTHS)
        allowed = self._a_month * max(months, _USUAL_MONTHS)
        scores = self._scores
        if months >= _USUAL_MONTHS:
            place = math.ceil(allowed)
            return scores[-place] if 0 < place <= len(scores) else MIN_THRESHOLD
        weight = 1.0 - months / _USUAL_MONTHS
        both = [(score, 1.0) for score in scores] + [(score, weight) for score in _USUAL]
        above = 0.0
        for score, each in sorted(both, reverse=True):
            above += each
            if above >= allowed:
                return score
        return MIN_THRESHOLD


def patient_score(p: float, share: float) -> float:
    """A probability, lowered early in the interval, when an alarm can still wait.

    Args:
        p: the probability.
        share: share of the interval that is left.

    >>> [round(patient_score(0.8, share), 2) for share in (1.0, 0.8, 7 / 15, 0.2)]
    [0.35, 0.53, 0.8, 0.8]
    """
    if share <= HURRY:
        return p
    p = min(max(p, _MIN_P), 1.0 - _MIN_P)
    logit = math.log(p / (1.0 - p)) - PATIENCE * (share - HURRY) / (1.0 - HURRY)
    return 1.0 / (1.0 + math.exp(-logit))
