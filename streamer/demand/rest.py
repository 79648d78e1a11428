"""Forecast of the rest of a demand interval, from those of the next minutes' mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from streamer.readings.arrays import DoubleArray, IntArray


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
        known = [place for place, choice in enumerate(self._choices) if choice is not None]
        self._known = np.isin(np.arange(len(self._choices)), known)
        chosen = [(0, 0, 0.0) if choice is None else choice for choice in self._choices]
        self._before, self._after, weights = (
            np.array(column) for column in zip(*chosen, strict=True)
        )
        self._weights: DoubleArray = weights.astype(np.float64)

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

    def of_many(self, minutes: IntArray, issued_kw: DoubleArray | None) -> DoubleArray:
        """The forecasts of the next minutes for many meters.

        Args:
            minutes: (meters,) how many for each; 0 is allowed.
            issued_kw: (meters, 4, horizons) as for `of`.

        Returns:
            (meters, 4) mean, median, low and high in kW; NaN where they are not known.
        """
        found = np.full((len(minutes), 4), np.nan)
        if issued_kw is None:
            return found
        within = np.where(minutes < len(self._choices), minutes, 0)
        rows = np.flatnonzero(self._known[within])
        ahead = within[rows]
        before = issued_kw[rows, :, self._before[ahead]]
        after = issued_kw[rows, :, self._after[ahead]]
        found[rows] = before + self._weights[ahead, None] * (after - before)
        return found


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
