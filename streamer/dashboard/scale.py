"""The y axis of the chart: mapping of kW to rows."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

QUARTERS = 4
"""Quarters of a row, in which marks are drawn."""


@dataclass(frozen=True, slots=True)
class AxisScale:
    """Mapping of kW to rows.

    Rows are counted from the zero line: row 0 is just above it, row -1 just below.

    Attributes:
        unit: kW per row.
        per_tick: rows from one tick to the next.
        below: rows below zero.
        rows: rows in all.
    """

    unit: float
    per_tick: int
    below: int
    rows: int

    @property
    def top(self) -> int:
        """The highest row."""
        return self.rows - self.below - 1

    def eighths(self, kw: float) -> int:
        """Length of the bar in eighths of a row; at least one, so that it is visible."""
        eighths = round(8.0 * kw / self.unit)
        upward = kw >= 0 if self.below and self.top >= 0 else not self.below
        return max(1, eighths) if upward else min(-1, eighths)

    def quarter(self, kw: float) -> int:
        """The quarter of a row that a value lies in, counted from the zero line, in the plot."""
        first, last = self._quarters
        return math.floor(min(max(QUARTERS * kw / self.unit, first), last))

    def quarters_between(self, low_kw: float, high_kw: float) -> range:
        """The quarters from one value to another that are in the plot; none if one is NaN."""
        first, last = self._quarters
        low, high = (QUARTERS * kw / self.unit for kw in (low_kw, high_kw))
        if not low <= high or low > last + 1 or high < first:
            return range(0)
        return range(self.quarter(low_kw), self.quarter(high_kw) + 1)

    @property
    def _quarters(self) -> tuple[int, int]:
        """The lowest and the highest quarter of the plot."""
        return -QUARTERS * self.below, QUARTERS * (self.top + 1) - 1

    def label(self, row: int) -> str:
        """Label of the upper edge of a row; empty if it is not a tick."""
        steps, rest = divmod(row + 1, self.per_tick)
        if rest:
            return ""
        tick = self.unit * self.per_tick
        if not 1e-4 < tick < 1e6:
            return f"{steps * tick:.3g}".replace("-", "−")
        decimals = max(0, -math.floor(math.log10(tick) + 1e-9))
        return f"{steps * tick:.{decimals}f}".replace("-", "−")


def find_scale(values: Iterable[float], rows: int) -> AxisScale:
    """The tightest scale with round ticks that fits every value and zero into the rows."""
    shown = [0.0, *values]
    low, high = min(shown), max(shown)
    if high - low < 1e-6:
        high = 1.0
    scales = (
        AxisScale(unit, per_tick, math.ceil(-low / unit - 1e-9), rows)
        for unit, per_tick in _units((high - low) / rows, rows)
    )
    return next(s for s in scales if s.below + math.ceil(high / s.unit - 1e-9) <= rows)


def _units(min_unit: float, rows: int) -> Iterator[tuple[float, int]]:
    """Row heights in kW from about `min_unit` on, each with the rows between its ticks."""
    choices = range(2, min(5, max(3, rows // 3 + 1)) + 1) if rows >= 4 else range(1, 2)
    wanted = rows / 6
    decade = 10.0 ** (math.floor(math.log10(min_unit)) - 1)
    while True:
        fitting = [
            (tick / per_tick, abs(per_tick - wanted), per_tick)
            for tick in (1, 2, 5, 10, 20, 50)
            for per_tick in choices
            if 1 <= tick / per_tick < 10
        ]
        for mantissa, _, per_tick in sorted(fitting):
            yield mantissa * decade, per_tick
        decade *= 10.0
