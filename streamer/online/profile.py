"""Daily profile: the mean power of each quarter-hour of the day over the past days."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from streamer.online.minutesums import MAX_KW, UNITS_PER_KW
from streamer.online.wallclock import DAY
from streamer.readings.arrays import DoubleArray, IntArray
from streamer.readings.packing import packed, unpacked
from streamer.readings.saved import count, whole

QUARTER = 15
"""Minutes of a quarter-hour."""

QUARTERS = DAY // QUARTER

AHEAD = 5
"""Quarter-hours that a profile is asked for at once."""

KEPT_A_DAY = 0.85
"""Weight of a day in relation to the one after it."""


class DailyProfile:
    """Mean power by quarter-hour of the day, in which a day counts for 0.85 of the next.

    All measured minutes of a quarter count alike. A quarter counts as soon as a reading of
    another one has come, and from then on less with its age. Quarters are those of the clock on
    the wall, so that what is repeated when the clock is set back counts as two days do.
    """

    def __init__(self) -> None:
        self._sums, self._weights = [0.0] * QUARTERS, [0.0] * QUARTERS
        self._starts = [0] * QUARTERS
        # The first ones follow the last again, so that a part may cross midnight.
        self._means = [math.nan] * (QUARTERS + AHEAD)
        self._start, self._quarter = 0, 0
        self._units, self._count = 0, 0

    def push(self, minute: int, day_minute: int, units: int) -> list[float]:
        """Take a reading.

        Args:
            minute: its minute since 1970.
            day_minute: its minute of the day.
            units: its power in microwatts.

        Returns:
            The means of the quarter-hour of the next minute and of those after it in kW,
            `AHEAD` in all; NaN for those not known yet.
        """
        quarter, place = divmod(day_minute, QUARTER)
        self._enter(minute - place, quarter)
        self._units += units
        self._count += 1
        following = quarter + (place == QUARTER - 1)
        return self._means[following : following + AHEAD]

    def extend(self, minutes: IntArray, day_minutes: IntArray, units: IntArray) -> DoubleArray:
        """Take consecutive readings.

        Args:
            minutes: (readings,) their minutes since 1970, at least one.
            day_minutes: (readings,) their minutes of the day.
            units: (readings,) their powers in microwatts.

        Returns:
            (readings, AHEAD) what `push` returns for each.
        """
        quarters, places = np.divmod(day_minutes, QUARTER)
        starts = minutes - places
        changes = (np.diff(starts) != 0) | (np.diff(quarters) != 0)
        first = np.concatenate([[0], np.flatnonzero(changes) + 1])
        sizes = np.diff(first, append=len(minutes))
        rows = []
        for start, quarter, total, size in zip(
            starts[first].tolist(),
            quarters[first].tolist(),
            np.add.reduceat(units, first).tolist(),
            sizes.tolist(),
            strict=True,
        ):
            self._enter(start, quarter)
            self._units += total
            self._count += size
            rows.append(self._means[quarter : quarter + AHEAD + 1])
        means = np.repeat(np.array(rows), sizes, axis=0)
        last = (places == QUARTER - 1)[:, None]
        return np.where(last, means[:, 1:], means[:, :-1])

    def state(self) -> dict[str, Any]:
        """Everything that the next means depend on, as plain JSON values."""
        return {
            "sums": packed(self._sums),
            "weights": packed(self._weights),
            "starts": packed(self._starts),
            "quarter": [self._start, self._quarter, self._units, self._count],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        sums, weights, starts = (
            unpacked(state[key], QUARTERS) for key in ("sums", "weights", "starts")
        )
        start, quarter, units, known = map(whole, state["quarter"])
        bounded = np.abs(sums) <= MAX_KW * weights * (1.0 + 1e-6)
        if not bounded.all() or (weights < 0.0).any() or (starts % 1.0).any():
            raise ValueError("the daily profile is out of bounds")
        if quarter not in range(QUARTERS) or abs(units) > count(known) * MAX_KW * UNITS_PER_KW:
            raise ValueError("the quarter-hour of the daily profile is out of bounds")
        self._sums, self._weights = sums.tolist(), weights.tolist()
        self._starts = starts.astype(np.int64).tolist()
        self._start, self._quarter, self._units, self._count = start, quarter, units, known
        for each in range(QUARTERS):
            self._find_mean(each)

    def _enter(self, start: int, quarter: int) -> None:
        """Complete the last quarter-hour, if a reading is in another."""
        if start == self._start and quarter == self._quarter:
            return
        if self._count:
            done = self._quarter
            days = (self._start - self._starts[done]) / DAY
            kept = KEPT_A_DAY**days if self._weights[done] else 0.0
            self._sums[done] = self._sums[done] * kept + self._units / UNITS_PER_KW
            self._weights[done] = self._weights[done] * kept + self._count
            self._starts[done] = self._start
            self._find_mean(done)
        self._start, self._quarter = start, quarter
        self._units = self._count = 0

    def _find_mean(self, quarter: int) -> None:
        weight = self._weights[quarter]
        mean = self._sums[quarter] / weight if weight else math.nan
        self._means[quarter] = mean
        if quarter < AHEAD:
            self._means[QUARTERS + quarter] = mean
