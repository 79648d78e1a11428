"""Samples into minute means: time-weighted, on UTC minutes.

Logic only: the time is passed in, in seconds since 1970.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from datetime import UTC, datetime

MINUTE_S = 60.0

_COVERED_AT_LEAST_S = MINUTE_S / 2
_MOST_OPEN = 100_000


def minute_of(at_s: float) -> float:
    """Start of the minute that a moment lies in; exact, whatever the size of the number.

    >>> minute_of(119.5), minute_of(120.0)
    (60.0, 120.0)
    """
    return MINUTE_S * (at_s // MINUTE_S)


def local_time(at_s: float) -> datetime:
    """A moment on the local clock, with the offset from UTC that it has then.

    A fixed offset: times with one and the same zone object would be compared and
    subtracted by the clock on the wall, summer time or not.
    """
    return datetime.fromtimestamp(at_s, UTC).astimezone()


class MinuteMeans:
    """Means of the minutes, weighted by how long each value stood.

    A value stands until the next one, for a while at most; after that nothing is known. A
    minute of which less than half is known has no mean.

    Args:
        stale_after_s: for how long a value stands at most.
        grace_s: how long after its end a minute waits for samples that come late.

    Attributes:
        late: samples of minutes that were closed before they came.
        doubled: samples whose time had come before; the later one counts.

    >>> means = MinuteMeans(stale_after_s=600.0)
    >>> means.add(60.0, 1.0)
    >>> means.add(75.0, 5.0)
    >>> means.advance(125.0)
    [(60.0, 4.0)]
    """

    def __init__(self, *, stale_after_s: float, grace_s: float = 5.0) -> None:
        self.late = 0
        self.doubled = 0
        self._stale_after = stale_after_s
        self._grace = grace_s
        # Samples of minutes that are open, and the last one before them, which stands on.
        self._times: list[float] = []
        self._kws: list[float] = []
        self._held_at = -math.inf
        self._held_kw = math.nan
        self._open = -math.inf  # start of the first minute that is not closed
        self._given = -math.inf  # end of the last minute that was given
        self._expected_from = -math.inf  # samples before are not late, but done

    @property
    def due_s(self) -> float:
        """When the next minute of which something is known closes; infinite if there is none."""
        return self._known_from() + MINUTE_S + self._grace

    @property
    def done_s(self) -> float:
        """End of the last minute that was given."""
        return self._given

    def go_on_after(self, after_s: float) -> None:
        """Take the minute that starts then, and all before it, as done.

        Samples of theirs are ignored and not counted as late; the last one stands on.
        """
        self._given = max(self._given, minute_of(after_s) + MINUTE_S)
        self._open = max(self._open, self._given)
        self._expected_from = max(self._expected_from, self._open)
        self._pass(bisect_left(self._times, self._open))

    def add(self, at_s: float, kw: float) -> None:
        """Take a sample.

        Args:
            at_s: its time; it may come before that of samples that are in already.
            kw: power in kW; anything but a finite number means that it is unknown.
        """
        if at_s < self._open and at_s >= self._expected_from:
            self.late += 1
        if self._put(at_s, kw if math.isfinite(kw) else math.nan):
            self.doubled += 1

    def advance(self, now_s: float) -> list[tuple[float, float]]:
        """Close the minutes that have been over for as long as the grace.

        Costs nothing for minutes of which nothing is known, however many there are.

        Returns:
            Start and mean in kW of each that has one.
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
        """Close all minutes that are over, late samples or not."""
        return self.advance(now_s + self._grace)

    def step(self, delta_s: float, now_s: float) -> None:
        """Go on after the clock has been set.

        The last value stands from the new time on. A clock set ahead leaves the time that
        it skipped unknown; one set back leaves out the samples that now lie in the future,
        and the minutes that have been given already.

        Args:
            delta_s: how much later the clock is than it would have been.
            now_s: what it says now.
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
            # Minutes that closed without a mean may yet have one.
            self._open = max(self._given, min(self._open, minute_of(now_s)))
            self._expected_from = max(self._expected_from, self._open)
        self._put(now_s, kw)

    def _put(self, at_s: float, kw: float) -> bool:
        """Put a sample in its place; whether there was one already."""
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
        if len(times) > _MOST_OPEN:
            # More than anyone needs for a mean: leave out every other one, not the last.
            del times[-2::-2]
            del kws[-2::-2]
        return False

    def _pass(self, count: int) -> None:
        """Leave samples behind; the last of them stands on."""
        if count:
            self._held_at, self._held_kw = self._times[count - 1], self._kws[count - 1]
            del self._times[:count]
            del self._kws[:count]

    def _known_from(self) -> float:
        """Start of the first open minute of which something may be known."""
        if not math.isnan(self._held_kw) and self._held_at + self._stale_after > self._open:
            return self._open
        return minute_of(self._times[0]) if self._times else math.inf

    def _close(self, start_s: float) -> float | None:
        """Mean of a minute, if it has one; its samples are dropped, and the last one stands."""
        count = bisect_left(self._times, start_s + MINUTE_S)
        # Relative to the minute's start all of this is exact: the numbers are smaller.
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
        if covered < _COVERED_AT_LEAST_S:
            return None
        mean = math.fsum(kw * (length / covered) for kw, length in zip(kws, lengths, strict=True))
        # Rounding must not make a steady value look unsteady.
        return min(max(mean, min(kws)), max(kws))
