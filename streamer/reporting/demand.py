"""Recorded demand intervals: those of a period, the peaks of the last months, and the warnings."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from streamer.readings.arrays import DoubleArray
from streamer.recording.database import InvalidValueError
from streamer.recording.demandread import length_of, warning_of
from streamer.recording.registers import meter_peaks
from streamer.recording.rows import finite, time_of
from streamer.recording.schema import AT_LEAST_KW

_SPAN_S = 400 * 86_400
"""Time in which thirteen months are: those of a year, and the running one."""

METER_MINUTES = 15
"""Length of the intervals whose peaks a meter has."""

_MAX_INTERVALS = 5_000
"""Rows read of a period: a month has some 3,000 quarter-hours."""
_MAX_ROWS = 50_000
"""Those of the warnings and the probabilities of thirteen months."""
_MAX_KW = 1e9

_OVER = "FROM demand_intervals WHERE kw IS NOT NULL AND minutes = ? AND at >= ? AND at < ?"
_MONTH = "strftime('%Y-%m', at + utc_offset, 'unixepoch')"
_SINCE = f"{_OVER} AND {_MONTH} >= ?"
_MONTHS = f"""
SELECT max({AT_LEAST_KW}), at, utc_offset, unknown_minutes, count(*),
  total(unknown_minutes > 0), total(exceeded = 1 AND warned_at IS NOT NULL),
  total(exceeded = 0 AND warned_at IS NOT NULL), total(exceeded = 1 AND warned_at IS NULL)
{_SINCE} GROUP BY {_MONTH} ORDER BY at LIMIT ?
"""


class Interval(NamedTuple):
    """A demand interval that is over.

    Attributes:
        at: its first minute in Unix seconds.
        kw: mean import of its measured minutes in kW.
        unknown_minutes: minutes of it that were not measured.
        bound_kw: what it should not exceed in kW; None if there was nothing.
        exceeded: whether it did; None if that is not known.
        warned_at: the reading at which its alarm was raised; None without one.
    """

    at: int
    kw: float
    unknown_minutes: int
    bound_kw: float | None
    exceeded: bool | None
    warned_at: int | None


class MonthPeak(NamedTuple):
    """The highest demand interval of a month, and the warnings of the month.

    Attributes:
        kw: its mean import in kW, or the least that it can have been.
        at: its first minute, in the house's zone.
        incomplete: whether minutes of it were not measured.
        intervals: number of intervals of the month.
        unknown: those of them with minutes that were not measured.
        found: intervals that exceeded their bound and were warned about.
        false_alarms: intervals that were warned about and did not exceed it.
        missed: intervals that exceeded it without a warning.
        by_meter: whether the meter itself has this peak.
    """

    kw: float
    at: datetime
    incomplete: bool
    intervals: int
    unknown: int
    found: int
    false_alarms: int
    missed: int
    by_meter: bool = False


@dataclass(frozen=True, eq=False)
class Foreseen:
    """Complete intervals with a forecast after a third of them.

    Attributes:
        kw: (intervals,) what came, in kW.
        forecast_kw: (intervals,) what was expected.
        low_kw: (intervals,) lower ends of the bands.
        high_kw: (intervals,) upper ends.
        probability: (intervals,) probability of exceeding the bound; NaN without one.
        exceeded: (intervals,) 1 where it was exceeded, else 0; NaN without a bound.
    """

    kw: DoubleArray
    forecast_kw: DoubleArray
    low_kw: DoubleArray
    high_kw: DoubleArray
    probability: DoubleArray
    exceeded: DoubleArray


@dataclass(frozen=True, eq=False)
class Demand:
    """Demand intervals of one length.

    Attributes:
        minutes: the length.
        intervals: those that began in the period, in order of time.
        months: peaks of the last months up to that of the last interval, in order of time.
        leads: minutes that were left of each interval that was warned about and exceeded its
            bound, when it was warned about; of the same months.
        foreseen: those of the same months with a forecast.
    """

    minutes: int
    intervals: tuple[Interval, ...]
    months: tuple[MonthPeak, ...]
    leads: tuple[int, ...]
    foreseen: Foreseen


def read_demand(connection: sqlite3.Connection, start: int, end: int) -> Demand | None:
    """Read the demand intervals, of the length that was recorded last before the end of a period.

    Args:
        connection: connection to the recording.
        start: beginning of the period in Unix seconds.
        end: its end, excluded.

    Returns:
        None if none is recorded.

    Raises:
        InvalidValueError, TypeError, ValueError: there are values that no recorder writes.
    """
    last = connection.execute(
        "SELECT minutes, at, utc_offset FROM demand_intervals WHERE kw IS NOT NULL AND at < ?"
        " ORDER BY at DESC LIMIT 1",
        (end,),
    ).fetchone()
    if last is None:
        return None
    minutes, month = length_of(last[0]), time_of(*last[1:])
    rows = connection.execute(
        f"SELECT at, minutes, kw, unknown_minutes, bound_kw, exceeded, warned_at {_OVER}"
        " ORDER BY at LIMIT ?",
        (minutes, start, end, _MAX_INTERVALS + 1),
    ).fetchall()
    if len(rows) > _MAX_INTERVALS:
        raise InvalidValueError("it has several demand intervals for a minute")
    span = minutes, end - _SPAN_S, end, f"{month.year - 1:04}-{month.month:02}"
    months = connection.execute(_MONTHS, (*span, _MAX_ROWS)).fetchall()
    leads = connection.execute(
        f"SELECT minutes - 1 - (warned_at - at) / 60 {_SINCE}"
        " AND exceeded = 1 AND warned_at BETWEEN at AND at + 60 * (minutes - 1) LIMIT ?",
        (*span, _MAX_ROWS),
    )
    return Demand(
        minutes,
        tuple(_interval(*row) for row in rows),
        _with_meter([_month(*row) for row in months], connection, span),
        tuple(int(left) for (left,) in leads),
        _foreseen(connection, span),
    )


def _interval(
    at: Any,
    minutes: int,
    kw: object,
    unknown: Any,
    bound_kw: object,
    exceeded: object,
    warned_at: object,
) -> Interval:
    time_of(at, 0)
    return Interval(
        at,
        _power(kw),
        int(unknown),
        finite(bound_kw),
        None if exceeded is None else bool(exceeded),
        None if warned_at is None else warning_of(at, minutes, warned_at),
    )


def _month(kw: object, at: Any, utc_offset: Any, unknown: Any, *counts: float) -> MonthPeak:
    intervals, incomplete, found, false_alarms, missed = map(int, counts)
    return MonthPeak(
        _power(kw),
        time_of(at, utc_offset),
        unknown > 0,
        intervals,
        incomplete,
        found,
        false_alarms,
        missed,
    )


def _with_meter(
    months: list[MonthPeak], connection: sqlite3.Connection, span: tuple[int, int, int, str]
) -> tuple[MonthPeak, ...]:
    """The peaks of months, with those of the meter where it has them."""
    minutes, _, end, first = span
    found = {f"{month.at:%Y-%m}": month for month in months}
    for at, kw in meter_peaks(connection, end) if minutes == METER_MINUTES else ():
        month = f"{at:%Y-%m}"
        if month >= first:
            known = found.get(month, MonthPeak(kw, at, False, 0, 0, 0, 0, 0))
            found[month] = known._replace(
                kw=min(kw, _MAX_KW), at=at, incomplete=False, by_meter=True
            )
    return tuple(found[month] for month in sorted(found))


def _foreseen(connection: sqlite3.Connection, span: tuple[int, int, int, str]) -> Foreseen:
    rows = connection.execute(
        f"SELECT kw, forecast_kw, low_kw, high_kw, p_raises_peak, exceeded {_SINCE}"
        " AND unknown_minutes = 0 AND forecast_kw IS NOT NULL ORDER BY at LIMIT ?",
        (*span, _MAX_ROWS),
    ).fetchall()
    columns = np.array(rows, np.float64).reshape(-1, 6).T
    return Foreseen(*np.clip(columns, -_MAX_KW, _MAX_KW))


def _power(kw: object) -> float:
    if not isinstance(kw, float):
        raise InvalidValueError(f"{str(kw)[:40]!r} is not a power")
    return min(max(kw, -_MAX_KW), _MAX_KW)
