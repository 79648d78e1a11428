"""Position of the sun, and irradiance under a clear sky."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streamer.readings.arrays import DoubleArray, TimeArray
from streamer.training.additions.minutes import DAY, day_of_year, minute_axis, minute_of_day


@dataclass(frozen=True)
class Place:
    """Place of a house, and its clock.

    Attributes:
        latitude: degrees north.
        longitude: degrees east.
        utc_offset_h: hours that its clock is ahead of UTC, all year.
    """

    latitude: float = 48.8
    longitude: float = 2.3
    utc_offset_h: float = 1.0

    def __post_init__(self) -> None:
        if not -90 <= self.latitude <= 90 or not -180 <= self.longitude <= 180:
            raise ValueError(f"no such place: {self.latitude} north, {self.longitude} east")


def elevation_sine(at: TimeArray, place: Place) -> DoubleArray:
    """Sine of the sun's elevation above the horizon, in the middle of each minute.

    Declination and equation of time by the Fourier series of Spencer (1971), Search 2(5):172,
    which repeat every year: right to some half a degree and half a minute. Refraction is left out.

    Args:
        at: (minutes,) minutes by the clock of the place.
        place: where.

    Returns:
        (minutes,) from −1 to 1; below zero at night.
    """
    latitude = np.radians(place.latitude)
    declination, ahead_min = _declination(at), _equation_of_time(at)
    utc_min = minute_of_day(at) + 0.5 - 60.0 * place.utc_offset_h
    # The sun moves a degree in four minutes.
    hour_angle = np.radians((utc_min + ahead_min) / 4.0 + place.longitude - 180.0)
    sine: DoubleArray = np.sin(latitude) * np.sin(declination) + (
        np.cos(latitude) * np.cos(declination) * np.cos(hour_angle)
    )
    return sine


def clear_sky(at: TimeArray, place: Place) -> DoubleArray:
    """Global horizontal irradiance under a clear sky.

    Haurwitz (1945), Journal of Meteorology 2:154, with the coefficients of Reno, Hansen and Stein
    (2012), SAND2012-2389: within some 5 % of measurements for ordinary turbidity.

    Args:
        at: (minutes,) minutes by the clock of the place.
        place: where.

    Returns:
        (minutes,) W/m²; 0 at night.
    """
    sine = elevation_sine(at, place)
    up = sine > 0.0
    shown = np.where(up, sine, 1.0)
    return np.where(up, 1098.0 * shown * np.exp(-0.059 / shown), 0.0)


def repeated(
    irradiance: DoubleArray, start: np.datetime64, minutes: int, rng: np.random.Generator
) -> DoubleArray:
    """Measured irradiance, repeated from a day that is drawn on.

    Args:
        irradiance: (days × 1440,) W/m² of whole days from midnight on.
        start: first minute by the clock of the house.
        minutes: number of minutes.
        rng: source of random numbers.

    Returns:
        (minutes,) W/m², each at the time of day at which it was measured.

    Raises:
        ValueError: it is not a number of whole days.
    """
    if len(irradiance) == 0 or len(irradiance) % DAY:
        raise ValueError(f"irradiance of {len(irradiance)} minutes, must be whole days of 1440")
    at = minute_axis(start, minutes)
    day = (at.astype("datetime64[D]") - at[:1].astype("datetime64[D]")).astype(np.int64)
    days = irradiance.reshape(-1, DAY)
    first = int(rng.integers(len(days)))
    found: DoubleArray = days[(first + day) % len(days), minute_of_day(at).astype(np.int64)]
    return found


def _day_angle(at: TimeArray) -> DoubleArray:
    return 2.0 * np.pi * day_of_year(at) / 365.0


def _declination(at: TimeArray) -> DoubleArray:
    """(minutes,) radians."""
    x = _day_angle(at)
    return (
        0.006918
        - 0.399912 * np.cos(x)
        + 0.070257 * np.sin(x)
        - 0.006758 * np.cos(2 * x)
        + 0.000907 * np.sin(2 * x)
        - 0.002697 * np.cos(3 * x)
        + 0.00148 * np.sin(3 * x)
    )


def _equation_of_time(at: TimeArray) -> DoubleArray:
    """(minutes,) minutes that the sun is ahead of a clock."""
    x = _day_angle(at)
    radians = (
        0.0000075
        + 0.001868 * np.cos(x)
        - 0.032077 * np.sin(x)
        - 0.014615 * np.cos(2 * x)
        - 0.040849 * np.sin(2 * x)
    )
    return radians * DAY / (2.0 * np.pi)
