"""Net load: the grid power as what the house consumes, less its sun, plus its battery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np

from streamer.online.battery import BatteryResponse
from streamer.online.intervals import MAX_KW
from streamer.online.solar import SolarForecast
from streamer.readings import Reading
from streamer.readings.arrays import DoubleArray
from streamer.readings.channels import Channels, Powers

_REACH_PER_CHANGE = 2.5
"""Distance from the sun's forecast to its outer quantiles, in recent mean absolute changes."""

_NOTHING: DoubleArray = np.empty(0)


class Part(NamedTuple):
    """The sun's and the battery's part of one forecast, in kW.

    Attributes:
        last_kw: the grid power at which the forecast is issued.
        solar_kw: mean forecast of the solar power.
        mean_kw: the battery's last power less `solar_kw`.
        median_kw: the same with the last solar power, which is its median forecast.
        rise_kw: distance from the sun's forecast to its highest quantile.
        fall_kw: that to its lowest.
        share: share of a change of the net load that the battery leaves to the grid.
    """

    last_kw: float
    solar_kw: float
    mean_kw: float
    median_kw: float
    rise_kw: float
    fall_kw: float
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """The sun's and the battery's part of consecutive forecasts.

    Attributes:
        parts: (forecasts, 7) the fields of `Part`.
        actual_kw: the grid power that the forecasts were made for, or all but the last, whose
            forecast then waits to be settled.
        channels: whether solar and battery power are measured.
    """

    parts: DoubleArray
    actual_kw: DoubleArray
    channels: Channels

    def __getitem__(self, rows: slice) -> Terms:
        return Terms(self.parts[rows], self.actual_kw[rows], self.channels)

    @property
    def solar_kw(self) -> DoubleArray | None:
        """(forecasts,) mean forecast of the solar power; None where it is not measured."""
        return self.parts[:, 1] if self.channels[0] else None

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
        last, _, offset, median_offset, rise, fall, share = self.parts.T
        left = share if self.channels[1] else None
        middle = mean_kw if median is None else quantiles_kw[:, median]
        quantiles: DoubleArray = quantiles_kw + offset[:, None]
        if quantiles.shape[1] > 1:
            below = np.maximum(middle - quantiles_kw[:, 0], 0.0)
            above = np.maximum(quantiles_kw[:, -1] - middle, 0.0)
            quantiles[:, 0] -= np.hypot(below, rise) - below
            quantiles[:, -1] += np.hypot(above, fall) - above
        if left is not None:
            # Changes that the battery leaves to the grid now and then, as often as the share,
            # have that share of the variance: the root of it is the share of the width.
            width = np.sqrt(left)[:, None]
            quantiles = width * quantiles + (1.0 - width) * last[:, None]
        if median is not None:
            quantiles[:, median] = _left(left, middle + median_offset, last)
        mean = _left(left, mean_kw + offset, last)
        return mean, _left(left, frozen_kw + median_offset, last), quantiles


def _left(share: DoubleArray | None, kw: DoubleArray, last_kw: DoubleArray) -> DoubleArray:
    """Forecasts of the grid power, less what a battery takes of their change."""
    return kw if share is None else share * kw + (1.0 - share) * last_kw


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
        solar, battery = powers.solar_kw, powers.battery_kw
        if solar is None and battery is None:
            return None
        columns = (repeat(None) if kw is None else kw.tolist() for kw in (solar, battery))
        parts = np.array(list(map(self._part, powers.kw.tolist(), *columns)))
        return Terms(parts, powers.kw[1:], (solar is not None, battery is not None))

    def see_one(self, reading: Reading) -> Terms | None:
        """The same for a single reading."""
        solar, battery = reading.solar_kw, reading.battery_kw
        if solar is None and battery is None:
            return None
        part = self._part(reading.kw, solar, battery)
        return Terms(np.array([part]), _NOTHING, (solar is not None, battery is not None))

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

    def _part(self, kw: float, solar_kw: float | None, battery_kw: float | None) -> Part:
        grid = _bounded(kw)
        solar = mean = rise = battery = 0.0
        share = 1.0
        if solar_kw is not None:
            solar = _bounded(solar_kw)
            mean, change = self._solar.push(solar)
            rise = _REACH_PER_CHANGE * change
        if battery_kw is not None:
            battery = _bounded(battery_kw)
            share = self._battery.push(grid - battery, grid)
        fall = min(rise, max(solar, 0.0))  # darkness is the most that the sun can fall to
        return Part(grid, mean, battery - mean, battery - solar, rise, fall, share)


def _bounded(kw: float) -> float:
    """The power, bounded so that no sum overflows."""
    return min(max(kw, -MAX_KW), MAX_KW)
