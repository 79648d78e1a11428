"""Means over minutes, and slow random processes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from streamer.readings.arrays import DoubleArray, TimeArray

DAY = 1440
"""Minutes in a day."""


def minute_axis(start: np.datetime64, minutes: int) -> TimeArray:
    """(minutes,) consecutive minutes from `start` on, as ``datetime64[m]``."""
    axis: TimeArray = start.astype("datetime64[m]") + np.arange(minutes)
    return axis


def minute_of_day(at: TimeArray) -> DoubleArray:
    """(minutes,) minutes since midnight."""
    minutes: DoubleArray = (at - at.astype("datetime64[D]")) / np.timedelta64(1, "m")
    return minutes


def day_of_year(at: TimeArray) -> DoubleArray:
    """(minutes,) whole days since the first of January: 0 to 365."""
    days = at.astype("datetime64[D]")
    years = at.astype("datetime64[Y]").astype("datetime64[D]")
    number: DoubleArray = (days - years) / np.timedelta64(1, "D")
    return number


def minute_means(edges: ArrayLike, kw: ArrayLike, minutes: int) -> DoubleArray:
    """Exact means over minutes of a power that is constant between edges, and zero outside.

    Args:
        edges: (pieces + 1,) times in minutes from the start, ascending.
        kw: (pieces,) power between each edge and the next in kW.
        minutes: number of minutes.

    Returns:
        (minutes,) means in kW.

    >>> minute_means([0.5, 2.0], [4.0], 3).tolist()
    [2.0, 4.0, 0.0]
    """
    times = np.asarray(edges, np.float64)
    energy = np.concatenate([[0.0], np.cumsum(np.asarray(kw) * np.diff(times))])
    return np.diff(np.interp(np.arange(minutes + 1.0), times, energy))


def pieces_means(pieces: Sequence[tuple[float, float, float]], minutes: int) -> DoubleArray:
    """Means over minutes of pieces that do not overlap; between them the power is zero.

    Args:
        pieces: start and end of each in minutes, in order, and its power in kW.
        minutes: number of minutes.

    Returns:
        (minutes,) means in kW.
    """
    if not pieces:
        return np.zeros(minutes)
    array = np.asarray(pieces)
    edges = array[:, :2].ravel()
    kw = np.zeros(len(edges) - 1)
    kw[::2] = array[:, 2]
    return minute_means(edges, kw, minutes)


def wandering(
    minutes: int, lasting_min: float, rng: np.random.Generator, step_min: int = 1
) -> DoubleArray:
    """Stationary Ornstein-Uhlenbeck process with mean 0 and standard deviation 1.

    Uhlenbeck and Ornstein (1930), Physical Review 36:823; sampled exactly every `step_min`
    minutes, and interpolated between.

    Args:
        minutes: number of minutes.
        lasting_min: time after which the autocorrelation is 1/e, in minutes.
        rng: source of random numbers.
        step_min: minutes between samples.

    Returns:
        (minutes,) values.
    """
    kept = float(np.exp(-step_min / lasting_min))
    noise = rng.standard_normal(minutes // step_min + 2)
    noise[1:] *= np.sqrt(1.0 - kept * kept)
    value, values = 0.0, []
    for each in noise.tolist():
        value = kept * value + each
        values.append(value)
    times = step_min * np.arange(len(values))
    process: DoubleArray = np.interp(np.arange(minutes), times, values)
    return process
