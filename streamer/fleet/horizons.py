"""Forecasts of the mean of the next 15 and 60 minutes of many meters, as output columns."""

from __future__ import annotations

import numpy as np

from streamer.fleet.arranged import MINUTE_US, NEVER
from streamer.fleet.columns import Column
from streamer.online.means.light.forecasts import HORIZONS, LightHorizons
from streamer.online.means.light.learning import MINUTES
from streamer.online.minutesums import MAX_KW
from streamer.online.wallclock import WallClocks, wall_clocks_at
from streamer.readings.arrays import BoolArray, DoubleArray, FloatArray, IntArray, Records

_NAMES = ("kw", "median_kw", "low_kw", "high_kw")


def take(
    horizons: LightHorizons,
    records: Records,
    *,
    at: IntArray,
    local: IntArray,
    before_at: IntArray,
    kw: DoubleArray,
    before_kw: DoubleArray,
    hidden: FloatArray,
    full: BoolArray,
    next_kw: DoubleArray,
) -> DoubleArray:
    """Take a reading of each of some meters.

    Args:
        horizons: forecasts of the means of the next 15 and 60 minutes.
        records: (meters,) records of the meters, changed in place.
        at: (meters,) times in microseconds.
        local: (meters,) the same by the clock on the wall.
        before_at: (meters,) times of the readings before, `NEVER` without one.
        kw: (meters,) readings in kW.
        before_kw: (meters,) those before, within the bounds of the next.
        hidden: (meters, units) the network's last hidden states.
        full: (meters,) whether the window is full, so that there is one.
        next_kw: (meters, 4) mean, median, low and high of the next reading; NaN if there is
            no forecast, and for the median if the model has none.

    Returns:
        (meters, 4, horizons) the same of the next 1, 15 and 60 minutes.
    """
    minutes = at // MINUTE_US
    _, day_minutes, weekends = wall_clocks_at(local.view("datetime64[us]"))
    known = before_at != NEVER
    apart = np.where(known, minutes - np.where(known, before_at, 0) // MINUTE_US, 0)
    taken = horizons.take(
        records,
        clocks=WallClocks(minutes, day_minutes, weekends),
        apart=apart,
        kw=kw,
        before_kw=before_kw,
        hidden=hidden,
        full=full,
    )
    mean, median, low, high = np.clip(next_kw.T, -MAX_KW, MAX_KW)
    point = np.minimum(np.maximum(mean, low), high)
    issued = np.empty((len(kw), len(_NAMES), len(HORIZONS)))
    issued[:, :, 1:] = taken.issued_kw
    columns = mean, np.where(np.isnan(median), point, median), low, high
    for row, column in enumerate(columns):
        issued[:, row, 0] = column
    return issued


def next_columns(issued_kw: DoubleArray) -> dict[str, Column]:
    """Output columns of forecasts (meters, 4, horizons) beyond the next reading."""
    return {
        f"next_{minutes}_{name}": issued_kw[:, row, place]
        for place, minutes in enumerate(HORIZONS)
        if minutes in MINUTES
        for row, name in enumerate(_NAMES)
    }
