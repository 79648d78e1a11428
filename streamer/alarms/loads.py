"""Memory of large loads that a house switches on again and again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from streamer.readings.saved import count, number

MIN_KW = 3.2
"""Minimum power of a load that is remembered, in kW: the smallest car charger draws 3.7."""

HOLDS = 20
"""Readings for which a load must stay on."""

RAMP = 5
"""First readings of a load, in which it may still rise."""

OFTEN = 2
"""Times that a load must have come before it is known."""

FORGOTTEN = 60 * 24
"""Hours after which a load that has not come again is forgotten."""

SLOTS = 3
"""Number of loads remembered."""

NEAR, NEAR_KW = 0.25, 3.0
"""Tolerance of a load's power, as a share of it; a rise may be this much larger by other loads."""

GAIN = 0.3
"""Weight of the last time in the power of a load."""


class KnownLoads:
    """Large loads that come again and again, such as a car that charges.

    A car that charges five evenings a week comes too often for an alarm, and too seldom for a
    threshold that adapts to a rate of events: that would keep about half of its starts as alarms.
    So loads are remembered by their power: a rise by 3.2 kW or more within two readings that
    lasts for twenty begins one, and its power is the smallest of those readings, but for the
    first five, less the power before. A load that has come twice is known until it
    has not come for sixty days (twice, since one of three is often measured while another load
    goes off); another that differs by no more than a quarter counts as the same.

    A rule of thumb without a source. Guarantee: a start whose rise is within a quarter of a known
    load raises no alarm for a rise, nor does its end for a fall, nor a fall in the first twenty
    readings while the load stays on. What breaks it: another load of the same power is hidden, and
    so is a short rise by less than the largest known load, since the first minute of a load may be
    of any size; one that lasts for four readings is not.

    Attributes:
        minutes: readings since the load under way came on; 0 if there is none.
        base_kw: power before it, in kW.
        low_kw: smallest reading since, but for the first five, in kW.
        slots: power in kW, times and hours since the last time of each load; all 0 if empty.
        most_kw: power of the largest known load in kW; 0 if none is known.

    >>> loads = KnownLoads()
    >>> for _ in range(2):
    ...     loads.begin(0.4)
    ...     for kw in [11.4] * HOLDS:
    ...         loads.follow(kw)
    >>> loads.most_kw, loads.explains(10.5), loads.explains(3.0), loads.may_begin(3.0)
    (11.0, True, False, True)
    """

    __slots__ = ("base_kw", "low_kw", "minutes", "most_kw", "slots")

    def __init__(self) -> None:
        self.minutes = 0
        self.base_kw = self.low_kw = 0.0
        self.slots: list[list[Any]] = [[0.0, 0, 0] for _ in range(SLOTS)]
        self.most_kw = 0.0

    def explains(self, rise_kw: float) -> bool:
        """Whether a lasting rise is that of a known load."""
        return any(
            times >= OFTEN and (1.0 - NEAR) * kw <= rise_kw <= (1.0 + NEAR) * kw + NEAR_KW
            for kw, times, _ in self.slots
        )

    def may_begin(self, rise_kw: float) -> bool:
        """Whether a rise may be the first reading of a known load, of which it is a part."""
        most = self.most_kw
        return most > 0.0 and rise_kw <= (1.0 + NEAR) * most + NEAR_KW

    def may_end(self, peak_kw: float, kw: float) -> bool:
        """Whether a reading may be the end of a known load, or a part of it.

        Args:
            peak_kw: the largest of the readings before, in kW.
            kw: the reading.
        """
        most = self.most_kw
        was_on = most > 0.0 and peak_kw >= (1.0 - NEAR) * most
        return was_on and peak_kw - kw <= (1.0 + NEAR) * most + NEAR_KW

    def has_begun(self, kw: float) -> bool:
        """Whether a reading in kW is explained by a known load that has just come on."""
        return self.minutes > 0 and self.explains(kw - self.base_kw)

    def begin(self, before_kw: float) -> None:
        """Begin to follow a load, with the power before it in kW; `follow` comes next."""
        self.minutes, self.base_kw, self.low_kw = 0, before_kw, math.inf

    def follow(self, kw: float) -> None:
        """Follow the load under way with a reading in kW, the first one included."""
        self.minutes += 1
        if kw - self.base_kw < MIN_KW:
            self.minutes = 0
        elif self.minutes > RAMP:
            self.low_kw = min(self.low_kw, kw)
            if self.minutes == HOLDS:
                self.minutes = 0
                self.remember(self.low_kw - self.base_kw)

    def close_hour(self) -> None:
        """Forget loads that have not come for long."""
        for slot in self.slots:
            if slot[1]:
                slot[2] += 1
                if slot[2] > FORGOTTEN:
                    slot[:] = 0.0, 0, 0
                    self._find_most()

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs, as plain JSON values."""
        low = self.low_kw if math.isfinite(self.low_kw) else None
        slots = [list(slot) for slot in self.slots]
        return {"minutes": self.minutes, "base": self.base_kw, "low": low, "slots": slots}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        low, slots = state["low"], [_checked(*slot) for slot in state["slots"]]
        minutes, base = count(state["minutes"]), number(state["base"])
        if len(slots) != SLOTS or minutes >= HOLDS:
            raise ValueError(f"{len(slots)} loads, or one under way for {minutes} readings")
        self.low_kw = math.inf if low is None else number(low)
        self.minutes, self.base_kw, self.slots = minutes, base, slots
        self._find_most()

    def remember(self, kw: float) -> None:
        """Count a load, in the place of the same one or of the one that came least often."""
        for slot in self.slots:
            if slot[1] and abs(kw - slot[0]) <= NEAR * slot[0]:
                slot[:] = slot[0] + GAIN * (kw - slot[0]), min(slot[1] + 1, 255), 0
                break
        else:
            least = min(self.slots, key=lambda slot: slot[1])
            least[:] = kw, 1, 0
        self._find_most()

    def _find_most(self) -> None:
        self.most_kw = max((kw for kw, times, _ in self.slots if times >= OFTEN), default=0.0)


def _checked(kw: object, times: object, hours: object) -> list[Any]:
    return [number(kw), count(times), count(hours)]
