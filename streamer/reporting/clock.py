"""The clock of the house, reconstructed from a recording."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np

from streamer.readings.arrays import IntArray

_EPOCH = datetime(1970, 1, 1)
_HOUR_S = 3600


class HouseClock:
    """Converts Unix seconds into the local time of the house, and back.

    A recording has the clock's offset from UTC at each minute. A change of the offset within a
    gap is assumed at the end of the gap.

    Args:
        at: (readings,) Unix seconds, increasing, at least one.
        utc_offset: (readings,) seconds by which the clock was ahead of UTC.

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
        """Seconds by which the clock is ahead of UTC at a time in Unix seconds."""
        return int(self._offsets[np.searchsorted(self._since, at, side="right")])

    def offsets(self, at: IntArray) -> IntArray:
        """(times,) the same for (times,) Unix seconds."""
        return self._offsets[np.searchsorted(self._since, at, side="right")]

    def local(self, at: int) -> datetime:
        """Local time, without a zone, at a time in Unix seconds."""
        return _EPOCH + timedelta(seconds=at + self.offset(at))

    def unix(self, local: datetime) -> int:
        """Unix seconds at which the clock first shows a local time.

        A time that occurs twice gives the first occurrence, one that the clock skips a time
        near it.
        """
        wanted = round((local - _EPOCH).total_seconds())
        moments = sorted(wanted - int(offset) for offset in set(self._offsets.tolist()))
        shown = (at for at in moments if at + self.offset(at) == wanted)
        return next(shown, moments[-1])

    def next_midnight(self, at: int) -> int:
        """The first local midnight after a time, in Unix seconds."""
        day = self.local(at).replace(hour=0, minute=0, second=0, microsecond=0)
        return self.unix(day + timedelta(days=1))

    def midnights(self, start: int, end: int) -> list[int]:
        """All local midnights at or after `start` and before `end`, in Unix seconds."""
        found = []
        at = self.next_midnight(start - 1)
        while at < end:
            found.append(at)
            # No clock is set by more than some hours; offsets that are not true may be.
            at = max(self.next_midnight(at), at + _HOUR_S)
        return found
