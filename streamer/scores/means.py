"""Running scores of the forecasts of the next minutes' mean, beside those of baselines."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any

import numpy as np

from streamer.readings.arrays import BoolArray, DoubleArray
from streamer.readings.means import MeanScores
from streamer.readings.packing import packed, unpacked
from streamer.readings.saved import count

MEAN, MEDIAN, LOW, HIGH, LAST, RECENT, HALF, YESTERDAY = range(8)
"""Rows of what is scored: the forecast with the ends of its band, and its baselines."""

COLUMNS = 8
_MSE, _MAE, _LAST, _YESTERDAY, _COVERAGE, _WINKLER = 0, 1, 2, 5, 6, 7
"""Rows of the scores, in the order of `streamer.readings.means.HorizonScores`."""


class RunningMeanScores:
    """Scores of settled forecasts, for all horizons at once.

    Args:
        minutes: the horizons.
        confidence: nominal coverage of the bands.

    >>> scores = RunningMeanScores((2,), confidence=0.9)
    >>> issued = np.array([[[0.75, 0.5, 0.25, 2.0, 1.0, 1.0, 1.0, np.nan]]])
    >>> (after,) = scores.update(issued.reshape(1, 8, 1), np.array([[0.5]]))
    >>> after[0].settled, after[0].mse_kw2, after[0].skill, after[0].yesterday_mse_kw2
    (1, 0.0625, 0.75, None)
    """

    def __init__(self, minutes: tuple[int, ...], *, confidence: float) -> None:
        self._minutes = minutes
        self._per_kw_outside = 2.0 / (1.0 - confidence)
        self._sums = np.zeros((COLUMNS, len(minutes)))
        self._counts = np.zeros((COLUMNS, len(minutes)), np.int64)
        self._all_settled = False

    def get(self) -> MeanScores:
        """The scores so far."""
        settled = self._counts[_MSE].copy()
        if self._all_settled:
            return MeanScores(self._minutes, settled, (self._sums / self._counts).T)
        self._all_settled = bool(self._counts.all())
        values = np.full(self._sums.shape, np.nan)
        np.divide(self._sums, self._counts, out=values, where=self._counts > 0)
        return MeanScores(self._minutes, settled, values.T)

    def update(
        self, issued_kw: DoubleArray, actual_kw: DoubleArray, *, last: int = 1
    ) -> list[MeanScores]:
        """Score the forecasts that consecutive readings settle.

        Args:
            issued_kw: (readings, 8, horizons) the rows above, in kW; NaN where a reading
                settles none, and for a yesterday that is not known.
            actual_kw: (readings, horizons) the means that came.
            last: number of last readings after each of which the scores are returned.
        """
        errors = issued_kw - actual_kw[:, None]
        below, above = errors[:, LOW], errors[:, HIGH]
        outside = np.maximum(below, -above)
        np.maximum(outside, 0.0, out=outside)
        added = np.empty_like(errors)
        np.abs(errors[:, MEDIAN], out=added[:, _MAE])
        added[:, _COVERAGE] = outside == 0.0
        outside *= self._per_kw_outside
        np.add(outside, above - below, out=added[:, _WINKLER])
        errors *= errors
        added[:, _MSE] = errors[:, MEAN]
        added[:, _LAST : _YESTERDAY + 1] = errors[:, LAST:]
        counted: BoolArray | list[int] = [1] * len(added)
        # A sum is NaN if any of its terms is.
        if isnan(added.sum()):
            counted = known = ~np.isnan(added)
            known[:, _COVERAGE] = known[:, _MSE]
            added = np.where(known, added, 0.0)
        found = []
        # One after the other, so that blocks of any length add up to the same.
        for left, one, ones in zip(reversed(range(len(added))), added, counted, strict=True):
            self._sums += one
            self._counts += ones
            if left < last:
                found.append(self.get())
        return found

    def state(self) -> dict[str, Any]:
        """Everything that the next scores depend on, as plain JSON values."""
        return {"sums": packed(self._sums), "counts": self._counts[[_MSE, _YESTERDAY]].tolist()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        sums = unpacked(state["sums"], self._sums.size).reshape(self._sums.shape)
        settled, yesterday = (list(map(count, each)) for each in state["counts"])
        if sums.min() < 0.0 or not len(settled) == len(yesterday) == len(self._minutes):
            raise ValueError("the scores of the next minutes' mean are damaged")
        counts = np.tile(np.array(settled, np.int64), (COLUMNS, 1))
        counts[_YESTERDAY] = yesterday
        if (counts[_YESTERDAY] > counts[_MSE]).any():
            raise ValueError("more forecasts of yesterday than were settled")
        self._sums, self._counts = sums, counts
