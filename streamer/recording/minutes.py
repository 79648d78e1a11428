"""Minutes and events as rows of a recording, made when they arrive and written when possible."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from streamer.readings import Alarm, Step
from streamer.recording.rows import seconds_of

AlarmKey: TypeAlias = tuple[int, str]
"""Time and kind of an alarm, which together are unique."""


@dataclass(frozen=True, slots=True)
class Minute:
    """A step as rows, made when it arrives and written when possible.

    Attributes:
        at: the reading's time in Unix seconds.
        row: its row of `steps`.
        raised: rows of `alarms` for new alarms.
        over: alarms that have ended.
    """

    at: int
    row: tuple[float | None, ...]
    raised: tuple[tuple[int, str, str, float], ...]
    over: tuple[AlarmKey, ...]


@dataclass(frozen=True, slots=True)
class EventRow:
    """A row of `events`."""

    at: int
    kind: str
    text: str


def minute_of(step: Step, on: Iterable[AlarmKey]) -> tuple[Minute, list[AlarmKey]]:
    """Convert a step to rows; returns them and the alarms that are active with it.

    Args:
        step: a step whose reading's time has a zone.
        on: the alarms that were active before it.

    Raises:
        RecordError: the time cannot be recorded.
    """
    reading, settled, forecast = step.reading, step.settled, step.forecast
    at, utc_offset = seconds_of(reading.at)
    row = (
        at,
        utc_offset,
        reading.kw,
        reading.solar_kw,
        reading.battery_kw,
        *(
            (None,) * 5
            if settled is None
            else (settled.kw, settled.low_kw, settled.high_kw, settled.median_kw, settled.frozen_kw)
        ),
        *(
            (None,) * 6
            if forecast is None
            else (
                forecast.kw,
                forecast.low_kw,
                forecast.high_kw,
                forecast.median_kw,
                forecast.consumption_kw,
                forecast.solar_kw,
            )
        ),
        step.gap_minutes,
    )
    alarms = {(seconds_of(alarm.at)[0], alarm.kind): alarm for alarm in step.alarms}
    before = list(on)
    raised = tuple(
        (*key, alarm.text, _size(alarm)) for key, alarm in alarms.items() if key not in before
    )
    over = tuple(key for key in before if key not in alarms)
    return Minute(at, row, raised, over), list(alarms)


def _size(alarm: Alarm) -> float:
    # SQLite has no NaN, and would reject the row.
    return math.inf if math.isnan(alarm.size) else alarm.size
