"""Forecast of the rest of a demand interval, from those of the next minutes' mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from streamer.readings.arrays import DoubleArray


class Rest(NamedTuple):
    """Mean power at the grid connection over the rest of an interval, in kW.

    Attributes:
        kw: expected value.
        median_kw: median.
        low_kw: lower end of the prediction interval.
        high_kw: its upper end.
    """

    kw: float
    median_kw: float
    low_kw: float
    high_kw: float


class RestForecasts:
    """Chooses the horizon that is as long as the rest, or the two around it.

    For a rest of n minutes between the horizons a and b, the energy is interpolated linearly, as
    if the power were steady after the a-th minute: the mean is that of a and b, weighted by
    a(b − n) and b(n − a). Its median and interval are weighted likewise.

    Args:
        horizons: numbers of minutes, in rising order; none if nothing is forecast.

    >>> import numpy as np
    >>> forecasts = RestForecasts((1, 15, 30))
    >>> forecasts.of(20, np.array([[9.0, 1.0, 2.0]] * 4)).kw
    1.5
    """

    def __init__(self, horizons: Sequence[int]) -> None:
        self._choices: list[tuple[int, int, float] | None] = [None]
        for minutes in range(1, max(horizons, default=0) + 1):
            self._choices.append(_choice(minutes, horizons))

    def of(self, minutes: int, issued_kw: DoubleArray | None) -> Rest | None:
        """The forecast of the next minutes; None if it is not known.

        Args:
            minutes: how many.
            issued_kw: (4, horizons) mean, median, low and high, NaN if none was issued.
        """
        if issued_kw is None or minutes >= len(self._choices):
            return None
        choice = self._choices[minutes]
        if choice is None:
            return None
        before, after, weight = choice
        found: list[float] = issued_kw[:, before].tolist()
        if weight:
            later: list[float] = issued_kw[:, after].tolist()
            found = [kw + weight * (more - kw) for kw, more in zip(found, later, strict=True)]
        # A NaN is not equal to itself.
        return Rest._make(found) if found[0] == found[0] else None


def _choice(minutes: int, horizons: Sequence[int]) -> tuple[int, int, float] | None:
    """The columns around a number of minutes, and the weight of the second."""
    if minutes in horizons:
        column = horizons.index(minutes)
        return column, column, 0.0
    after = next(place for place, each in enumerate(horizons) if each > minutes)
    if not after:
        return None
    before = after - 1
    a, b = horizons[before], horizons[after]
    return before, after, b * (minutes - a) / ((b - a) * minutes)
