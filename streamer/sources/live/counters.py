"""Minute means of power from an energy register.

No I/O and no clock: the time is passed in, in seconds since 1970.
"""

from __future__ import annotations

import math
from collections import deque

from streamer.feeds import Pace
from streamer.sources.live.cuts import Cuts
from streamer.sources.live.minutes import MIN_COVERED_S, MINUTE_S, minute_of
from streamer.sources.live.notices import Remark
from streamer.sources.live.registers import Register, Segment
from streamer.sources.live.spacing import Spacing

_ANY_PACE = Pace()


class CounterMeans:
    """Means of the minutes, from the energy drawn in each (see `Register`).

    A minute has a mean once the readings after it determine its energy, so it may be returned
    later than that of a meter that reports power, but never changes. A minute of which less
    than half is known has no mean.

    Args:
        stale_after_s: upper bound in seconds for the time between two readings.
        max_kw: magnitude in kW above which a power is implausible.
        pace: what is known beforehand of how often readings arrive.

    Attributes:
        late: number of readings that are not later than the one before; they are left out.
        spacing: usual time between readings.
        cuts: minutes in which watching began or paused.
        newest: end in seconds and power in kW of the newest time of which the power is known.

    >>> means = CounterMeans(stale_after_s=600.0)
    >>> for at_s, kwh in [(0.0, 1000.0), (60.0, 1000.01), (120.0, 1000.03)]:
    ...     means.add(at_s, kwh)
    >>> means.advance(125.0)
    [(0.0, 0.6), (60.0, 1.2)]
    """

    def __init__(
        self, *, stale_after_s: float, max_kw: float = math.inf, pace: Pace = _ANY_PACE
    ) -> None:
        self.late = 0
        self.newest: tuple[float, float] | None = None
        self.spacing = Spacing(pace, stale_after_s)
        self.cuts = Cuts()
        self._max_kw = max_kw
        self._register = Register(self.spacing, max_kw)
        self._segments: deque[Segment] = deque()
        self._open = -math.inf  # start of the first open minute
        self._given = -math.inf  # end of the last minute returned

    @property
    def due_s(self) -> float:
        """Time at which a minute closes without another reading: never known beforehand."""
        return math.inf

    @property
    def done_s(self) -> float:
        """End of the last minute returned."""
        return self._given

    @property
    def open_s(self) -> float:
        """Start of the first minute that may still be returned."""
        return self._open

    def resume_after(self, after_s: float) -> None:
        """Treat the minute that starts at `after_s`, and all before it, as done."""
        self._given = max(self._given, minute_of(after_s) + MINUTE_S)
        self._open = max(self._open, self._given)

    def start_at(self, open_s: float) -> None:
        """Leave out the minutes before a moment."""
        self._open = max(self._open, open_s)

    def add(self, at_s: float, kwh: float, *, net: bool = False) -> None:
        """Take a reading.

        Args:
            at_s: its time.
            kwh: energy in kWh, import positive; unknown unless it is a finite number.
            net: whether export is subtracted, so that the register may fall.
        """
        if not math.isfinite(kwh):
            self._register.interrupt()
            return
        if at_s <= self._register.last_s:
            self.late += 1
            return
        self._take(self._register.add(at_s, kwh, net=net))
        self.spacing.add(at_s)

    def take_notes(self) -> list[Remark]:
        """Return the remarks on the register since the last call."""
        notes, self._register.notes = self._register.notes, []
        return notes

    def advance(self, now_s: float) -> list[tuple[float, float]]:
        """Close the minutes whose energy is determined.

        Returns:
            Start in seconds and mean in kW of each minute that has a mean.
        """
        if self.spacing.on_change:
            self._take(self._register.idle(now_s))
        end_s = self._register.decided_s
        end_s = minute_of(end_s) if math.isfinite(end_s) else end_s
        given: list[tuple[float, float]] = []
        while self._open < end_s:
            start_s = minute_of(self._segments[0].start_s) if self._segments else math.inf
            start_s = max(self._open, start_s)
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
        """Close the minutes whose energy is determined, at the end of the feed."""
        return self.advance(now_s)

    def forget_from(self, at_s: float) -> None:  # noqa: ARG002 - a register is read at moments
        """Treat the register as unknown until the next reading."""
        self._register.interrupt()

    def rewind(self, after_s: float | None, now_s: float) -> None:
        """Treat only the minute that starts at `after_s`, and all before it, as done.

        Args:
            after_s: start of that minute; None if none is done.
            now_s: the time; minutes that ended before are left out.
        """
        self._given = -math.inf if after_s is None else minute_of(after_s) + MINUTE_S
        self._open = max(self._given, minute_of(now_s))

    def step(self, delta_s: float, now_s: float) -> None:
        """Continue after the clock was set: the energy since the last reading is left out.

        Args:
            delta_s: seconds by which the clock was set ahead.
            now_s: the new time.
        """
        self._register.restart()
        self._register.decided_s = -math.inf
        self._segments.clear()
        self.spacing.restart()
        if delta_s < 0:
            self._open = max(self._given, min(self._open, minute_of(now_s)))

    def _take(self, segments: list[Segment]) -> None:
        self._segments.extend(segments)
        if segments:
            # Two readings in quick succession differ by a step, which says nothing of power.
            last = segments[-1]
            kw = last.kw if abs(last.kw) <= self._max_kw else math.nan
            self.newest = last.end_s, kw

    def _close(self, start_s: float) -> float | None:
        """Return the mean of a minute, if it has one, and drop its segments."""
        end_s = start_s + MINUTE_S
        # Relative to the minute's start the arithmetic is exact: the numbers are smaller.
        parts = [
            (min(each.end_s, end_s) - max(each.start_s, start_s), each.kw)
            for each in self._segments
            if each.start_s < end_s and each.end_s > start_s
        ]
        while self._segments and self._segments[0].end_s <= end_s:
            self._segments.popleft()
        covered_s = math.fsum(length_s for length_s, _ in parts)
        if covered_s < MIN_COVERED_S:
            return None
        self.cuts.closed(start_s, covered_s)
        return math.fsum(kw * length_s for length_s, kw in parts) / covered_s
