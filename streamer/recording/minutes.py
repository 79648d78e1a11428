"""Minutes and events as rows of a recording, made when they arrive and written when possible."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from streamer.readings import Alarm, NextMeans, Step
from streamer.readings.meterdemand import MeterDemand
from streamer.recording.demandrows import DemandRows, demand_rows_of
from streamer.recording.racerows import MAX_KW, RaceRow, race_row_of
from streamer.recording.rows import seconds_of
from streamer.recording.schema import MAX_MINUTES, PER_KW

AlarmKey: TypeAlias = tuple[int, str]
"""Time and kind of an alarm, which together are unique."""


@dataclass(frozen=True, slots=True)
class Minute:
    """A step as rows, made when it arrives and written when possible.

    Attributes:
        at: the reading's time in Unix seconds.
        row: its row of `steps`.
        channels: the values of its channels.
        means: rows of `mean_forecasts`.
        challengers: names of the challengers, and their values of `challenger_forecasts`.
        demand: rows of demand intervals and switching events.
        registers: demand registers of the meter; None if it has none.
        raised: rows of `alarms` for new alarms.
        over: alarms that have ended.
    """

    at: int
    row: tuple[float | None, ...]
    channels: tuple[float, ...]
    means: tuple[tuple[int, ...], ...]
    challengers: tuple[RaceRow, ...]
    demand: DemandRows
    registers: MeterDemand | None
    raised: tuple[tuple[int, str, str, float], ...]
    over: tuple[AlarmKey, ...]


@dataclass(frozen=True, slots=True)
class EventRow:
    """A row of `events`."""

    at: int
    kind: str
    text: str


def minute_of(
    step: Step, on: Iterable[AlarmKey], horizons: Collection[int] = ()
) -> tuple[Minute, list[AlarmKey]]:
    """Convert a step to rows; returns them and the alarms that are active with it.

    Args:
        step: a step whose reading's time has a zone.
        on: the alarms that were active before it.
        horizons: minutes of the means whose forecasts are recorded.

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
    means = () if step.next_means is None else _means(at, step.next_means, horizons)
    household = demand_rows_of(step), reading.meter_demand
    challengers = tuple(map(race_row_of, step.challengers))
    minute = Minute(at, row, reading.channels, means, challengers, *household, raised, over)
    return minute, list(alarms)


def _means(at: int, means: NextMeans, horizons: Collection[int]) -> tuple[tuple[int, ...], ...]:
    """The rows of `mean_forecasts` with finite values."""
    rows = []
    for place, minutes in enumerate(means.minutes):
        if minutes in horizons and minutes <= MAX_MINUTES:
            values = means.values[place].tolist()
            if all(abs(kw) < MAX_KW for kw in values):
                rows.append((at, minutes, *(round(PER_KW * kw) for kw in values)))
    return tuple(rows)


def _size(alarm: Alarm) -> float:
    # SQLite has no NaN, and would reject the row.
    return math.inf if math.isnan(alarm.size) else alarm.size
