"""Linear autoregression, fitted by least squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from streamer.evaluation.stretch import WARM_UP
from streamer.readings.arrays import DoubleArray

_BLOCK = 32_768


@dataclass(frozen=True)
class Autoregression:
    """Next value as a weighted sum of the last ones, and a constant.

    Attributes:
        weights: (lags,) one for each value of a window, oldest first.
        intercept_kw: the constant in kW.
    """

    weights: DoubleArray
    intercept_kw: float

    @classmethod
    def fit(cls, kw: DoubleArray, *, lags: int = WARM_UP) -> Autoregression:
        """Fit by ordinary least squares, through the normal equations.

        The equations are accumulated block by block, so that memory stays small for any
        length of recording. Values are centred first, which keeps the equations well conditioned.

        Args:
            kw: (readings,) in kW, in order of time.
            lags: number of values in the weighted sum.
        """
        shift = kw.mean()
        windows = sliding_window_view(kw - shift, lags + 1)
        products = np.zeros((lags + 2, lags + 2))
        for start in range(0, len(windows), _BLOCK):
            block = windows[start : start + _BLOCK]
            # Lags, target and the intercept's ones side by side: one product covers all.
            rows = np.column_stack([block, np.ones(len(block))])
            products += rows.T @ rows
        inputs = [*range(lags), lags + 1]
        # Least squares again, since constant readings make the equations singular.
        solved = np.linalg.lstsq(products[np.ix_(inputs, inputs)], products[inputs, lags])[0]
        weights: DoubleArray = solved[:lags].astype(np.float64)
        return cls(weights, float(solved[lags] + shift * (1.0 - weights.sum())))

    @property
    def lags(self) -> int:
        """Number of values in the weighted sum."""
        return len(self.weights)

    def forecast(self, windows: DoubleArray) -> DoubleArray:
        """(windows, lags) in kW, oldest first, to (windows,) the next values in kW."""
        blocks = range(0, len(windows), _BLOCK)
        parts = [windows[start : start + _BLOCK] @ self.weights for start in blocks]
        forecasts: DoubleArray = np.concatenate(parts) + self.intercept_kw
        return forecasts
