"""Columns of the chart, from the steps of a stream."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from streamer.readings import Forecast, Step

FORECAST_GLYPH = "•"

MAX_KW = 1e12
"""Powers are clipped to this, so that every scale is finite."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the chart: a minute, or several of them.

    Attributes:
        at: event time of its beginning; None for the coming minute, an empty column, and where
            columns are not equally long, a gap.
        kw: power, in kW; None if there was no reading.
        mark_kw: forecast for the same time, in kW; None if there was none.
        band_kw: low and high end of the forecast's band, in kW.
        gap: readings are missing here.
        alarm: an alarm was raised here.
    """

    at: datetime | None = None
    kw: float | None = None
    mark_kw: float | None = None
    band_kw: tuple[float, float] | None = None
    gap: bool = False
    alarm: bool = False


def latest(steps: Sequence[Step], count: int) -> list[Column]:
    """The last `count` columns, one per step; the very last is for the coming minute.

    Columns without a step are empty. There are none before the first step.
    """
    if not steps:
        return []
    columns = deque([Column(None, None, *_mark(steps[-1].forecast))])
    for step in reversed(steps):
        if len(columns) >= count:
            break
        at = step.reading.at
        raised = any(alarm.at == at for alarm in step.alarms)
        columns.appendleft(Column(at, _clip(step.reading.kw), *_mark(step.settled), alarm=raised))
        if step.gap_minutes and len(columns) < count:
            columns.appendleft(Column(gap=True))
    columns.extendleft(Column() for _ in range(count - len(columns)))
    return list(columns)


def _mark(forecast: Forecast | None) -> tuple[float | None, tuple[float, float] | None]:
    """Power in kW of a forecast's mark, and of the two ends of its band."""
    if forecast is None:
        return None, None
    return _clip(forecast.kw), (_clip(forecast.low_kw), _clip(forecast.high_kw))


def _clip(kw: float) -> float:
    return min(max(kw, -MAX_KW), MAX_KW)
