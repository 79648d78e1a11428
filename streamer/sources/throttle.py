"""Notices of one kind kept few: the first in full, later ones gathered."""

from __future__ import annotations

import math
from datetime import datetime

from streamer.readings import Notice

EVERY_S = 60.0
"""Seconds between two notices of one kind, at least."""


class NoticeThrottle:
    """Counts one kind of mishap, names the first, and gathers the others.

    Args:
        kind: kind of its notices.
        plural: several of them, and what became of them: ``values skipped``.
        ending: ends the text of a single one: ``; row skipped``.

    Attributes:
        count: how many there have been.
        last: text of the last one.
        due_s: time of the notice for all that are gathered; infinite if there are none.
    """

    def __init__(self, kind: str, plural: str, *, ending: str = "") -> None:
        self.count = 0
        self.last = ""
        self.due_s = math.inf
        self._kind = kind
        self._plural = plural
        self._ending = ending
        self._told_s = -math.inf
        self._gathered = 0

    def add(
        self, text: str, at: datetime | None, now_s: float = 0.0, count: int = 1
    ) -> Notice | None:
        """Count some; the notice, if they are the first.

        Args:
            text: a line for a person.
            at: stream time that it belongs to.
            now_s: time on a clock that never goes back; of no matter where the notices are
                asked for without waiting for `due_s`.
            count: how many it stands for.
        """
        is_first = not self.count
        self.count += count
        self.last = text
        if is_first:
            self._told_s = now_s
            return Notice(self._kind, text + self._ending, at, count)
        self._gathered += count
        self.due_s = self._told_s + EVERY_S
        return None

    def gathered(self, at: datetime | None, now_s: float = 0.0) -> Notice | None:
        """One notice for all since the last, if there are any."""
        count, self._gathered = self._gathered, 0
        if not count:
            return None
        self._told_s, self.due_s = now_s, math.inf
        text = self.last + self._ending
        if count > 1:
            text = f"{count:,} more {self._plural}, the last: {self.last}"
        return Notice(self._kind, text, at, count)
