"""Plausibility checks of the readings of a house with solar panels."""

from __future__ import annotations

from collections.abc import Sequence

from streamer.readings import Notice, Reading
from streamer.sources.files.layout import Channel

_NEGATIVE_KW = -0.05
_NEGATIVE_READINGS = 30
_SUNNY_KW = 1.0
_SUNNY_READINGS = 240


class SolarChecks:
    """Checks of the signs, each reported once.

    Solar power is positive. The power at the grid connection is negative where the panels give
    more than the house uses, which sooner or later they do: a column that is never negative in
    the sun may be of the import only, or of the house's consumption.

    Args:
        name: the file's name.
        grid: columns of the grid's power.
        solar: columns of the solar power.
        battery: columns of the battery power, if any: a battery may take all that the house does
            not use.
    """

    def __init__(self, name: str, grid: Channel, solar: Channel, battery: Channel | None) -> None:
        self._name = name
        self._grid = grid
        self._solar = solar
        self._negative = 0
        self._sunny = 0
        self._expects_export = battery is None

    def check(self, readings: Sequence[Reading]) -> list[Notice]:
        """Examine the next readings; returns warnings."""
        if not readings or (self._negative >= _NEGATIVE_READINGS and not self._expects_export):
            return []
        import numpy as np

        from streamer.readings.blocks import ReadingBlock

        if isinstance(readings, ReadingBlock):
            kw, solar_kw = readings.kw, readings.solar_kw
        else:
            kw = np.array([reading.kw for reading in readings])
            solar_kw = np.array([reading.solar_kw for reading in readings], np.float64)
        assert solar_kw is not None  # noqa: S101 - of all readings with such a column
        found = []
        negative = np.flatnonzero(solar_kw < _NEGATIVE_KW)
        if 0 <= (place := _NEGATIVE_READINGS - 1 - self._negative) < len(negative):
            found.append(Notice(Notice.WARNING, self._sign_text, readings[negative[place]].at))
        self._negative += len(negative)
        if self._expects_export:
            sunny = np.flatnonzero(solar_kw > _SUNNY_KW)
            exports = np.flatnonzero(kw < 0.0)
            place = _SUNNY_READINGS - 1 - self._sunny
            self._sunny += len(sunny)
            self._expects_export = not len(exports) and self._sunny < _SUNNY_READINGS
            if place < len(sunny) and not (len(exports) and exports[0] <= sunny[place]):
                at = readings[sunny[place]].at
                found.append(Notice(Notice.WARNING, self._import_text, at))
        return found

    @property
    def _sign_text(self) -> str:
        return (
            f"{self._name}: {self._solar.label!r} is below {1000 * _NEGATIVE_KW:g} W in "
            f"{_NEGATIVE_READINGS} minutes so far, but solar power is positive; if its sign is "
            f"reversed, give {self._solar.reversed_option}"
        )

    @property
    def _import_text(self) -> str:
        return (
            f"{self._name}: {self._grid.label!r} is never below zero in the first "
            f"{_SUNNY_READINGS} minutes with more than {_SUNNY_KW:g} kW of sun, but it must be "
            "negative while the house exports; if it is the import only, subtract the export "
            "(--minus NAME); if it is the consumption of the house, subtract the solar power"
        )
