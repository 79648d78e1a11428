"""Tracks: readings of a house with the features of their long history, as a training draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from streamer.online.history import History
from streamer.online.wallclock import wall_clocks_at
from streamer.readings.arrays import DoubleArray, FloatArray, IntArray, TimeArray

_APART = 1 << 20
"""Minutes put between two stretches, more than any window or horizon bridges."""

_MIN_GAIN_SHARE = 0.25
"""A stretch weighs as if its changes were at least this share of the reference."""


@dataclass(frozen=True, eq=False)
class Stretch:
    """Consecutive readings with one long history, which begins with them.

    Attributes:
        clock: (readings,) minutes by the clock of the house.
        elapsed: (readings,) minutes since 1970.
        values: (readings, inputs); the first input is the power in kW.
    """

    clock: TimeArray
    elapsed: IntArray
    values: DoubleArray

    def features(self) -> FloatArray:
        """(readings, features) of the long history up to each reading."""
        _, day_minutes, weekends = wall_clocks_at(self.clock)
        kw = np.ascontiguousarray(self.values[:, 0])
        return History().extend(self.elapsed, day_minutes, weekends, kw)

    @property
    def change_kw(self) -> float:
        """Root mean squared change between consecutive minutes in kW; 0 without any."""
        next_to = np.diff(self.elapsed) == 1
        changes = np.diff(self.values[:, 0])[next_to]
        return float(np.sqrt(np.mean(changes**2))) if len(changes) else 0.0


@dataclass(frozen=True, eq=False)
class Track:
    """Stretches one after another; no window and no horizon reaches from one into the next.

    Attributes:
        values: (readings, inputs); the first input is the power in kW.
        minute: (readings,) minutes, consecutive where no reading is missing.
        features: (readings, features) of the long history, in half precision.
        summed: (readings + 1,) running sum of the power in kW.
        gain: (readings,) factor of the errors in the loss.
        starts: (windows,) first readings of the windows.
    """

    values: FloatArray
    minute: NDArray[np.int32]
    features: NDArray[np.float16]
    summed: DoubleArray
    gain: FloatArray
    starts: NDArray[np.int32]

    def mean_changes(self, rows: IntArray, minutes: Sequence[int]) -> DoubleArray:
        """Mean power of the minutes after each of some readings, less that reading.

        Args:
            rows: (...) readings.
            minutes: (horizons,) numbers of minutes.

        Returns:
            (..., horizons) in kW; NaN where one of the minutes is missing.
        """
        ahead = np.asarray(minutes, np.int64)
        first = np.asarray(rows, np.int64)[..., None]
        last = np.minimum(first + ahead, len(self.minute) - 1)
        whole = (first + ahead == last) & (self.minute[last] - self.minute[first] == ahead)
        means = (self.summed[last + 1] - self.summed[first + 1]) / ahead
        changes: DoubleArray = np.where(whole, means - self.values[first, 0], np.nan)
        return changes


def join(
    stretches: Sequence[Stretch],
    *,
    length: int,
    max_gap_min: int,
    reference_kw: float = 0.0,
    balance: float = 0.0,
) -> Track:
    """A track of stretches.

    Args:
        stretches: the stretches in order.
        length: readings in a window, its target included.
        max_gap_min: longest sum of missing minutes that a window may bridge.
        reference_kw: root mean squared change of a stretch that gets the gain 1.
        balance: exponent of the gain of a stretch, reference / its root mean squared change.
    """
    minute = np.concatenate([s.elapsed + i * _APART for i, s in enumerate(stretches)])
    values = np.concatenate([stretch.values for stretch in stretches])
    gains = [_gain(stretch, reference_kw, balance) for stretch in stretches]
    return Track(
        values=values.astype(np.float32),
        minute=minute.astype(np.int32),
        features=np.concatenate([s.features().astype(np.float16) for s in stretches]),
        summed=np.concatenate([[0.0], np.cumsum(values[:, 0])]),
        gain=np.repeat(np.array(gains, np.float32), [len(s.elapsed) for s in stretches]),
        starts=window_starts(minute, length, max_gap_min).astype(np.int32),
    )


def window_starts(minute: IntArray, length: int, max_gap_min: int) -> IntArray:
    """(windows,) first readings of the windows that bridge no more missing minutes than allowed."""
    spans = minute[length - 1 :] - minute[: len(minute) - length + 1]
    return np.flatnonzero(spans <= length - 1 + max_gap_min)


def _gain(stretch: Stretch, reference_kw: float, balance: float) -> float:
    if not balance:
        return 1.0
    changes = max(stretch.change_kw, _MIN_GAIN_SHARE * reference_kw)
    return float((reference_kw / changes) ** balance) if changes else 1.0
