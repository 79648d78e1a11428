"""Rules by which the forecasts of the next minutes' mean are issued."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from streamer.online.carried import MAX_CARRIED_KW
from streamer.online.means.bands import LEVEL, MeanBands
from streamer.online.means.context import Surroundings
from streamer.online.means.correction import Correction, regressors_of
from streamer.online.means.guard import MeanGuard
from streamer.online.means.waiting import Rows
from streamer.readings.arrays import DoubleArray
from streamer.scores.means import COLUMNS, HIGH, LAST, LOW, MEAN, MEDIAN, YESTERDAY

_MEAN_AND_MEDIAN = slice(0, None, 2)


class Rules(NamedTuple):
    """What the forecasts of a mini-batch are issued by, as far as it has been learnt.

    Attributes:
        bands: the intervals.
        correction: correction of the means; None if they are not corrected.
        guard: weights of the corrected changes; None if there are none.
    """

    bands: MeanBands
    correction: Correction | None
    guard: MeanGuard | None

    def issue(self, around: Surroundings, next_kw: DoubleArray, head_kw: DoubleArray) -> Rows:
        """The forecasts that are issued at readings, each by itself.

        Args:
            around: (readings,) their surroundings.
            next_kw: (readings, 4) mean, median, low and high of the next reading.
            head_kw: (readings, horizons - 1, 4) the head's, of the consumption.
        """
        head_kw = _of_the_grid(head_kw, around)
        readings, _, longer = head_kw.shape
        issued = np.empty((readings, COLUMNS, longer + 1))
        issued[:, LAST:] = around.baselines_kw
        network = head_kw[:, _MEAN_AND_MEDIAN]
        correction = change = np.zeros((readings, longer))
        if self.correction is not None:
            yesterday = issued[:, YESTERDAY, 1:]
            mean, median = network[:, 0], network[:, 1]
            regressors = regressors_of(around.common, mean, median, yesterday, around.last_kw)
            correction = self.correction.see(regressors)
            head_kw = head_kw + (correction * self.correction.weights)[:, None]
        mean, lowest, median, highest = head_kw.swapaxes(0, 1)
        low, high = self.bands.see(lowest, median, highest, around.classes)
        floor, ceiling = around.bounds_kw
        np.maximum(low, floor, out=low)
        np.minimum(low, ceiling, out=low)
        np.maximum(high, floor, out=high)
        np.minimum(high, ceiling, out=high)
        if self.guard is not None:
            change = mean - around.last_kw
            mean = around.last_kw + self.guard.see(change, around.classes[:, -1:] - LEVEL)
            mean = np.minimum(np.maximum(mean, low), high)
        issued[:, MEAN, 1:], issued[:, LOW, 1:], issued[:, HIGH, 1:] = mean, low, high
        np.minimum(np.maximum(median, low), high, out=issued[:, MEDIAN, 1:])
        bounded = np.minimum(np.maximum(next_kw, -MAX_CARRIED_KW), MAX_CARRIED_KW)
        issued[:, :LAST, 0] = bounded
        common = around.common[:, :, 0]
        return Rows(issued, around.actual_kw, network, correction, change, common, around.classes)


def _of_the_grid(head_kw: DoubleArray, around: Surroundings) -> DoubleArray:
    """Forecasts (readings, 4, horizons) of the grid power from the head's of the consumption."""
    offset = around.last_kw - around.consumption_kw[:, None]
    grid_kw: DoubleArray = np.add(head_kw.swapaxes(1, 2), offset[:, :, None], order="C")
    return grid_kw
