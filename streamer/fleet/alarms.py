"""Alarms of many meters at once, with the arithmetic of `streamer.alarms.detectors` on arrays."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter

import numpy as np

from streamer.alarms.detectors import LEARN_DIGITS, MIN_WIDTH_KW
from streamer.alarms.repeats import FALL_KW, OFTEN, REPEAT, REST_KW, SHIFT
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
from streamer.fleet.raising import METER, AlarmRaiser, Text, first_record
from streamer.readings import Alarm
from streamer.readings.arrays import BoolArray, DoubleArray, IntArray, Records, TimeArray


class FleetAlarms:
    """Raises the alarms of many meters: those that an `Alarms` for each of them would raise.

    Anomaly, stuck and unit; their source, guarantee and limits are documented in
    `streamer.alarms.detectors.Alarms`. **Not drift**: it needs 672 hours of errors, several
    kilobytes per meter, while everything else takes 248 bytes.

    The object itself has no state: each meter has a record. All comparisons use the same
    operations in the same order as `Alarms`, so the decisions are identical.

    Attributes:
        dtype: dtype of the record of one meter.
        first: record of a new meter.

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
        """Check one reading of each meter.

        Args:
            state: (meters,) their records, changed in place. It may be a field of a larger
                record, and is fastest at an offset that is a multiple of eight bytes.
            at: (meters,) minutes of the readings.
            kw: (meters,) readings in kW, all finite.
            middle: (meters,) median or mean forecast in kW, NaN without a forecast.
            low: (meters,) lower ends of the bands in kW, NaN without a band.
            high: (meters,) upper ends of the bands in kW.
            missing: (meters,) minutes missing before each reading.

        Returns:
            The alarms raised, with their rows, in the order of the rows.
        """
        # NaN marks missing values, and sums of huge values may overflow: both are intended.
        with np.errstate(all="ignore"):
            check = _AlarmRound(state, at, kw, missing)
            check.repeat()
            check.check_unit()
            check.compare(middle, low, high)
            check.learn()
        return sorted(check.raised, key=itemgetter(0))


class _AlarmRound:
    """One reading of each meter, checked against its record in the order of `Alarms`."""

    def __init__(
        self,
        state: Records,
        at: TimeArray,
        kw: DoubleArray,
        missing: IntArray,
    ) -> None:
        self._state, self._kw = state, kw
        self._y = np.minimum(np.maximum(kw, -HUGE_KW), HUGE_KW)
        self._raiser = AlarmRaiser(state, at)
        gap = np.flatnonzero(missing)
        if gap.size:
            state["known"][gap] = 0
            state["left"][gap] = np.nan

    @property
    def raised(self) -> list[tuple[int, Alarm]]:
        """Rows and alarms, in the order in which they were raised."""
        return self._raiser.raised

    def repeat(self) -> None:
        """Count repetitions of the same value."""
        state, kw = self._state, self._kw
        same = (state["recent"][:, -1] == kw) & (state["known"] > 0)
        run = np.minimum(state["run"], DAY) * same + 1
        state["run"] = run
        self._find_plateaus(same)
        rows = np.flatnonzero(same & (run <= DAY))
        if not rows.size:
            return
        self._raiser.keep(Alarm.STUCK, rows[self._raiser.is_on(Alarm.STUCK, rows)])
        plateau, often = state["plateau"][rows], run[rows]
        for name, some in (("stuck", ~plateau), ("plateau", plateau)):
            above = some & (often > self._raiser.limit(name)[rows])
            if above.any():
                found, sizes = self._raiser.exceeded(name, rows[above], often[above])
                self._raiser.put_on(
                    Alarm.STUCK,
                    found,
                    sizes,
                    lambda row, _: stuck_text(float(kw[row]), int(run[row])),
                )

    def _find_plateaus(self, same: BoolArray) -> None:
        """Find out which new runs begin like a plateau, and follow the base load."""
        state, y = self._state, self._y
        base, known, plateau = state["base"], state["known"], state["plateau"]
        repeats = state["repeats"]
        repeats -= repeats >> SHIFT
        repeats += np.uint16(REPEAT) * same
        np.copyto(plateau, repeats > OFTEN, where=~same)
        rows = np.flatnonzero((y > 0.0) & (y <= base + REST_KW) & ~same & (known > 0))
        if rows.size:
            recent = np.minimum(np.maximum(state["recent"][rows], -HUGE_KW), HUGE_KW)
            size = recent.shape[1]
            # Readings before the last gap do not count.
            recent[np.arange(size) < size - known[rows, None]] = -np.inf
            plateau[rows] |= recent.max(axis=1) - y[rows] >= FALL_KW
        # A NaN fails the comparison.
        state["base"] = np.where(base <= y, base + (y - base) / DAY, y)

    def check_unit(self) -> None:
        """Count consecutive readings that only another unit explains, and sum the others."""
        state, y = self._state, self._y
        odd = state["odd"]
        rows = np.flatnonzero((odd != 0) | (y < KILO_KW) | (y > WATTS_KW))
        if rows.size:
            size, level, before = np.abs(y[rows]), state["level"][rows], odd[rows]
            # fmax and fmin ignore a level that is still NaN.
            upper = np.fmax(WATTS_KW, WATTS_TIMES * level)
            lower = np.fmin(KILO_KW, KILO_TIMES * level)
            watts = np.minimum(np.maximum(before, 0) + 1, WATTS_READINGS)
            kilo = np.maximum(np.minimum(before, 0) - 1, -KILO_READINGS)
            after = watts * (size > upper) + kilo * ((size > 0.0) & (size < lower))
            odd[rows] = after
            high, low = after == WATTS_READINGS, after == -KILO_READINGS
            times = np.minimum(np.where(high, size / upper, lower / size), HUGE_KW)
            for found, text in ((high, watts_text), (low, kilo_text)):
                self._raiser.put_on(
                    Alarm.UNIT, rows[found], times[found].tolist(), self._of_reading(text)
                )
        calm = odd == 0
        state["drawn"] += np.abs(y) * calm
        state["summed"] += calm

    def compare(self, middle: DoubleArray, low: DoubleArray, high: DoubleArray) -> None:
        """Compare the readings with their bands."""
        y, odd = self._y, self._state["odd"]
        wide = high - low
        banded = (wide >= 0.0) & (wide < HUGE_KW) & ~np.isnan(middle)
        banded &= (odd > -KILO_READINGS) & (odd < WATTS_READINGS)
        if not banded.any():
            return
        middle = np.minimum(np.maximum(middle, -HUGE_KW), HUGE_KW)
        # Without a band every score is NaN, which exceeds no threshold; nor does a negative one.
        up = np.where(banded, y - middle, np.nan)

        def far(row: int, _: float) -> str:
            return far_text(float(y[row]), float(low[row]), float(high[row]))

        self._raiser.anomaly(
            "far", up / np.sqrt(np.maximum(high - middle, 0.5 * MIN_WIDTH_KW)), far
        )
        self._raiser.anomaly("jump", up, far)
        self._raiser.anomaly("fall", -up / np.maximum(middle - low, 0.5 * MIN_WIDTH_KW), far)
        self._raiser.anomaly(
            "export", np.where(up <= 0.0, -y, np.nan), self._of_reading(export_text)
        )
        self._check_scale(banded, up, middle, np.maximum(wide, MIN_WIDTH_KW))
        self._check_lasting(np.flatnonzero(banded))

    def learn(self) -> None:
        """Store the readings, count decimals of every few, and close completed hours."""
        state, seen = self._state, self._raiser.seen
        recent, known = state["recent"], state["known"]
        recent[:, :-1] = recent[:, 1:]
        recent[:, -1] = self._kw
        state["known"] = np.minimum(known + 1, recent.shape[1])
        rows = np.flatnonzero(seen % LEARN_DIGITS == 0)
        if rows.size:
            state["decimals"][rows, count_all_decimals(self._y[rows])] += 1
            self._raiser.close_hour(rows[seen[rows] % HOUR == 0])

    def _check_scale(
        self, banded: BoolArray, up: DoubleArray, middle: DoubleArray, width: DoubleArray
    ) -> None:
        """Test whether readings that left their bands, and these, have a decimal shift."""
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

        self._raiser.anomaly("scale", likeness, text)

    def _check_lasting(self, rows: IntArray) -> None:
        """Compare lasting rises with their threshold."""
        state, y = self._state, self._y
        recent, known = state["recent"], state["known"]
        # A quick upper bound of the rise, by the first of the readings before.
        may = y - recent[:, 0] > self._raiser.limit("lasting")
        rows = rows[(may & (known == recent.shape[1]))[rows]]
        if not rows.size:
            return
        last = np.minimum(np.maximum(recent[rows], -HUGE_KW), HUGE_KW)
        rise = np.full(len(y), np.nan)
        rise[rows] = np.minimum(last[:, BEFORE:].min(axis=1), y[rows]) - last[:, :BEFORE].max(
            axis=1
        )
        self._raiser.anomaly("lasting", rise, lambda row, _: lasting_text(float(rise[row])))

    def _of_reading(self, text: Callable[[float], str]) -> Text:
        return lambda row, _: text(float(self._y[row]))
