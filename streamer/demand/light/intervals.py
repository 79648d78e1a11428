"""Demand intervals of many meters, running and over, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from streamer.readings.arrays import BoolArray, DoubleArray, IndexArray, IntArray


@dataclass(frozen=True)
class EndedIntervals:
    """Demand intervals that are over.

    Attributes:
        rows: (intervals,) indices of their meters.
        start: (intervals,) first minutes, since 1970.
        kw: (intervals,) mean import of their measured minutes in kW.
        unknown: (intervals,) minutes that were not measured.
        bound_kw: (intervals,) bounds in kW, NaN without one.
        exceeded: (intervals,) whether they exceeded it; False where that is not known.
        export_kw: (intervals,) mean export of the measured minutes in kW.
    """

    rows: IndexArray
    start: IntArray
    kw: DoubleArray
    unknown: IntArray
    bound_kw: DoubleArray
    exceeded: BoolArray
    export_kw: DoubleArray


@dataclass(frozen=True)
class RunningIntervals:
    """Running demand intervals, as they are forecast at a reading of each meter.

    Attributes:
        rows: (taken,) indices of the meters; a second reading within a minute is left out.
        start: (taken,) first minutes, since 1970.
        left: (taken,) minutes that are still to come.
        unknown: (taken,) minutes so far that were not measured.
        so_far_kw: (taken,) mean import of the measured minutes in kW.
        kw: (taken,) expected means of the whole intervals in kW.
        low_kw: (taken,) lower ends of their prediction intervals, NaN without a forecast.
        high_kw: (taken,) upper ends.
        last_kw: (taken,) means if the last readings continue.
        bound_kw: (taken,) bounds in kW, NaN without one.
        margin_kw: (taken,) means over the rest at which the bound is reached, NaN likewise and in
            the last minute.
        peak_kw: (taken,) peaks of the month before these intervals in kW, NaN before the first.
        peak_at: (taken,) first minutes of those, since 1970.
        p: (taken,) probabilities that the bound is exceeded, NaN without a bound or forecast.
        raised: alarms: index in `rows`, text and size of each.
        ended: intervals that have ended, in order of time for each meter.
    """

    rows: IndexArray
    start: IntArray
    left: IntArray
    unknown: IntArray
    so_far_kw: DoubleArray
    kw: DoubleArray
    low_kw: DoubleArray
    high_kw: DoubleArray
    last_kw: DoubleArray
    bound_kw: DoubleArray
    margin_kw: DoubleArray
    peak_kw: DoubleArray
    peak_at: IntArray
    p: DoubleArray
    raised: Sequence[tuple[int, str, float]]
    ended: Sequence[EndedIntervals]
