"""Spans of the chart: several minutes a column, or several columns a minute."""

from __future__ import annotations

from dataclasses import dataclass

MIN_SPAN, MAX_SPAN = 60, 7 * 24 * 60
"""Minutes on the chart at the shortest and the longest span, at least: an hour, a week."""

_STEPS = (1, 2, 5, 10, 20, 30, 60, 120, 180, 240, 360, 720, 1440, 2880, 4320)


@dataclass(frozen=True, slots=True)
class Zoom:
    """Width of a minute on the chart.

    Attributes:
        minutes: minutes in a column.
        columns: columns of the same minutes, side by side; 1 unless `minutes` is.
    """

    minutes: int = 1
    columns: int = 1

    @property
    def seconds(self) -> int:
        """Seconds in a column."""
        return 60 * self.minutes

    def bins(self, width: int) -> int:
        """Number of different columns in a chart of `width` columns."""
        return -(-width // self.columns)

    def __str__(self) -> str:
        if self.columns > 1:
            return f"{self.columns} columns a minute"
        hours, minutes = divmod(self.minutes, 60)
        return f"{hours} h a column" if hours and not minutes else f"{self.minutes} min a column"


NORMAL = Zoom()
"""A column a minute."""


def zooms(width: int) -> list[Zoom]:
    """The widths of a minute that show from an hour to a week, shortest span first.

    Args:
        width: columns of the chart.

    >>> [str(zoom) for zoom in zooms(194)[:3]]
    ['3 columns a minute', '2 columns a minute', '1 min a column']
    """
    several = [Zoom(columns=columns) for columns in range(width // MIN_SPAN, 1, -1)]
    longest = next((m for m in _STEPS if m * width >= MAX_SPAN), _STEPS[-1])
    return several + [Zoom(minutes) for minutes in _STEPS if minutes <= longest]
