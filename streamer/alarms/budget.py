"""Daily budget of alarms of one kind."""

from __future__ import annotations

from collections.abc import Sequence

from streamer.alarms.thresholds import DAY
from streamer.readings.saved import count

SIZES = (1.0, 1.0, 1.1, 1.75, 4.0)
"""Minimum size of an alarm after none, one, two, three, and four or more in the last day."""


class DailyBudget:
    """Minimum size of the next alarm, which grows with the number in the last day.

    The thresholds keep a rate over weeks, but not that of one day: a day on which everything
    is unusual, such as the first one with sun on the roof, would have many alarms, and nobody
    reads the eighth.

    A rule of thumb without a source. Guarantee: in any 1440 readings, no more than four alarms
    smaller than four times their threshold, nor than three smaller than 1.75 times.
    What breaks it: on a day with three alarms, a small fault is not found; of heaters of 3 kW,
    that was at most one in a hundred in three houses.

    Attributes:
        raised: numbers of the readings of the last four alarms, oldest first; 0 if none.

    >>> budget = DailyBudget()
    >>> [budget.allows(1.5, seen) for seen in (2000, 2100, 2200, 2300, 3500)]
    [True, True, True, False, True]
    """

    __slots__ = ("raised",)

    def __init__(self) -> None:
        self.raised = [0] * (len(SIZES) - 1)

    def allows(self, size: float, seen: int) -> bool:
        """Whether to raise an alarm, which then counts.

        Args:
            size: its score as a multiple of the threshold.
            seen: number of the reading.
        """
        last = sum(1 for raised in self.raised if raised and seen - raised < DAY)
        if size < SIZES[last]:
            return False
        self.raised = [*self.raised[1:], seen]
        return True

    def restore(self, raised: Sequence[object]) -> None:
        """Continue from saved numbers of readings.

        Raises:
            TypeError, ValueError: they are damaged; nothing has changed.
        """
        found = [count(each) for each in raised]
        if len(found) != len(self.raised):
            raise ValueError(f"{len(found)} alarms of the last day")
        self.raised = found
