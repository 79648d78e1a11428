"""Recorded forecasts of the next minutes' mean, beside the means that came and baselines."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import numpy as np

from streamer.readings.arrays import BoolArray, DoubleArray, IntArray
from streamer.recording.database import InvalidValueError
from streamer.recording.schema import MAX_MINUTES, PER_KW

_MINUTE_S = 60
_DAY_MIN = 1440
_MAX_ROWS = 2_000_000
"""Rows read of a period: a month with some forty horizons."""
_MAX_KW = 1e9


@dataclass(frozen=True, eq=False)
class HorizonForecasts:
    """Settled forecasts of one horizon, whose last minute is in a period; all powers in kW.

    Attributes:
        minutes: how many minutes the means are of.
        actual_kw: (forecasts,) the means that came.
        mean_kw: (forecasts,) the mean forecasts.
        low_kw: (forecasts,) the lower ends of the bands.
        high_kw: (forecasts,) the upper ends.
        last_kw: (forecasts,) the readings at which they were issued (persistence).
        recent_kw: (forecasts,) means of so many minutes up to then; NaN if one is missing.
        yesterday_kw: (forecasts,) means of the same minutes a day before, likewise.
    """

    minutes: int
    actual_kw: DoubleArray
    mean_kw: DoubleArray
    low_kw: DoubleArray
    high_kw: DoubleArray
    last_kw: DoubleArray
    recent_kw: DoubleArray
    yesterday_kw: DoubleArray


def read_means(
    connection: sqlite3.Connection, start: int, end: int
) -> tuple[HorizonForecasts, ...]:
    """Read the forecasts whose last minute is in a period, by horizon in rising order.

    Args:
        connection: connection to the recording.
        start: beginning of the period in Unix seconds.
        end: its end, excluded.

    Raises:
        InvalidValueError, ValueError: there are values that no recorder writes.
    """
    rows = connection.execute(
        "SELECT at, minutes, mean, low, high FROM mean_forecasts"
        " WHERE at >= ? AND at < ? AND at + 60 * minutes BETWEEN ? AND ? ORDER BY at LIMIT ?",
        (start - _MINUTE_S * MAX_MINUTES, end, start, end - 1, _MAX_ROWS + 1),
    ).fetchall()
    if not rows:
        return ()
    if len(rows) > _MAX_ROWS:
        raise InvalidValueError("it has several forecasts for a minute")
    found = np.array(rows, np.float64)
    at, horizons = found[:, 0].astype(np.int64), found[:, 1].astype(np.int64)
    if horizons.min() < 1 or horizons.max() > MAX_MINUTES:
        raise InvalidValueError("a forecast is of the mean of no minutes, or of too many")
    kw = np.clip(found[:, 2:] / PER_KW, -_MAX_KW, _MAX_KW)
    before = _MINUTE_S * (_DAY_MIN + int(horizons.max()))
    readings = connection.execute(
        "SELECT at, actual_kw FROM steps WHERE at >= ? AND at < ? ORDER BY at LIMIT ?",
        (int(at[0]) - before, end, _MAX_ROWS),
    ).fetchall()
    grid = _Grid(readings, int(at[0]) - before, end)
    by_horizon = (
        _settled(int(minutes), at[horizons == minutes], kw[horizons == minutes], grid)
        for minutes in np.unique(horizons)
    )
    return tuple(each for each in by_horizon if len(each.actual_kw))


class _Grid:
    """Readings by the minute, and means of any minutes of which none is missing.

    Args:
        rows: times in Unix seconds, and readings in kW.
        start: first time of the grid.
        end: its end, excluded.
    """

    def __init__(self, rows: list[tuple[int, float]], start: int, end: int) -> None:
        self._start = start
        self.kw = np.full((end - start) // _MINUTE_S + 1, np.nan)
        at, kw = np.array(rows, np.float64).reshape(-1, 2).T
        self.kw[self.places(at.astype(np.int64))] = np.clip(kw, -_MAX_KW, _MAX_KW)
        known = ~np.isnan(self.kw)
        self._sums = np.concatenate([[0.0], np.cumsum(np.where(known, self.kw, 0.0))])
        self._counts = np.concatenate([[0], np.cumsum(known)])

    def places(self, at: IntArray) -> IntArray:
        """Places of times, which are on or after the start."""
        return (at - self._start) // _MINUTE_S

    def mean_after(self, places: IntArray, minutes: int) -> DoubleArray:
        """Means of so many minutes after each place; NaN where one is missing."""
        first, last = places + 1, places + 1 + minutes
        known: BoolArray = self._counts[last] - self._counts[first] == minutes
        means = (self._sums[last] - self._sums[first]) / minutes
        return np.where(known, means, np.nan)


def _settled(minutes: int, at: IntArray, kw: DoubleArray, grid: _Grid) -> HorizonForecasts:
    """The settled ones of the forecasts of one horizon, issued at times in Unix seconds."""
    places = grid.places(at)
    actual = grid.mean_after(places, minutes)
    settled = ~(np.isnan(actual) | np.isnan(grid.kw[places]))
    places = places[settled]
    mean, low, high = kw[settled].T
    return HorizonForecasts(
        minutes,
        actual[settled],
        mean,
        low,
        high,
        grid.kw[places],
        grid.mean_after(places - minutes, minutes),
        grid.mean_after(places - _DAY_MIN, minutes),
    )
