"""Evaluation of demand intervals: alarms, probability and mean, beside rules of thumb."""

from streamer.evaluation.demand.run import DemandRun, run_demand
from streamer.evaluation.demand.scores import (
    AlarmScore,
    DemandEvaluation,
    IntervalScore,
    assess_demand,
)

__all__ = [
    "AlarmScore",
    "DemandEvaluation",
    "DemandRun",
    "IntervalScore",
    "assess_demand",
    "run_demand",
]
