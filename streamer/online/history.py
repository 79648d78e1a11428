"""Features of the longer history of a stream, for a head that forecasts the next minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import asinh
from typing import Any, NamedTuple

import numpy as np

from streamer.models.features import FEATURES
from streamer.online.exponential import ExponentialMean
from streamer.online.minutesums import MAX_KW, MinuteSums, Totals, all_units_of, spans, units_of
from streamer.online.profile import DailyProfile
from streamer.online.wallclock import DAY, WallClocks, harmonics, harmonics_of
from streamer.readings.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from streamer.readings.saved import number

__all__ = ["FEATURES", "Extended", "History"]

RECENT = (5, 10, 15, 20, 30, 40, 50, 60, 80, 100, 120, 150, 180)
"""Minutes of the recent means, whose differences are the means of the parts of three hours."""

YESTERDAY = (5, 15, 30, 60)
"""Minutes of the means of yesterday."""

VALUE_MINUTES = (240, DAY, 7 * DAY)
"""Time constants of the exponential means of the power."""

CHANGE_MINUTES = (60, DAY)
"""Time constants of the exponential means of the absolute change."""

_LONG = VALUE_MINUTES.index(DAY)


class Extended(NamedTuple):
    """Features and means after each reading of a block.

    Attributes:
        features: (readings, features) after each reading.
        recent_kw: (readings, horizons) means of the last minutes, as `History.recent_means`.
        yesterday_kw: (readings, horizons) those of yesterday, as `History.yesterday_means`.
    """

    features: FloatArray
    recent_kw: DoubleArray
    yesterday_kw: DoubleArray


class History:
    """Features of everything before a forecast that its window is too short for.

    All of them are known at the reading that the forecast is issued at, the "last" one; minutes
    are calendar minutes, and those not measured are left out. In the order of `FEATURES`:

    * ``recent_5`` to ``recent_180``: mean of the last 5 to 180 minutes, less the last reading;
    * ``mean_4h``, ``mean_1d``, ``mean_7d``: exponential means with these time constants, less
      the last reading;
    * ``change_1h``, ``change_1d``: exponential means of the absolute change between consecutive
      minutes;
    * ``profile_0`` to ``profile_4``: the mean of the quarter-hour of the day of the next minute,
      and of the four after it, over the past days (`streamer.online.profile.DailyProfile`), less
      the last reading;
    * ``yesterday_5`` to ``yesterday_60``: mean of the minutes that followed 1440 minutes ago, less
      the last reading;
    * ``sin_1`` to ``cos_3``: three harmonics of the time of day by the clock on the wall;
    * ``weekend``: 1 on Saturday and Sunday;
    * ``last``: the last reading.

    A power of x kW enters as ``asinh(2 x)``, which is linear in a quiet house and logarithmic
    above a kilowatt. A quarter-hour or a yesterday that is not known is replaced by the mean of
    the last day. Powers are bounded at ±1e6 kW.

    **Guarantee.** `extend` gives the features of `push` to 1e-6, however a stream is split into
    blocks. The means of `recent_means` and `yesterday_means` are exact to 1e-9 kW and the same
    in both. Time and memory do not grow with the length of the stream.

    **What breaks it.** Times that do not advance; two readings in one minute count as one for
    means over minutes, and as two elsewhere.

    >>> history = History()
    >>> features = history.push(minute=0, day_minute=0, weekend=False, kw=1.0)
    >>> features = history.push(minute=1, day_minute=1, weekend=False, kw=2.0)
    >>> features.shape, float(round(np.sinh(features[FEATURES.index("recent_5")]) / 2, 6))
    ((35,), -0.5)
    >>> history.recent_means([1, 2, 3])
    [2.0, 1.5, nan]
    """

    def __init__(self) -> None:
        self._last_kw: float | None = None
        self._sums = MinuteSums()
        self._values = [ExponentialMean(minutes) for minutes in VALUE_MINUTES]
        self._changes = [ExponentialMean(minutes) for minutes in CHANGE_MINUTES]
        self._profile = DailyProfile()

    @property
    def minute(self) -> int | None:
        """Minute of the last reading; None before the first."""
        return None if self._last_kw is None else self._sums.minute

    def push(self, minute: int, day_minute: int, weekend: bool, kw: float) -> FloatArray:
        """Take a reading; its times are as by `streamer.online.wallclock.wall_clock`.

        Args:
            minute: its minute since 1970.
            day_minute: its minute of the day by the clock on the wall, 0 to 1439.
            weekend: whether it is on Saturday or Sunday by that clock.
            kw: the reading in kW.

        Returns:
            (features,) after it.

        Raises:
            ValueError: it is of an earlier minute than the last reading, or NaN.
        """
        units = units_of(kw)
        kw = min(max(kw, -MAX_KW), MAX_KW)
        before_kw = self._last_kw
        apart = 0 if before_kw is None else minute - self._sums.minute
        if apart < 0:
            raise ValueError(f"minute {minute} is before the last one, {self._sums.minute}")
        self._sums.push(minute, units)
        self._last_kw = kw
        for each in self._values:
            each.push(kw, apart)
        if before_kw is not None and apart == 1:
            change = abs(kw - before_kw)
            for each in self._changes:
                each.push(change, apart)
        else:
            for each in self._changes:
                each.skip(apart)
        profile = self._profile.push(minute, day_minute, units)
        sums, long = self._sums, self._values[_LONG].value()
        yesterday = sums.yesterday_means(YESTERDAY)
        return np.array(
            [
                *[asinh(2.0 * (mean - kw)) for mean in sums.known_means(RECENT)],
                *[asinh(2.0 * (each.value() - kw)) for each in self._values],
                *[asinh(2.0 * each.value()) for each in self._changes],
                # A NaN is not equal to itself.
                *[asinh(2.0 * ((x if x == x else long) - kw)) for x in profile],
                *[asinh(2.0 * ((x if x == x else long) - kw)) for x in yesterday],
                *harmonics_of(day_minute),
                float(weekend),
                asinh(2.0 * kw),
            ],
            np.float32,
        )

    def extend(
        self, minutes: IntArray, day_minutes: IntArray, weekends: BoolArray, kw: DoubleArray
    ) -> FloatArray:
        """Take consecutive readings; their times are as by `streamer.online.wallclock`.

        Args:
            minutes: (readings,) their minutes since 1970.
            day_minutes: (readings,) their minutes of the day by the clock on the wall.
            weekends: (readings,) whether each is on Saturday or Sunday by that clock.
            kw: (readings,) the readings in kW.

        Returns:
            (readings, features) after each reading.

        Raises:
            ValueError: as for `push`; nothing has changed.
        """
        return self.extend_with_means(minutes, day_minutes, weekends, kw, ()).features

    def extend_with_means(
        self,
        minutes: IntArray,
        day_minutes: IntArray,
        weekends: BoolArray,
        kw: DoubleArray,
        horizons: Sequence[int],
    ) -> Extended:
        """Take consecutive readings, as `extend`.

        Args:
            minutes: (readings,) as for `extend`, like the next.
            day_minutes: (readings,).
            weekends: (readings,).
            kw: (readings,) the readings in kW.
            horizons: numbers of minutes, up to 60, whose means are returned beside the features.

        Returns:
            Features and means after each reading.

        Raises:
            ValueError: as for `extend`.
        """
        if np.isnan(kw).any():
            raise ValueError("a reading is NaN; leave out missing readings")
        apart = np.diff(minutes, prepend=self._before(minutes))
        if (apart < 0).any():
            raise ValueError("a minute is before the last one")
        means = (np.empty((len(kw), len(horizons))) for _ in range(2))
        found = Extended(np.empty((len(kw), len(FEATURES)), np.float32), *means)
        for rows in spans(minutes):
            clocks = WallClocks(minutes[rows], day_minutes[rows], weekends[rows])
            take = self._extend if apart[rows].all() else self._one_by_one
            part = take(clocks, kw[rows], horizons)
            found.features[rows] = part.features
            found.recent_kw[rows], found.yesterday_kw[rows] = part.recent_kw, part.yesterday_kw
        return found

    def recent_means(self, horizons: Sequence[int]) -> list[float]:
        """Means of the last minutes up to the last reading in kW, NaN if one was not measured.

        Args:
            horizons: numbers of minutes, up to 60.
        """
        return self._sums.recent_means(horizons)

    def yesterday_means(self, horizons: Sequence[int]) -> list[float]:
        """Means of the next minutes a day ago in kW, of those measured; NaN if none was.

        Args:
            horizons: numbers of minutes, up to 60.
        """
        return self._sums.yesterday_means(horizons)

    def totals(self) -> Totals:
        """What these means follow from, for `streamer.online.minutesums.means_of`."""
        return self._sums.totals()

    def state(self) -> dict[str, Any]:
        """Everything that the next features depend on, as plain JSON values."""
        return {
            "last_kw": self._last_kw,
            "minutes": self._sums.state(),
            "values": [each.state() for each in self._values],
            "changes": [each.state() for each in self._changes],
            "profile": self._profile.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged; nothing has changed.
        """
        fresh, last_kw = History(), state["last_kw"]
        fresh._last_kw = None if last_kw is None else number(last_kw)
        if abs(fresh._last_kw or 0.0) > MAX_KW:
            raise ValueError("the last reading of the history is out of bounds")
        fresh._sums.restore(state["minutes"])
        for each, saved in zip(fresh._values, state["values"], strict=True):
            each.restore(saved, largest=MAX_KW)
        for each, saved in zip(fresh._changes, state["changes"], strict=True):
            each.restore(saved, largest=2.0 * MAX_KW)
        fresh._profile.restore(state["profile"])
        self._last_kw, self._sums, self._profile = fresh._last_kw, fresh._sums, fresh._profile
        self._values, self._changes = fresh._values, fresh._changes

    def _before(self, minutes: IntArray) -> int:
        """Minute of the last reading; just before the next if that is the first."""
        if self.minute is not None:
            return self.minute
        return int(minutes[0]) - 1 if len(minutes) else 0

    def _extend(self, clocks: WallClocks, kw: DoubleArray, horizons: Sequence[int]) -> Extended:
        """Take readings of different minutes, one part of `spans`."""
        minutes, day_minutes, weekends = clocks
        units, kw = all_units_of(kw), np.clip(kw, -MAX_KW, MAX_KW)
        elapsed = minutes - self._before(minutes)
        every = np.ones(len(kw))
        values = [each.extend(kw, every, elapsed) for each in self._values]
        first = kw[0] if self._last_kw is None else self._last_kw
        pairs = np.diff(elapsed, prepend=0) == 1
        pairs[0] &= self._last_kw is not None
        changed = np.abs(np.diff(kw, prepend=first)) * pairs
        changes = [each.extend(changed, pairs, elapsed) for each in self._changes]
        self._last_kw = float(kw[-1])
        grid = self._sums.extend(minutes, units)
        profile = self._profile.extend(minutes, day_minutes, units)
        # One row for each feature, since a row follows itself in memory.
        rows = np.empty((len(FEATURES), len(kw)))
        means = [*(grid.known_kw(n) for n in RECENT), *values]
        unknown = [*profile.T, *(grid.yesterday_kw(n) for n in YESTERDAY)]
        levels = [*means, *(kw + change for change in changes), *unknown]
        powers = rows[: len(levels)]
        np.stack(levels, out=powers)
        later = powers[-len(unknown) :]
        np.copyto(later, values[_LONG], where=np.isnan(later))
        powers -= kw
        rows[-1] = kw
        rows[-2] = weekends
        rows[len(levels) : -2] = harmonics()[:, day_minutes]
        powers *= 2.0
        rows[-1] *= 2.0
        np.arcsinh(powers, out=powers)
        np.arcsinh(rows[-1], out=rows[-1])
        return Extended(
            rows.T.astype(np.float32), grid.recent_means(horizons), grid.yesterday_means(horizons)
        )

    def _one_by_one(self, clocks: WallClocks, kw: DoubleArray, horizons: Sequence[int]) -> Extended:
        """Take readings of which some are of the same minute."""
        rows = []
        columns = (each.tolist() for each in (*clocks, kw))
        for reading in zip(*columns, strict=True):
            features = self.push(*reading)
            rows.append((features, self.recent_means(horizons), self.yesterday_means(horizons)))
        return Extended(*map(np.array, zip(*rows, strict=True)))
