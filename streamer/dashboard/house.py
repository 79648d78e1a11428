"""Power in the house beside that of the grid: solar panels, battery and consumption."""

from __future__ import annotations

from rich.text import Text

from streamer.dashboard.plot import SOLAR_GLYPH
from streamer.dashboard.words import LABEL, SOLAR, STRONG, Part, choose, line
from streamer.display.numbers import fixed
from streamer.history import HistorySnapshot
from streamer.readings import Forecast, Reading

_SUN: Part = (SOLAR_GLYPH + " ", SOLAR)


def house(snapshot: HistorySnapshot, width: int) -> list[Text]:
    """Solar power, consumption and battery, each with its forecast if there is room.

    Returns:
        One line; none where solar power is not measured.
    """
    last = snapshot.last
    if last is None or last.reading.solar_kw is None:
        return []
    return [choose(width, *_candidates(last.reading, last.forecast))]


def _candidates(reading: Reading, forecast: Forecast | None) -> list[Text]:
    """The line in several lengths, longest first."""
    grid = "exporting" if reading.kw < 0.0 else "importing"
    solar, consumption = _power(reading.solar_kw), _power(reading.consumption_kw)
    next_solar = next_consumption = ""
    if forecast is not None:
        next_solar = f", next{_power(forecast.solar_kw)}"
        next_consumption = f", next{_power(forecast.consumption_kw)}"
    sun, use = line(_SUN, "solar", (solar, STRONG)), line("consumption", (consumption, STRONG))
    battery: list[Part | Text] = []
    brief: list[Part | Text] = []
    if reading.battery_kw is not None:
        power = fixed(reading.battery_kw, 3, signed=True)
        doing = {"+": " charging", "−": " discharging"}.get(power[0], "")
        battery = ["   ", f"battery{doing} {power.lstrip('+−')} kW"]
        brief = ["  ", f"battery {power}"]
    whole = sun, " kW", next_solar, "   ", use, " kW", next_consumption
    return [
        line(*whole, *battery, ("   " + grid, LABEL)),
        line(*whole, *battery),
        line(sun, next_solar, "  ", use, next_consumption, *brief),
        line(sun, " kW   ", use, " kW", *battery),
        line(sun, "  ", use, *brief),
        line(sun, "  ", use),
        line(_SUN, solar.strip(), "  used ", consumption.strip()),
    ]


def _power(kw: float | None) -> str:
    return f"{fixed(kw, 3):>7}"
