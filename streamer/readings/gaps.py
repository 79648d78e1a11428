"""Gap rule: the effect of a gap on the ring buffer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from streamer.errors import UsageError
from streamer.readings.arrays import IntArray

GAP_POLICIES = ("skip", "reset")


@dataclass(frozen=True, slots=True)
class GapRule:
    """Effect of a gap on the ring buffer.

    Attributes:
        policy: `skip`: the next valid reading follows the last valid one in the buffer;
            `reset`: a gap longer than `max_gap` empties the buffer.
        max_gap: the longest gap in minutes that is bridged under `reset`.
    """

    policy: str = "skip"
    max_gap: int = 10

    def __post_init__(self) -> None:
        if isinstance(self.max_gap, bool) or not isinstance(self.max_gap, int):
            raise UsageError(f"the longest gap to bridge is {self.max_gap!r}; give whole minutes")
        if self.policy not in GAP_POLICIES:
            known = ", ".join(GAP_POLICIES)
            raise UsageError(f"unknown gap rule {self.policy!r}; known rules: {known}")
        if self.max_gap < 0:
            raise UsageError(f"the longest gap to bridge is {self.max_gap}, must not be negative")

    def resets(self, missing: int) -> bool:
        """True if a gap of so many missing minutes empties the buffer."""
        return self.policy == "reset" and missing > self.max_gap

    def resets_at(self, missing: IntArray) -> list[int]:
        """Indices of the readings before which the buffer is emptied.

        Args:
            missing: (readings,) minutes missing before each.
        """
        gaps: list[int] = np.flatnonzero(missing).tolist()
        return [row for row in gaps if self.resets(int(missing[row]))]
