"""Tests of the power in the house, beside that of the grid."""

from __future__ import annotations

from dataclasses import replace

import pytest

from streamer.dashboard import HistorySnapshot, render
from streamer.dashboard.house import house as house_line
from tests.dashboard.samples import house, make_steps, snapshot, sunny, usual


def _with(**changes: float | None) -> HistorySnapshot:
    """A house whose last reading, 1 kW of export below 2.5 kW of sun, is changed."""
    found = snapshot(sunny(make_steps(house(60))))
    last = found.steps[-1]
    reading = replace(last.reading, **{"kw": -1.0, "solar_kw": 2.5, **changes})
    assert last.forecast is not None
    forecast = replace(last.forecast, solar_kw=2.25, consumption_kw=1.75)
    return replace(
        found, steps=(*found.steps[:-1], replace(last, reading=reading, forecast=forecast))
    )


def _text(found: HistorySnapshot, width: int = 200) -> str:
    (line,) = house_line(found, width)
    return line.plain.strip()


def test_solar_power_and_consumption_have_their_forecasts() -> None:
    assert _text(_with()) == (
        "* solar  2.500 kW, next  2.250   consumption  1.500 kW, next  1.750   exporting"
    )
    assert _text(_with(kw=0.25)).endswith("importing")
    coming = replace(_with().steps[-1], forecast=None)
    warming_up = replace(_with(), steps=(coming,))
    assert _text(warming_up) == "* solar  2.500 kW   consumption  1.500 kW   exporting"


@pytest.mark.parametrize(
    ("battery_kw", "words", "brief"),
    [
        (0.5, "battery charging 0.500 kW", "battery +0.500"),
        (-0.25, "battery discharging 0.250 kW", "battery −0.250"),
        (0.0, "battery 0.000 kW", "battery 0.000"),
    ],
)
def test_a_battery_is_charged_or_discharged(battery_kw: float, words: str, brief: str) -> None:
    found = _with(battery_kw=battery_kw)
    assert words in _text(found)
    assert _text(found, 80).endswith(brief)


def test_every_width_has_what_fits() -> None:
    found = _with(battery_kw=0.5)
    for width in range(1, 200):
        (line,) = house_line(found, width)
        assert line.cell_len <= width
    assert _text(found, 40) == "* solar  2.500  consumption  1.000"
    assert _text(found, 30) == "* 2.500  used 1.000"


def test_nothing_is_shown_without_solar_power() -> None:
    assert house_line(usual(), 200) == []
    assert house_line(snapshot(), 200) == []
    for size in ((40, 12), (80, 24), (200, 60)):
        assert "solar" not in str(render(usual(), *size))
