"""Running scores of the forecasts of the next minutes' mean, beside those of baselines."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan
from typing import Any

import numpy as np

from streamer.readings.arrays import DoubleArray, IntArray
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
    >>> scores.update(issued.reshape(1, 8, 1), np.array([[0.5]]))
    >>> after = scores.get()[0]
    >>> after.settled, after.mse_kw2, after.skill, after.yesterday_mse_kw2
    (1, 0.0625, 0.75, None)
    """

    def __init__(self, minutes: tuple[int, ...], *, confidence: float) -> None:
        self._minutes = minutes
        self._per_kw_outside = 2.0 / (1.0 - confidence)
        self._sums = np.zeros((COLUMNS, len(minutes)))
        self._counts = np.zeros((COLUMNS, len(minutes)), np.int64)

    def get(self) -> MeanScores:
        """The scores so far."""
        return MeanScores(self._minutes, *self.figures())

    def figures(self) -> tuple[IntArray, DoubleArray]:
        """(horizons,) numbers and (horizons, 8) values of the scores so far."""
        values = np.full(self._sums.shape, np.nan)
        np.divide(self._sums, self._counts, out=values, where=self._counts > 0)
        return self._counts[_MSE].copy(), values.T

    def update(self, issued_kw: DoubleArray, actual_kw: DoubleArray) -> None:
        """Score the forecasts that consecutive readings settle.

        Blocks of any length add up to the same, bit for bit.

        Args:
            issued_kw: (readings, 8, horizons) the rows above, in kW; NaN where a reading
                settles none, and for a yesterday that is not known.
            actual_kw: (readings, horizons) the means that came.
        """
        errors = issued_kw - actual_kw[:, None]
        below, above = errors[:, LOW], errors[:, HIGH]
        outside = np.maximum(below, -above)
        np.maximum(outside, 0.0, out=outside)
        # The first row is what there was: rows are added up one after the other.
        rows = np.empty((len(errors) + 1, *self._sums.shape))
        rows[0], added = self._sums, rows[1:]
        np.abs(errors[:, MEDIAN], out=added[:, _MAE])
        added[:, _COVERAGE] = outside == 0.0
        outside *= self._per_kw_outside
        np.add(outside, above - below, out=added[:, _WINKLER])
        errors *= errors
        added[:, _MSE] = errors[:, MEAN]
        added[:, _LAST : _YESTERDAY + 1] = errors[:, LAST:]
        counted: int | IntArray = len(added)
        # A sum is NaN if any of its terms is.
        if isnan(added.sum()):
            known = ~np.isnan(added)
            known[:, _COVERAGE] = known[:, _MSE]
            np.copyto(added, 0.0, where=~known)
            counted = known.sum(axis=0)
        # New arrays, so that a shallow copy keeps the scores as they are now.
        self._sums, self._counts = rows.sum(axis=0), self._counts + counted

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
