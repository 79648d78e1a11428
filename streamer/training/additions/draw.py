"""Drawn kinds of additions, over the whole range of what houses have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from streamer.training.additions.battery import Battery
from streamer.training.additions.car import Car
from streamer.training.additions.clouds import Clouds
from streamer.training.additions.house import Additions
from streamer.training.additions.panels import Panels
from streamer.training.additions.pump import HeatPump
from streamer.training.additions.sky import Place
from streamer.training.additions.weather import Climate

_VOLT = 230.0
_HEAT_PER_KW = 3.3
"""Heat of a heat pump per electrical power, for the length of its cycles."""


def drawn_panels(rng: np.random.Generator) -> Panels:
    """Panels of 0.3 to 10 kW on the grid's side, every power as likely."""
    factor = float(rng.uniform(0.65, 0.9))
    kwp = float(rng.uniform(0.3, 10.0)) / factor
    limit = kwp * float(rng.uniform(0.6, 0.75)) if rng.random() < 0.3 else None
    return Panels(kwp, factor, limit, float(rng.uniform(0.0, 0.006)))


def drawn_car(rng: np.random.Generator) -> Car:
    """Car of 2.3 to 22 kW: a usual power, or any current from 10 to 32 A on one or three phases."""
    power = float(rng.choice((2.3, 3.7, 4.6, 7.4, 11.0, 22.0)))
    if rng.random() < 0.5:
        power = float(rng.choice((1, 3)) * rng.uniform(10.0, 32.0)) * _VOLT / 1000.0
    return replace(Car.drawn(rng), power_kw=power, sessions_per_week=float(rng.uniform(3.0, 7.0)))


def drawn_pump(rng: np.random.Generator) -> HeatPump:
    """Heat pump of fixed speed, 1 to 4 kW.

    It cycles in 10 to 40 minutes when it runs half of the time, and in longer ones otherwise.
    """
    power = float(rng.uniform(1.0, 4.0))
    cycle_h = float(rng.uniform(10.0, 40.0)) / 60.0
    return replace(
        HeatPump.drawn(rng),
        power_kw=power,
        lowest_share=1.0,
        loss_kw_per_k=power * float(rng.uniform(0.06, 0.13)),
        buffer_kwh=cycle_h * _HEAT_PER_KW * power / 4.0,
    )


def drawn_inverter_pump(rng: np.random.Generator) -> HeatPump:
    """Heat pump of 1 to 4 kW whose speed follows the demand."""
    power = float(rng.uniform(1.0, 4.0))
    return replace(
        HeatPump.drawn(rng),
        power_kw=power,
        lowest_share=float(rng.uniform(0.2, 0.5)),
        loss_kw_per_k=power * float(rng.uniform(0.06, 0.13)),
        drift=float(rng.uniform(0.02, 0.15)),
    )


def drawn_battery(rng: np.random.Generator) -> Battery:
    """Battery that holds the grid power at zero, of a size that is sold for homes."""
    return Battery(
        capacity_kwh=float(rng.uniform(4.0, 15.0)),
        power_kw=float(rng.uniform(2.0, 6.0)),
        miss_kw=float(rng.uniform(0.005, 0.03)),
    )


def _surroundings(rng: np.random.Generator) -> Additions:
    """A place without additions, with days cold enough to heat."""
    return Additions(
        place=Place(float(rng.uniform(42.0, 58.0)), float(rng.uniform(5.0, 20.0))),
        clouds=Clouds(cover=float(rng.uniform(0.35, 0.8))),
        climate=Climate(mean_c=float(rng.uniform(-2.0, 12.0)), season_c=float(rng.uniform(0, 8))),
    )


def _several(house: Additions, rng: np.random.Generator) -> Additions:
    panels = drawn_panels(rng) if rng.random() < 0.8 else None
    car = drawn_car(rng) if rng.random() < 0.8 else None
    pump = drawn_inverter_pump(rng) if rng.random() < 0.5 else drawn_pump(rng)
    battery = drawn_battery(rng) if panels is not None and rng.random() < 0.3 else None
    return replace(house, panels=panels, car=car, pump=pump, battery=battery)


_Add = Callable[[Additions, np.random.Generator], Additions]

KINDS: dict[str, tuple[float, _Add]] = {
    "none": (0.15, lambda house, _: house),
    "sun": (0.20, lambda house, rng: replace(house, panels=drawn_panels(rng))),
    "sun and battery": (
        0.10,
        lambda house, rng: replace(house, panels=drawn_panels(rng), battery=drawn_battery(rng)),
    ),
    "car": (0.15, lambda house, rng: replace(house, car=drawn_car(rng))),
    "heat pump": (0.10, lambda house, rng: replace(house, pump=drawn_pump(rng))),
    "inverter pump": (0.10, lambda house, rng: replace(house, pump=drawn_inverter_pump(rng))),
    "several": (0.20, _several),
}
"""Kinds of additions: the share of the stretches that have it, and how it is drawn."""


def drawn_kind(rng: np.random.Generator) -> tuple[str, Additions]:
    """The kind and the additions of one stretch of weeks.

    >>> drawn_kind(np.random.default_rng(2))[0]
    'sun'
    """
    shares = [share for share, _ in KINDS.values()]
    kind = list(KINDS)[int(rng.choice(len(KINDS), p=shares))]
    return kind, KINDS[kind][1](_surroundings(rng), rng)
