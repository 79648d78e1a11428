"""Columns of a chart, from the steps of a stream, and parts of the past."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from streamer.readings import Forecast, Step

MAX_KW = 1e12
"""Powers are clipped to this, so that every scale is finite."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the chart: a minute, or several of them.

    Attributes:
        at: event time of its beginning; None for the coming minute, an empty column, and where
            columns are not equally long, a gap.
        kw: power, in kW; None if there was no reading.
        mark_kw: point forecast for the same time, in kW; None if there was none.
        band_kw: low and high end of the forecast's band, in kW.
        gap: readings are missing here.
        alarm: an alarm was raised here.
        solar_kw: power of the solar panels, in kW; None if it is not measured.
    """

    at: datetime | None = None
    kw: float | None = None
    mark_kw: float | None = None
    band_kw: tuple[float, float] | None = None
    gap: bool = False
    alarm: bool = False
    solar_kw: float | None = None


@dataclass(frozen=True, slots=True)
class PastView:
    """A part of the past, or the newest minutes over another span than usual.

    Attributes:
        columns: columns for the widest possible chart, newest last.
        title: the span, for people, and its end if that is in the past.
        following: whether the newest minute is shown, and new ones as they arrive.
    """

    columns: tuple[Column, ...]
    title: str
    following: bool


def latest(steps: Sequence[Step], count: int) -> list[Column]:
    """The last `count` columns, one per step; the very last is for the coming minute.

    Columns without a step are empty. There are none before the first step.
    """
    if not steps:
        return []
    coming = steps[-1].forecast
    columns = deque(
        [Column(None, None, *_mark(coming), solar_kw=_solar(coming.solar_kw if coming else None))]
    )
    for step in reversed(steps):
        if len(columns) >= count:
            break
        at = step.reading.at
        raised = any(alarm.at == at for alarm in step.alarms)
        kw, solar_kw = clip(step.reading.kw), _solar(step.reading.solar_kw)
        mark = _mark(step.settled)
        columns.appendleft(Column(at, kw, *mark, alarm=raised, solar_kw=solar_kw))
        if step.gap_minutes and len(columns) < count:
            columns.appendleft(Column(gap=True))
    columns.extendleft(Column() for _ in range(count - len(columns)))
    return list(columns)


def _mark(forecast: Forecast | None) -> tuple[float | None, tuple[float, float] | None]:
    """Power in kW of a forecast's mark, and of the two ends of its band."""
    if forecast is None:
        return None, None
    return clip(forecast.point_kw), (clip(forecast.low_kw), clip(forecast.high_kw))


def _solar(kw: float | None) -> float | None:
    return None if kw is None else clip(kw)


def clip(kw: float) -> float:
    """A power in kW within the bounds of a scale."""
    return min(max(kw, -MAX_KW), MAX_KW)
