"""Highest of the last so many demand intervals."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from streamer.readings.saved import count, number


class RecentHighest:
    """Maximum over the last intervals, in amortised constant time.

    A queue of those that no later one exceeds (Lemire 2006, "Streaming maximum-minimum filter
    using no more than three comparisons per element").

    Args:
        span: how many intervals.
        least: intervals before which there is no maximum.

    >>> highest = RecentHighest(span=2, least=1)
    >>> found = []
    >>> for kw in (3.0, 1.0, 2.0):
    ...     highest.add(kw)
    ...     found.append(highest.kw)
    >>> found
    [3.0, 3.0, 2.0]
    """

    __slots__ = ("_least", "_queue", "_seen", "_span")

    def __init__(self, span: int, least: int) -> None:
        self._span, self._least = span, least
        self._seen = 0
        self._queue: deque[tuple[int, float]] = deque()

    @property
    def kw(self) -> float | None:
        """The highest in kW; None while there are too few."""
        return self._queue[0][1] if self._seen >= self._least else None

    def add(self, kw: float) -> None:
        """Take the next interval's mean in kW."""
        queue = self._queue
        while queue and queue[-1][1] <= kw:
            queue.pop()
        self._seen += 1
        queue.append((self._seen, kw))
        if queue[0][0] <= self._seen - self._span:
            queue.popleft()

    def state(self) -> list[Any]:
        """Everything that `restore` needs, as plain JSON values."""
        return [self._seen, *map(list, self._queue)]

    def restore(self, state: Sequence[Any]) -> None:
        """Continue from a saved state.

        Raises:
            TypeError, ValueError: it is damaged.
        """
        seen, *rows = state
        self._seen = count(seen)
        self._queue = deque((count(at), number(kw)) for at, kw in rows)
        at = [each for each, _ in self._queue]
        kw = [each for _, each in self._queue]
        if at != sorted(set(at)) or kw != sorted(kw, reverse=True):
            raise ValueError("the highest demand intervals are not in order")
        if bool(self._seen) != bool(at) or (at and not self._seen - self._span < at[0]):
            raise ValueError("the highest demand intervals are not the last ones")
        if at and at[-1] != self._seen:
            raise ValueError("the last demand interval is missing")
