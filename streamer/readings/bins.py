"""Sums over equally long bins of minutes, from which means are made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streamer.readings.arrays import DoubleArray, IntArray


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """Sums over the minutes of each bin, as arrays of one length. Powers are in kW.

    Attributes:
        readings: (bins,) number of readings.
        kw: (bins,) sum of the readings.
        forecasts: (bins,) number of readings for which there was a forecast.
        forecast_kw: (bins,) sum of these point forecasts.
        low_kw: (bins,) sum of the low ends of their bands.
        high_kw: (bins,) sum of the high ends.
        sunny: (bins,) number of readings with solar power, which may be zero.
        solar_kw: (bins,) sum of the solar power in them.
        alarms: (bins,) number of alarms raised.
        utc_offset: (bins,) seconds that local time is ahead at the first reading; 0 if none.
    """

    readings: IntArray
    kw: DoubleArray
    forecasts: IntArray
    forecast_kw: DoubleArray
    low_kw: DoubleArray
    high_kw: DoubleArray
    sunny: IntArray
    solar_kw: DoubleArray
    alarms: IntArray
    utc_offset: IntArray

    @classmethod
    def empty(cls, count: int) -> Bins:
        """So many bins without a reading."""
        numbers, sums = np.zeros(count, np.int64), np.zeros(count)
        return cls(numbers, sums, numbers, sums, sums, sums, numbers, sums, numbers, numbers)

    def __add__(self, later: Bins) -> Bins:
        """The sums over these minutes and later ones in the same bins."""
        return Bins(
            self.readings + later.readings,
            self.kw + later.kw,
            self.forecasts + later.forecasts,
            self.forecast_kw + later.forecast_kw,
            self.low_kw + later.low_kw,
            self.high_kw + later.high_kw,
            self.sunny + later.sunny,
            self.solar_kw + later.solar_kw,
            self.alarms + later.alarms,
            np.where(self.readings > 0, self.utc_offset, later.utc_offset),
        )
