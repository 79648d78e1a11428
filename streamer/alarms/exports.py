"""Memory of the largest export of a house."""

from __future__ import annotations

from collections.abc import Sequence

from streamer.alarms.thresholds import DAY
from streamer.readings.saved import count, number

FORGETS = 0.5 ** (1.0 / (180 * 24))
"""Factor on the largest export for each hour: half of it is forgotten in half a year."""

MARGIN, MIN_KW = 1.25, 0.02
"""An export is unusual beyond this multiple of the largest, and by this much in kW."""

GROWTH, STEP_KW = 2.0, 1.0
"""Bounds on what one reading adds: the largest is at most multiplied by this, plus this."""


SILENT = 2 * DAY
"""Readings after an unusual export, and from the first one on, without another."""


class ExportMemory:
    """Largest export of a house so far, forgotten over seasons.

    A house exports as much as its panels give, on few days of the year: whether an export is
    unusual is a question of its size, not of how often it comes. So the largest export is
    remembered, half of it for half a year. An export is unusual if it is a quarter and 20 W
    larger than those until a day ago; in the two days after that, and in the first two days,
    exports are learnt without another alarm.

    A rule of thumb without a source. Guarantee: at most one unusual export in two days, and while
    none is above ``m`` kW, no more than about ``log(m / 0.02) / log(1.25)``, apart from what is
    forgotten. What breaks it: an implausible reading counts like others, but adds no more than
    the double of the largest, and a kilowatt.

    Attributes:
        most_kw: the largest export in kW.
        known_kw: the same until some time in the last day.

    >>> exports = ExportMemory()
    >>> exports.see(3.0, seen=900), exports.most_kw
    (None, 1.0)
    >>> exports.see(3.0, seen=901), exports.most_kw
    (None, 3.0)
    >>> exports.close_hour(seen=2880)
    >>> exports.see(4.5, seen=2900) > 1.0
    True
    """

    __slots__ = ("_raised", "known_kw", "most_kw")

    def __init__(self) -> None:
        self.most_kw = self.known_kw = 0.0
        self._raised = 0

    def see(self, kw: float, seen: int) -> float | None:
        """Register an export larger than all before.

        Args:
            kw: the export in kW.
            seen: number of the reading.

        Returns:
            The export as a multiple of the smallest that would be unusual; None below that.
        """
        self.most_kw = min(kw, GROWTH * self.most_kw + STEP_KW)
        size = kw / (MARGIN * self.known_kw + MIN_KW)
        if size < 1.0 or seen - self._raised <= SILENT:
            return None
        self._raised = seen
        return size

    def close_hour(self, seen: int) -> None:
        """Forget an hour's share; once in 1440 readings, all exports become known."""
        self.most_kw *= FORGETS
        if seen % DAY:
            self.known_kw *= FORGETS
        else:
            self.known_kw = self.most_kw

    def state(self) -> list[float]:
        """Everything that `restore` needs, as plain JSON values."""
        return [self.most_kw, self.known_kw, self._raised]

    def restore_limit(self, limit_kw: float) -> None:
        """Continue from the adaptive threshold on exports of a former version, in kW."""
        self.most_kw = self.known_kw = limit_kw if limit_kw > MIN_KW else 0.0

    def restore(self, state: Sequence[object]) -> None:
        """Continue from a saved state.

        Raises:
            TypeError, ValueError: the state is damaged; nothing has changed.
        """
        most, known, raised = state
        if min(number(most), number(known)) < 0.0:
            raise ValueError(f"the largest export is {most}, {known} before")
        self.most_kw, self.known_kw, self._raised = number(most), number(known), count(raised)
