"""Mishaps of a meter: the first of a kind named in full, later ones gathered."""

from __future__ import annotations

import math
from datetime import datetime

from streamer.readings import Notice
from streamer.sources.live.gathering import EVERY_S, Gatherer


class Mishaps:
    """Notices of what a meter does wrong again and again, kept few.

    Attributes:
        disordered: values out of time.
        absurd: values that no household draws.
    """

    def __init__(self) -> None:
        self.disordered = Gatherer(Notice.ORDER, "values out of time")
        self.absurd = Gatherer(Notice.ABSURD, "absurd values")
        self._by_kind = {
            Notice.MALFORMED: Gatherer(Notice.MALFORMED, "values that could not be read"),
            Notice.ORDER: self.disordered,
            Notice.ABSURD: self.absurd,
        }
        self._warned = ("", -math.inf)

    @property
    def due_s(self) -> float:
        """Time of the next notice of what is gathered; infinite if there is none."""
        return min(gatherer.due_s for gatherer in self._by_kind.values())

    def gathered(self, at: datetime | None, now_s: float, *, due: bool = True) -> list[Notice]:
        """One notice for all mishaps of a kind since its last.

        Args:
            at: stream time that they belong to.
            now_s: the time.
            due: whether to leave out kinds whose notice is not due yet.
        """
        notices = [
            gatherer.gathered(at, now_s)
            for gatherer in self._by_kind.values()
            if not due or now_s >= gatherer.due_s
        ]
        return [notice for notice in notices if notice is not None]

    def take(self, notice: Notice, now_s: float) -> Notice | None:
        """Take a feed's notice; itself, unless it is gathered or a repeated warning."""
        gatherer = self._by_kind.get(notice.kind)
        if gatherer is not None:
            return gatherer.add(notice.text, notice.at, now_s, notice.count)
        if notice.kind == Notice.WARNING:
            text, said_s = self._warned
            if notice.text == text and now_s - said_s < EVERY_S:
                return None
            self._warned = (notice.text, now_s)
        return notice
