"""Demand intervals of many meters, as output columns and alarms."""

from __future__ import annotations

import numpy as np

from streamer.demand.light.demands import Demands
from streamer.fleet.arranged import MINUTE_US
from streamer.fleet.columns import Column
from streamer.readings import Alarm
from streamer.readings.arrays import DoubleArray, IntArray, Records


def take(
    demands: Demands,
    records: Records,
    *,
    at: IntArray,
    local: IntArray,
    kw: DoubleArray,
    issued_kw: DoubleArray | None,
) -> tuple[dict[str, Column], list[tuple[int, Alarm]]]:
    """Take a reading of each of some meters into their demand intervals.

    Args:
        demands: rules of the intervals.
        records: (meters,) records of the meters, changed in place.
        at: (meters,) times in microseconds, in UTC.
        local: (meters,) the same on the clock on the wall, as by `local_us`.
        kw: (meters,) readings in kW.
        issued_kw: (meters, 4, horizons) mean, median, low and high of the next minutes' mean
            that were forecast at the readings, NaN if none was; None likewise.

    Returns:
        Output columns (meters,), and the alarms that were raised, with their rows.
    """
    found = demands.take(
        records,
        minute=at // MINUTE_US,
        past=local // MINUTE_US % demands.rule.minutes,
        month=local.view("datetime64[us]").astype("datetime64[M]").astype(np.int64),
        kw=kw,
        issued_kw=issued_kw,
    )
    taken: dict[str, Column] = {
        "demand_start": _time(found.start),
        "demand_minutes_left": found.left.astype(np.int32),
        "demand_kw": found.kw,
        "demand_low_kw": found.low_kw,
        "demand_high_kw": found.high_kw,
        "p_raises_peak": found.p,
        **_peak_columns(found.peak_kw, found.peak_at),
    }
    times = at.view("datetime64[us]")
    raised = []
    for index, text, size in found.raised:
        row = int(found.rows[index])
        raised.append((row, Alarm(Alarm.PEAK, times[row].item(), text, size)))
    if len(found.rows) == len(at):
        return taken, raised
    columns = {}
    for name, column in taken.items():
        columns[name] = np.full(len(at), _NOTHING.get(column.dtype.kind, 0), column.dtype)
        columns[name][found.rows] = column
    return columns, raised


_NOTHING = {"f": np.nan, "M": np.datetime64("NaT")}


def peak_columns(records: Records) -> dict[str, Column]:
    """Output columns of the peaks of the running months, the last intervals included."""
    return _peak_columns(records["peak"].astype(np.float64), records["peak_at"].astype(np.int64))


def _peak_columns(kw: DoubleArray, at: IntArray) -> dict[str, Column]:
    found = _time(at)
    found[np.isnan(kw)] = np.datetime64("NaT")
    return {"month_peak_kw": kw, "month_peak_at": found}


def _time(minute: IntArray) -> Column:
    """Times of minutes since 1970."""
    return (minute * MINUTE_US).view("datetime64[us]")
