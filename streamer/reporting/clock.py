"""The house's clock, as far as a recording tells it."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from streamer.readings.arrays import IntArray

_EPOCH = datetime(1970, 1, 1)


class HouseClock:
    """Turns Unix seconds into what the clock on the wall showed, and back.

    What is known is how far the clock was ahead of UTC at each recorded minute. A change
    that falls into a gap is taken to have been at the gap's end.

    Args:
        at: (readings,) Unix seconds, rising, at least one.
        utc_offset: (readings,) seconds that the clock was ahead of UTC.

    >>> clock = HouseClock(np.array([0, 3600]), np.array([3600, 7200]))
    >>> str(clock.local(60)), str(clock.local(3600))
    ('1970-01-01 01:01:00', '1970-01-01 03:00:00')
    >>> clock.unix(clock.local(4000))
    4000
    """

    def __init__(self, at: IntArray, utc_offset: IntArray) -> None:
        changes = np.flatnonzero(np.diff(utc_offset)) + 1
        self._since = at[changes]
        self._offsets = np.concatenate([utc_offset[:1], utc_offset[changes]])

    def offset(self, at: int) -> int:
        """Seconds that the clock is ahead of UTC at a moment."""
        return int(self._offsets[np.searchsorted(self._since, at, side="right")])

    def offsets(self, at: IntArray) -> IntArray:
        """(moments,) the same at (moments,) Unix seconds."""
        return self._offsets[np.searchsorted(self._since, at, side="right")]

    def local(self, at: int) -> datetime:
        """What the clock shows at a moment."""
        return _EPOCH + timedelta(seconds=at + self.offset(at))

    def unix(self, local: datetime) -> int:
        """The first moment at which the clock shows a time; it may skip it, or show it twice."""
        wanted = round((local - _EPOCH).total_seconds())
        moments = sorted(wanted - int(offset) for offset in set(self._offsets.tolist()))
        shown = (at for at in moments if at + self.offset(at) == wanted)
        return next(shown, moments[-1])

    def next_midnight(self, at: int) -> int:
        """The first midnight after a moment."""
        day = self.local(at).replace(hour=0, minute=0, second=0, microsecond=0)
        return self.unix(day + timedelta(days=1))

    def midnights(self, start: int, end: int) -> list[int]:
        """All midnights from one moment to before another."""
        found = []
        at = self.next_midnight(start - 1)
        while at < end:
            found.append(at)
            at = self.next_midnight(at)
        return found
