"""Online correction of the forecasts of the next minutes' mean, one regression a horizon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from streamer.models.features import FEATURES
from streamer.readings.arrays import DoubleArray, FloatArray
from streamer.readings.packing import packed, unpacked

MAX_KW = 50.0
"""Bound of regressors and errors, so that a faulty reading counts as a few large ones."""

HIGH_KW = 4.0
"""Last readings above which the house is taken to be in another state, as with a car charging."""

COMMON, REGRESSORS = 9, 13
"""Regressors that are the same for all horizons; and all of them."""

_RIDGE = 60.0
_MIN_VARIANCE_KW2 = 1e-3
_PRIOR_KW2 = 0.5
_HALF_LIFE_MINUTES = 20 * 1440
_WEIGHT_HALF_LIFE_MINUTES = 1440

_MAX_SUM = 1e12
"""Bound of the sums in a saved state: far above what bounded errors can add up to."""

_IS_HIGH = 7
_POWERS = [FEATURES.index(name) for name in ("recent_60", "recent_15", "mean_1d", "mean_7d")]


class Correction:
    """Correction of the mean forecasts of one house, fitted to their errors so far.

    For each horizon, the error of the network's forecast is regressed on its own change from the
    last reading, the distance of its median from its mean, the distances of the means of the
    last 15 and 60 minutes, day and week and of the same minutes of yesterday from the last
    reading, the last change, and a constant. The hour's distance and the last change enter a
    second time as ``asinh(2 x)``, and the network's change and the constant once more for
    readings above `HIGH_KW`. The correction is then weighted by a number from 0 to 1, the
    least-squares coefficient of the errors on the corrections as they were issued, so that one
    that has not helped over the last day or so is withdrawn.

    **Source.** Ridge regression with forgetting (Haykin, "Adaptive Filter Theory", chapter 10;
    half-life 20 days), solved anew for each mini-batch of settled forecasts; feedback that is
    delayed by the horizon costs a regret that grows with the delay only additively (Joulani,
    György and Szepesvári 2013, ICML). Weights by progressive validation are those of stacking
    (Breiman 1996, Machine Learning 24).

    **Guarantee.** None for a single day; the weight is fitted on forecasts that were issued
    before their minutes came, with a prior of one (kW)² for the full correction.

    **What breaks it.** A house that changes its habits within days: what was learnt before
    counts by half after 20 days.

    Args:
        horizons: number of horizons.
    """

    def __init__(self, horizons: int) -> None:
        size = REGRESSORS
        self._squares: DoubleArray = np.zeros((horizons, size, size))
        self._products: DoubleArray = np.zeros((horizons, size))
        self._settled = np.zeros(horizons)
        self._size, self._gain = np.zeros(horizons), np.zeros(horizons)
        self._coefficients: DoubleArray = np.zeros((size, horizons))
        self.weights = np.ones(horizons)

    def see(self, regressors: DoubleArray) -> DoubleArray:
        """Corrections at their full weight, (rows, horizons) in kW.

        Args:
            regressors: (rows, 13, horizons) as by `regressors_of`.
        """
        # Added up in the same order for any number of rows, as a matrix product would not be.
        found: DoubleArray = (regressors * self._coefficients).sum(axis=1)
        return found

    def learn(
        self, regressors: DoubleArray, error_kw: DoubleArray, correction_kw: DoubleArray
    ) -> None:
        """Learn from a mini-batch of settled forecasts.

        Args:
            regressors: (rows, 13, horizons) those that they were issued with.
            error_kw: (rows, horizons) mean that came less the network's; NaN where none was
                settled.
            correction_kw: (rows, horizons) corrections at their issue, at full weight.
        """
        known = ~np.isnan(error_kw)
        error = np.where(known, np.clip(error_kw, -MAX_KW, MAX_KW), 0.0)
        rows = np.where(known[:, None], regressors, 0.0).transpose(2, 0, 1)
        issued = np.where(known, correction_kw, 0.0)
        minutes = len(error_kw)
        kept = 0.5 ** (minutes / _HALF_LIFE_MINUTES)
        turned = rows.transpose(0, 2, 1)
        squares = turned @ rows
        # Not every processor's product is symmetric to the last bit, and one half is saved.
        squares = (squares + squares.swapaxes(1, 2)) / 2.0
        self._squares = kept * self._squares + squares
        products: DoubleArray = (turned @ error.T[:, :, None])[:, :, 0]
        self._products = kept * self._products + products
        self._settled = kept * self._settled + known.sum(axis=0)
        kept = 0.5 ** (minutes / _WEIGHT_HALF_LIFE_MINUTES)
        self._size = kept * self._size + (issued * issued).sum(axis=0)
        self._gain = kept * self._gain + (issued * error).sum(axis=0)
        self._solve()

    def state(self) -> dict[str, Any]:
        """Everything that the next correction depends on, as plain JSON values."""
        upper = np.triu_indices(REGRESSORS)
        sums = self._settled, self._size, self._gain
        return {
            "squares": packed(self._squares[:, *upper]),
            "products": packed(self._products),
            "sums": packed(sums),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        horizons = len(self._settled)
        rows, columns = np.triu_indices(REGRESSORS)
        upper = unpacked(state["squares"], horizons * len(rows)).reshape(horizons, -1)
        products = unpacked(state["products"], horizons * REGRESSORS).reshape(horizons, -1)
        settled, size, gain = unpacked(state["sums"], 3 * horizons).reshape(3, -1)
        squares = np.empty((horizons, REGRESSORS, REGRESSORS))
        squares[:, rows, columns] = squares[:, columns, rows] = upper
        diagonal = squares[:, range(REGRESSORS), range(REGRESSORS)]
        largest = max(np.abs(each).max() for each in (upper, products, settled, size, gain))
        if largest > _MAX_SUM or min(diagonal.min(), settled.min(), size.min()) < 0.0:
            raise ValueError("the sums of the correction are not those of its errors")
        # A sum of squares has no product above its own diagonal.
        bound = np.sqrt(diagonal[:, :, None] * diagonal[:, None, :]) * (1.0 + 1e-6) + 1e-6
        if (np.abs(squares) > bound).any():
            raise ValueError("the squares of the correction are not those of its errors")
        self._squares, self._products = squares, products
        self._settled = settled
        self._size, self._gain = size, gain
        self._solve()

    def _solve(self) -> None:
        diagonal = np.arange(REGRESSORS)
        squares = self._squares.copy()
        variance = squares[:, diagonal, diagonal].mean(axis=1) / np.maximum(self._settled, 1.0)
        squares[:, diagonal, diagonal] += _RIDGE * (variance + _MIN_VARIANCE_KW2)[:, None]
        solved = np.linalg.solve(squares, self._products[:, :, None])
        self._coefficients = np.ascontiguousarray(solved[:, :, 0].T, np.float64)
        weights = (self._gain + _PRIOR_KW2) / (self._size + _PRIOR_KW2)
        self.weights = np.minimum(np.maximum(weights, 0.0), 1.0)


def commons_of(features: FloatArray, last_kw: DoubleArray, change_kw: DoubleArray) -> DoubleArray:
    """(readings, 9) regressors that are the same for all horizons.

    Args:
        features: (readings, features) of `streamer.online.history.History`.
        last_kw: (readings,) the readings in kW.
        change_kw: (readings,) their changes since the ones before.
    """
    found = np.empty((len(last_kw), COMMON))
    distances = features[:, _POWERS].astype(np.float64)
    found[:, :4] = np.sinh(distances) / 2.0
    found[:, 4] = change_kw
    found[:, 5] = distances[:, 0]
    found[:, 6] = np.arcsinh(2.0 * change_kw)
    found[:, _IS_HIGH] = last_kw > HIGH_KW
    found[:, 8] = 1.0
    return found


def regressors_of(
    common: DoubleArray,
    mean_kw: DoubleArray,
    median_kw: DoubleArray,
    yesterday_kw: DoubleArray,
    last_kw: DoubleArray,
) -> DoubleArray:
    """(readings, 13, horizons) regressors, bounded.

    Args:
        common: (readings, 9, 1) those that are the same for all horizons; (readings, 9,
            horizons) if forecasts of different readings are put together.
        mean_kw: (readings, horizons) the network's mean.
        median_kw: (readings, horizons) its median.
        yesterday_kw: (readings, horizons) mean of the same minutes of yesterday; NaN where it is
            not known.
        last_kw: (readings, 1) or (readings, horizons) the last readings.
    """
    readings, horizons = mean_kw.shape
    found: DoubleArray = np.empty((readings, REGRESSORS, horizons))
    found[:, :COMMON] = common
    change, yesterday = found[:, COMMON], found[:, COMMON + 2]
    np.subtract(mean_kw, last_kw, out=change)
    np.subtract(median_kw, mean_kw, out=found[:, COMMON + 1])
    np.subtract(yesterday_kw, last_kw, out=yesterday)
    np.multiply(change, common[:, _IS_HIGH], out=found[:, COMMON + 3])
    np.copyto(yesterday, 0.0, where=np.isnan(yesterday))
    np.maximum(found, -MAX_KW, out=found)
    np.minimum(found, MAX_KW, out=found)
    return found
