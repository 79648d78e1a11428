"""Detector of values in a wrong unit."""

from __future__ import annotations

from streamer.alarms.texts import kilo_text, watts_text

HUGE_KW = 1e9
"""Larger values count as this, so that no sum or product overflows."""

WATTS_KW, WATTS_TIMES, WATTS_READINGS = 25.0, 40.0, 3
KILO_KW, KILO_TIMES, KILO_READINGS = 0.01, 0.01, 5
"""Watts read as kW, and the reverse: above or below this, and this multiple of the mean
of the house, for so many readings in a row."""


class UnitWatch:
    """Count of consecutive readings that look like watts read as kW, or the reverse.

    A rule of thumb without a source or a guarantee; see `streamer.alarms.detectors.Alarms`.

    Attributes:
        odd: number of such readings in a row: above 0 too large, below 0 too small.
        level: mean power of the house in kW; None before the first full hour.
    """

    def __init__(self) -> None:
        self.odd = 0
        self.level: float | None = None

    @property
    def is_in_doubt(self) -> bool:
        """True if an alarm on the unit is due, which suppresses all others."""
        return not -KILO_READINGS < self.odd < WATTS_READINGS

    def look(self, y: float) -> tuple[float, str] | None:
        """Check a reading in kW; size and text of the alarm, if one is due."""
        size, level = abs(y), self.level
        most, least = WATTS_KW, KILO_KW
        if level is not None:
            most, least = max(most, WATTS_TIMES * level), min(least, KILO_TIMES * level)
        if size > most:
            self.odd = max(self.odd, 0) + 1
            return (size / most, watts_text(y)) if self.odd >= WATTS_READINGS else None
        if 0.0 < size < least:
            self.odd = min(self.odd, 0) - 1
            size = min(least / size, HUGE_KW)
            return (size, kilo_text(y)) if self.odd <= -KILO_READINGS else None
        self.odd = 0
        return None

    def learn(self, mean_kw: float, weight: float) -> None:
        """Move the level of the house towards an hour's mean in kW."""
        level = self.level
        self.level = mean_kw if level is None else level + weight * (mean_kw - level)
