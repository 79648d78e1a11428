"""Running scores of the forecasts of the next minutes' mean, beside those of baselines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from streamer.readings.arrays import DoubleArray
from streamer.readings.means import MeanScores
from streamer.readings.packing import packed, unpacked
from streamer.readings.saved import count

MEAN, MEDIAN, LOW, HIGH, LAST, RECENT, HALF, YESTERDAY = range(8)
"""Columns of what is scored: the forecast with the ends of its band, and its baselines."""

COLUMNS = 8
_MSE, _MAE, _LAST, _YESTERDAY, _COVERAGE, _WINKLER = 0, 1, 2, 5, 6, 7
"""Columns of the scores, in the order of `streamer.readings.means.HorizonScores`."""


class RunningMeanScores:
    """Scores of settled forecasts, for all horizons at once.

    Args:
        minutes: the horizons.
        confidence: nominal coverage of the bands.

    >>> scores = RunningMeanScores((2,), confidence=0.9)
    >>> issued = [[[0.75, 0.5, 0.25, 2.0, 1.0, 1.0, 1.0, float("nan")]]]
    >>> (after,) = scores.update(np.array(issued), np.array([[0.5]]))
    >>> after[0].settled, after[0].mse_kw2, after[0].skill, after[0].yesterday_mse_kw2
    (1, 0.0625, 0.75, None)
    """

    def __init__(self, minutes: tuple[int, ...], *, confidence: float) -> None:
        self._minutes = minutes
        self._per_kw_outside = 2.0 / (1.0 - confidence)
        self._sums = np.zeros((len(minutes), COLUMNS))
        self._counts = np.zeros((len(minutes), COLUMNS), np.int64)

    def get(self) -> MeanScores:
        """The scores so far."""
        values = np.full(self._sums.shape, np.nan)
        np.divide(self._sums, self._counts, out=values, where=self._counts > 0)
        return MeanScores(self._minutes, self._counts[:, _MSE].copy(), values)

    def update(
        self, issued_kw: DoubleArray, actual_kw: DoubleArray, *, last: int = 1
    ) -> list[MeanScores]:
        """Score the forecasts that consecutive readings settle.

        Args:
            issued_kw: (readings, horizons, 8) the columns above, in kW; NaN where a reading
                settles none, and for a yesterday that is not known.
            actual_kw: (readings, horizons) the means that came.
            last: number of last readings after each of which the scores are returned.
        """
        errors = issued_kw - actual_kw[:, :, None]
        below, above = errors[:, :, LOW], errors[:, :, HIGH]
        outside = np.maximum(below, -above)
        np.maximum(outside, 0.0, out=outside)
        added = np.empty_like(errors)
        added[:, :, _MAE] = np.abs(errors[:, :, MEDIAN])
        added[:, :, _COVERAGE] = outside == 0.0
        outside *= self._per_kw_outside
        np.add(outside, above - below, out=added[:, :, _WINKLER])
        errors *= errors
        added[:, :, _MSE] = errors[:, :, MEAN]
        added[:, :, _LAST : _YESTERDAY + 1] = errors[:, :, LAST:]
        # A sum is NaN if any of its terms is.
        if np.isnan(added.sum()):
            known = ~np.isnan(added)
            known[:, :, _COVERAGE] = known[:, :, _MSE]
            added = np.where(known, added, 0.0)
            added[:, :, _COVERAGE] *= known[:, :, _MSE]
        else:
            known = np.ones(added.shape, np.bool_)
        # One after the other, so that blocks of any length add up to the same.
        start = len(added) - last
        for row in range(start):
            self._sums += added[row]
        self._counts += known[:start].sum(axis=0)
        found = []
        for row in range(start, len(added)):
            self._sums += added[row]
            self._counts += known[row]
            found.append(self.get())
        return found

    def state(self) -> dict[str, Any]:
        """Everything that the next scores depend on, as plain JSON values."""
        return {"sums": packed(self._sums), "counts": self._counts[:, [_MSE, _YESTERDAY]].tolist()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        sums = unpacked(state["sums"], self._sums.size).reshape(self._sums.shape)
        pairs = [tuple(map(count, pair)) for pair in state["counts"]]
        if sums.min() < 0.0 or len(pairs) != len(self._minutes):
            raise ValueError("the scores of the next minutes' mean are damaged")
        counts = np.empty(self._counts.shape, np.int64)
        for row, (settled, yesterday) in enumerate(pairs):
            if yesterday > settled:
                raise ValueError("more forecasts of yesterday than were settled")
            counts[row], counts[row, _YESTERDAY] = settled, yesterday
        self._sums, self._counts = sums, counts
