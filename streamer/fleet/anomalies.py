"""Anomalies of many meters at once, with the arithmetic of `streamer.alarms.anomalies`."""

from __future__ import annotations

import numpy as np

from streamer.alarms.rules import LASTING_WEIGHT, LOAD_KW, MIN_WIDTH_KW
from streamer.alarms.scale import DecimalShiftTest
from streamer.alarms.texts import (
    BEFORE,
    SINCE,
    export_text,
    far_text,
    lasting_text,
    scale_text,
)
from streamer.alarms.units import HUGE_KW, KILO_READINGS, WATTS_READINGS
from streamer.fleet.memories import (
    begin_loads,
    explain,
    follow_loads,
    have_begun,
    may_begin,
    may_end,
    run_limit,
    see_exports,
)
from streamer.fleet.raising import AlarmRaiser
from streamer.readings.arrays import BoolArray, DoubleArray, IntArray, Records


def last_readings(state: Records, rows: IntArray, missing: float) -> DoubleArray:
    """(rows, readings) the readings before, within bounds.

    Args:
        state: (meters,) the records.
        rows: rows of the meters.
        missing: value in place of readings before the last gap.
    """
    recent: DoubleArray = state["recent"][rows]
    recent = np.minimum(np.maximum(recent, -HUGE_KW), HUGE_KW)
    size, known = recent.shape[1], state["known"][rows, None]
    recent[np.arange(size) < size - known] = missing
    return recent


class AnomalyRound:
    """One reading of each meter, compared with its band, exports and loads.

    Args:
        state: (meters,) the records, changed in place.
        y: (meters,) the readings in kW, within bounds.
        raiser: their thresholds and active alarms.
    """

    def __init__(self, state: Records, y: DoubleArray, raiser: AlarmRaiser) -> None:
        self._state, self._y, self._raiser = state, y, raiser
        self._memory: Records = state["memory"]

    def compare(self, middle: DoubleArray, low: DoubleArray, high: DoubleArray) -> None:
        """Compare the readings with their bands.

        Args:
            middle: (meters,) median or mean forecast in kW, NaN without a forecast.
            low: (meters,) lower ends of the bands in kW, NaN without a band.
            high: (meters,) upper ends of the bands in kW.
        """
        y, odd = self._y, self._state["odd"]
        follow_loads(self._memory, y)
        wide = high - low
        banded = (wide >= 0.0) & (wide < HUGE_KW) & ~np.isnan(middle)
        banded &= -odd <= run_limit(self._memory["small"], least=KILO_READINGS - 1)
        banded &= odd < WATTS_READINGS
        if not banded.any():
            return
        middle = np.minimum(np.maximum(middle, -HUGE_KW), HUGE_KW)
        # Without a band every score is NaN, which exceeds no threshold; nor does a negative one.
        up = np.where(banded, y - middle, np.nan)

        def far(row: int, _: float) -> str:
            return far_text(float(y[row]), float(low[row]), float(high[row]))

        def may(rows: IntArray) -> BoolArray:
            first = np.where(self._state["known"][rows] > 0, np.inf, middle[rows])
            lowest = np.minimum(last_readings(self._state, rows, np.inf).min(axis=1), first)
            return may_begin(self._memory, rows, y[rows] - lowest)

        self._raiser.anomaly(
            "far", up / np.sqrt(np.maximum(high - middle, 0.5 * MIN_WIDTH_KW)), far, unless=may
        )
        self._raiser.anomaly("jump", up, far, unless=may)
        self._begin_loads(np.flatnonzero(up > LOAD_KW))
        self._raiser.anomaly(
            "fall",
            -up / np.maximum(middle - low, 0.5 * MIN_WIDTH_KW),
            far,
            unless=self._are_known_falls,
        )
        self._check_exports(np.flatnonzero((up <= 0.0) & (-y > self._memory["export"])))
        self._check_scale(banded, up, middle, np.maximum(wide, MIN_WIDTH_KW))
        self._check_lasting(np.flatnonzero(banded))

    def _check_scale(
        self, banded: BoolArray, up: DoubleArray, middle: DoubleArray, width: DoubleArray
    ) -> None:
        """Test whether readings that left their bands, and these, have a decimal shift."""
        y, left = self._y, self._state["left"]
        waiting = banded & ~np.isnan(left[:, 0])
        leaves = np.flatnonzero(
            (np.abs(up) > 2.0 * width) & (2.0 * np.abs(middle) > width) & ~waiting & (y != 0.0)
        )
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
            if second:
                likeness[row] = scale.evidence(first, second, middle=centre, width=breadth)

        def text(row: int, _: float) -> str:
            first, centre, _ = before[np.searchsorted(rows, row)].tolist()
            return scale_text(first, float(y[row]), centre)

        self._raiser.anomaly("scale", likeness, text, unless=self._are_known)

    def _check_lasting(self, rows: IntArray) -> None:
        """Compare lasting rises with their threshold."""
        state, y = self._state, self._y
        recent, known = state["recent"], state["known"]
        # A quick upper bound of the rise, by the first of the readings before.
        may = y - recent[:, 0] > self._raiser.limit("lasting")
        rows = rows[(may & (known == recent.shape[1]))[rows]]
        if not rows.size:
            return
        last = last_readings(self._state, rows, np.nan)
        rise = np.full(len(y), np.nan)
        rise[rows] = np.minimum(last[:, BEFORE:].min(axis=1), y[rows]) - last[:, :BEFORE].max(
            axis=1
        )
        self._raiser.anomaly(
            "lasting",
            rise,
            lambda row, _: lasting_text(float(rise[row])),
            unless=self._are_known,
            weight=LASTING_WEIGHT,
        )

    def _begin_loads(self, rows: IntArray) -> None:
        """Follow what may be large loads that have come on."""
        rows = rows[self._state["known"][rows] > 0]
        if rows.size:
            before = last_readings(self._state, rows, np.inf)[:, -2:].min(axis=1)
            begin_loads(self._memory, rows, before, self._y[rows])

    def _check_exports(self, rows: IntArray) -> None:
        """Compare exports with the largest before."""
        if not rows.size:
            return
        known = self._memory["known"]
        sizes, alarmed = see_exports(self._memory, rows, -self._y[rows], self._raiser.seen[rows])
        self._raiser.put_on_anomalies(
            rows[alarmed],
            sizes[alarmed].tolist(),
            lambda row, _: export_text(float(-self._y[row]), float(known[row])),
        )

    def _are_known_falls(self, rows: IntArray) -> BoolArray:
        """Which falls may be those of known loads that end, or vary after they have begun."""
        y, peak = self._y[rows], last_readings(self._state, rows, -np.inf).max(axis=1)
        return have_begun(self._memory, rows, y) | may_end(self._memory, rows, peak, y)

    def _are_known(self, rows: IntArray) -> BoolArray:
        """Which rises of the last four readings are those of known loads."""
        last = last_readings(self._state, rows, -np.inf)[:, 1 - SINCE :].max(axis=1)
        rise = np.maximum(last, self._y[rows]) - last_readings(self._state, rows, np.inf).min(
            axis=1
        )
        return explain(self._memory, rows, rise)
