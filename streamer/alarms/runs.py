"""Length of a run that would be unusual, by the longest that have ended by themselves."""

from __future__ import annotations

from streamer.readings.saved import number

FORGETS = 0.5 ** (1.0 / (60 * 24))
"""Factor on a remembered length for each hour: half of it is forgotten in sixty days."""

TIMES, GROWTH = 2.0, 4.0
"""A run is unusual beyond this multiple of the longest; one run raises that bound by at most the
second factor."""


class RunMemory:
    """Longest run of a kind that has ended by itself, which bounds the ordinary ones.

    Some houses repeat for hours what is a fault in others: an import-only meter reads 0.000 while
    the sun covers the house, and a battery holds the power at a few watts. Such a run ends by
    itself, and a fault is likely to last. So a run is unusual if it is longer than `least` and
    twice the longest before it.

    A rule of thumb without a source. Guarantee: while runs are at most ``r`` readings
    long, no more than about ``log(r / least) / log(2)`` of them are unusual, apart from what is
    forgotten, half in sixty days. What breaks it: a fault that ends by itself counts as ordinary,
    and one of the same kind is then found later, by up to a factor of four for each.

    Args:
        least: number of readings up to which no run is unusual.
        most: maximum length that is remembered, in readings.

    Attributes:
        longest: the remembered length in readings.

    >>> zeros = RunMemory(least=14, most=720)
    >>> zeros.end(25)
    >>> zeros.limit
    50.0
    """

    __slots__ = ("_least", "_most", "longest")

    def __init__(self, *, least: int, most: int) -> None:
        self._least, self._most = float(least), float(most)
        self.longest = 0.0

    @property
    def limit(self) -> float:
        """Number of readings beyond which a run is unusual."""
        return max(self._least, TIMES * self.longest)

    def end(self, run: int) -> None:
        """Remember a run of so many readings that has ended by itself."""
        if run > self.longest:
            self.longest = min(float(run), self._most, GROWTH / TIMES * self.limit)

    def close_hour(self) -> None:
        """Forget an hour's share."""
        self.longest *= FORGETS

    def restore(self, longest: object) -> None:
        """Continue from a saved length.

        Raises:
            TypeError, ValueError: it is not a length; nothing has changed.
        """
        found = number(longest)
        if not 0.0 <= found <= self._most:
            raise ValueError(f"{found} is not the length of a run")
        self.longest = found
