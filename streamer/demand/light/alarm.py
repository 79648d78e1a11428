"""Alarm about the running demand intervals of many meters, with a monthly budget."""

from __future__ import annotations

import math

import numpy as np

from streamer.demand.settings import DemandRule
from streamer.demand.warning import (
    LATE,
    MIN_THRESHOLD,
    MONTH_MINUTES,
    AlarmThreshold,
    patient_score,
)
from streamer.readings.arrays import BoolArray, DoubleArray, IntArray, Records

STEP = 0.25
"""Amount by which a false alarm raises the logit of the threshold."""

LOGITS = (math.log(MIN_THRESHOLD / (1.0 - MIN_THRESHOLD)), 6.0)
"""Bounds of that logit."""


class LightThreshold:
    """Decides on alarms as `streamer.demand.warning.AlarmThreshold` does, for many meters at once.

    The threshold is not an order statistic of the scores of half a year, but tracks the same
    quantile online: a false alarm raises its logit by a step, and each complete interval lowers
    it by the step's share of the budget. It begins with that of a usual house.

    **Source.** Robbins and Monro 1951, "A stochastic approximation method"; Gibbs and Candès 2021,
    "Adaptive conformal inference under distribution shift".

    **Guarantee.** In any span of time, as many false alarms as the budget has and at most 28
    more, for any house: the range of the logit divided by the step. What breaks it: false alarms
    with a probability above 99.75 %, where the logit is bounded, and intervals with missing
    minutes, of which it is not known whether they exceed their bound.

    Args:
        rule: the intervals, and the number of alarms.

    Attributes:
        first: logit of the threshold of a new meter.
    """

    def __init__(self, rule: DemandRule) -> None:
        self._minutes, self._a_month = rule.minutes, rule.alarms_per_month
        self._share = rule.alarms_per_month * rule.minutes / MONTH_MINUTES
        usual = AlarmThreshold(rule.minutes, rule.alarms_per_month).threshold
        self.first = math.log(usual / (1.0 - usual))

    def raised(
        self, now: Records, p: DoubleArray, left: IntArray, knows_bound: BoolArray
    ) -> list[tuple[int, float]]:
        """Raise alarms, at most one about each interval.

        Args:
            now: (meters,) records, changed in place.
            p: (meters,) probabilities that the intervals exceed their bounds, NaN for none.
            left: (meters,) minutes of the intervals that are still to come.
            knows_bound: (meters,) whether their bounds are worth an alarm.

        Returns:
            Rows and sizes of the alarms.
        """
        found: list[tuple[int, float]] = []
        if not self._a_month:
            return found
        share = left / self._minutes
        asks = (p > MIN_THRESHOLD) & (share >= LATE) & knows_bound & ~now["raised"]
        for row in np.flatnonzero(asks).tolist():
            score = patient_score(float(p[row]), float(share[row]))
            threshold = 1.0 / (1.0 + math.exp(-float(now["threshold"][row])))
            if score > threshold:
                now["raised"][row] = True
                found.append((row, score / threshold))
        return found

    def end(self, now: Records, exceeded: BoolArray, known: BoolArray) -> None:
        """Learn from intervals that are over.

        Args:
            now: (meters,) records, changed in place.
            exceeded: (meters,) whether they exceeded their bounds.
            known: (meters,) whether that is known.
        """
        false = now["raised"] & ~exceeded
        moved = now["threshold"] + STEP * (false - self._share) * known
        now["threshold"] = np.clip(moved, *LOGITS)
        now["raised"] = False
