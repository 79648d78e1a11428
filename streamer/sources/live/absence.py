"""Absences of this process or machine, and the values that wait for its return.

No I/O and no clock: times are passed in, in seconds.
"""

from __future__ import annotations

from typing import NamedTuple

from streamer.display.durations import apart
from streamer.sources.live.means import AnySample

JUMP_S = 2.0
"""Difference between date and monotonic clock from which on the date has jumped."""

_SETTLE_S = 5.0
_STALE_S = 2.0
_MORE_S = 1.0


class Jump(NamedTuple):
    """Jump of the date against the monotonic clock.

    Attributes:
        away_s: part of it in which the machine was asleep, or may have been.
        set_s: part by which the clock was set; negative if it was set back.
        cause: cause of the absence, for display.
    """

    away_s: float
    set_s: float
    cause: str = ""


def jump_of(delta_s: float, asleep_s: float | None) -> Jump:
    """Split a jump of the date by its causes.

    Args:
        delta_s: seconds by which the date is ahead of the expected one, more than `JUMP_S`.
        asleep_s: seconds for which the machine was asleep; None if that is unknown.

    >>> jump_of(300.2, 300.0)
    Jump(away_s=300.2, set_s=0.0, cause='this machine was asleep for 5 min')
    >>> jump_of(-7200.0, 0.0)
    Jump(away_s=0.0, set_s=-7200.0, cause='')
    """
    if asleep_s is None and delta_s > 0:
        why = "it was set, or the machine was asleep"
        return Jump(delta_s, 0.0, f"this machine's clock jumped ahead by {apart(delta_s)} ({why})")
    away_s = min(asleep_s or 0.0, max(delta_s, 0.0))
    if away_s <= JUMP_S:
        return Jump(0.0, delta_s)
    if delta_s - away_s <= JUMP_S:
        away_s = delta_s
    cause = f"this machine was asleep for {apart(away_s)}"
    return Jump(away_s, delta_s - away_s, cause)


class Backlog:
    """Values that waited in pipes and sockets during an absence, while they arrive.

    Those with times are taken by their own time, so minutes stay open meanwhile. Without a
    time, a value that arrives at once after the return may be as old as the absence.

    Args:
        began_s: date of the beginning of the absence, in seconds since 1970.
        ended_s: date of the return.

    Attributes:
        began_s: date of the beginning of the absence.
        over_s: date from which on nothing waits any more.
        dated: channels of which values of the absence have arrived.
        latest: the last value without a time that may be old, of each channel.
    """

    def __init__(self, began_s: float, ended_s: float) -> None:
        self.began_s = began_s
        self.over_s = ended_s + _SETTLE_S
        self.dated: set[str] = set()
        self.latest: dict[str, AnySample] = {}
        self._ended_s = ended_s

    def is_old(self, arrived_s: float) -> bool:
        """Whether a value without a time that arrives now may have waited."""
        return arrived_s < self._ended_s + _STALE_S

    def timed(self, channel: str, at_s: float, arrived_s: float) -> None:
        """Take note of a value with a time, of one of the channels."""
        if at_s < self._ended_s:
            if at_s >= self.began_s:
                self.dated.add(channel)
            self.over_s = max(self.over_s, arrived_s + _MORE_S)
