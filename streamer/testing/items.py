"""Readings of given values, and a source of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime

from streamer.readings import MINUTE, Notice, Reading

START = datetime(2010, 3, 19, 17, 0)


def readings(kw: Iterable[float], *, start: datetime = START) -> list[Reading]:
    """Readings one minute apart.

    Args:
        kw: their values in kW; a NaN leaves a gap of one minute.
        start: minute of the first value.

    >>> [reading.at.minute for reading in readings([0.3, math.nan, 0.4])]
    [0, 2]
    """
    return [
        Reading(start + minute * MINUTE, float(value))
        for minute, value in enumerate(kw)
        if not math.isnan(value)
    ]


class ListSource:
    """Source of given items.

    Args:
        items: readings and notices, in order.
        block: number of items returned at once.
        name: the source's name.
    """

    def __init__(
        self, items: Iterable[Reading | Notice], *, block: int = 100, name: str = "list"
    ) -> None:
        self._items = list(items)
        self._block = block
        self._name = name
        self._given = 0
        self.closed = False

    @property
    def name(self) -> str:
        """The source's name."""
        return self._name

    def read(self) -> Sequence[Reading | Notice]:
        """The next block, or an empty one at the end."""
        block = self._items[self._given : self._given + self._block]
        self._given += len(block)
        return block

    def close(self) -> None:
        """Record that the source was closed."""
        self.closed = True
