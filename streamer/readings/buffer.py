"""Ring buffer of the last readings: a window, and the reading that follows it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from streamer.readings.arrays import DoubleArray

CAPACITY = 50
"""A window of 49 readings, and the reading that follows it."""


class RingBuffer:
    """Ring buffer of the last readings; the oldest is dropped first.

    Args:
        capacity: maximum number of readings.
        channels: number of values of a reading where it is not its power that is held.

    >>> buffer = RingBuffer(3)
    >>> for kw in (0.2, 0.3, 0.4, 0.5):
    ...     buffer.push(kw)
    >>> buffer.values().tolist()
    [0.3, 0.4, 0.5]
    >>> buffer.last(2).tolist()
    [0.4, 0.5]
    >>> buffer = RingBuffer(3, channels=2)
    >>> buffer.push([0.1, 236.0])
    >>> buffer.values().tolist()
    [[0.1, 236.0]]
    """

    def __init__(self, capacity: int = CAPACITY, channels: int | None = None) -> None:
        if capacity < 1:
            raise ValueError(f"capacity is {capacity}, must be at least 1")
        self.capacity = capacity
        # Every value is written twice, a capacity apart, so that the last n are always
        # contiguous in memory.
        shape = (2 * capacity,) if channels is None else (2 * capacity, channels)
        self._twice = np.zeros(shape)
        self._next = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def push(self, values: ArrayLike) -> None:
        """Add one reading: its power in kW, or its channels (channels,)."""
        self._twice[self._next] = self._twice[self._next + self.capacity] = values
        self._next = (self._next + 1) % self.capacity
        self._size = min(self._size + 1, self.capacity)

    def extend(self, values: ArrayLike) -> None:
        """Add readings (readings,) in kW, or (readings, channels), oldest first."""
        latest = np.asarray(values, np.float64)
        if latest.ndim == 0 or latest.shape[1:] != self._twice.shape[1:]:
            shape = ("readings", *self._twice.shape[1:])
            raise ValueError(f"readings have shape {latest.shape}, must have {shape}")
        latest = latest[-self.capacity :]
        places = (self._next + np.arange(len(latest))) % self.capacity
        self._twice[places] = self._twice[places + self.capacity] = latest
        self._next = (self._next + len(latest)) % self.capacity
        self._size = min(self._size + len(latest), self.capacity)

    def values(self) -> DoubleArray:
        """All readings held, oldest first: a copy."""
        return self.last(self._size)

    def last(self, count: int) -> DoubleArray:
        """The last readings, oldest first: a copy.

        Args:
            count: number of readings; fewer are returned if the buffer has fewer.
        """
        end = self._next + self.capacity
        return self._twice[end - min(count, self._size) : end].copy()

    def clear(self) -> None:
        """Drop all readings."""
        self._size = 0
