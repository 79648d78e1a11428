"""Demand intervals and switching events as rows of a recording."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TypeAlias

from streamer.readings import Step
from streamer.readings.demand import DemandForecast, SettledDemand, SwitchingEvent
from streamer.recording.rows import seconds_of

_Row: TypeAlias = tuple[float | None, ...]

_INTERVAL = ("at", "minutes")
_SETTLED = (
    "utc_offset",
    "kw",
    "export_kw",
    "unknown_minutes",
    "bound_kw",
    "exceeded",
    "warned_at",
)
_FORECAST = ("utc_offset", "forecast_kw", "low_kw", "high_kw", "p_raises_peak")


@dataclass(frozen=True, slots=True)
class DemandRows:
    """Rows of a step, each of which replaces what was recorded of the same before.

    Attributes:
        settled: values of `demand_intervals` for intervals that are over.
        forecasts: those of its forecast, a third of an interval after its start.
        switched: rows of `switching_events`.
    """

    settled: tuple[_Row, ...] = ()
    forecasts: tuple[_Row, ...] = ()
    switched: tuple[_Row, ...] = ()


_NOTHING = DemandRows()


def demand_rows_of(step: Step) -> DemandRows:
    """Convert what a step says of demand intervals and loads.

    Raises:
        RecordError: a time cannot be recorded.
    """
    demand = step.demand
    forecasts = () if demand is None else _forecast(demand)
    if not (forecasts or step.settled_demand or step.switched):
        return _NOTHING
    return DemandRows(
        tuple(map(_settled, step.settled_demand)), forecasts, tuple(map(_switched, step.switched))
    )


def write_demand(connection: sqlite3.Connection, rows: DemandRows) -> None:
    """Write rows, within a transaction.

    Raises:
        sqlite3.Error: they cannot be written.
    """
    if rows is _NOTHING:
        return
    connection.executemany(_WRITE_SETTLED, rows.settled)
    connection.executemany(_WRITE_FORECAST, rows.forecasts)
    for at, kw, off_at in rows.switched:
        connection.execute(_FORGET_SWITCHED, (at, off_at))
        connection.execute(_WRITE_SWITCHED, (at, kw, off_at))


def _upsert(table: str, key: tuple[str, ...], values: tuple[str, ...]) -> str:
    """A statement that writes some columns of a row, and leaves the others as they are."""
    columns = key + values
    places = ", ".join("?" * len(columns))
    changes = ", ".join(f"{name} = excluded.{name}" for name in values)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608 - constants
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"
    )


_WRITE_SETTLED = _upsert("demand_intervals", _INTERVAL, _SETTLED)
_WRITE_FORECAST = _upsert("demand_intervals", _INTERVAL, _FORECAST)
_WRITE_SWITCHED = "INSERT INTO switching_events (at, kw, off_at) VALUES (?, ?, ?)"
_FORGET_SWITCHED = "DELETE FROM switching_events WHERE at = ? AND (off_at IS NULL OR off_at = ?)"
"""For a load that was reported as on, since it comes again when it is off."""


def _settled(demand: SettledDemand) -> _Row:
    at, minutes, utc_offset = _span(demand)
    return (
        at,
        minutes,
        utc_offset,
        demand.kw,
        demand.export_kw,
        demand.unknown_minutes,
        demand.bound_kw,
        demand.exceeded,
        None if demand.warned_at is None else seconds_of(demand.warned_at)[0],
    )


def _forecast(demand: DemandForecast) -> tuple[_Row, ...]:
    """The row of a forecast with a band, if it is of a third of the interval after its start."""
    if demand.low_kw is None:
        return ()
    at, minutes, utc_offset = _span(demand)
    if 3 * demand.minutes_left != 2 * minutes:
        return ()
    values = demand.kw, demand.low_kw, demand.high_kw, demand.p_raises_peak
    return ((at, minutes, utc_offset, *values),)


def _span(demand: SettledDemand | DemandForecast) -> tuple[int, int, int]:
    """Start in Unix seconds, length in minutes, and offset from UTC in seconds."""
    at, utc_offset = seconds_of(demand.start)
    return at, (seconds_of(demand.end)[0] - at) // 60, utc_offset


def _switched(event: SwitchingEvent) -> _Row:
    off_at = None if event.off_at is None else seconds_of(event.off_at)[0]
    return seconds_of(event.on_at)[0], event.kw, off_at
