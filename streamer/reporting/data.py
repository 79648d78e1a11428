"""Data of a report, read from a recording."""

from __future__ import annotations

import calendar
import sqlite3
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from streamer.display.lines import one_line
from streamer.errors import RecordError, UsageError
from streamer.readings.arrays import DoubleArray, IntArray
from streamer.recording.database import InvalidValueError, explained, open_for_reading
from streamer.recording.rows import time_of
from streamer.recording.store import settings_of
from streamer.reporting.challengers import RecordedChallenger, read_challengers
from streamer.reporting.clock import HouseClock
from streamer.reporting.demand import Demand, read_demand
from streamer.reporting.energies import Energies, read_energies
from streamer.reporting.entries import (
    Load,
    RaisedAlarm,
    RecordedEvent,
    read_alarms,
    read_events,
    read_loads,
)
from streamer.reporting.means import HorizonForecasts, read_means
from streamer.reporting.running import FinalScores, read_running

DAY, WEEK, MONTH = "day", "week", "month"
PERIODS = (DAY, WEEK, MONTH)

MINUTE_S = 60
_DAY_S = 86_400
_MAX_OFFSET_S = 15 * 3600
"""Largest distance of any clock from UTC."""
_MAX_PERIOD_S = 32 * _DAY_S
_MAX_MINUTES = 2 * _MAX_PERIOD_S // MINUTE_S
"""Rows read of a period; a recording has one for each minute."""
_MAX_KW = 1e100  # powers are clipped to this, so that sums of their squares stay finite


@dataclass(frozen=True, eq=False)
class Minutes:
    """The readings of a period; NaN for a missing value.

    Attributes:
        at: (minutes,) Unix seconds.
        kw: (minutes,) the readings in kW.
        last_kw: (minutes,) the reading before each in kW, which is the persistence forecast.
        mean_kw: (minutes,) the mean forecast that each settled.
        low_kw: (minutes,) the lower end of its band.
        high_kw: (minutes,) the upper end of its band.
        frozen_kw: (minutes,) the forecast of the frozen network.
        point_kw: (minutes,) the point forecast, which is the one that was shown.
        solar_kw: (minutes,) power of the solar panels.
        battery_kw: (minutes,) power into the battery.
    """

    at: IntArray
    kw: DoubleArray
    last_kw: DoubleArray
    mean_kw: DoubleArray
    low_kw: DoubleArray
    high_kw: DoubleArray
    frozen_kw: DoubleArray
    point_kw: DoubleArray
    solar_kw: DoubleArray
    battery_kw: DoubleArray

    def since(self, at: int) -> Minutes:
        """The readings at or after a time in Unix seconds."""
        first = int(np.searchsorted(self.at, at))
        return Minutes(*(getattr(self, field.name)[first:] for field in fields(self)))


@dataclass(frozen=True, eq=False)
class Recorded:
    """Recorded data of a period.

    Attributes:
        period: `day`, `week` or `month`.
        start: beginning of the period in Unix seconds, but not before the first reading of the
            recording.
        end: end of the period in Unix seconds, excluded.
        begun: first reading of the recording in Unix seconds.
        clock: the house's clock.
        minutes: readings of the period, at least one.
        settings: settings of the recording by key.
        alarms: alarms that were on at some time in the period, in order of time.
        events: events of the period, in order of time.
        running: scores since the recording began.
        means: forecasts of the next minutes' mean, by horizon, that were settled in the period.
        demand: demand intervals of the period, and the peaks of the last months; None if none is
            recorded.
        loads: loads that were switched off in the period, in order of time.
        challengers: scores of the challengers over the period, in order of their appearance.
        energies: those of quarter-hours; None if they were not asked for.
    """

    period: str
    start: int
    end: int
    begun: int
    clock: HouseClock
    minutes: Minutes
    settings: dict[str, str]
    alarms: tuple[RaisedAlarm, ...]
    events: tuple[RecordedEvent, ...]
    running: FinalScores
    means: tuple[HorizonForecasts, ...]
    demand: Demand | None
    loads: tuple[Load, ...]
    challengers: tuple[RecordedChallenger, ...]
    energies: Energies | None = None

    @property
    def last_at(self) -> datetime:
        """The last reading of the period, in the house's zone."""
        at = int(self.minutes.at[-1])
        return time_of(at, self.clock.offset(at))

    @property
    def confidence(self) -> float | None:
        """Nominal coverage of the band, between 0 and 1; None if unknown."""
        try:
            confidence = float(self.settings.get("confidence", ""))
        except ValueError:
            return None
        return confidence if 0.0 < confidence < 1.0 else None

    @property
    def part(self) -> str:
        """Name of the parts of the period: `hour` or `day`."""
        return "hour" if self.period == DAY else DAY


def read_period(
    path: Path, period: str, until: datetime | None, *, energies: bool = False
) -> Recorded:
    """Read the data of a report.

    Args:
        path: the recording.
        period: `day`, `week` or `month`.
        until: the time before which the period ends, on the house's clock if it has no zone;
            None for the end of the recording.
        energies: whether to read the energies of quarter-hours.

    Raises:
        RecordError: the recording does not exist, or has nothing in the period.
        UsageError: the period is unknown.
    """
    if period not in PERIODS:
        raise UsageError(f"unknown period {period!r}; give one of {', '.join(PERIODS)}")
    connection = open_for_reading(path)
    try:
        with explained(path):
            # One transaction for all queries, which a concurrent writer cannot change.
            connection.execute("BEGIN")
            found = _read(connection, path, period, until)
            if energies:
                read = read_energies(connection, found.clock, found.start, found.end)
                found = replace(found, energies=read)
            return found
    except (OverflowError, TypeError, ValueError) as error:
        raise RecordError(f"{one_line(path)} is damaged ({one_line(error)})") from None
    finally:
        connection.close()


def _read(
    connection: sqlite3.Connection, path: Path, period: str, until: datetime | None
) -> Recorded:
    begun, newest = connection.execute(
        "SELECT (SELECT min(at) FROM steps), (SELECT max(at) FROM steps)"
    ).fetchone()
    if begun is None:
        raise RecordError(f"nothing is recorded in {one_line(path)} yet")
    for at in (begun, newest):
        time_of(at, 0)  # it can be shown
    end = newest + MINUTE_S if until is None else _moment(connection, until)
    near = connection.execute(
        "SELECT at, utc_offset FROM steps WHERE at >= ? AND at < ? ORDER BY at LIMIT ?",
        (end - _MAX_PERIOD_S, end + _MAX_OFFSET_S, _MAX_MINUTES + 1),
    ).fetchall()
    if not near:
        raise _nothing(path, period, until)
    if len(near) > _MAX_MINUTES:
        raise InvalidValueError("it has several rows for a minute")
    for moment in near:
        time_of(*moment)
    at, offsets = np.array(near, dtype=np.int64).T
    clock = HouseClock(at, offsets)
    start = max(begun, clock.unix(_before(clock.local(end), period)))
    rows = connection.execute(
        "SELECT at, actual_kw, forecast_kw, low_kw, high_kw, frozen_kw, point_kw, solar_kw,"
        " battery_kw FROM steps WHERE at >= ? AND at < ? ORDER BY at",
        (start, end),
    ).fetchall()
    if not rows:
        raise _nothing(path, period, until)
    before = connection.execute(
        "SELECT actual_kw FROM steps WHERE at < ? ORDER BY at DESC LIMIT 1", (start,)
    ).fetchone()
    return Recorded(
        period,
        start,
        end,
        begun,
        clock,
        _minutes(rows, np.nan if before is None else before[0]),
        settings_of(connection),
        read_alarms(connection, clock, start, end),
        read_events(connection, start, end),
        read_running(connection, end),
        read_means(connection, start, end),
        read_demand(connection, start, end),
        read_loads(connection, start, end),
        read_challengers(connection, start, end),
    )


def _moment(connection: sqlite3.Connection, until: datetime) -> int:
    """A time in its own zone, or without one on the house's clock, as Unix seconds."""
    if until.tzinfo is not None:
        return round(until.timestamp())
    shown = round((until - datetime(1970, 1, 1)).total_seconds())
    found = connection.execute(
        "SELECT utc_offset FROM steps WHERE at < ? AND at + utc_offset < ?"
        " ORDER BY at DESC LIMIT 1",
        (shown + _MAX_OFFSET_S, shown),
    ).fetchone()
    return shown - (0 if found is None else int(found[0]))


def _before(end: datetime, period: str) -> datetime:
    """Beginning of a period that ends at a time, at the same time of day."""
    if period == DAY:
        return end - timedelta(days=1)
    if period == WEEK:
        return end - timedelta(days=7)
    last_of_month_before = end.replace(day=1) - timedelta(days=1)
    year, month = last_of_month_before.year, last_of_month_before.month
    return end.replace(
        year=year, month=month, day=min(end.day, calendar.monthrange(year, month)[1])
    )


def _nothing(path: Path, period: str, until: datetime | None) -> RecordError:
    when = "" if until is None else f" before {until:%Y-%m-%d %H:%M}"
    return RecordError(f"nothing is recorded in {one_line(path)} in the {period}{when}")


def _minutes(rows: list[tuple[float | None, ...]], last_before_kw: float) -> Minutes:
    at = np.array([row[0] for row in rows], dtype=np.int64)
    columns = np.array([row[1:] for row in rows], dtype=np.float64).T
    kw, mean, low, high, frozen, point, solar, battery = columns
    # A diverged model may have returned infinity or NaN, which settles nothing.
    unsettled = ~np.isfinite(mean)
    for column in (mean, low, high, frozen, point):
        column[unsettled | ~np.isfinite(column)] = np.nan
    point = np.where(np.isnan(point), mean, point)
    last = np.concatenate([[last_before_kw], kw[:-1]])
    last[unsettled] = np.nan
    found = (kw, last, mean, low, high, frozen, point, solar, battery)
    return Minutes(at, *(np.clip(column, -_MAX_KW, _MAX_KW) for column in found))
