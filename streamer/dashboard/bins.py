"""Columns of the chart that last equally long, from minutes as arrays."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from streamer.dashboard.columns import MAX_KW, Column
from streamer.dashboard.zoom import Zoom
from streamer.readings.arrays import DoubleArray, FloatArray, IndexArray, IntArray
from streamer.readings.minutes import Minutes
from streamer.readings.seconds import local_time


def binned(
    minutes: Minutes, zoom: Zoom, start: int, width: int, *, known: tuple[int, int]
) -> list[Column]:
    """Columns of a span in which every column lasts equally long.

    A column shows the mean of the readings that there are in it, the mean of their forecasts if
    at least half of them have one, and the means of the low and the high ends of these forecasts'
    bands: the band is that of a typical minute. A column without a reading is a gap.

    Args:
        minutes: minutes of the span.
        zoom: width of a minute.
        start: beginning of the first column, in seconds as by `readings.seconds.seconds_of`.
        width: number of columns to return; the first ones are left out if a minute has several.
        known: times of the oldest and the newest minute there is; columns outside are empty.
    """
    count = zoom.bins(width)
    index = (minutes.at - start) // zoom.seconds
    kw, readings = _means(minutes.kw, index, count)
    forecast_kw, forecasts = _means(minutes.forecast_kw, index, count)
    forecast_kw[2 * forecasts < readings] = np.nan
    low_kw, _ = _means(minutes.low_kw, index, count)
    high_kw, _ = _means(minutes.high_kw, index, count)
    alarms = np.bincount(index[minutes.alarm], minlength=count)
    offsets = _offsets(minutes, index, count)
    columns: list[Column] = []
    for i in range(count):
        has_forecast = not np.isnan(forecast_kw[i])
        at = start + i * zoom.seconds
        is_inside = known[0] < at + zoom.seconds and at <= known[1]
        column = Column(
            at=local_time(at, int(offsets[i])),
            kw=float(kw[i]) if readings[i] else None,
            mark_kw=float(forecast_kw[i]) if has_forecast else None,
            band_kw=(float(low_kw[i]), float(high_kw[i])) if has_forecast else None,
            gap=is_inside and not readings[i],
            alarm=bool(alarms[i]),
        )
        columns.append(column)
        columns += [replace(column, at=None, alarm=False)] * (zoom.columns - 1)
    return columns[-width:]


def _means(values: FloatArray, index: IntArray, count: int) -> tuple[DoubleArray, IndexArray]:
    """Mean of the known values in each column, NaN if there is none, and their number."""
    known = ~np.isnan(values)
    index = index[known]
    numbers = np.bincount(index, minlength=count)
    clipped = np.clip(values[known].astype(np.float64), -MAX_KW, MAX_KW)
    sums = np.bincount(index, clipped, minlength=count)
    means = np.full(count, np.nan)
    np.divide(sums, numbers, out=means, where=numbers > 0)
    return means, numbers


def _offsets(minutes: Minutes, index: IntArray, count: int) -> IntArray:
    """Offset from UTC at the beginning of each column: that of the nearest minute after it."""
    offsets = np.zeros(count, np.int64)
    if len(minutes):
        following = np.searchsorted(index, np.arange(count))
        offsets = minutes.utc_offset[np.minimum(following, len(minutes) - 1)]
    return offsets
