"""Alarms of many meters at once, with the arithmetic of `streamer.alarms.detectors` on arrays."""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from streamer.alarms.repeats import (
    AT_REST,
    FALL_KW,
    MOST_ZEROS,
    OFTEN,
    REPEAT,
    REST_KW,
    SHIFT,
    ZEROS,
)
from streamer.alarms.rules import LEARN_DIGITS
from streamer.alarms.scale import count_all_decimals
from streamer.alarms.texts import (
    kilo_text,
    stuck_text,
    watts_text,
)
from streamer.alarms.thresholds import DAY, HOUR
from streamer.alarms.units import (
    HUGE_KW,
    KILO_KW,
    KILO_READINGS,
    KILO_TIMES,
    MOST_SMALL,
    STEADY_KW,
    STEADY_ZEROS,
    WATTS_KW,
    WATTS_READINGS,
    WATTS_TIMES,
)
from streamer.fleet.anomalies import AnomalyRound, last_readings
from streamer.fleet.memories import (
    end_runs,
    run_limit,
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
            check.anomalies.compare(middle, low, high)
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
        self._state, self._kw, self._memory = state, kw, state["memory"]
        self._y = np.minimum(np.maximum(kw, -HUGE_KW), HUGE_KW)
        self._raiser = AlarmRaiser(state, at)
        self.anomalies = AnomalyRound(state, self._y, self._raiser)
        gap = np.flatnonzero(missing)
        if gap.size:
            state["known"][gap] = 0
            state["left"][gap] = np.nan
            state["memory"]["minutes"][gap] = 0

    @property
    def raised(self) -> list[tuple[int, Alarm]]:
        """Rows and alarms, in the order in which they were raised."""
        return self._raiser.raised

    def repeat(self) -> None:
        """Count repetitions of the same value."""
        state, kw = self._state, self._kw
        last, known = state["recent"][:, -1], state["known"] > 0
        same = (last == kw) & known
        ended = np.flatnonzero((last == 0.0) & (kw != 0.0) & known)
        if ended.size:
            zeros = self._memory["zeros"]
            end_runs(zeros, ended, state["run"][ended], least=ZEROS, most=MOST_ZEROS)
        run = np.minimum(state["run"], DAY) * same + 1
        state["run"] = run
        self._find_plateaus(same)
        rows = np.flatnonzero(same & (run <= DAY))
        if not rows.size:
            return
        self._raiser.keep(Alarm.STUCK, rows[self._raiser.is_on(Alarm.STUCK, rows)])

        def text(row: int, _: float) -> str:
            return stuck_text(float(kw[row]), int(run[row]))

        plateau, often, zero = state["plateau"][rows], run[rows], kw[rows] == 0.0
        for name, some in (("stuck", ~plateau & ~zero), ("plateau", plateau & ~zero)):
            above = some & (often > self._raiser.limit(name)[rows])
            if above.any():
                found, sizes = self._raiser.exceeded(name, rows[above], often[above])
                self._raiser.put_on(Alarm.STUCK, found, sizes, text)
        if zero.any():
            limit = run_limit(self._memory["zeros"][rows], least=ZEROS)
            above = zero & (often > limit)
            self._raiser.put_on(
                Alarm.STUCK, rows[above], (often[above] / limit[above]).tolist(), text
            )

    def _find_plateaus(self, same: BoolArray) -> None:
        """Find out which new runs begin like a plateau, and follow the base load."""
        state, y = self._state, self._y
        base, known, plateau = state["base"], state["known"], state["plateau"]
        repeats, counted = state["repeats"], self._kw != 0.0
        repeats -= (repeats >> SHIFT) * counted
        repeats += np.uint16(REPEAT) * (same & counted)
        np.copyto(plateau, repeats > OFTEN, where=~same)
        rows = np.flatnonzero((y > 0.0) & (y <= base + REST_KW) & ~same & (known > 0))
        if rows.size:
            plateau[rows] |= (
                last_readings(self._state, rows, -np.inf).max(axis=1) - y[rows] >= FALL_KW
            )
        # A NaN fails the comparison.
        exports = self._memory["export"] > KILO_KW
        lower = np.where(exports & ((y <= 0.0) | (state["run"] < AT_REST)), base, y)
        state["base"] = np.where(base <= y, base + (y - base) / DAY, lower)

    def check_unit(self) -> None:
        """Count consecutive readings that only another unit explains, and sum the others."""
        state, y = self._state, self._y
        odd = state["odd"]
        rows = np.flatnonzero((odd != 0) | (np.abs(y) < KILO_KW) | (np.abs(y) > WATTS_KW))
        if rows.size:
            size, level, before = np.abs(y[rows]), state["level"][rows], odd[rows]
            # fmax and fmin ignore a level that is still NaN.
            upper = np.fmax(WATTS_KW, WATTS_TIMES * level)
            lower = np.fmin(KILO_KW, KILO_TIMES * level)
            large, small = size > upper, (size > 0.0) & (size < lower)
            watts = np.minimum(np.maximum(before, 0) + 1, WATTS_READINGS)
            after = watts * large + self._count_small(rows, before, small) * small
            odd[rows] = after
            limit = run_limit(self._memory["small"][rows], least=KILO_READINGS - 1)
            high, low = after == WATTS_READINGS, -after > limit
            times = np.minimum(np.where(high, size / upper, lower / size), HUGE_KW)
            for found, text in ((high, watts_text), (low, kilo_text)):
                self._raiser.put_on(
                    Alarm.UNIT, rows[found], times[found].tolist(), self._of_reading(text)
                )
        calm = odd == 0
        state["drawn"] += np.abs(y) * calm
        state["summed"] += calm

    def _count_small(self, rows: IntArray, before: NDArray[np.int8], small: BoolArray) -> IntArray:
        """Counts of consecutive small readings, for those that are small; ends other runs."""
        state, y, memory = self._state, self._y[rows], self._memory
        last = np.where(state["known"][rows] > 0, state["recent"][rows, -1], np.nan)
        near_zero = memory["export"][rows] > KILO_KW
        near_zero |= memory["zeros"][rows] >= STEADY_ZEROS
        steady = (before < 0) & (np.abs(y - last) <= STEADY_KW)
        later = np.where(steady, before - 1, np.minimum(before + 1, -1))
        count = np.maximum(np.where(near_zero, later, np.minimum(before, 0) - 1), -MOST_SMALL)
        peak = memory["peak"][rows].astype(np.int64)
        memory["peak"][rows] = np.where(small, np.maximum(peak, -count), 0)
        ended = near_zero & ~small & (peak >= KILO_READINGS)
        least = KILO_READINGS - 1
        end_runs(memory["small"], rows[ended], peak[ended], least=least, most=HOUR)
        limited: IntArray = count
        return limited

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

    def _of_reading(self, text: Callable[[float], str]) -> Text:
        return lambda row, _: text(float(self._y[row]))
