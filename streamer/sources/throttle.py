"""Throttle for notices of one kind: the first in full, later ones gathered."""

from __future__ import annotations

import math
from datetime import datetime

from streamer.readings import Notice

EVERY_S = 60.0
"""Minimal number of seconds between two notices of one kind."""


class NoticeThrottle:
    """Counts problems of one kind, reports the first, and gathers the others.

    Args:
        kind: kind of its notices.
        plural: plural of the problem with its consequence: ``values skipped``.
        ending: end of the text of a single notice: ``; row skipped``.
        reason: reason of its notices.

    Attributes:
        count: number of problems so far.
        last: text of the last one.
        due_s: time at which the gathered ones should be reported; infinite if there are none.
    """

    def __init__(self, kind: str, plural: str, *, ending: str = "", reason: str = "") -> None:
        self.count = 0
        self.last = ""
        self.due_s = math.inf
        self._kind = kind
        self._plural = plural
        self._ending = ending
        self._reason = reason
        self._told_s = -math.inf
        self._gathered = 0

    def add(
        self, text: str, at: datetime | None, now_s: float = 0.0, count: int = 1
    ) -> Notice | None:
        """Count a problem; returns a notice if it is the first.

        Args:
            text: one line for display.
            at: stream time of the problem.
            now_s: time on a monotonic clock; irrelevant if `due_s` is not used.
            count: number of problems that the text describes.
        """
        is_first = not self.count
        self.count += count
        self.last = text
        if is_first:
            self._told_s = now_s
            return Notice(self._kind, text + self._ending, at, count, self._reason)
        self._gathered += count
        self.due_s = self._told_s + EVERY_S
        return None

    def gathered(self, at: datetime | None, now_s: float = 0.0) -> Notice | None:
        """Return one notice for all problems since the last, or None without any."""
        count, self._gathered = self._gathered, 0
        if not count:
            return None
        self._told_s, self.due_s = now_s, math.inf
        text = self.last + self._ending
        if count > 1:
            text = f"{count:,} more {self._plural}, the last: {self.last}"
        return Notice(self._kind, text, at, count, self._reason)
