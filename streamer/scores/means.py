"""Running scores of the forecasts of the next minutes' mean, beside those of baselines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from streamer.readings.arrays import DoubleArray, IntArray
from streamer.readings.means import MeanScores
from streamer.readings.packing import packed, unpacked
from streamer.readings.saved import count

MEAN, MEDIAN, LAST, RECENT, HALF, YESTERDAY, LOW, HIGH = range(8)
"""Columns of what is scored: the forecast, its baselines, and the ends of its band."""

COLUMNS = 8
_COVERAGE, _WINKLER = LOW, HIGH


class RunningMeanScores:
    """Scores of settled forecasts, for all horizons at once.

    Args:
        minutes: the horizons.
        confidence: nominal coverage of the bands.

    >>> scores = RunningMeanScores((2,), confidence=0.9)
    >>> issued = [[[0.75, 0.5, 1.0, 1.0, 1.0, float("nan"), 0.25, 2.0]]]
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
        return self._of(self._sums, self._counts)

    def update(
        self, issued_kw: DoubleArray, actual_kw: DoubleArray, *, every: bool = True
    ) -> list[MeanScores]:
        """Score the forecasts that consecutive readings settle.

        Args:
            issued_kw: (readings, horizons, 8) the columns above, in kW; NaN where a reading
                settles none, and for a yesterday that is not known.
            actual_kw: (readings, horizons) the means that came.
            every: whether the scores after each reading are returned, or only the last.
        """
        added = issued_kw - actual_kw[:, :, None]
        outside = np.maximum(np.maximum(added[:, :, LOW], -added[:, :, HIGH]), 0.0)
        medians = np.abs(added[:, :, MEDIAN])
        width = issued_kw[:, :, HIGH] - issued_kw[:, :, LOW]
        added *= added
        added[:, :, MEDIAN] = medians
        added[:, :, _COVERAGE] = outside == 0.0
        added[:, :, _WINKLER] = width + self._per_kw_outside * outside
        # A sum is NaN if any of its terms is.
        counts: IntArray = np.ones(added.shape, np.int64)
        if np.isnan(added.sum()):
            known = ~np.isnan(added)
            known[:, :, _COVERAGE] &= known[:, :, MEAN]
            counts = known.astype(np.int64)
            added = np.where(known, added, 0.0)
        added[0] += self._sums
        counts[0] += self._counts
        # One after the other, so that blocks of any length add up to the same.
        sums, counts = np.cumsum(added, axis=0), np.cumsum(counts, axis=0)
        self._sums, self._counts = sums[-1], counts[-1]
        rows = range(len(sums)) if every else (-1,)
        return [self._of(sums[row], counts[row]) for row in rows]

    def state(self) -> dict[str, Any]:
        """Everything that the next scores depend on, as plain JSON values."""
        return {"sums": packed(self._sums), "counts": self._counts[:, [MEAN, YESTERDAY]].tolist()}

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
            counts[row], counts[row, YESTERDAY] = settled, yesterday
        self._sums, self._counts = sums, counts

    def _of(self, sums: DoubleArray, counts: IntArray) -> MeanScores:
        values = np.full(sums.shape, np.nan)
        np.divide(sums, counts, out=values, where=counts > 0)
        return MeanScores(self._minutes, counts[:, MEAN].copy(), values)
