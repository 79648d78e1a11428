"""Columns of the chart that last equally long, from sums over bins of minutes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from streamer.dashboard.zoom import Zoom
from streamer.history.columns import MAX_KW, Column
from streamer.readings.arrays import DoubleArray, IntArray
from streamer.readings.bins import Bins
from streamer.readings.seconds import local_time


def binned(bins: Bins, zoom: Zoom, start: int, *, known: tuple[int, int]) -> list[Column]:
    """Columns of a span in which every column lasts equally long.

    A column shows the mean of the readings that there are in it, the mean of their forecasts if
    at least half of them have one, and the means of the low and the high ends of these forecasts'
    bands: the band is that of a typical minute. Solar power is shown likewise. A column without
    a reading is a gap.

    Args:
        bins: sums over the minutes of each column.
        zoom: width of a minute; one bin gives `zoom.columns` columns.
        start: beginning of the first bin, in seconds as by `readings.seconds.seconds_of`.
        known: times of the oldest and the newest minute there is; columns outside are empty.
    """
    has_solar = (bins.sunny > 0) & (2 * bins.sunny >= bins.readings)
    solar_kw = _means(bins.solar_kw, bins.sunny)
    has_forecast = (bins.forecasts > 0) & (2 * bins.forecasts >= bins.readings)
    kw = _means(bins.kw, bins.readings)
    forecast_kw, low_kw, high_kw = (
        _means(sums, bins.forecasts) for sums in (bins.forecast_kw, bins.low_kw, bins.high_kw)
    )
    offsets = _offsets(bins)
    columns: list[Column] = []
    for i, readings in enumerate(bins.readings):
        at = start + i * zoom.seconds
        is_inside = known[0] < at + zoom.seconds and at <= known[1]
        column = Column(
            at=local_time(at, int(offsets[i])),
            kw=float(kw[i]) if readings else None,
            mark_kw=float(forecast_kw[i]) if has_forecast[i] else None,
            band_kw=(float(low_kw[i]), float(high_kw[i])) if has_forecast[i] else None,
            gap=is_inside and not readings,
            alarm=bool(bins.alarms[i]),
            solar_kw=float(solar_kw[i]) if has_solar[i] else None,
        )
        columns.append(column)
        columns += [replace(column, at=None, alarm=False)] * (zoom.columns - 1)
    return columns


def _means(sums: DoubleArray, numbers: IntArray) -> DoubleArray:
    """Means, clipped; 0 where there is nothing."""
    return np.clip(sums / np.maximum(numbers, 1), -MAX_KW, MAX_KW)


def _offsets(bins: Bins) -> IntArray:
    """Offset from UTC at each bin: that of the first reading in it or after it, or of the last."""
    filled = np.flatnonzero(bins.readings)
    if not len(filled):
        return bins.utc_offset
    following = np.searchsorted(filled, np.arange(len(bins.readings)))
    return bins.utc_offset[filled[np.minimum(following, len(filled) - 1)]]
