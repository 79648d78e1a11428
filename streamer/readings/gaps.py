"""Rule for what a gap does to the ring buffer."""

from __future__ import annotations

from dataclasses import dataclass

from streamer.errors import UsageError

GAP_POLICIES = ("skip", "reset")


@dataclass(frozen=True, slots=True)
class GapRule:
    """What a gap does to the ring buffer.

    Attributes:
        policy: `skip`: the next valid reading follows the last valid one in the buffer;
            `reset`: a gap longer than `max_gap` empties the buffer.
        max_gap: the longest gap in minutes that is bridged under `reset`.
    """

    policy: str = "skip"
    max_gap: int = 10

    def __post_init__(self) -> None:
        if self.policy not in GAP_POLICIES:
            known = ", ".join(GAP_POLICIES)
            raise UsageError(f"no gap rule {self.policy!r}; there are: {known}")
        if self.max_gap < 0:
            raise UsageError(f"the longest gap to bridge is {self.max_gap}, must not be negative")

    def resets(self, missing: int) -> bool:
        """Whether a gap of so many minutes empties the buffer."""
        return self.policy == "reset" and missing > self.max_gap
