"""Usual time between the samples of a feed, and how long a value is valid by it.

No I/O and no clock: times are passed in, in seconds.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque

from streamer.feeds import Pace

SPACINGS_VALID = 3
"""Number of usual spacings for which a value is valid."""

MIN_VALID_S = 10.0
"""Minimal validity of a value: a fast meter may pause without losing its minute."""

MIN_SILENCE_S = 30.0
"""Minimal time without a sample that is reported as silence."""

_UNLEARNT_VALID_S, _UNLEARNT_SILENCE_S = 60.0, 90.0
_KEPT = 60
_LEARNT = 3
_MIN_TYPICAL = 2
_SAME_MOMENT_S = 0.1
_ABOUT_A_MINUTE = (45.0, 90.0)


class Spacing:
    """Estimate of a feed's usual spacing, from the times of its samples.

    The usual spacing is nearly the longest of the last ones: the third longest of many, since
    one or two may contain an outage, and the longest of fewer than five. Most may be shorter,
    as for a meter that sends every ten seconds and also when its power changes.

    Args:
        pace: what is known of the feed beforehand.
        stale_after_s: upper bound in seconds for the validity of a value.

    >>> spacing = Spacing(Pace(), stale_after_s=600.0)
    >>> spacing.usual_s, spacing.valid_s
    (None, 60.0)
    >>> for second in (0.0, 20.0, 40.0, 60.0):
    ...     spacing.add(second)
    >>> spacing.usual_s, spacing.valid_s
    (20.0, 60.0)
    """

    def __init__(self, pace: Pace, stale_after_s: float) -> None:
        self.stale_after_s = stale_after_s
        self._pace = pace
        self._newest: float | None = None
        self._spacings: deque[float] = deque()
        self._sorted: list[float] = []
        self._usual = pace.every_s

    @property
    def on_change(self) -> bool:
        """Whether the feed sends changes only."""
        return self._pace.on_change

    @property
    def usual_s(self) -> float | None:
        """The usual spacing; that of the feed's kind until learnt, None if that is unknown."""
        return self._usual

    @property
    def typical_s(self) -> float | None:
        """The median spacing; that of the feed's kind until learnt, None if that is unknown."""
        return (
            self._sorted[(len(self._sorted) - 1) // 2] if self.has_typical else self._pace.every_s
        )

    @property
    def has_typical(self) -> bool:
        """Whether the median spacing is that of samples."""
        return len(self._spacings) >= _MIN_TYPICAL

    @property
    def valid_s(self) -> float:
        """Seconds for which a value is valid when no other arrives."""
        if not self._is_learnt and self._pace.every_s is None and not self.on_change:
            return min(_UNLEARNT_VALID_S, self.stale_after_s)
        return self._bound(MIN_VALID_S)

    @property
    def silent_s(self) -> float:
        """Seconds without a sample after which the meter is silent."""
        if not self._is_learnt and self._pace.every_s is None:
            return self._bound(_UNLEARNT_SILENCE_S)
        return self._bound(MIN_SILENCE_S)

    @property
    def is_about_a_minute(self) -> bool:
        """Whether a sample arrives about once a minute."""
        typical_s = self.typical_s
        return typical_s is not None and _ABOUT_A_MINUTE[0] <= typical_s <= _ABOUT_A_MINUTE[1]

    @property
    def is_coarse(self) -> bool:
        """Whether samples arrive too rarely for each minute to have one."""
        typical_s = self.typical_s
        return not self.on_change and typical_s is not None and typical_s > _ABOUT_A_MINUTE[1]

    def add(self, at_s: float) -> None:
        """Take the time of a sample; one that is earlier than the last counts for nothing."""
        if self._newest is None:
            self._newest = at_s
        elif (spacing_s := at_s - self._newest) > _SAME_MOMENT_S:
            self._newest = at_s
            if len(self._spacings) == _KEPT:
                del self._sorted[bisect_left(self._sorted, self._spacings.popleft())]
            self._spacings.append(spacing_s)
            insort(self._sorted, spacing_s)
            self._usual = self._learnt()

    def restart(self) -> None:
        """Leave out the time until the next sample: an outage is not a spacing."""
        self._newest = None

    def _learnt(self) -> float:
        usual_s = self._sorted[-1 - min(2, len(self._sorted) // 5)]
        return usual_s if self._is_learnt else max(usual_s, self._pace.every_s or 0.0)

    @property
    def _is_learnt(self) -> bool:
        return len(self._spacings) >= _LEARNT

    def _bound(self, least_s: float) -> float:
        """Three usual spacings, within bounds; for a feed of changes the upper bound."""
        if self.on_change:
            return self.stale_after_s
        return min(max(SPACINGS_VALID * (self._usual or 0.0), least_s), self.stale_after_s)
