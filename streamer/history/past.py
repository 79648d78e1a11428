"""Minutes of the past: those seen in this session, and those of a recording before it."""

from __future__ import annotations

import math
import threading
from array import array
from bisect import bisect_left
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from streamer.errors import StreamerError
from streamer.history.columns import MAX_KW
from streamer.readings import Alarm, Step
from streamer.readings.seconds import seconds_of

if TYPE_CHECKING:
    from streamer.history.archive import Archive
    from streamer.readings.arrays import BoolArray, DoubleArray
    from streamer.readings.bins import Bins

BLOCK = 4096
"""Minutes in a block."""

MAX_BLOCKS = 129
"""Blocks kept in memory: somewhat more than a leap year, in 15 MB."""

MAX_ALARMS = 10_000
"""Alarms kept in memory."""

_NAN = math.nan
_T = TypeVar("_T")


class SeenMinutes:
    """The minutes seen in this session, in bounded memory: the oldest are dropped.

    One thread may add while another one reads. Times are seconds as by `seconds_of`.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks = deque([_Block()], maxlen=MAX_BLOCKS)
        self._alarms: deque[Alarm] = deque(maxlen=MAX_ALARMS)

    @property
    def first_at(self) -> int | None:
        """Time of the oldest minute; None if there is none."""
        with self._lock:
            at = self._blocks[0].at
            return at[0] if at else None

    @property
    def last_at(self) -> int | None:
        """Time of the newest minute; None if there is none."""
        with self._lock:
            at = self._blocks[-1].at
            return at[-1] if at else None

    def add(self, step: Step) -> None:
        """Add the minute of a step; later ones, of a clock that was ahead, are dropped."""
        at = seconds_of(step.reading.at)
        with self._lock:
            block = self._blocks[-1]
            if block.at and block.at[-1] >= at:
                block = self._drop_from(at)
            if len(block.at) == BLOCK:
                block = _Block()
                self._blocks.append(block)
            block.add(at, step)

    def add_alarm(self, alarm: Alarm) -> None:
        """Add an alarm that was raised."""
        with self._lock:
            self._alarms.append(alarm)

    def bins(self, start: int, seconds: int, count: int, *, before: int) -> Bins:
        """Sums over bins of so many seconds from `start` on, of the minutes before a time."""
        from streamer.readings.bins import Bins

        end = min(before, start + seconds * count)
        sums = Bins.empty(count)
        with self._lock:
            for block in self._blocks:
                if block.at and block.at[0] < end and block.at[-1] >= start:
                    sums += block.bins(start, seconds, count, end)
        return sums

    def utc_offset(self, before: int) -> int | None:
        """Offset from UTC in seconds at the last minute before a time; None if there is none."""
        with self._lock:
            for block in reversed(self._blocks):
                if block.at and block.at[0] < before:
                    return block.utc_offset[bisect_left(block.at, before) - 1]
        return None

    def alarm_before(self, at: int) -> Alarm | None:
        """The last alarm raised before a time."""
        with self._lock:
            return next((a for a in reversed(self._alarms) if seconds_of(a.at) < at), None)

    def alarm_after(self, at: int) -> Alarm | None:
        """The first alarm raised after a time."""
        with self._lock:
            return next((a for a in self._alarms if seconds_of(a.at) > at), None)

    def _drop_from(self, at: int) -> _Block:
        """Drop all minutes from a time on; returns the block that the next one belongs to."""
        while len(self._blocks) > 1 and self._blocks[-1].at[0] >= at:
            self._blocks.pop()
        while self._alarms and seconds_of(self._alarms[-1].at) >= at:
            self._alarms.pop()
        self._blocks[-1].drop_from(at)
        return self._blocks[-1]


class _Block:
    """Some minutes in order of time, as arrays that grow; without NumPy, which loads slowly."""

    def __init__(self) -> None:
        self.at = array("q")
        self.utc_offset = array("i")
        # Reading, point forecast, low and high end of its band, solar power; NaN where missing.
        self._powers = tuple(array("f") for _ in range(5))
        self._alarm = array("b")

    def add(self, seconds: int, step: Step) -> None:
        at, settled = step.reading.at, step.settled
        offset = at.utcoffset() if at.tzinfo else None
        self.at.append(seconds)
        self.utc_offset.append(int(offset.total_seconds()) if offset else 0)
        kw, forecast_kw, low_kw, high_kw, solar_kw = self._powers
        kw.append(step.reading.kw)
        solar = step.reading.solar_kw
        solar_kw.append(_NAN if solar is None else solar)
        forecast_kw.append(_NAN if settled is None else settled.point_kw)
        low_kw.append(_NAN if settled is None else settled.low_kw)
        high_kw.append(_NAN if settled is None else settled.high_kw)
        self._alarm.append(step.alarms != () and any(alarm.at == at for alarm in step.alarms))

    def drop_from(self, at: int) -> None:
        first = bisect_left(self.at, at)
        for whole in (self.at, self.utc_offset, self._alarm):
            del whole[first:]
        for power in self._powers:
            del power[first:]

    def bins(self, start: int, seconds: int, count: int, end: int) -> Bins:
        import numpy as np

        from streamer.readings.bins import Bins

        part = slice(bisect_left(self.at, start), bisect_left(self.at, end))
        index = (np.array(self.at[part], np.int64) - start) // seconds
        powers = (np.array(power[part], np.float64) for power in self._powers)
        kw, forecast_kw, low_kw, high_kw, solar_kw = (np.clip(p, -MAX_KW, MAX_KW) for p in powers)
        known, sunny = ~np.isnan(forecast_kw), ~np.isnan(solar_kw)

        def sums(values: DoubleArray, chosen: BoolArray) -> DoubleArray:
            found = np.bincount(index[chosen], values[chosen], minlength=count)
            return found.astype(np.float64, copy=False)

        first, place = np.unique(index, return_index=True)
        utc_offset = np.zeros(count, np.int64)
        utc_offset[first] = np.array(self.utc_offset[part], np.int64)[place]
        return Bins(
            readings=np.bincount(index, minlength=count),
            kw=sums(kw, ~np.isnan(kw)),
            forecasts=np.bincount(index[known], minlength=count),
            forecast_kw=sums(forecast_kw, known),
            low_kw=sums(low_kw, known),
            high_kw=sums(high_kw, known),
            sunny=np.bincount(index[sunny], minlength=count),
            solar_kw=sums(solar_kw, sunny),
            alarms=np.bincount(index, self._alarm[part], minlength=count).astype(np.int64),
            utc_offset=utc_offset,
        )


class Past:
    """The minutes seen, and where they begin, those of an archive.

    If the archive cannot be read, it counts as empty until `retry` is called.

    Args:
        seen: minutes of this session.
        archive: older minutes, if any.

    Attributes:
        error: reason for which the archive cannot be read; empty if it can.
    """

    def __init__(self, seen: SeenMinutes, archive: Archive | None = None) -> None:
        self.error = ""
        self._seen = seen
        self._archive = archive
        self._archived_from: int | None = None
        self._page: tuple[tuple[int, ...], Bins] | None = None

    def retry(self) -> None:
        """Let the archive be read again, after an error."""
        self.error = ""

    @property
    def last_at(self) -> int | None:
        """Time of the newest minute; None if there is none."""
        return self._seen.last_at

    @property
    def first_at(self) -> int | None:
        """Time of the oldest minute; None if there is none."""
        seen = self._seen.first_at
        if seen is not None and self._archived_from is None:
            self._archived_from = self._ask(lambda archive: archive.first_at())
        if seen is None or self._archived_from is None:
            return seen
        return min(seen, self._archived_from)

    def bins(self, start: int, seconds: int, count: int, *, before: int) -> Bins:
        """Sums over bins of so many seconds from `start` on, of the minutes before a time."""
        seen = self._seen.bins(start, seconds, count, before=before)
        first = self._seen.first_at
        if first is None or start >= first:
            return seen
        older = self._archived(start, seconds, count, min(before, first))
        return seen if older is None else older + seen

    def utc_offset(self, before: int) -> int:
        """Offset from UTC in seconds at the last minute before a time; 0 if there is none."""
        offset = self._seen.utc_offset(before)
        if offset is None:
            offset = self._ask(lambda archive: archive.utc_offset(before))
        return 0 if offset is None else offset

    def alarm_before(self, at: int) -> Alarm | None:
        """The last alarm raised before a time."""
        found = self._seen.alarm_before(at)
        if found is not None:
            return found
        first = self._seen.first_at
        bound = at if first is None else min(at, first)
        return self._ask(lambda archive: archive.alarm_before(bound))

    def alarm_after(self, at: int) -> Alarm | None:
        """The first alarm raised after a time."""
        first = self._seen.first_at
        if first is not None and at < first:
            found = self._ask(lambda archive: archive.alarm_after(at))
            if found is not None and seconds_of(found.at) < first:
                return found
        return self._seen.alarm_after(at)

    def _archived(self, start: int, seconds: int, count: int, before: int) -> Bins | None:
        """A page of the archive, which is kept until another one is asked for."""
        asked = (start, seconds, count, before)
        if self._page is None or self._page[0] != asked:
            bins = self._ask(lambda archive: archive.bins(start, seconds, count, before=before))
            if bins is None:
                return None
            self._page = asked, bins
        return self._page[1]

    def _ask(self, question: Callable[[Archive], _T | None]) -> _T | None:
        """The answer of the archive; None if there is none, or it cannot be read."""
        if self._archive is None or self.error:
            return None
        try:
            return question(self._archive)
        except StreamerError as error:
            self.error = str(error)
            return None
