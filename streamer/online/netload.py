"""Net load: the grid power as what the house consumes, less its sun, plus its battery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from streamer.online.intervals import MAX_KW
from streamer.online.solar import SolarForecast
from streamer.readings import Reading
from streamer.readings.arrays import DoubleArray
from streamer.readings.channels import Powers

_REACH_PER_CHANGE = 2.0
"""Distance from the sun's forecast to its outer quantiles, in recent mean absolute changes."""


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """The sun's and the battery's part of consecutive forecasts, as arrays (forecasts,) in kW.

    Attributes:
        solar_kw: mean forecast of the solar power; None where it is not measured.
        mean_kw: battery power, its last value, less `solar_kw`.
        median_kw: the same with the last solar power, which is its median forecast.
        reach_kw: distance from there to the outer quantiles of the sun.
        actual_kw: (forecasts,) the grid power that the forecasts were made for, or all but the
            last, whose forecast then waits to be settled.
    """

    solar_kw: DoubleArray | None
    mean_kw: DoubleArray
    median_kw: DoubleArray
    reach_kw: DoubleArray
    actual_kw: DoubleArray

    def __getitem__(self, rows: slice) -> Terms:
        solar = None if self.solar_kw is None else self.solar_kw[rows]
        return Terms(
            solar,
            self.mean_kw[rows],
            self.median_kw[rows],
            self.reach_kw[rows],
            self.actual_kw[rows],
        )

    def grid_quantiles(self, quantiles_kw: DoubleArray, middle_kw: DoubleArray) -> DoubleArray:
        """Quantiles of the grid power (forecasts, levels) from those of the consumption.

        The outermost are taken to be as far from the middle as the independent errors of the
        house and of the sun make them together, which is exact for normal ones.

        Args:
            quantiles_kw: (forecasts, levels) quantiles of the consumption in rising order.
            middle_kw: (forecasts,) its median, or mean.
        """
        grid: DoubleArray = quantiles_kw + self.median_kw[:, None]
        if grid.shape[1] > 1:
            below = np.maximum(middle_kw - quantiles_kw[:, 0], 0.0)
            above = np.maximum(quantiles_kw[:, -1] - middle_kw, 0.0)
            grid[:, 0] -= np.hypot(below, self.reach_kw) - below
            grid[:, -1] += np.hypot(above, self.reach_kw) - above
        return grid


class NetLoad:
    """Forecasts of the sun and the battery beside those of the consumption.

    The battery is expected to go on as it is: its control follows the house and the tariff,
    neither of which is known here.
    """

    def __init__(self) -> None:
        self._solar = SolarForecast()

    def see(self, powers: Powers) -> Terms | None:
        """Process readings, and forecast what follows each of them.

        Args:
            powers: (readings,) those of consecutive readings.

        Returns:
            The terms (readings,) of the forecasts issued at them; None if they have no channels.
        """
        solar, battery = powers.solar_kw, powers.battery_kw
        if solar is None and battery is None:
            return None
        count = len(powers.kw)
        stored = np.zeros(count) if battery is None else _bounded(battery)
        if solar is None:
            return Terms(None, stored, stored, np.zeros(count), powers.kw[1:])
        push = self._solar.push
        mean, change = np.array([push(kw) for kw in _bounded(solar).tolist()]).T
        reach = _REACH_PER_CHANGE * change
        return Terms(mean, stored - mean, stored - _bounded(solar), reach, powers.kw[1:])

    def see_one(self, reading: Reading) -> Terms | None:
        """The same for a single reading."""
        if reading.solar_kw is None and reading.battery_kw is None:
            return None
        return self.see(Powers.of([reading]))

    def restart(self) -> None:
        """Forget the recent values, as after a gap; what has been learnt remains."""
        self._solar.restart()

    def state(self) -> dict[str, Any]:
        """Everything that the next forecast depends on, as plain JSON values."""
        return {"solar": self._solar.state()}

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Continue from a saved state, bit for bit; begin anew if there is none.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        solar = SolarForecast()
        if state is not None:
            solar.restore(state["solar"])
        self._solar = solar


def _bounded(kw: DoubleArray) -> DoubleArray:
    """The powers, bounded so that no sum overflows."""
    return np.minimum(np.maximum(kw, -MAX_KW), MAX_KW)
