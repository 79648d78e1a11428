"""Immutable values of a stream, arrays of them, the ring buffer, gap rules, and order.

Sources return `Reading` and `Notice`, and a live meter also `Link` and `Sample`. The pipeline
makes a `Step` of each reading. Sinks receive all of these, and `About` and `Vitals`, which are
defined in `streamer.sinks.items` and can be imported from here as well.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from streamer.readings.demand import (
    DemandForecast,
    DemandScores,
    QuarterHour,
    ReliabilityBin,
    SettledDemand,
    SwitchingEvent,
)
from streamer.readings.means import HorizonScores, MeanForecast, MeanScores, NextMeans, SettledMean
from streamer.readings.scores import BandScores, ErrorScores, Lead, PointScores, Scores, skill
from streamer.readings.steps import Adaptation, Alarm, Counts, Forecast, Step
from streamer.readings.values import (
    CHANNELS,
    MINUTE,
    CounterSample,
    Link,
    Notice,
    Reading,
    Sample,
)

__all__ = [
    "CHANNELS",
    "MINUTE",
    "Adaptation",
    "Alarm",
    "BandScores",
    "CounterSample",
    "Counts",
    "DemandForecast",
    "DemandScores",
    "ErrorScores",
    "Forecast",
    "HorizonScores",
    "Lead",
    "Link",
    "MeanForecast",
    "MeanScores",
    "NextMeans",
    "Notice",
    "PointScores",
    "QuarterHour",
    "Reading",
    "ReliabilityBin",
    "Sample",
    "Scores",
    "SettledDemand",
    "SettledMean",
    "Step",
    "SwitchingEvent",
    "skill",
]

_SINK_VALUES = ("About", "Vitals")


def __getattr__(name: str) -> Any:
    if name == "Errors":  # the name of `ErrorScores` up to version 0.1
        return ErrorScores
    if name not in _SINK_VALUES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("streamer.sinks.items"), name)
