"""Outdoor temperature by season and hour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streamer.readings.arrays import DoubleArray
from streamer.training.additions.minutes import (
    DAY,
    day_of_year,
    minute_axis,
    minute_of_day,
    wandering,
)

_COLDEST_DAY = 20.0
_WARMEST_MINUTE = 15.0 * 60.0
_SPELL_MIN = 3.0 * DAY


@dataclass(frozen=True)
class Climate:
    """Mean temperature, a wave by season, one by hour, and spells of some days.

    Attributes:
        mean_c: mean of the year in °C.
        season_c: amplitude of the season; the coldest day is 21 January.
        hour_c: amplitude of the day; the warmest time is 15:00.
        spell_c: standard deviation of spells of weather.
    """

    mean_c: float = 10.5
    season_c: float = 8.0
    hour_c: float = 3.5
    spell_c: float = 3.0

    def outdoor_c(
        self, start: np.datetime64, minutes: int, rng: np.random.Generator
    ) -> DoubleArray:
        """Outdoor temperature.

        Args:
            start: first minute by the clock of the house.
            minutes: number of minutes.
            rng: source of random numbers.

        Returns:
            (minutes,) °C.
        """
        at = minute_axis(start, minutes)
        season = np.cos(2.0 * np.pi * (day_of_year(at) - _COLDEST_DAY) / 365.25)
        hour = np.cos(2.0 * np.pi * (minute_of_day(at) - _WARMEST_MINUTE) / DAY)
        spells = wandering(minutes, _SPELL_MIN, rng, 60)
        return self.mean_c - self.season_c * season + self.hour_c * hour + self.spell_c * spells
