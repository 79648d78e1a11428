"""Energy in a house with solar panels, for the summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamer.display.numbers import number, plural

if TYPE_CHECKING:
    from streamer.readings.blocks import ReadingBlock


class SolarEnergy:
    """Energy of the readings with solar power."""

    def __init__(self) -> None:
        self._minutes = 0
        self._imported = self._exported = self._solar = self._consumed = 0.0

    def add(self, kw: float, solar_kw: float, consumption_kw: float) -> None:
        """Add the powers of one minute."""
        self._minutes += 1
        if kw < 0.0:
            self._exported -= kw
        else:
            self._imported += kw
        self._solar += solar_kw
        self._consumed += consumption_kw

    def add_block(self, readings: ReadingBlock) -> None:
        """Add a block of readings; nothing where solar power is not measured."""
        solar_kw = readings.solar_kw
        if solar_kw is None:
            return
        self._minutes += len(readings)
        self._exported -= float(readings.kw.clip(max=0.0).sum())
        self._imported += float(readings.kw.clip(min=0.0).sum())
        self._solar += float(solar_kw.sum())
        self._consumed += float(readings.consumption_kw.sum())

    def lines(self) -> list[str]:
        """The energy on one line; none without solar power."""
        if not self._minutes:
            return []
        parts = {
            "solar": self._solar,
            "consumption": self._consumed,
            "import": self._imported,
            "export": self._exported,
        }
        energy = ", ".join(f"{name} {number(kw / 60.0, '.2f')} kWh" for name, kw in parts.items())
        return [f"{energy} in {plural(self._minutes, 'minute')}"]
