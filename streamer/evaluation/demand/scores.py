"""Scores of demand intervals and of the alarms about them, and their JSON form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from streamer.demand.scores import EDGES, SCORED
from streamer.demand.warning import patient_score
from streamer.evaluation.baselines import PERSISTENCE
from streamer.evaluation.demand.run import DemandRun
from streamer.evaluation.metrics import W, mean_square
from streamer.readings.arrays import BoolArray, DoubleArray
from streamer.readings.demand import ReliabilityBin

THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.8)
"""Probabilities above which an alarm is tried out."""

THEN_THRESHOLDS = (0.2, 0.3, 0.5)
"""The same for an alarm that is decided at the deadline alone."""

DEADLINES = (7 / 15, 1 / 3)
"""Shares of the interval that are left when an alarm has to be raised to count."""

CAUTIOUS = 0.9
"""Share of the bound at which a common rule of thumb raises its alarm."""


@dataclass(frozen=True)
class AlarmScore:
    """Alarms by one rule: at most one an interval, which counts if it is raised in time.

    Attributes:
        name: name of the rule.
        found: for each deadline, number of intervals that exceeded their bound, with an alarm.
        false_alarms: for each deadline, number of alarms in intervals that did not.
        brier: Brier score of the rule's probability a third of the interval after its start; of
            a rule without probabilities, of its decision then; None if another row has it.
    """

    name: str
    found: tuple[int, ...]
    false_alarms: tuple[int, ...]
    brier: float | None


@dataclass(frozen=True)
class IntervalScore:
    """Errors of one forecast of the mean of an interval.

    Attributes:
        name: the forecaster's.
        rmse_w: root mean squared error in W after each number of scored minutes.
    """

    name: str
    rmse_w: tuple[float, ...]


@dataclass(frozen=True)
class DemandEvaluation:
    """Scores of demand intervals by one model's forecasts, beside rules of thumb.

    Attributes:
        name: the forecaster's.
        in_sample: whether its model was trained on some of these minutes.
        minutes: length of the intervals.
        floor_kw: lowest peak that is charged, in kW.
        limit_kw: the bound in kW; None for the month's peak.
        alarms_per_month: budget of the alarm.
        intervals: number of complete intervals with a forecast at each minute.
        bounded: number of them with a bound.
        exceeded: number of those that exceeded it.
        deadlines: minutes left when an alarm has to be raised to count.
        scored: minutes after which the mean is forecast; the probability after the second.
        alarms: one score for each rule.
        brier: Brier score of the probability.
        base_brier: that of always the share of intervals that exceeded.
        reliability: bins of the probability, in rising order.
        means: errors of the mean.
        coverage: share of the means in the band after the second of the scored minutes.
    """

    name: str
    in_sample: bool
    minutes: int
    floor_kw: float
    limit_kw: float | None
    alarms_per_month: float
    intervals: int
    bounded: int
    exceeded: int
    deadlines: tuple[int, ...]
    scored: tuple[int, ...]
    alarms: tuple[AlarmScore, ...]
    brier: float | None
    base_brier: float | None
    reliability: tuple[ReliabilityBin, ...]
    means: tuple[IntervalScore, ...]
    coverage: float | None

    def to_json(self) -> dict[str, Any]:
        """The scores as plain JSON values; unknown ones are None.

        Returns:
            The attributes by name. One of ``alarms`` has ``name``, ``found``, ``false_alarms``
            and ``brier``; of ``reliability`` ``probability``, ``share`` and ``intervals``; of
            ``means`` ``name`` and ``rmse_w``.
        """
        bins = [each._asdict() for each in self.reliability]
        return {**asdict(self), "reliability": bins}


def assess_demand(run: DemandRun, name: str, *, in_sample: bool = False) -> DemandEvaluation:
    """Score the forecasts of demand intervals, and alarms by several rules.

    Args:
        run: the forecasts.
        name: name of the forecaster.
        in_sample: whether its model was trained on some of these minutes.
    """
    rule = run.rule
    scored = tuple(round(share * rule.minutes) for share in SCORED)
    bounded = ~np.isnan(run.bound_kw)
    exceeded = (run.mean_kw > run.bound_kw)[bounded]
    p = run.p[bounded, scored[1] - 1]
    known = bool(len(p))
    return DemandEvaluation(
        name=name,
        in_sample=in_sample,
        minutes=rule.minutes,
        floor_kw=rule.floor_kw,
        limit_kw=rule.limit_kw,
        alarms_per_month=rule.alarms_per_month,
        intervals=len(run.mean_kw),
        bounded=len(exceeded),
        exceeded=int(exceeded.sum()),
        deadlines=_deadlines(run),
        scored=scored,
        alarms=tuple(_alarms(run, bounded, scored[1])),
        brier=mean_square(p - exceeded) if known else None,
        base_brier=float(exceeded.var()) if known else None,
        reliability=tuple(_reliability(p, exceeded)),
        means=tuple(_means(run, name, scored)),
        coverage=_coverage(run, scored[1]),
    )


def _deadlines(run: DemandRun) -> tuple[int, ...]:
    return tuple(round(share * run.rule.minutes) for share in DEADLINES)


def _alarms(run: DemandRun, bounded: BoolArray, third: int) -> Iterator[AlarmScore]:
    """The scores of all rules, over the intervals with a bound."""
    bound_kw = run.bound_kw[bounded, None]
    exceeded = run.mean_kw[bounded] > bound_kw[:, 0]
    last_kw, p = run.last_kw[bounded], run.p[bounded]

    def score(
        name: str, alarm: BoolArray, brier: float | None = None, *, then: bool = False
    ) -> AlarmScore:
        in_time = [run.left == each if then else run.left >= each for each in _deadlines(run)]
        raised = [alarm[:, each].any(axis=1) for each in in_time]
        return AlarmScore(
            name,
            tuple(int((each & exceeded).sum()) for each in raised),
            tuple(int((each & ~exceeded).sum()) for each in raised),
            brier,
        )

    def decided(name: str, alarm: BoolArray) -> AlarmScore:
        wrong = alarm[:, third - 1] != exceeded
        return score(name, alarm, float(wrong.mean()) if len(wrong) else None)

    yield decided(f"last reading × {CAUTIOUS}", last_kw > CAUTIOUS * bound_kw)
    yield decided("last reading", last_kw > bound_kw)
    yield decided("mean forecast", run.kw[bounded] > bound_kw)
    for threshold in THRESHOLDS:
        yield score(f"probability above {threshold}", p > threshold)
    waiting = np.array(
        [
            [patient_score(each, left / run.rule.minutes) for each in column.tolist()]
            for column, left in zip(p.T, run.left.tolist(), strict=True)
        ]
    ).T
    for threshold in THRESHOLDS:
        yield score(f"the same, waiting, above {threshold}", waiting > threshold)
    for threshold in THEN_THRESHOLDS:
        yield score(f"the same, then, above {threshold}", p > threshold, then=True)
    raised = run.warned_left[bounded, None] >= run.left
    yield score(f"alarm, {run.rule.alarms_per_month:g} false a month", raised)


def _reliability(p: DoubleArray, exceeded: BoolArray) -> Iterator[ReliabilityBin]:
    bins = np.digitize(p, EDGES)
    for each in np.unique(bins):
        inside = bins == each
        yield ReliabilityBin(
            float(p[inside].mean()), float(exceeded[inside].mean()), int(inside.sum())
        )


def _means(run: DemandRun, name: str, scored: tuple[int, ...]) -> Iterator[IntervalScore]:
    if not len(run.mean_kw):
        return
    columns = np.array(scored) - 1
    for title, kw in ((name, run.kw), (PERSISTENCE, run.last_kw)):
        errors = run.mean_kw[:, None] - kw[:, columns]
        yield IntervalScore(title, tuple((W * np.sqrt(np.square(errors).mean(axis=0))).tolist()))


def _coverage(run: DemandRun, passed: int) -> float | None:
    if not len(run.mean_kw):
        return None
    low, high = run.low_kw[:, passed - 1], run.high_kw[:, passed - 1]
    return float(((low <= run.mean_kw) & (run.mean_kw <= high)).mean())
