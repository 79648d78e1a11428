"""Means of the next minutes that came, and baseline forecasts of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import numpy as np

from streamer.evaluation.baselines import PERSISTENCE
from streamer.evaluation.stretch import Stretch
from streamer.online.wallclock import WallClocks, wall_clocks_at
from streamer.readings.arrays import DoubleArray, IntArray, TimeArray

DAY = 1440
QUARTER = 15
"""Minutes of a demand interval, which begins at :00, :15, :30 or :45."""


def elapsed_minutes(at: TimeArray) -> IntArray:
    """(readings,) whole minutes since the first of these times; one for a clock set back."""
    steps = np.rint(np.diff(at) / np.timedelta64(1, "m")).astype(np.int64)
    return np.concatenate([[0], np.cumsum(np.maximum(steps, 1))])


def elapsed_clocks(at: TimeArray) -> WallClocks:
    """Times (readings,) for a `History`: by the clock on the wall, minutes by elapsed time."""
    clocks = wall_clocks_at(at)
    return clocks._replace(minutes=clocks.minutes[0] + elapsed_minutes(at))


class MeanTargets:
    """Means of the next minutes after each issue of a stretch.

    A forecast is issued at the last reading of each window, so that the first is issued at the
    reading before the first scored minute, and there are as many issues as scored minutes. Time
    is counted in elapsed minutes: a clock that is set back does not repeat any.

    Args:
        stretch: the stretch that is forecast.
    """

    def __init__(self, stretch: Stretch) -> None:
        self._elapsed = elapsed_minutes(stretch.at)
        self._sums = np.concatenate([[0.0], np.cumsum(stretch.kw)])
        self._stretch = stretch
        self._first = stretch.first - 1
        self.issues = stretch.minutes

    @cached_property
    def last_kw(self) -> DoubleArray:
        """(issues,) the reading at which each forecast is issued, in kW."""
        return self._stretch.last_kw

    @cached_property
    def minute_of_quarter(self) -> IntArray:
        """(issues,) minute within its quarter-hour, 0 to 14, of the reading of each issue."""
        at = self._stretch.at[self._first : -1].astype("datetime64[m]")
        minute: IntArray = at.astype(np.int64) % QUARTER
        return minute

    def settled(self, minutes: int) -> IntArray:
        """Issues whose next minutes have all been measured, in order of time.

        Args:
            minutes: number of minutes.
        """
        issue = np.arange(max(self.issues - minutes + 1, 0))
        now = self._elapsed[self._first + issue]
        complete: IntArray = issue[self._elapsed[self._first + issue + minutes] - now == minutes]
        return complete

    def in_quarter(self, known: int) -> IntArray:
        """Issues at which this many minutes of a quarter-hour are known, and all that follow came.

        Args:
            known: number of minutes from the beginning of the quarter-hour, 1 to 14.
        """
        issue = self.settled(QUARTER - known)
        issue = issue[self.minute_of_quarter[issue] == known - 1]
        row = self._first + issue
        complete: IntArray = issue[self._elapsed[row] - self._elapsed[row - known + 1] == known - 1]
        return complete

    def actual_kw(self, minutes: int, issues: IntArray) -> DoubleArray:
        """(issues,) mean power of the next minutes in kW.

        Args:
            minutes: number of minutes.
            issues: issues that are settled after that many.
        """
        row = self._first + issues
        means: DoubleArray = (self._sums[row + minutes + 1] - self._sums[row + 1]) / minutes
        return means

    def persistence(self, minutes: int, issues: IntArray) -> DoubleArray:  # noqa: ARG002 - a rule
        """Forecast that the last reading continues."""
        last: DoubleArray = self.last_kw[issues]
        return last

    def recent(self, minutes: int, issues: IntArray) -> DoubleArray:
        """Mean of the last so many minutes, of those that were measured."""
        row = self._first + issues
        start = np.searchsorted(self._elapsed, self._elapsed[row] - minutes, side="right")
        means: DoubleArray = (self._sums[row + 1] - self._sums[start]) / (row + 1 - start)
        return means

    def half(self, minutes: int, issues: IntArray) -> DoubleArray:
        """Half of the last reading and half of the recent mean."""
        return (self.persistence(minutes, issues) + self.recent(minutes, issues)) / 2.0

    def yesterday(self, minutes: int, issues: IntArray) -> DoubleArray:
        """Mean of the same minutes a day ago, of those measured; the last reading if none was."""
        before = self._elapsed[self._first + issues] - DAY
        start = np.searchsorted(self._elapsed, before, side="right")
        end = np.searchsorted(self._elapsed, before + minutes, side="right")
        count = end - start
        mean = (self._sums[end] - self._sums[start]) / np.maximum(count, 1)
        return np.where(count > 0, mean, self.last_kw[issues])


Rule = Callable[[MeanTargets, int, IntArray], DoubleArray]

RULES: dict[str, Rule] = {
    PERSISTENCE: MeanTargets.persistence,
    "recent mean": MeanTargets.recent,
    "half of each": MeanTargets.half,
    "yesterday": MeanTargets.yesterday,
}
"""Baselines by name: each takes the number of minutes, and the issues to forecast at."""
