"""Minute means of samples: time-weighted, on UTC minutes.

No I/O and no clock: the time is passed in, in seconds since 1970.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from datetime import UTC, datetime

MINUTE_S = 60.0

_MIN_COVERED_S = MINUTE_S / 2
_MAX_SAMPLES = 100_000


def minute_of(at_s: float) -> float:
    """Start of the minute of a moment; exact, whatever the size of the number.

    >>> minute_of(119.5), minute_of(120.0)
    (60.0, 120.0)
    """
    return MINUTE_S * (at_s // MINUTE_S)


def local_time(at_s: float) -> datetime:
    """A moment in local time, with its offset from UTC at that moment.

    The offset is fixed: Python compares and subtracts times that share a zone object by
    their local clock, ignoring summer time.
    """
    return datetime.fromtimestamp(at_s, UTC).astimezone()


class MinuteMeans:
    """Means of the minutes, weighted by the validity of each value.

    A value is valid until the next one, for a limited time; after that nothing is known. A
    minute of which less than half is known has no mean.

    Args:
        stale_after_s: longest validity of a value in seconds.
        grace_s: allowed lateness: seconds for which a minute is kept open after its end.

    Attributes:
        late: number of samples whose minute was closed before they arrived.
        duplicates: number of samples with the time of an earlier one, which they replace.

    >>> means = MinuteMeans(stale_after_s=600.0)
    >>> means.add(60.0, 1.0)
    >>> means.add(75.0, 5.0)
    >>> means.advance(125.0)
    [(60.0, 4.0)]
    """

    def __init__(self, *, stale_after_s: float, grace_s: float = 5.0) -> None:
        self.late = 0
        self.duplicates = 0
        self._stale_after = stale_after_s
        self._grace = grace_s
        # Samples of open minutes, and the last one before them, which may still be valid.
        self._times: list[float] = []
        self._kws: list[float] = []
        self._held_at = -math.inf
        self._held_kw = math.nan
        self._open = -math.inf  # start of the first open minute
        self._given = -math.inf  # end of the last minute returned
        self._expected_from = -math.inf  # earlier samples are not late, but done

    @property
    def due_s(self) -> float:
        """Time at which the next minute with known values closes; infinite without any."""
        return self._known_from() + MINUTE_S + self._grace

    @property
    def done_s(self) -> float:
        """End of the last minute returned."""
        return self._given

    def resume_after(self, after_s: float) -> None:
        """Treat the minute that starts at `after_s`, and all before it, as done.

        Their samples are ignored and not counted as late; the last one remains valid.
        """
        self._given = max(self._given, minute_of(after_s) + MINUTE_S)
        self._open = max(self._open, self._given)
        self._expected_from = max(self._expected_from, self._open)
        self._pass(bisect_left(self._times, self._open))

    def add(self, at_s: float, kw: float) -> None:
        """Take a sample.

        Args:
            at_s: its time; it may be earlier than that of samples taken before.
            kw: power in kW; unknown unless it is a finite number.
        """
        if at_s < self._open and at_s >= self._expected_from:
            self.late += 1
        if self._put(at_s, kw if math.isfinite(kw) else math.nan):
            self.duplicates += 1

    def advance(self, now_s: float) -> list[tuple[float, float]]:
        """Close the minutes that ended before `now_s` by more than the allowed lateness.

        Takes no time for minutes without known values, however many there are.

        Returns:
            Start in seconds and mean in kW of each minute that has a mean.
        """
        end_s = minute_of(now_s - self._grace)
        given: list[tuple[float, float]] = []
        while self._open < end_s:
            start_s = self._known_from()
            if start_s >= end_s:
                self._open = end_s
                break
            kw = self._close(start_s)
            self._open = start_s + MINUTE_S
            if kw is not None:
                self._given = self._open
                given.append((start_s, kw))
        return given

    def flush(self, now_s: float) -> list[tuple[float, float]]:
        """Close all minutes that have ended, without waiting for late samples."""
        return self.advance(now_s + self._grace)

    def step(self, delta_s: float, now_s: float) -> None:
        """Continue after the clock was set.

        The last value is valid from the new time on. If the clock was set ahead, the time
        that it skipped is unknown; if it was set back, samples that are now in the future
        are dropped, and minutes that were already returned are left out.

        Args:
            delta_s: seconds by which the clock was set ahead.
            now_s: the new time.
        """
        before_s = now_s - delta_s
        at_s, kw = self._held_at, self._held_kw
        if self._times:
            at_s, kw = self._times[-1], self._kws[-1]
        if before_s - at_s > self._stale_after:
            kw = math.nan
        cut_s = min(before_s, now_s)
        place = bisect_left(self._times, cut_s)
        del self._times[place:]
        del self._kws[place:]
        self._held_at = min(self._held_at, cut_s)
        if delta_s > 0:
            self._put(before_s, math.nan)
        else:
            # Minutes that were closed without a mean may now have one.
            self._open = max(self._given, min(self._open, minute_of(now_s)))
            self._expected_from = max(self._expected_from, self._open)
        self._put(now_s, kw)

    def _put(self, at_s: float, kw: float) -> bool:
        """Insert a sample; returns whether there was one of the same time."""
        times, kws = self._times, self._kws
        if at_s < self._open:
            if at_s >= self._held_at:
                self._held_at, self._held_kw = at_s, kw
            return False
        if not times or at_s > times[-1]:
            times.append(at_s)
            kws.append(kw)
        else:
            place = bisect_left(times, at_s)
            if times[place] == at_s:
                kws[place] = kw
                return True
            times.insert(place, at_s)
            kws.insert(place, kw)
        if len(times) > _MAX_SAMPLES:
            # More than a mean needs: drop every other one, but keep the last.
            del times[-2::-2]
            del kws[-2::-2]
        return False

    def _pass(self, count: int) -> None:
        """Drop the first samples; the last of them remains valid."""
        if count:
            self._held_at, self._held_kw = self._times[count - 1], self._kws[count - 1]
            del self._times[:count]
            del self._kws[:count]

    def _known_from(self) -> float:
        """Start of the first open minute that may have known values."""
        if not math.isnan(self._held_kw) and self._held_at + self._stale_after > self._open:
            return self._open
        return minute_of(self._times[0]) if self._times else math.inf

    def _close(self, start_s: float) -> float | None:
        """Return the mean of a minute, if it has one, and drop its samples."""
        count = bisect_left(self._times, start_s + MINUTE_S)
        # Relative to the minute's start the arithmetic is exact: the numbers are smaller.
        at = self._held_at - start_s
        kw = self._held_kw
        lengths: list[float] = []
        kws: list[float] = []
        ends = [each - start_s for each in self._times[:count]]
        for end, next_kw in zip([*ends, MINUTE_S], [*self._kws[:count], math.nan], strict=True):
            length = min(end, at + self._stale_after) - max(at, 0.0)
            if length > 0 and not math.isnan(kw):
                lengths.append(length)
                kws.append(kw)
            at, kw = end, next_kw
        self._pass(count)
        covered = math.fsum(lengths)
        if covered < _MIN_COVERED_S:
            return None
        mean = math.fsum(kw * (length / covered) for kw, length in zip(kws, lengths, strict=True))
        # Rounding must not move the mean of a constant value.
        return min(max(mean, min(kws)), max(kws))
