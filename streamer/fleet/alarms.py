"""Alarms of many meters at once: the arithmetic of `streamer.alarms.detectors`, by columns."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter

import numpy as np

from streamer.alarms.detectors import LEARN_DIGITS, MIN_WIDTH_KW
from streamer.alarms.scale import DecimalShiftTest, count_all_decimals
from streamer.alarms.texts import (
    BEFORE,
    export_text,
    far_text,
    kilo_text,
    lasting_text,
    scale_text,
    stuck_text,
    watts_text,
)
from streamer.alarms.thresholds import DAY, HOUR
from streamer.alarms.units import (
    HUGE_KW,
    KILO_KW,
    KILO_READINGS,
    KILO_TIMES,
    WATTS_KW,
    WATTS_READINGS,
    WATTS_TIMES,
)
from streamer.fleet.raising import METER, Raising, Text, first_record
from streamer.readings import Alarm
from streamer.readings.arrays import BoolArray, DoubleArray, IntArray, Records, TimeArray


class FleetAlarms:
    """Raises the alarms of many meters: those that an `Alarms` for each of them would raise.

    Anomaly, stuck and unit; source, guarantee and what breaks them are told in
    `streamer.alarms.detectors.Alarms`. **Not drift**: it looks back over 672 hours of errors,
    several kilobytes a meter, where all the rest is 224 bytes.

    It has no state of its own: that is one record a meter. What is compared is computed by
    the same operations in the same order as there, so the decisions are the same too.

    Attributes:
        dtype: the record of one meter.
        first: how the record of a new meter begins.

    >>> alarms = FleetAlarms()
    >>> state = np.full(2, alarms.first)
    >>> at, nothing = np.full(2, np.datetime64("2010-03-19", "us")), np.full(2, np.nan)
    >>> for kw in (0.3, 400.0, 401.0, 399.0):
    ...     raised = alarms.settle(
    ...         state, at=at, kw=np.array([0.3, kw]), middle=nothing, low=nothing, high=nothing,
    ...         missing=np.zeros(2, int),
    ...     )
    >>> [(row, alarm.kind, alarm.text) for row, alarm in raised]
    [(1, 'unit', '399 kW looks like watts read as kW: set the unit, for example with --unit W')]
    """

    dtype = METER
    first = first_record()

    def settle(
        self,
        state: Records,
        *,
        at: TimeArray,
        kw: DoubleArray,
        middle: DoubleArray,
        low: DoubleArray,
        high: DoubleArray,
        missing: IntArray,
    ) -> list[tuple[int, Alarm]]:
        """Look at one reading of each meter.

        Args:
            state: (meters,) their records, changed in place. A field of a larger record will
                do; it is quickest where that keeps it at a multiple of eight bytes.
            at: (meters,) the minutes of the readings.
            kw: (meters,) their values, all finite.
            middle: (meters,) the middle of what was forecast, NaN where nothing was.
            low: (meters,) lower ends of the bands, NaN where there is none.
            high: (meters,) upper ends.
            missing: (meters,) minutes missing before each.

        Returns:
            The alarms raised, with their rows, in the order of the rows.
        """
        # NaN stands for what is not there, and sums of the huge may overflow: both are meant.
        with np.errstate(all="ignore"):
            wave = _Wave(state, at, kw, missing)
            wave.repeat()
            wave.look_at_unit()
            wave.compare(middle, low, high)
            wave.learn()
        return sorted(wave.raised, key=itemgetter(0))


class _Wave:
    """One reading of each meter, held against the records in the order that `Alarms` has."""

    def __init__(
        self,
        state: Records,
        at: TimeArray,
        kw: DoubleArray,
        missing: IntArray,
    ) -> None:
        self._state, self._kw = state, kw
        self._y = np.minimum(np.maximum(kw, -HUGE_KW), HUGE_KW)
        self._raising = Raising(state, at)
        gap = np.flatnonzero(missing)
        if gap.size:
            state["known"][gap] = 0
            state["left"][gap] = np.nan

    @property
    def raised(self) -> list[tuple[int, Alarm]]:
        """Rows and alarms, in the order in which they were raised."""
        return self._raising.raised

    def repeat(self) -> None:
        """Count the values that have come once more."""
        state, kw = self._state, self._kw
        same = (state["recent"][:, -1] == kw) & (state["known"] > 0)
        run = np.minimum(state["run"], DAY) * same + 1
        state["run"] = run
        rows = np.flatnonzero(same & (run <= DAY))
        if not rows.size:
            return
        self._raising.keep(Alarm.STUCK, rows[self._raising.is_on(Alarm.STUCK, rows)])
        often = run[rows]
        above = often > self._raising.limit("stuck")[rows]
        if above.any():
            rows, sizes = self._raising.exceeded("stuck", rows[above], often[above])
            self._raising.put_on(
                Alarm.STUCK, rows, sizes, lambda row, _: stuck_text(float(kw[row]), int(run[row]))
            )

    def look_at_unit(self) -> None:
        """Count readings in a row that only another unit explains, and sum up the others."""
        state, y = self._state, self._y
        odd = state["odd"]
        rows = np.flatnonzero((odd != 0) | (y < KILO_KW) | (y > WATTS_KW))
        if rows.size:
            size, level, before = np.abs(y[rows]), state["level"][rows], odd[rows]
            # Without a level, which is NaN, the other counts.
            most = np.fmax(WATTS_KW, WATTS_TIMES * level)
            least = np.fmin(KILO_KW, KILO_TIMES * level)
            watts = np.minimum(np.maximum(before, 0) + 1, WATTS_READINGS)
            kilo = np.maximum(np.minimum(before, 0) - 1, -KILO_READINGS)
            after = watts * (size > most) + kilo * ((size > 0.0) & (size < least))
            odd[rows] = after
            high, low = after == WATTS_READINGS, after == -KILO_READINGS
            times = np.minimum(np.where(high, size / most, least / size), HUGE_KW)
            for found, text in ((high, watts_text), (low, kilo_text)):
                self._raising.put_on(
                    Alarm.UNIT, rows[found], times[found].tolist(), self._of_reading(text)
                )
        calm = odd == 0
        state["drawn"] += np.abs(y) * calm
        state["summed"] += calm

    def compare(self, middle: DoubleArray, low: DoubleArray, high: DoubleArray) -> None:
        """Hold the readings against their bands."""
        y, odd = self._y, self._state["odd"]
        wide = high - low
        banded = (wide >= 0.0) & (wide < HUGE_KW) & ~np.isnan(middle)
        banded &= (odd > -KILO_READINGS) & (odd < WATTS_READINGS)
        if not banded.any():
            return
        middle = np.minimum(np.maximum(middle, -HUGE_KW), HUGE_KW)
        # Without a band every score is NaN, which is above no limit; nor is what is below 0.
        up = np.where(banded, y - middle, np.nan)

        def far(row: int, _: float) -> str:
            return far_text(float(y[row]), float(low[row]), float(high[row]))

        self._raising.anomaly(
            "far", up / np.sqrt(np.maximum(high - middle, 0.5 * MIN_WIDTH_KW)), far
        )
        self._raising.anomaly("jump", up, far)
        self._raising.anomaly("fall", -up / np.maximum(middle - low, 0.5 * MIN_WIDTH_KW), far)
        self._raising.anomaly(
            "export", np.where(up <= 0.0, -y, np.nan), self._of_reading(export_text)
        )
        self._look_at_scale(banded, up, middle, np.maximum(wide, MIN_WIDTH_KW))
        self._look_at_lasting(np.flatnonzero(banded))

    def learn(self) -> None:
        """Remember the readings; count decimals now and then, and close the hours that are full."""
        state, seen = self._state, self._raising.seen
        recent, known = state["recent"], state["known"]
        recent[:, :-1] = recent[:, 1:]
        recent[:, -1] = self._kw
        state["known"] = np.minimum(known + 1, recent.shape[1])
        rows = np.flatnonzero(seen % LEARN_DIGITS == 0)
        if rows.size:
            state["decimals"][rows, count_all_decimals(self._y[rows])] += 1
            self._raising.close_hour(rows[seen[rows] % HOUR == 0])

    def _look_at_scale(
        self, banded: BoolArray, up: DoubleArray, middle: DoubleArray, width: DoubleArray
    ) -> None:
        """Weigh whether readings that left their bands and these have another scale."""
        y, left = self._y, self._state["left"]
        waiting = banded & ~np.isnan(left[:, 0])
        leaves = np.flatnonzero((np.abs(up) > 2.0 * width) & ~waiting)
        rows = np.flatnonzero(waiting)
        before = left[rows]
        left[rows] = np.nan
        left[leaves] = np.stack([y[leaves], middle[leaves], width[leaves]], axis=-1)
        if not rows.size:
            return
        likeness = np.full(len(y), np.nan)
        scale = DecimalShiftTest()
        for row, counts, second, (first, centre, breadth) in zip(
            rows.tolist(),
            self._state["decimals"][rows].tolist(),
            y[rows].tolist(),
            before.tolist(),
            strict=True,
        ):
            scale.restore(counts)
            likeness[row] = scale.evidence(first, second, middle=centre, width=breadth)

        def text(row: int, _: float) -> str:
            first, centre, _ = before[np.searchsorted(rows, row)].tolist()
            return scale_text(first, float(y[row]), centre)

        self._raising.anomaly("scale", likeness, text)

    def _look_at_lasting(self, rows: IntArray) -> None:
        """Hold rises that have lasted against their limit."""
        state, y = self._state, self._y
        recent, known = state["recent"], state["known"]
        # The first of the readings before bounds the rise from above, and is quickly looked at.
        may = y - recent[:, 0] > self._raising.limit("lasting")
        rows = rows[(may & (known == recent.shape[1]))[rows]]
        if not rows.size:
            return
        last = np.minimum(np.maximum(recent[rows], -HUGE_KW), HUGE_KW)
        rise = np.full(len(y), np.nan)
        rise[rows] = np.minimum(last[:, BEFORE:].min(axis=1), y[rows]) - last[:, :BEFORE].max(
            axis=1
        )
        self._raising.anomaly("lasting", rise, lambda row, _: lasting_text(float(rise[row])))

    def _of_reading(self, text: Callable[[float], str]) -> Text:
        return lambda row, _: text(float(self._y[row]))
