"""Range of power that a connection is known to carry."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from streamer.readings.saved import count, number, numbers

MAX_CARRIED_KW = 1e6
"""Bound of all powers, so that nothing overflows."""

PERIOD = 14 * 1440
"""Readings after which the range is begun anew; the one before it counts for as many more."""

KNOWN_AFTER = 60
"""Readings before which nothing is known but that the house has not exported."""


class CarriedPower:
    """Bounds of the power that a house may draw or export at its next reading.

    The floor is zero as long as no reading was negative, otherwise the lowest reading less the
    largest step; the ceiling is the highest reading plus the largest step. A step is the
    absolute change between two readings in a row.

    **Guarantee.** The bounds depend on the present period of `PERIOD` readings and the one
    before only. So a faulty reading, however large, has no effect after two periods (four weeks
    of minutes), nor has what the house has stopped doing. Until then it can only loosen a
    bound. A reading beyond a bound moves it at once.

    **What breaks it.** During the first hour (`KNOWN_AFTER` readings) the steps that were seen
    are too few: there is no ceiling, and no floor once something was exported. At the very first
    forecast it is not known whether the house exports; it is taken not to, unless the whole
    interval is negative.

    Attributes:
        floor_kw: lower bound in kW.
        ceiling_kw: upper bound in kW.
        settled: number of readings so far.

    >>> carried = CarriedPower()
    >>> for kw in [0.3, 2.3, 0.3] * 20:
    ...     carried.settle(kw)
    >>> carried.floor_kw, carried.ceiling_kw
    (0.0, 4.3)
    """

    def __init__(self) -> None:
        self.settled = 0
        self._last_kw = 0.0
        # Lowest and highest reading and largest step of this period, and of the one before.
        self._lowest_kw = self._highest_kw = self._step_kw = 0.0
        self._before_kw = (0.0, 0.0, 0.0)
        self.floor_kw, self.ceiling_kw = 0.0, math.inf

    def held(self, low_kw: float, high_kw: float) -> tuple[float, float]:
        """An interval, inside the bounds.

        Args:
            low_kw: its lower end in kW.
            high_kw: its upper end.
        """
        floor, ceiling = self.floor_kw, self.ceiling_kw
        if not self.settled and high_kw < 0.0:
            return low_kw, high_kw
        return min(max(low_kw, floor), ceiling), min(max(high_kw, floor), ceiling)

    def settle(self, kw: float) -> None:
        """Take a reading, in kW."""
        settled = self.settled
        step = abs(kw - self._last_kw)
        self._last_kw = kw
        self.settled = settled + 1
        if (
            self._lowest_kw <= kw <= self._highest_kw
            and step <= self._step_kw
            and self.settled != KNOWN_AFTER
            and settled % PERIOD
        ):
            return
        if settled % PERIOD == 0:
            self._before_kw = self._lowest_kw, self._highest_kw, self._step_kw
            self._lowest_kw = self._highest_kw = self._step_kw = 0.0
        self._lowest_kw = max(min(self._lowest_kw, kw), -MAX_CARRIED_KW)
        self._highest_kw = min(max(self._highest_kw, kw), MAX_CARRIED_KW)
        if settled:
            self._step_kw = min(max(self._step_kw, step), MAX_CARRIED_KW)
        self._bound()

    def state(self) -> dict[str, Any]:
        """Everything that the next bounds depend on, as plain JSON values."""
        return {
            "settled": self.settled,
            "last_kw": self._last_kw,
            "present_kw": [self._lowest_kw, self._highest_kw, self._step_kw],
            "before_kw": list(self._before_kw),
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> CarriedPower:
        """One that continues from a saved state, bit for bit.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged.
        """
        carried = cls()
        carried.settled, carried._last_kw = count(state["settled"]), number(state["last_kw"])
        present, carried._before_kw = _range(state["present_kw"]), _range(state["before_kw"])
        carried._lowest_kw, carried._highest_kw, carried._step_kw = present
        carried._bound()
        return carried

    def _bound(self) -> None:
        lowest, highest, step = self._before_kw
        step = max(step, self._step_kw)
        lowest, highest = min(lowest, self._lowest_kw), max(highest, self._highest_kw)
        known = self.settled >= KNOWN_AFTER
        self.floor_kw = 0.0 if lowest == 0.0 else lowest - step if known else -math.inf
        self.ceiling_kw = highest + step if known else math.inf


def _range(values: Any) -> tuple[float, float, float]:
    lowest, highest, step = numbers(values, most=3)
    if not (
        -MAX_CARRIED_KW <= lowest <= 0.0 <= highest <= MAX_CARRIED_KW
        and 0.0 <= step <= MAX_CARRIED_KW
    ):
        raise ValueError("the power that the connection has carried is out of bounds")
    return lowest, highest, step
