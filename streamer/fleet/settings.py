"""Settings of a fleet's forecasts."""

from __future__ import annotations

from dataclasses import dataclass

from streamer.errors import UsageError
from streamer.readings.gaps import GapRule


@dataclass(frozen=True, slots=True)
class FleetSettings:
    """Settings that all meters of a fleet share.

    Attributes:
        adapt: whether forecasts are corrected by what is learnt of each meter
            (`streamer.online.light`).
        confidence: nominal coverage of the prediction intervals, between 0 and 1.
        gaps: `skip` or `reset`, as in `streamer.readings.gaps.GapRule`.
        max_gap: longest gap in minutes at which `reset` keeps the window.
        silent_after: minutes without a reading after which a meter is silent; 0 for never.

    Raises:
        UsageError: a setting is out of its range.
    """

    adapt: bool = True
    confidence: float = 0.9
    gaps: str = "skip"
    max_gap: int = 10
    silent_after: int = 15

    def __post_init__(self) -> None:
        _ = self.gap_rule
        if not isinstance(self.adapt, bool):
            raise UsageError(f"adapt is {self.adapt!r}; give True or False")
        if not 0.0 < self.confidence < 1.0:
            raise UsageError(
                f"confidence is {self.confidence}, must be between 0 and 1; 0.9 is usual"
            )
        if self.silent_after < 0:
            raise UsageError(
                f"a meter cannot be silent after {self.silent_after} minutes: give 0 for never"
            )

    @property
    def gap_rule(self) -> GapRule:
        """Effect of a gap on a meter's window."""
        return GapRule(self.gaps, self.max_gap)
