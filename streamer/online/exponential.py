"""Exponentially weighted means by elapsed minutes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from streamer.readings.arrays import DoubleArray, IntArray
from streamer.readings.saved import numbers

_PRIOR_WEIGHT = 1e-9
"""Weight of a value of zero, to which a mean returns when nothing has come for long."""


class ExponentialMean:
    """Mean in which a value counts for ``exp(-age / minutes)``.

    The weights are normalised, so that it is a mean from the first value on.

    Args:
        minutes: the time constant.

    >>> mean = ExponentialMean(60)
    >>> mean.push(1.0, apart=0)
    >>> mean.push(2.0, apart=60)
    >>> round(mean.value(), 4) == round((2.0 + math.exp(-1)) / (1.0 + math.exp(-1)), 4)
    True
    """

    def __init__(self, minutes: int) -> None:
        self._minutes = minutes
        self._decay = math.exp(-1.0 / minutes)
        self._sum = self._weight = 0.0

    def value(self) -> float:
        """The mean; zero before the first value, and when all are long ago."""
        return self._sum / (self._weight + _PRIOR_WEIGHT)

    def push(self, value: float, apart: int) -> None:
        """Take a value, so many minutes after the last call."""
        decay = self._decay if apart == 1 else math.exp(-apart / self._minutes)
        self._sum = self._sum * decay + value
        self._weight = self._weight * decay + 1.0

    def skip(self, apart: int) -> None:
        """Let minutes pass without a value."""
        decay = math.exp(-apart / self._minutes)
        self._sum *= decay
        self._weight *= decay

    def extend(self, values: DoubleArray, given: DoubleArray, elapsed: IntArray) -> DoubleArray:
        """Take consecutive values.

        Args:
            values: (readings,) the values, 0 where there is none.
            given: (readings,) 1 where there is a value, otherwise 0.
            elapsed: (readings,) minutes since the last call, fewer than 300 time constants from
                the first to the last.

        Returns:
            (readings,) the mean after each.
        """
        apart = int(elapsed[0])
        self.skip(apart)
        age = (elapsed - apart) / self._minutes
        growth, decay = np.exp(age), np.exp(-age)
        # Σ exp(-(t - s)) x = exp(-t) Σ exp(s) x: every term is the smaller the older it is.
        sums = np.cumsum(growth * values)
        sums += self._sum
        sums *= decay
        weights = np.cumsum(growth * given)
        weights += self._weight
        weights *= decay
        self._sum, self._weight = float(sums[-1]), float(weights[-1])
        weights += _PRIOR_WEIGHT
        sums /= weights
        return sums

    def state(self) -> list[float]:
        """Everything that the next mean depends on, as plain JSON values."""
        return [self._sum, self._weight]

    def restore(self, state: Iterable[Any], largest: float) -> None:
        """Continue from a saved state of values up to a magnitude, bit for bit.

        Raises:
            TypeError, ValueError: the state is damaged; nothing has changed.
        """
        total, weight = numbers(state, most=2)
        # A sum of weights is a geometric series, but for readings in one minute.
        if weight < 0.0 or abs(total) > largest * weight * (1.0 + 1e-6):
            raise ValueError("an exponential mean is out of bounds")
        self._sum, self._weight = total, weight
