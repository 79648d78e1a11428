"""Net load: the grid power as what the house consumes, less its sun, plus its battery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from streamer.online.battery import BatteryResponse
from streamer.online.intervals import MAX_KW
from streamer.online.solar import SolarForecast
from streamer.readings import Reading
from streamer.readings.arrays import DoubleArray
from streamer.readings.channels import Powers

_REACH_PER_CHANGE = 2.5
"""Distance from the sun's forecast to its outer quantiles, in recent mean absolute changes."""


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """The sun's and the battery's part of consecutive forecasts, as arrays (forecasts,) in kW.

    Attributes:
        last_kw: the grid power at which the forecasts are issued.
        solar_kw: mean forecast of the solar power; None where it is not measured.
        mean_kw: the battery's last power less `solar_kw`.
        median_kw: the same with the last solar power, which is its median forecast.
        rise_kw: distance from the sun's forecast to its highest quantile.
        fall_kw: that to its lowest.
        share: share of a change of the net load that the battery leaves to the grid; None
            where there is none.
        actual_kw: the grid power that the forecasts were made for, or all but the last, whose
            forecast then waits to be settled.
    """

    last_kw: DoubleArray
    solar_kw: DoubleArray | None
    mean_kw: DoubleArray
    median_kw: DoubleArray
    rise_kw: DoubleArray
    fall_kw: DoubleArray
    share: DoubleArray | None
    actual_kw: DoubleArray

    def __getitem__(self, rows: slice) -> Terms:
        return Terms(
            self.last_kw[rows],
            None if self.solar_kw is None else self.solar_kw[rows],
            self.mean_kw[rows],
            self.median_kw[rows],
            self.rise_kw[rows],
            self.fall_kw[rows],
            None if self.share is None else self.share[rows],
            self.actual_kw[rows],
        )

    def grid(
        self,
        mean_kw: DoubleArray,
        frozen_kw: DoubleArray,
        quantiles_kw: DoubleArray,
        median: int | None,
    ) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
        """Forecasts of the grid power from those of the consumption.

        The outermost quantiles are taken to be as far from the median as the errors of the
        house and of the sun make them together, which is exact for independent, normal ones.

        Args:
            mean_kw: (forecasts,) the mean.
            frozen_kw: (forecasts,) the network's own.
            quantiles_kw: (forecasts, levels) in rising order.
            median: the median's place among them, if it has one.

        Returns:
            The three of the grid power; the network's own with persistence of the sun.
        """
        middle = mean_kw if median is None else quantiles_kw[:, median]
        quantiles = self._outer(quantiles_kw, middle)
        if median is not None:
            quantiles[:, median] = self._left(middle + self.median_kw)
        return self._left(mean_kw + self.mean_kw), self._left(frozen_kw + self.median_kw), quantiles

    def _outer(self, quantiles_kw: DoubleArray, middle_kw: DoubleArray) -> DoubleArray:
        grid: DoubleArray = quantiles_kw + self.mean_kw[:, None]
        if grid.shape[1] > 1:
            below = np.maximum(middle_kw - quantiles_kw[:, 0], 0.0)
            above = np.maximum(quantiles_kw[:, -1] - middle_kw, 0.0)
            grid[:, 0] -= np.hypot(below, self.rise_kw) - below
            grid[:, -1] += np.hypot(above, self.fall_kw) - above
        if self.share is None:
            return grid
        # Changes that the battery leaves to the grid now and then, as often as the share, have
        # that share of the variance: the root of it is the share of the width.
        width = np.sqrt(self.share)[:, None]
        return width * grid + (1.0 - width) * self.last_kw[:, None]

    def _left(self, kw: DoubleArray) -> DoubleArray:
        """Forecasts of the grid power, less what the battery takes of their change."""
        if self.share is None:
            return kw
        return self.share * kw + (1.0 - self.share) * self.last_kw


class NetLoad:
    """Forecasts of the sun and the battery beside those of the consumption."""

    def __init__(self) -> None:
        self._solar = SolarForecast()
        self._battery = BatteryResponse()

    def see(self, powers: Powers) -> Terms | None:
        """Process readings, and forecast what follows each of them.

        Args:
            powers: (readings,) those of consecutive readings.

        Returns:
            The terms (readings,) of the forecasts issued at them; None if they have no channels.
        """
        if powers.solar_kw is None and powers.battery_kw is None:
            return None
        grid, none = _bounded(powers.kw), np.zeros(len(powers.kw))
        last = mean = rise = none
        solar = share = None
        battery = none
        if powers.solar_kw is not None:
            last = _bounded(powers.solar_kw)
            mean, change = np.array(list(map(self._solar.push, last.tolist()))).T
            solar, rise = mean, _REACH_PER_CHANGE * change
        if powers.battery_kw is not None:
            battery = _bounded(powers.battery_kw)
            net = grid - battery
            share = np.array(list(map(self._battery.push, net.tolist(), grid.tolist())))
        # Darkness is the most that the sun can fall to.
        fall = np.minimum(rise, np.maximum(last, 0.0))
        return Terms(grid, solar, battery - mean, battery - last, rise, fall, share, powers.kw[1:])

    def see_one(self, reading: Reading) -> Terms | None:
        """The same for a single reading."""
        if reading.solar_kw is None and reading.battery_kw is None:
            return None
        return self.see(Powers.of([reading]))

    def restart(self) -> None:
        """Forget the recent values, as after a gap; what has been learnt remains."""
        self._solar.restart()
        self._battery.restart()

    def state(self) -> dict[str, Any]:
        """Everything that the next forecast depends on, as plain JSON values."""
        return {"solar": self._solar.state(), "battery": self._battery.state()}

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Continue from a saved state, bit for bit; begin anew if there is none.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        solar, battery = SolarForecast(), BatteryResponse()
        if state is not None:
            solar.restore(state["solar"])
            battery.restore(state["battery"])
        self._solar, self._battery = solar, battery


def _bounded(kw: DoubleArray) -> DoubleArray:
    """The powers, bounded so that no sum overflows."""
    return np.minimum(np.maximum(kw, -MAX_KW), MAX_KW)
