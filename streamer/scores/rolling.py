"""Mean of the last values of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from streamer.readings.arrays import DoubleArray
from streamer.readings.packing import packed, unpacked
from streamer.readings.saved import count


class RollingMean:
    """Mean of the last values, exact to rounding, with no effect of earlier values.

    Sliding-window aggregation by two stacks (Tangwongsan, Hirzel and Schneider 2017,
    "Low-latency sliding-window aggregation in worst-case constant time"): the older part
    of the window is kept as suffix sums, the newer as one sum; when the older part is
    used up, the newer becomes it. Nothing is ever subtracted, so that the mean of
    non-negative values is never negative. Amortised constant time.

    Args:
        size: number of values in the window.

    >>> mean = RollingMean(2)
    >>> for value in (1e300, 1.0, 2.0):
    ...     latest = mean.update(value)
    >>> latest
    1.5
    """

    def __init__(self, size: int) -> None:
        if size < 1:
            raise ValueError(f"size is {size}, must be at least 1")
        self.size = size
        self._count = 0
        # As many of the older values as there are sums are in the window, its oldest last.
        self._older: list[float] = []
        self._older_sums: list[float] = []
        self._newer: list[float] = []
        self._newer_sum = 0.0

    def __len__(self) -> int:
        return self._count

    def update(self, value: float) -> float:
        """Add one value; the oldest leaves if the window is full.

        Returns:
            The mean, this value included.
        """
        sums = self._older_sums
        if self._count < self.size:
            self._count += 1
        else:
            if not sums:
                self._turn_over()
                sums = self._older_sums
            sums.pop()
        self._newer.append(value)
        self._newer_sum = newer = self._newer_sum + value
        return (sums[-1] + newer if sums else newer) / self._count

    def update_many(self, values: DoubleArray) -> None:
        """Add values (values,) in turn; the window is the same as with `update`, bit for bit."""
        start = 0
        while start < len(values):
            if self._count < self.size:
                room = self.size - self._count
            else:
                if not self._older_sums:
                    # A whole window of values replaces the present one.
                    whole = (len(values) - start) // self.size
                    if whole:
                        start += (whole - 1) * self.size
                    self._turn_over()
                room = len(self._older_sums)
            added = values[start : start + room]
            if self._count < self.size:
                self._count += len(added)
            else:
                del self._older_sums[-len(added) :]
            self._newer += added.tolist()
            self._newer_sum = _sum_in_turn(self._newer_sum, added)
            start += len(added)

    def get(self) -> float | None:
        """The mean, or None without values."""
        if not self._count:
            return None
        older = self._older_sums[-1] if self._older_sums else 0.0
        return (older + self._newer_sum) / self._count

    def values(self) -> list[float]:
        """The values in the window, oldest first."""
        return [*reversed(self._older[: len(self._older_sums)]), *self._newer]

    def state(self) -> dict[str, Any]:
        """The window and its split, as plain JSON values, so that `restore` gives the same bits."""
        return {
            "values": packed(self.values()),
            "count": self._count,
            "older": len(self._older_sums),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state; KeyError, TypeError or ValueError if it is damaged."""
        values = unpacked(state["values"], count(state["count"])).tolist()
        older = count(state["older"])
        if len(values) > self.size or older > len(values):
            raise ValueError(f"{len(values)} values, {older} of them older, of {self.size}")
        self._newer = values[:older]
        self._turn_over()
        self._newer = values[older:]
        self._newer_sum = _sum_in_turn(0.0, np.array(self._newer))
        self._count = len(values)

    def _turn_over(self) -> None:
        self._older = self._newer[::-1]
        self._older_sums = np.cumsum(self._older).tolist()
        self._newer = []
        self._newer_sum = 0.0


def _sum_in_turn(start: float, values: DoubleArray) -> float:
    """Sum of the values added one after the other; `numpy.sum` adds in pairs."""
    return float(np.cumsum(np.concatenate([[start], values]))[-1])
