"""Solar panels and their inverter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streamer.readings.arrays import DoubleArray

_AWAKE_W_M2 = 5.0
"""Irradiance from which on an inverter feeds in."""


@dataclass(frozen=True)
class Panels:
    """Solar panels of one orientation.

    Power is proportional to global horizontal irradiance up to the inverter's limit: temperature,
    and the angle to the sun, are in one factor.

    Attributes:
        kwp: power of the panels at 1000 W/m² in kW.
        factor: share of it on the grid's side at that irradiance: losses, tilt and orientation.
        limit_kw: largest power of the inverter in kW; None for none.
        standby_kw: consumption of the inverter at night in kW.
    """

    kwp: float = 5.0
    factor: float = 0.82
    limit_kw: float | None = None
    standby_kw: float = 0.003

    def __post_init__(self) -> None:
        if self.kwp <= 0 or not 0 < self.factor <= 1.5 or self.standby_kw < 0:
            raise ValueError(f"power and factor must be positive, standby at least 0: {self}")
        if self.limit_kw is not None and self.limit_kw <= 0:
            raise ValueError(f"limit {self.limit_kw} kW, must be positive")

    def kw(self, irradiance: DoubleArray) -> DoubleArray:
        """Power of the inverter.

        Args:
            irradiance: (minutes,) global horizontal irradiance in W/m².

        Returns:
            (minutes,) kW; at night minus its consumption.
        """
        power = self.kwp * self.factor * irradiance / 1000.0
        if self.limit_kw is not None:
            power = np.minimum(power, self.limit_kw)
        return np.where(irradiance >= _AWAKE_W_M2, power, -self.standby_kw)

    @classmethod
    def drawn(cls, rng: np.random.Generator) -> Panels:
        """Panels of one roof of many."""
        kwp = float(np.clip(rng.lognormal(np.log(5.5), 0.45), 1.5, 15.0))
        limit = kwp * float(rng.uniform(0.6, 0.75)) if rng.random() < 0.3 else None
        return cls(kwp, float(rng.uniform(0.65, 0.9)), limit, float(rng.uniform(0.0, 0.006)))
