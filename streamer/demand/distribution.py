"""Distribution of the mean power over the rest of a demand interval."""

from __future__ import annotations

import math
from statistics import NormalDist

from streamer.demand.rest import Rest

MIN_KW = 1e-3
"""Minimum width of half a band, so that its tail has one."""


class RestDistribution:
    """Survival function of the mean over the rest, given the forecast of three quantiles.

    Linear between the quantiles. Above the upper one, the tail is exponential: that of an
    exponential distribution with this median and this upper quantile. Below the lower one, it is
    linear down to 0, since import is not negative, or exponential likewise where export is
    subtracted. The shape is a first guess, which `streamer.demand.probability` calibrates.

    Args:
        confidence: nominal coverage of the band between the outer quantiles, between 0 and 1.
        net: whether export is subtracted from import, so that the mean may be negative.

    Attributes:
        tail: probability beyond either outer quantile.
        rate: rate of the exponential tails, for each width of the upper half of the band.
        per_band: standard deviations of a normal distribution for each kW of its band.
    """

    __slots__ = ("_inner", "_net", "per_band", "rate", "tail")

    def __init__(self, confidence: float, *, net: bool = False) -> None:
        self._net = net
        self.tail = (1.0 - confidence) / 2.0
        self._inner = 0.5 - self.tail
        self.rate = math.log(0.5 / self.tail)
        self.per_band = 0.5 / NormalDist().inv_cdf(1.0 - self.tail)

    def reach(self, p: float) -> float:
        """Widths of the band's upper half above it at which a small probability is exceeded."""
        return math.log(self.tail / p) / self.rate

    def exceedance(self, kw: float, rest: Rest) -> float:
        """Probability that the mean over the rest is above a power in kW.

        Args:
            kw: the power.
            rest: the forecast, whose median and band are in order.

        >>> rest = Rest(kw=1.0, median_kw=0.8, low_kw=0.4, high_kw=2.8)
        >>> distribution = RestDistribution(0.9)
        >>> [round(distribution.exceedance(kw, rest), 3) for kw in (-1, 0.2, 0.8, 1.8, 2.8, 4.8)]
        [1.0, 0.975, 0.5, 0.275, 0.05, 0.005]
        """
        if kw <= 0.0 and not self._net:
            return 1.0
        _, median, low, high = rest
        tail = self.tail
        if kw >= high:
            width = max(high - median, MIN_KW)
            return tail * math.exp(-self.rate * (kw - high) / width)
        if kw >= median:
            return 0.5 - self._inner * (kw - median) / (high - median)
        if kw >= low:
            return 1.0 - tail - self._inner * (kw - low) / (median - low)
        if self._net:
            width = max(median - low, MIN_KW)
            return 1.0 - tail * math.exp(-self.rate * (low - kw) / width)
        return 1.0 - tail * kw / low
