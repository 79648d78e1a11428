"""Mishaps of a meter: the first of a kind named in full, later ones gathered."""

from __future__ import annotations

import math
from datetime import datetime

from streamer.readings import Notice
from streamer.sources.throttle import EVERY_S, NoticeThrottle


class Mishaps:
    """Notices of what a meter does wrong again and again, kept few.

    Attributes:
        disordered: values out of time.
        absurd: values that no household draws.
    """

    def __init__(self) -> None:
        self.disordered = NoticeThrottle(Notice.ORDER, "values out of time")
        self.absurd = NoticeThrottle(Notice.ABSURD, "absurd values")
        self._by_kind = {
            Notice.MALFORMED: NoticeThrottle(Notice.MALFORMED, "values that could not be read"),
            Notice.ORDER: self.disordered,
            Notice.ABSURD: self.absurd,
        }
        self._warned = ("", -math.inf)

    @property
    def due_s(self) -> float:
        """Time of the next notice of what is gathered; infinite if there is none."""
        return min(throttle.due_s for throttle in self._by_kind.values())

    def gathered(self, at: datetime | None, now_s: float, *, due: bool = True) -> list[Notice]:
        """One notice for all mishaps of a kind since its last.

        Args:
            at: stream time that they belong to.
            now_s: the time.
            due: whether to leave out kinds whose notice is not due yet.
        """
        notices = [
            throttle.gathered(at, now_s)
            for throttle in self._by_kind.values()
            if not due or now_s >= throttle.due_s
        ]
        return [notice for notice in notices if notice is not None]

    def take(self, notice: Notice, now_s: float) -> Notice | None:
        """Take a feed's notice; itself, unless it is gathered or a repeated warning."""
        throttle = self._by_kind.get(notice.kind)
        if throttle is not None:
            return throttle.add(notice.text, notice.at, now_s, notice.count)
        if notice.kind == Notice.WARNING:
            text, said_s = self._warned
            if notice.text == text and now_s - said_s < EVERY_S:
                return None
            self._warned = (notice.text, now_s)
        return notice
