"""Detector of values in a wrong unit."""

from __future__ import annotations

from streamer.alarms.runs import RunMemory
from streamer.alarms.texts import kilo_text, watts_text
from streamer.alarms.thresholds import HOUR

HUGE_KW = 1e9
"""Larger values count as this, so that no sum or product overflows."""

WATTS_KW, WATTS_TIMES, WATTS_READINGS = 25.0, 40.0, 3
KILO_KW, KILO_TIMES, KILO_READINGS = 0.01, 0.01, 5
"""Watts read as kW, and the reverse: above or below this, and this multiple of the mean
of the house, for so many readings in a row."""

STEADY_KW = 0.0005
"""Maximum change between two readings in W read as kW, where the power may cross zero: 500 W in
truth."""

MOST_SMALL = 125
"""Maximum count of small readings, above any limit of their number."""

STEADY_ZEROS = 15.0
"""Run of exact zeros after which a house is known to be near zero at times."""


class UnitWatch:
    """Count of consecutive readings that look like watts read as kW, or the reverse.

    A rule of thumb without a source or a guarantee; see `streamer.alarms.detectors.Alarms`.

    Where the sun or a battery brings the power of a house near zero, readings of a few watts are
    ordinary. There, kW read as W are told from them by their changes, which are a thousandth of
    what they should be: a larger change takes back one reading. And a run that ended by itself was
    none (`streamer.alarms.runs.RunMemory`).

    Attributes:
        odd: number of such readings in a row: above 0 too large, below 0 too small.
        level: mean power of the house in kW; None before the first full hour.
        peak: largest number of too small readings in the present run.
        small: the largest number in a run that ended by itself.
    """

    def __init__(self) -> None:
        self.odd = self.peak = 0
        self.level: float | None = None
        self.small = RunMemory(least=KILO_READINGS - 1, most=HOUR)

    @property
    def is_in_doubt(self) -> bool:
        """True if an alarm on the unit is due, which suppresses all others."""
        return self.odd >= WATTS_READINGS or -self.odd > self.small.limit

    def look(self, y: float, before: float, *, near_zero: bool) -> tuple[float, str] | None:
        """Check a reading.

        Args:
            y: the reading in kW.
            before: the reading before it in kW; NaN after a gap.
            near_zero: whether the power of this house is near zero at times.

        Returns:
            Size and text of the alarm, if one is due.
        """
        size, level = abs(y), self.level
        most, least = WATTS_KW, KILO_KW
        if level is not None:
            most, least = max(most, WATTS_TIMES * level), min(least, KILO_TIMES * level)
        if size > most:
            self._end_small(near_zero=near_zero)
            self.odd = max(self.odd, 0) + 1
            return (size / most, watts_text(y)) if self.odd >= WATTS_READINGS else None
        if 0.0 < size < least:
            odd = self._count_small(y, before) if near_zero else min(self.odd, 0) - 1
            self.odd = max(odd, -MOST_SMALL)
            self.peak = max(self.peak, -self.odd)
            size = min(least / size, HUGE_KW)
            return (size, kilo_text(y)) if -self.odd > self.small.limit else None
        self._end_small(near_zero=near_zero)
        self.odd = 0
        return None

    def _count_small(self, y: float, before: float) -> int:
        """Evidence after another small reading, where the power is near zero at times."""
        if self.odd < 0 and abs(y - before) <= STEADY_KW:
            return self.odd - 1
        return min(self.odd + 1, -1)

    def _end_small(self, *, near_zero: bool) -> None:
        """Remember a run of small readings that has ended by itself."""
        if near_zero and self.peak >= KILO_READINGS:
            self.small.end(self.peak)
        self.peak = 0

    def learn(self, mean_kw: float, weight: float) -> None:
        """Move the level of the house towards an hour's mean in kW."""
        level = self.level
        self.level = mean_kw if level is None else level + weight * (mean_kw - level)
