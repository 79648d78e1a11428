"""What a meter does wrong again and again, said once in full and then in sum."""

from __future__ import annotations

import math
from datetime import datetime

from streamer.readings import Notice

EVERY_S = 60.0
"""How often what has been gathered is said."""


class Gatherer:
    """Counts one kind of mishap: says the first, and gathers the others.

    Args:
        kind: kind of its notices.
        plural: what several of them are called.

    Attributes:
        count: how many there have been.
        due_s: when what is gathered is to be said; infinite if there is nothing.
    """

    def __init__(self, kind: str, plural: str) -> None:
        self.count = 0
        self.due_s = math.inf
        self._kind = kind
        self._plural = plural
        self._said_s = -math.inf
        self._gathered = 0
        self._last = ""

    def add(self, text: str, at: datetime | None, now_s: float, count: int = 1) -> Notice | None:
        """Count some; the notice, if they are the first.

        Args:
            text: a line for a person.
            at: stream time that it belongs to.
            now_s: time on a clock that never goes back.
            count: how many it stands for.
        """
        self.count += count
        if self.count == count:
            self._said_s = now_s
            return Notice(self._kind, text, at, count)
        self._gathered += count
        self._last = text
        self.due_s = self._said_s + EVERY_S
        return None

    def gathered(self, at: datetime | None, now_s: float) -> Notice | None:
        """One notice for all since the last, if there are any."""
        if not self._gathered:
            return None
        count, self._gathered = self._gathered, 0
        self._said_s, self.due_s = now_s, math.inf
        text = (
            self._last if count == 1 else f"{count:,} more {self._plural}, the last: {self._last}"
        )
        return Notice(self._kind, text, at, count)
