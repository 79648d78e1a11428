"""Market prices of energy, each valid from one instant to another."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import zip_longest

MAX_MINUTES = 60
"""Longest time for which a price is valid, in minutes, unless its end is given."""


class TwoPricesError(ValueError):
    """An instant has two different prices.

    Args:
        minute: the instant, in minutes in UTC.
    """

    def __init__(self, minute: int) -> None:
        self.minute = minute
        super().__init__(f"two prices for minute {minute}")


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices per kWh by the minute in UTC, in rising order, with gaps between them.

    Attributes:
        starts: first minutes, as by `minute_of` of times with a zone.
        ends: the minute after the last one of each, at most the next one's first.
        values: prices per kWh.
    """

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    values: tuple[Decimal, ...]

    @classmethod
    def of(cls, rows: Iterable[tuple[int, int | None, Decimal]]) -> Prices:
        """Prices from their first minutes, the ends that are known, and values, in any order.

        Where no end is given, a price is valid up to the next one, if that begins within an hour,
        and otherwise for as long as the one before it: markets have hours or quarter-hours.

        Raises:
            TwoPricesError: an instant has two different prices.

        >>> prices = Prices.of([(0, None, Decimal("0.1")), (15, None, Decimal("0.2"))])
        >>> [prices.at(minute) for minute in (0, 14, 15, 29, 30)]
        [Decimal('0.1'), Decimal('0.1'), Decimal('0.2'), Decimal('0.2'), None]
        """
        known: dict[int, tuple[int | None, Decimal]] = {}
        for start, end, value in rows:
            if known.setdefault(start, (end, value))[1] != value:
                raise TwoPricesError(start)
        starts = sorted(known)
        ends: list[int] = []
        length = MAX_MINUTES
        for start, following in zip_longest(starts, starts[1:]):
            end = known[start][0]
            if end is not None:
                length = max(end - start, 0)
            elif following is not None and following - start <= MAX_MINUTES:
                length = following - start
            end = start + length
            ends.append(end if following is None else min(end, following))
        return cls(tuple(starts), tuple(ends), tuple(known[start][1] for start in starts))

    def at(self, minute: int) -> Decimal | None:
        """The price in a minute in UTC; None in a gap."""
        index = bisect_right(self.starts, minute) - 1
        return self.values[index] if index >= 0 and minute < self.ends[index] else None
