"""Generators of sun, car, heat pump and battery, to be added to a measured house.

::

    house = Additions(panels=Panels(kwp=5.0), car=Car(), pump=HeatPump())
    series = house.added_to(at, base_kw, np.random.default_rng(7))
    series.grid_kw, series.solar_kw, series.consumption_kw

Sun, car and heat pump are drawn from one generator of random numbers each, so that none changes
when another is added; the same seed gives the same minutes (with the same release of NumPy).
Powers are means over a minute in kW. Of streamer itself only array types are imported.
"""

from streamer.training.additions.battery import Battery
from streamer.training.additions.car import Car
from streamer.training.additions.clouds import Clouds
from streamer.training.additions.draw import drawn_kind
from streamer.training.additions.house import Additions, HouseSeries
from streamer.training.additions.panels import Panels
from streamer.training.additions.pump import HeatPump
from streamer.training.additions.sky import Place
from streamer.training.additions.weather import Climate

__all__ = [
    "Additions",
    "Battery",
    "Car",
    "Climate",
    "Clouds",
    "HeatPump",
    "HouseSeries",
    "Panels",
    "Place",
    "drawn_kind",
]
