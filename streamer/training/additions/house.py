"""Houses with additions: sun, car, heat pump and battery beside measured consumption."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from streamer.readings.arrays import DoubleArray, TimeArray
from streamer.training.additions.battery import Battery
from streamer.training.additions.car import Car
from streamer.training.additions.clouds import Clouds
from streamer.training.additions.minutes import minute_axis
from streamer.training.additions.panels import Panels
from streamer.training.additions.pump import HeatPump
from streamer.training.additions.sky import Place, clear_sky, repeated
from streamer.training.additions.weather import Climate


@dataclass(frozen=True, eq=False)
class HouseSeries:
    """Powers of a house as its meters measure them, in whole watts.

    Attributes:
        at: (minutes,) minutes by the clock of the house, as ``datetime64[s]``.
        grid_kw: (minutes,) power from the grid in kW, below zero for export.
        solar_kw: (minutes,) power of the inverter in kW; None without panels.
        battery_kw: (minutes,) power into the battery in kW; None without one.
    """

    at: TimeArray
    grid_kw: DoubleArray
    solar_kw: DoubleArray | None = None
    battery_kw: DoubleArray | None = None

    @property
    def consumption_kw(self) -> DoubleArray:
        """(minutes,) grid + solar − battery in kW: what the house itself uses."""
        kw = self.grid_kw if self.solar_kw is None else self.grid_kw + self.solar_kw
        return kw if self.battery_kw is None else kw - self.battery_kw


@dataclass(frozen=True)
class Additions:
    """What a house has beside what was measured there.

    Attributes:
        panels: solar panels; None for none, as for the others.
        car: electric car.
        pump: heat pump.
        battery: home battery.
        place: where it is, for the sun.
        clouds: clouds over it.
        climate: its weather, for the heat pump.
    """

    panels: Panels | None = None
    car: Car | None = None
    pump: HeatPump | None = None
    battery: Battery | None = None
    place: Place = field(default_factory=Place)
    clouds: Clouds = field(default_factory=Clouds)
    climate: Climate = field(default_factory=Climate)

    def added_to(
        self,
        at: TimeArray,
        base_kw: DoubleArray,
        rng: np.random.Generator,
        irradiance: DoubleArray | None = None,
    ) -> HouseSeries:
        """A measured house with the additions.

        Args:
            at: (minutes,) whole minutes in ascending order; gaps remain gaps.
            base_kw: (minutes,) measured consumption in kW.
            rng: source of random numbers; sun, car, pump and battery have one each from it.
            irradiance: (days × 1440,) measured irradiance in W/m², which is repeated from a day
                that is drawn on; None to draw the clouds as well.

        Returns:
            The powers, in the same minutes.

        Raises:
            ValueError: there is no minute, or the minutes are not ascending.
        """
        minute = at.astype("datetime64[m]")
        if len(at) == 0 or np.any(np.diff(minute) <= np.timedelta64(0)):
            raise ValueError("minutes must be in ascending order, and at least one")
        start, rows = minute[0], (minute - minute[0]).astype(np.int64)
        minutes = int(rows[-1]) + 1
        sun, car, pump, battery = rng.spawn(4)
        load = np.array(base_kw, np.float64)
        if self.car is not None:
            load += self.car.kw(start, minutes, car)[rows]
        if self.pump is not None:
            load += self.pump.kw(start, minutes, self.climate, pump)[rows]
        solar_kw = battery_kw = None
        balance = load
        if self.panels is not None:
            sky = self._irradiance(start, minutes, irradiance, sun)
            solar_kw = np.round(self.panels.kw(sky)[rows], 3)
            balance = load - solar_kw
        if self.battery is not None:
            battery_kw = np.round(self.battery.kw(balance, battery), 3)
            balance = balance + battery_kw
        return HouseSeries(at, np.round(balance, 3), solar_kw, battery_kw)

    def _irradiance(
        self,
        start: np.datetime64,
        minutes: int,
        measured: DoubleArray | None,
        rng: np.random.Generator,
    ) -> DoubleArray:
        if measured is not None:
            return repeated(measured, start, minutes, rng)
        return clear_sky(minute_axis(start, minutes), self.place) * self.clouds.index(minutes, rng)

    @classmethod
    def drawn(cls, rng: np.random.Generator, *, every: bool = False) -> Additions:
        """Additions of one house of many: each of the four or none of them, anywhere in Europe.

        Args:
            rng: source of random numbers.
            every: whether it has sun, car and heat pump for certain.

        >>> Additions.drawn(np.random.default_rng(3), every=True).car is None
        False
        """
        panels = Panels.drawn(rng) if every or rng.random() < 0.6 else None
        return cls(
            panels=panels,
            car=Car.drawn(rng) if every or rng.random() < 0.5 else None,
            pump=HeatPump.drawn(rng) if every or rng.random() < 0.5 else None,
            battery=Battery() if panels is not None and rng.random() < 0.3 else None,
            place=Place(float(rng.uniform(42.0, 58.0)), float(rng.uniform(5.0, 20.0))),
            clouds=Clouds(cover=float(rng.uniform(0.35, 0.8))),
            climate=Climate(mean_c=float(rng.uniform(6.0, 15.0))),
        )
