"""Newest sample by event time, and a filter for times in the far future."""

from __future__ import annotations

import math

from streamer.readings import Sample
from streamer.sources.bounds import LONG_JUMP
from streamer.sources.live.means import AnySample
from streamer.sources.live.minutes import local_time

_EVERY_S = 0.2
"""Minimal number of seconds between two samples passed on."""


class LatestSample:
    """The newest sample, passed on at a limited rate.

    Args:
        now_s: the time.

    Attributes:
        newest_s: event time of the newest sample; minus infinity before there is one.
    """

    def __init__(self, now_s: float) -> None:
        self.newest_s = -math.inf
        self._waiting: tuple[float, float] | None = None
        self._due_s = now_s

    @property
    def due_s(self) -> float:
        """Time at which a waiting sample may be passed on; infinite if none waits."""
        return math.inf if self._waiting is None else self._due_s

    def offer(self, at_s: float, kw: float) -> bool:
        """Take a sample; returns whether it is the newest."""
        if at_s < self.newest_s:
            return False
        self.newest_s = at_s
        self._waiting = (at_s, kw)
        return True

    def take(self, now_s: float) -> Sample | None:
        """Return the newest sample, if one waits and is due."""
        if self._waiting is None or now_s < self._due_s:
            return None
        at_s, kw = self._waiting
        self._waiting, self._due_s = None, now_s + _EVERY_S
        return Sample(kw, local_time(at_s))

    def forget_times(self) -> None:
        """Accept any time for the next sample, after the date was set."""
        self.newest_s = -math.inf

    def finish(self) -> None:
        """Make a waiting sample due at once."""
        self._due_s = -math.inf


class FutureFilter:
    """Filter that holds a sample far ahead of all before it until the next one confirms it.

    A single time far ahead would put all later samples out of order.
    """

    def __init__(self) -> None:
        self._held: tuple[float, AnySample] | None = None

    @property
    def held(self) -> AnySample | None:
        """The held sample, if any."""
        return None if self._held is None else self._held[1]

    def accept(
        self, at_s: float, sample: AnySample, newest_s: float
    ) -> tuple[list[tuple[float, AnySample]], AnySample | None]:
        """Examine the next sample.

        Args:
            at_s: its time.
            sample: the sample.
            newest_s: time of the newest accepted sample.

        Returns:
            The accepted samples with their times, and the dropped one, if any.
        """
        held, self._held = self._held, None
        longest_s = LONG_JUMP.total_seconds()
        if at_s - newest_s <= longest_s or not math.isfinite(newest_s):
            return [(at_s, sample)], None if held is None else held[1]
        if held is not None and 0 <= at_s - held[0] <= longest_s:
            return [held, (at_s, sample)], None
        self._held = (at_s, sample)
        return [], None if held is None else held[1]
