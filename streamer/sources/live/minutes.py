"""Minute means of samples: time-weighted, on UTC minutes.

No I/O and no clock: the time is passed in, in seconds since 1970.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from datetime import UTC, datetime

from streamer.feeds import Pace
from streamer.sources.live.cuts import Cuts
from streamer.sources.live.spacing import Spacing

MINUTE_S = 60.0

MIN_COVERED_S = MINUTE_S / 2
"""Minimal part of a minute that must be known for it to have a mean."""

_ANY_PACE = Pace()
_MAX_SAMPLES = 100_000
_MAX_STRADDLE_S = 1.5 * MINUTE_S


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

    A value is valid until the next one, for a limited time (see `Spacing`); after that nothing
    is known. A minute of which less than half is known has no mean. Neither has a minute
    without any sample, with two exceptions:

    - The feed sends changes only, so that the last value is still the present one.
    - Samples arrive about once a minute. Then one may arrive just before a minute and the next
      just after it, within the allowed lateness and at most a minute and a half apart; the
      minute is between two successive samples, as its neighbours are.

    If samples are usually further apart than a minute and a half, the mean of a minute is that
    of the samples in it, since every value from before is old.

    Args:
        stale_after_s: upper bound of the validity of a value in seconds.
        grace_s: allowed lateness: seconds for which a minute is kept open after its end.
        pace: what is known beforehand of how often samples arrive.

    Attributes:
        late: number of samples whose minute was closed before they arrived.
        duplicates: number of samples with the time of an earlier one, which they replace.
        spacing: usual time between samples.
        cuts: minutes in which watching began or paused.

    >>> means = MinuteMeans(stale_after_s=600.0)
    >>> means.add(60.0, 1.0)
    >>> means.add(75.0, 5.0)
    >>> means.advance(125.0)
    [(60.0, 4.0)]
    """

    def __init__(
        self, *, stale_after_s: float, grace_s: float = 5.0, pace: Pace = _ANY_PACE
    ) -> None:
        self.late = 0
        self.duplicates = 0
        self.spacing = Spacing(pace, stale_after_s)
        self.cuts = Cuts()
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

    @property
    def open_s(self) -> float:
        """Start of the first minute that may still be returned."""
        return self._open

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
        self.spacing.add(at_s)
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

    def forget_from(self, at_s: float) -> None:
        """Treat the value as unknown from a time on, until the next sample."""
        self._put(at_s, math.nan)

    def rewind(self, after_s: float | None, now_s: float) -> None:
        """Treat only the minute that starts at `after_s`, and all before it, as done.

        Args:
            after_s: start of that minute; None if none is done.
            now_s: the time; minutes that ended before are left out.
        """
        self._given = -math.inf if after_s is None else minute_of(after_s) + MINUTE_S
        self._open = self._expected_from = max(self._given, minute_of(now_s))

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
        if before_s - at_s > self.spacing.valid_s:
            kw = math.nan
        self.spacing.restart()
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
        if not math.isnan(self._held_kw) and self._held_at + self.spacing.valid_s > self._open:
            return self._open
        return minute_of(self._times[0]) if self._times else math.inf

    def _close(self, start_s: float) -> float | None:
        """Return the mean of a minute, if it has one, and drop its samples."""
        count = bisect_left(self._times, start_s + MINUTE_S)
        is_coarse = self.spacing.is_coarse
        valid_s = self.spacing.valid_s
        # Relative to the minute's start the arithmetic is exact: the numbers are smaller.
        at = self._held_at - start_s
        kw = math.nan if is_coarse else self._held_kw
        lengths: list[float] = []
        kws: list[float] = []
        ends = [each - start_s for each in self._times[:count]]
        for end, next_kw in zip([*ends, MINUTE_S], [*self._kws[:count], math.nan], strict=True):
            length = min(end, at + valid_s) - max(at, 0.0)
            if length > 0 and not math.isnan(kw):
                lengths.append(length)
                kws.append(kw)
            at, kw = end, next_kw
        is_measured = self._is_measured(start_s, count)
        self._pass(count)
        covered = math.fsum(lengths)
        if not is_measured or covered < (0.0 if is_coarse else MIN_COVERED_S) or not kws:
            return None
        self.cuts.closed(start_s, covered)
        mean = math.fsum(kw * (length / covered) for kw, length in zip(kws, lengths, strict=True))
        # Rounding must not move the mean of a constant value.
        return min(max(mean, min(kws)), max(kws))

    def _is_measured(self, start_s: float, count: int) -> bool:
        """Whether a minute with the first `count` samples may have a mean."""
        if self.spacing.on_change or not all(map(math.isnan, self._kws[:count])):
            return True
        if count or not self._times or math.isnan(self._kws[0]):
            return False
        if not self.spacing.is_about_a_minute:
            return False
        next_s = self._times[0]
        is_in_time = next_s <= start_s + MINUTE_S + self._grace
        return is_in_time and next_s - self._held_at <= _MAX_STRADDLE_S
