"""Conversion of rows at any spacing to minute means: averages, energies and counters.

No I/O: rows come in order of time, and minutes are returned as soon as they are complete.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import fmean
from typing import Protocol, TypeAlias

from streamer.readings import MINUTE

MinuteMean: TypeAlias = tuple[datetime, float]
"""Start of a minute, and its mean power in kW."""

_MIN_COVERED = MINUTE / 2
_HELD_SPACINGS = 3
_MIN_HELD = timedelta(seconds=30)
_ON_CHANGE_HELD = timedelta(hours=1)
_TOLERANCE = 1.5
"""A counter may be read so many times its usual spacing apart before a gap is assumed."""
_DECIMALS = 9

MAX_NIGHT = timedelta(days=1)
"""The longest run without solar power that may be a night."""
NIGHT_KW = 0.01
"""Solar power before and after a night, at most."""


class Converter(Protocol):
    """Conversion of rows to minute means."""

    def add(self, at: datetime, value: float | None) -> list[MinuteMean]:
        """Take the next row, no earlier than those before; returns the minutes it completes."""

    def finish(self) -> list[MinuteMean]:
        """Return the last minutes, at the end of the rows."""


class MinuteSums:
    """Means of the minutes from pieces of time of constant power, in order.

    A minute of which less than half is covered has no mean.

    >>> sums = MinuteSums()
    >>> noon = datetime(2010, 3, 19, 12)
    >>> list(sums.add(noon, noon + timedelta(seconds=90), 0.6))
    [(datetime.datetime(2010, 3, 19, 12, 0), 0.6)]
    """

    def __init__(self) -> None:
        self._minute: datetime | None = None
        self._covered_s = 0.0
        self._sum = 0.0
        self._low = self._high = 0.0

    def add(self, begin: datetime, end: datetime, kw: float) -> Iterator[MinuteMean]:
        """Add a piece of time; yields the minutes that end in it or before it."""
        while begin < end:
            minute = begin.replace(second=0, microsecond=0)
            if self._minute is None or minute != self._minute:
                yield from self.finish()
                self._minute = minute
                self._low = self._high = kw
            stop = min(end, minute + MINUTE)
            length_s = (stop - begin).total_seconds()
            self._covered_s += length_s
            self._sum += kw * length_s
            self._low, self._high = min(self._low, kw), max(self._high, kw)
            begin = stop
            if begin == minute + MINUTE:
                yield from self.finish()

    def finish(self) -> Iterator[MinuteMean]:
        """Yield the current minute, if enough of it is covered."""
        minute, self._minute = self._minute, None
        covered_s, self._covered_s = self._covered_s, 0.0
        total, self._sum = self._sum, 0.0
        if minute is not None and covered_s >= _MIN_COVERED.total_seconds():
            # Rounding must not move the mean of a constant value.
            yield minute, min(max(total / covered_s, self._low), self._high)


class SampleAverage:
    """Powers finer than a minute, each valid until the next one, for a limited time.

    Args:
        spacing: usual time between two rows.
        on_change: whether rows are written for changes only, so that a value is valid for long.
        is_solar: whether the powers are those of panels, which do not change at night.
    """

    def __init__(
        self, spacing: timedelta, *, on_change: bool = False, is_solar: bool = False
    ) -> None:
        self._held = max(_HELD_SPACINGS * spacing, _MIN_HELD)
        if on_change:
            self._held = _ON_CHANGE_HELD
        self._held_at_night = MAX_NIGHT if on_change and is_solar else self._held
        self._last_held = spacing
        self._last: tuple[datetime, float] | None = None
        self._sums = MinuteSums()

    def add(self, at: datetime, value: float | None) -> list[MinuteMean]:
        """Take the next power in kW; None ends the validity of the one before."""
        found: list[MinuteMean] = []
        if self._last is not None:
            begin, kw = self._last
            held = self._held_at_night if abs(kw) <= NIGHT_KW else self._held
            found = list(self._sums.add(begin, min(at, begin + held), kw))
        self._last = None if value is None else (at, value)
        return found

    def finish(self) -> list[MinuteMean]:
        """Return the last minute; the last value is valid for one usual spacing."""
        found: list[MinuteMean] = []
        if self._last is not None:
            begin, kw = self._last
            found = list(self._sums.add(begin, begin + self._last_held, kw))
        return found + list(self._sums.finish())


class RowsOfOneTime:
    """Powers of which several have the same time, written to the minute; they are averaged."""

    def __init__(self) -> None:
        self._at: datetime | None = None
        self._values: list[float] = []

    def add(self, at: datetime, value: float | None) -> list[MinuteMean]:
        """Take the next power in kW."""
        found = [] if at == self._at else self.finish()
        self._at = at
        if value is not None:
            self._values.append(value)
        return found

    def finish(self) -> list[MinuteMean]:
        """Return the last minute."""
        values, self._values = self._values, []
        return [] if self._at is None or not values else [(self._at, fmean(values))]


class IntervalSpread:
    """Values of intervals: mean powers, or energies, spread evenly over their interval.

    Args:
        interval: length of the interval of each row.
        is_energy: whether the values are energies in kWh.
        is_end: whether a row's time is the end of its interval.
    """

    def __init__(self, interval: timedelta, *, is_energy: bool, is_end: bool = False) -> None:
        self._interval = interval
        self._offset = interval if is_end else timedelta()
        self._per_value = timedelta(hours=1) / interval if is_energy else 1.0
        self._sums = MinuteSums()

    def add(self, at: datetime, value: float | None) -> list[MinuteMean]:
        """Take the next interval."""
        if value is None:
            return []
        begin = at - self._offset
        kw = round(value * self._per_value, _DECIMALS)
        return list(self._sums.add(begin, begin + self._interval, kw))

    def finish(self) -> list[MinuteMean]:
        """Return the last minute."""
        return list(self._sums.finish())


class CounterDifference:
    """Register of energy in kWh: the mean power between two rows, spread over that time.

    The energy of a gap is known, but not when it was drawn, so it makes no minutes. A register
    that falls was reset, unless it may: the difference of import and export. If its steps are
    coarse, a step is spread over the time since the step before.

    Args:
        interval: usual time between two rows.
        may_fall: whether the register may fall.
        is_coarse: whether a step is worth much power over the time between two rows.

    Attributes:
        resets: number of falls.
    """

    def __init__(
        self, interval: timedelta, *, may_fall: bool = False, is_coarse: bool = False
    ) -> None:
        self.resets = 0
        self._longest = interval * _TOLERANCE
        self._may_fall = may_fall
        self._is_coarse = is_coarse
        self._step: tuple[datetime, float] | None = None  # the last change
        self._seen: datetime | None = None
        self._sums = MinuteSums()

    def add(self, at: datetime, value: float | None) -> list[MinuteMean]:
        """Take the next state of the register; None is left out."""
        if value is None:
            return []
        seen, self._seen = self._seen, at
        if self._step is None or seen is None or at - seen > self._longest:
            self._step = (at, value)
            return []
        begin, before = self._step
        used = value - before
        if used == 0.0 and self._is_coarse:
            return []
        self._step = (at, value)
        if used < 0 and not self._may_fall:
            self.resets += 1
            rolled = _rolled_over(before, value)
            if rolled is None:
                return []
            used = rolled
        kw = round(used * (timedelta(hours=1) / (at - begin)), _DECIMALS)
        return list(self._sums.add(begin, at, kw))

    def finish(self) -> list[MinuteMean]:
        """Return the last minute."""
        return list(self._sums.finish())


def _rolled_over(before: float, after: float) -> float | None:
    """Energy since the last row if the register has run over at a power of ten; None if not.

    >>> round(_rolled_over(99999.9, 0.3), 6), _rolled_over(500.0, 0.3)
    (0.4, None)
    """
    full = 10.0 ** len(str(int(before)))
    used = full - before + after
    return used if before >= 100.0 and used < 0.001 * full else None
