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
from streamer.readings.powers import Powers, SidePowers

_REACH_PER_CHANGE = 2.5
"""Distance from the sun's forecast to its outer quantiles, in recent mean absolute changes."""

_RESPONSES = (0.1, 0.5, 0.9)
"""Limits between the classes of the share that a battery leaves to the grid."""

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


_LAST, _SOLAR, _MEAN, _MEDIAN, _SHARE = map(
    Part._fields.index, ("last_kw", "solar_kw", "mean_kw", "median_kw", "share")
)


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """The sun's and the battery's part of consecutive forecasts.

    Attributes:
        parts: (forecasts, 7) the fields of `Part`.
        actual_kw: the grid power that the forecasts were made for, or all but the last, whose
            forecast then waits to be settled.
        sides: whether solar and battery power are measured.
    """

    parts: DoubleArray
    actual_kw: DoubleArray
    sides: SidePowers

    def __getitem__(self, rows: slice) -> Terms:
        return Terms(self.parts[rows], self.actual_kw[rows], self.sides)

    @property
    def solar_kw(self) -> DoubleArray | None:
        """(forecasts,) mean forecast of the solar power; None where it is not measured."""
        return self.parts[:, _SOLAR] if self.sides[0] else None

    @property
    def last_kw(self) -> DoubleArray:
        """(forecasts,) grid power at which each forecast is issued."""
        return self.parts[:, _LAST]

    @property
    def responses(self) -> list[int] | None:
        """Class of the battery's response at each forecast, 0 to 3; None without a battery.

        They take the place of the parts of the day in a guard of the grid power, since a battery
        at work and an empty one make two houses of one.
        """
        if not self.sides[1]:
            return None
        found: list[int] = np.searchsorted(_RESPONSES, self.parts[:, _SHARE]).tolist()
        return found

    def mean(self, kw: DoubleArray) -> DoubleArray:
        """Mean forecasts (forecasts,) of the grid power from those of the consumption."""
        return self._left(kw, _MEAN)

    def median(self, kw: DoubleArray) -> DoubleArray:
        """Forecasts (forecasts,) of the grid power with persistence of the sun."""
        return self._left(kw, _MEDIAN)

    def quantiles(self, kw: DoubleArray, middle_kw: DoubleArray) -> DoubleArray:
        """Quantiles of the grid power from those of the consumption.

        The outermost are taken to be as far from the median as the errors of the house and of
        the sun make them together, which is exact for independent, normal ones.

        Args:
            kw: (forecasts, levels) quantiles in rising order.
            middle_kw: (forecasts,) the median, or the mean.
        """
        last, _, offset, _, rise, fall, share = self.parts.T
        grid: DoubleArray = kw + offset[:, None]
        if grid.shape[1] > 1:
            below = np.maximum(middle_kw - kw[:, 0], 0.0)
            above = np.maximum(kw[:, -1] - middle_kw, 0.0)
            grid[:, 0] -= np.hypot(below, rise) - below
            grid[:, -1] += np.hypot(above, fall) - above
        if self.sides[1]:
            # Changes that the battery leaves to the grid now and then, as often as the share,
            # have that share of the variance: the root of it is the share of the width.
            width = np.sqrt(share)[:, None]
            grid = width * grid + (1.0 - width) * last[:, None]
        return grid

    def _left(self, kw: DoubleArray, offset: int) -> DoubleArray:
        """Forecasts with an offset, less what the battery takes of their change."""
        grid: DoubleArray = kw + self.parts[:, offset]
        if self.sides[1]:
            last, *_, share = self.parts.T
            grid = share * grid + (1.0 - share) * last
        return grid


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
            The terms (readings,) of the forecasts issued at them; None if they have
            neither solar nor battery power.
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
