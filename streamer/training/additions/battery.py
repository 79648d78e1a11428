"""Home battery that stores what would be exported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streamer.readings.arrays import DoubleArray


@dataclass(frozen=True)
class Battery:
    """Battery that aims at no exchange with the grid, as most do.

    It takes what is left of the sun and gives what is missing, within its limits. It follows the
    mean of the minute, and misses it by a few watts, since it lags some seconds behind.

    Attributes:
        capacity_kwh: energy that it can store.
        power_kw: largest power in and out.
        efficiency: share of the energy that remains on the way in, and again on the way out.
        miss_kw: standard deviation of what it misses.
    """

    capacity_kwh: float = 8.0
    power_kw: float = 4.0
    efficiency: float = 0.95
    miss_kw: float = 0.012

    def __post_init__(self) -> None:
        if self.capacity_kwh <= 0 or self.power_kw <= 0 or self.miss_kw < 0:
            raise ValueError(f"capacity, power and miss must be positive: {self}")
        if not 0.0 < self.efficiency <= 1.0:
            raise ValueError(f"efficiency {self.efficiency}, must be above 0 and at most 1")

    def kw(self, balance_kw: DoubleArray, rng: np.random.Generator) -> DoubleArray:
        """Power into the battery; it begins empty.

        Args:
            balance_kw: (minutes,) consumption less solar power in kW, below zero for a surplus.
            rng: source of random numbers.

        Returns:
            (minutes,) kW, positive while it charges.
        """
        capacity_kwm = 60.0 * self.capacity_kwh
        wanted = -balance_kw + self.miss_kw * rng.standard_normal(len(balance_kw))
        wanted = np.clip(wanted, -self.power_kw, self.power_kw)
        stored, powers = 0.0, []
        for kw in wanted.tolist():
            if kw > 0.0:
                kw = min(kw, (capacity_kwm - stored) / self.efficiency)
                stored += kw * self.efficiency
            else:
                kw = max(kw, -stored * self.efficiency)
                stored = max(stored + kw / self.efficiency, 0.0)
            powers.append(kw)
        return np.array(powers)
