"""Means over the last minutes, and over the same minutes of yesterday, that are exact."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from streamer.online.carried import MAX_CARRIED_KW
from streamer.online.wallclock import DAY
from streamer.readings.arrays import DoubleArray, IntArray
from streamer.readings.packing import packed, unpacked
from streamer.readings.saved import MAX_COUNT, whole

MAX_MEAN = 60
"""Longest mean in minutes."""

KEPT = DAY + MAX_MEAN
"""Minutes that are kept."""

UNITS_PER_KW = 1_000_000_000
"""Powers are added up as whole microwatts, so that sums are exact in any order."""

MAX_KW = MAX_CARRIED_KW
"""Bound of all powers. Sums of `2 * MAX_SPAN` of them fit in 64 bits."""

MAX_SPAN = 4096
"""Minutes that a block may span."""

_UNKNOWN_KW = 2.0 * MAX_KW
"""A minute that was not measured, in a saved state."""

_LONG_AGO = -MAX_COUNT
_BYTES = 8


def units_of(kw: float) -> int:
    """A power in kW, not NaN, as whole microwatts, bounded.

    >>> units_of(0.25), units_of(-3e9)
    (250000000, -1000000000000000)
    """
    return round(min(max(kw, -MAX_KW), MAX_KW) * UNITS_PER_KW)


def all_units_of(kw: DoubleArray) -> IntArray:
    """Powers (readings,) in kW, none of them NaN, as whole microwatts, bounded."""
    return np.rint(np.clip(kw, -MAX_KW, MAX_KW) * UNITS_PER_KW).astype(np.int64)


def spans(minutes: IntArray) -> Iterator[slice]:
    """Parts of (readings,) minutes in rising order, each of which spans less than `MAX_SPAN`."""
    start = 0
    while start < len(minutes):
        end = int(np.searchsorted(minutes, minutes[start] + MAX_SPAN))
        yield slice(start, end)
        start = end


class Totals(NamedTuple):
    """Totals through each of some minutes, `MAX_MEAN` and the one before them.

    Attributes:
        recent_units: in microwatts, through the minutes up to the last reading.
        recent_counts: of measured minutes likewise.
        yesterday_units: in microwatts, through the minutes from a day before the last reading on.
        yesterday_counts: of measured minutes likewise.
    """

    recent_units: array[int]
    recent_counts: array[int]
    yesterday_units: array[int]
    yesterday_counts: array[int]


def means_of(totals: Sequence[Totals], horizons: IntArray) -> tuple[DoubleArray, DoubleArray]:
    """Means of the last minutes, and of the next ones a day ago, at several readings.

    Args:
        totals: those at each reading.
        horizons: (horizons,) numbers of minutes, up to `MAX_MEAN`.

    Returns:
        (readings, horizons) in kW, as by `MinuteSums.recent_means`, and by `yesterday_means`.
    """
    data = b"".join(each for reading in totals for each in reading)
    found = np.frombuffer(data, np.int64).reshape(len(totals), len(Totals._fields), -1)
    units, counts = (
        found[:, row, -1:] - found[:, row].take(MAX_MEAN - horizons, 1) for row in (0, 1)
    )
    recent = np.where(counts == horizons, units / (horizons * float(UNITS_PER_KW)), np.nan)
    units, counts = (found[:, row].take(horizons, 1) - found[:, row, :1] for row in (2, 3))
    return recent, units / np.where(counts > 0, counts * float(UNITS_PER_KW), np.nan)


class MinuteSums:
    """Running sums over the calendar minutes of the last day and hour.

    A minute that was not measured counts for nothing. Of two readings in one minute the later
    one counts.
    """

    def __init__(self) -> None:
        self._minute = _LONG_AGO
        self._sums, self._counts = _no_totals(), _no_totals()

    @property
    def minute(self) -> int:
        """The last minute."""
        return self._minute

    def push(self, minute: int, units: int) -> None:
        """Take a reading, not of an earlier minute than the last one.

        Args:
            minute: its minute since 1970.
            units: its power in microwatts, bounded.
        """
        apart = minute - self._minute
        self._minute = minute
        sums, counts = self._sums, self._counts
        if apart != 1:
            if apart > KEPT:
                self._clear(minute - 1)
                self._minute = minute
                sums, counts = self._sums, self._counts
            elif apart > 0:
                sums.extend(sums[-1:] * (apart - 1))
                counts.extend(counts[-1:] * (apart - 1))
            else:
                sums.pop()
                counts.pop()
        sums.append(sums[-1] + units)
        counts.append(counts[-1] + 1)
        if len(sums) >= MAX_SPAN:
            self._keep(np.array(sums), np.array(counts))

    def known_means(self, horizons: Sequence[int]) -> list[float]:
        """Means of the last minutes in kW, of those that were measured: one at least.

        Args:
            horizons: numbers of minutes, up to a day.
        """
        sums, counts = self._sums, self._counts
        total, known = sums[-1], counts[-1]
        return [
            (total - sums[-1 - n]) / ((known - counts[-1 - n]) * UNITS_PER_KW) for n in horizons
        ]

    def recent_means(self, horizons: Sequence[int]) -> list[float]:
        """Means of the last minutes in kW; NaN where one of them was not measured.

        Args:
            horizons: numbers of minutes, up to `MAX_MEAN`.
        """
        sums, counts = self._sums, self._counts
        total, known = sums[-1], counts[-1]
        return [
            (total - sums[-1 - n]) / (n * UNITS_PER_KW) if known - counts[-1 - n] == n else math.nan
            for n in horizons
        ]

    def yesterday_means(self, horizons: Sequence[int]) -> list[float]:
        """Means of the next minutes a day ago in kW, of those measured; NaN if none was.

        Args:
            horizons: numbers of minutes, up to `MAX_MEAN`.
        """
        sums, counts = self._sums, self._counts
        start = -1 - DAY
        total, count = sums[start], counts[start]
        return [
            (sums[start + n] - total) / (known * UNITS_PER_KW)
            if (known := counts[start + n] - count)
            else math.nan
            for n in horizons
        ]

    def totals(self) -> Totals:
        """A copy of what the means of the last hour, and of the next one a day ago, follow from."""
        sums, counts, start = self._sums, self._counts, -1 - DAY
        end = start + MAX_MEAN + 1
        return Totals(
            sums[-1 - MAX_MEAN :], counts[-1 - MAX_MEAN :], sums[start:end], counts[start:end]
        )

    def extend(self, minutes: IntArray, units: IntArray) -> MinuteGrid:
        """Take consecutive readings, which span less than `MAX_SPAN` minutes.

        Args:
            minutes: (readings,) in rising order, after the last one, at least one.
            units: (readings,) their powers in microwatts, bounded.

        Returns:
            The sums up to each of them.
        """
        if minutes[0] - self._minute > KEPT:
            self._clear(int(minutes[0]) - 1)
        before = len(self._sums)
        first = self._minute - before + 1
        at = minutes - first
        sums, counts = (np.zeros(at[-1] + 1, np.int64) for _ in range(2))
        sums[at], counts[at] = units, 1
        for totals, known in ((sums, self._sums), (counts, self._counts)):
            totals[before] += known[-1]
            np.cumsum(totals[before:], out=totals[before:])
            totals[:before] = known
        self._minute = int(minutes[-1])
        self._keep(sums, counts)
        return MinuteGrid(sums, counts, at)

    def state(self) -> dict[str, Any]:
        """Everything that the next means depend on, as plain JSON values."""
        sums, counts = (np.array(each[-1 - KEPT :]) for each in (self._sums, self._counts))
        kw = np.where(np.diff(counts) > 0, np.diff(sums) / UNITS_PER_KW, _UNKNOWN_KW)
        return {"minute": self._minute, "kw": packed(kw)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, exactly.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        minute, kw = whole(state["minute"]), unpacked(state["kw"], KEPT)
        known = kw != _UNKNOWN_KW
        if (np.abs(kw[known]) > MAX_KW).any():
            raise ValueError("the powers of the last day are out of bounds")
        units = all_units_of(np.where(known, kw, 0.0))
        self._minute = minute
        self._keep(*(np.concatenate([[0], np.cumsum(each)]) for each in (units, known)))

    def _clear(self, minute: int) -> None:
        """Forget all readings, with so late a last minute."""
        self._minute = minute
        self._sums, self._counts = _no_totals(), _no_totals()

    def _keep(self, sums: IntArray, counts: IntArray) -> None:
        """Keep the last of the totals, less the first of these."""
        self._sums, self._counts = (
            array("q", (each[-1 - KEPT :] - each[-1 - KEPT]).astype(np.int64).tobytes())
            for each in (sums, counts)
        )


def _no_totals() -> array[int]:
    """Totals through each minute, the first for everything before those that are kept."""
    return array("q", bytes(_BYTES * (KEPT + 1)))


class MinuteGrid:
    """Means over the last minutes before each of consecutive readings.

    Args:
        sums: totals through each minute, in microwatts.
        counts: numbers of measured minutes likewise.
        at: (readings,) places of the readings among the minutes.
    """

    def __init__(self, sums: IntArray, counts: IntArray, at: IntArray) -> None:
        self._sums, self._counts = sums, counts
        self._size = len(at)
        first, last = int(at[0]), int(at[-1])
        # Without gaps they are views, several times as fast as indices.
        self._at = slice(first, last + 1) if last - first < len(at) else at

    def known_kw(self, minutes: int) -> DoubleArray:
        """(readings,) means in kW, as by `MinuteSums.known_means`."""
        sums, known = self._between(-minutes, 0)
        found: DoubleArray = sums / (known * UNITS_PER_KW)
        return found

    def yesterday_kw(self, minutes: int) -> DoubleArray:
        """(readings,) means in kW, as by `MinuteSums.yesterday_means`."""
        sums, known = self._between(-DAY, minutes - DAY)
        # None of no minutes is NaN, without the warning of a division by zero.
        found: DoubleArray = sums / np.where(known > 0, known * float(UNITS_PER_KW), np.nan)
        return found

    def recent_means(self, horizons: Sequence[int]) -> DoubleArray:
        """(readings, horizons) means in kW, as by `MinuteSums.recent_means`."""
        return self._columns(horizons, self._recent_kw)

    def yesterday_means(self, horizons: Sequence[int]) -> DoubleArray:
        """(readings, horizons) means in kW, as by `MinuteSums.yesterday_means`."""
        return self._columns(horizons, self.yesterday_kw)

    def _recent_kw(self, minutes: int) -> DoubleArray:
        sums, known = self._between(-minutes, 0)
        means: DoubleArray = sums / float(minutes * UNITS_PER_KW)
        means[known != minutes] = np.nan
        return means

    def _columns(self, horizons: Sequence[int], mean: Callable[[int], DoubleArray]) -> DoubleArray:
        rows = [mean(minutes) for minutes in horizons]
        return np.array(rows).T if rows else np.empty((self._size, 0))

    def _between(self, start: int, end: int) -> tuple[IntArray, IntArray]:
        """Sums and counts of the minutes after `start` up to `end`, in minutes from each."""
        sums = self._totals(self._sums, end) - self._totals(self._sums, start)
        return sums, self._totals(self._counts, end) - self._totals(self._counts, start)

    def _totals(self, totals: IntArray, offset: int) -> IntArray:
        at = self._at
        if isinstance(at, slice):
            return totals[at.start + offset : at.stop + offset]
        return totals[at + offset]
