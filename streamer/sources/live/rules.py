"""Rules for converting the samples of a feed to minute means."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from streamer.errors import UsageError
from streamer.feeds import Pace
from streamer.feeds.advice import Advice
from streamer.sources.bounds import MAX_KW
from streamer.sources.live.minutes import MINUTE_S

RETRY_MAX_S = 60.0
"""Default of the longest wait in seconds between two attempts."""

FAR_S = 600.0
"""Seconds by which a clock must have been ahead for its readings to be set aside."""

_DAY_S = 86_400.0
_ANY_PACE = Pace()
_NO_ADVICE = Advice()


@dataclass(frozen=True, slots=True)
class LiveRules:
    """Rules for converting samples to minute means.

    Attributes:
        stale_after_s: upper bound in seconds for the validity of a value when no other
            arrives; 60 while the connection is lost.
        grace_s: allowed lateness: seconds for which a minute is kept open after its end.
        max_kw: magnitude in kW above which a value is implausible.
        by_feed: whether time is taken from the samples, not from this machine's clock.
        pace: what is known beforehand of how often samples arrive.
        advice: remedies that suit the feed, for messages.
        retry_max_s: longest wait in seconds between two attempts to connect.
        channels: the channels beside the grid power, each with its pace: some of `CHANNELS`, and
            the further ones in the order of `Reading.channels`.
        unused: channels whose samples are left out, since nobody takes them.
    """

    stale_after_s: float = 600.0
    grace_s: float = 5.0
    max_kw: float = MAX_KW
    by_feed: bool = False
    pace: Pace = _ANY_PACE
    advice: Advice = _NO_ADVICE
    retry_max_s: float = RETRY_MAX_S
    channels: Mapping[str, Pace] = field(default_factory=dict)
    unused: frozenset[str] = frozenset()

    def of_channel(self, name: str) -> LiveRules:
        """Return the rules for one of the channels."""
        return replace(self, pace=self.channels[name])

    def check(self) -> None:
        """Raise UsageError for a rule that is out of bounds."""
        if not 0 < self.stale_after_s <= _DAY_S:
            raise UsageError(
                f"--stale-after {self.stale_after_s:g} must be above 0 and at most "
                f"{_DAY_S:g} s (one day)"
            )
        if not 0 <= self.grace_s <= MINUTE_S:
            raise UsageError(f"--grace {self.grace_s:g} must be from 0 to {MINUTE_S:g} s")
        if not (math.isfinite(self.max_kw) and self.max_kw > 0):
            raise UsageError(f"--max-kw {self.max_kw} must be a number above 0")
        if not self.retry_max_s > 0:
            raise UsageError(f"--retry {self.retry_max_s} must be above 0 s")
