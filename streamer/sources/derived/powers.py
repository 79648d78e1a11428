"""Formulas of a derived meter: grid power, solar power and battery."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from streamer.readings import Reading
from streamer.sources.derived.formula import Formula

_DECIMALS = 6  # as those of a meter


@dataclass(frozen=True)
class DerivedPowers:
    """Formulas of a derived meter.

    Attributes:
        kw: power at the grid connection, or whatever else is watched.
        solar: power of the panels, positive; None if it is not known.
        battery: power into the battery; None if it is not known.
    """

    kw: Formula
    solar: Formula | None = None
    battery: Formula | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The meters that it is derived from, each once."""
        formulas = [each for each in (self.kw, self.solar, self.battery) if each is not None]
        return tuple(dict.fromkeys(name for each in formulas for name in each.names))

    def reading(self, at: datetime, kws: Mapping[str, float]) -> Reading:
        """The reading of a minute; its solar power is negative where the panels draw power.

        Args:
            at: the minute.
            kws: power of each meter in it, in kW, by name.
        """
        solar_kw = None if self.solar is None else _value(self.solar, kws)
        battery_kw = None if self.battery is None else _value(self.battery, kws)
        return Reading(at, _value(self.kw, kws), solar_kw, battery_kw)

    @property
    def identity(self) -> str:
        """Text that is equal for two orders of the same terms."""
        solar, battery = (each and each.sorted() for each in (self.solar, self.battery))
        return str(DerivedPowers(self.kw.sorted(), solar, battery))

    def __str__(self) -> str:
        sides = {"solar": self.solar, "battery": self.battery}
        shown = [f", {name} {each}" for name, each in sides.items() if each is not None]
        return f"{self.kw}{''.join(shown)}"


def _value(formula: Formula, kws: Mapping[str, float]) -> float:
    # Adding 0.0 turns a negative zero into a positive one.
    return round(formula.value(kws), _DECIMALS) + 0.0
