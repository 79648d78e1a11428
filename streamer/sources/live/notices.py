"""Throttles for the notices of a meter, one for each kind of problem."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

from streamer.readings import Notice
from streamer.sources.throttle import EVERY_S, NoticeThrottle

BREAK = "break"
"""Kind of a remark on a time over which an energy register cannot be used."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Event to report: its kind, `BREAK` or as in `Notice`, and a text without the feed's name."""

    kind: str
    text: str


class NoticeThrottles:
    """Throttles for recurring problems of a meter, and for repeated warnings.

    Attributes:
        disordered: values that are late, duplicate, or have a wrong time.
        implausible: values beyond any household's.
        breaks: times over which an energy register cannot be used.
    """

    def __init__(self) -> None:
        self.disordered = NoticeThrottle(Notice.ORDER, "values out of time")
        self.implausible = NoticeThrottle(Notice.ABSURD, "implausible values")
        self.breaks = NoticeThrottle(Notice.WARNING, "breaks in the counter")
        self._by_kind = {
            Notice.MALFORMED: NoticeThrottle(Notice.MALFORMED, "values that could not be read"),
            Notice.ORDER: self.disordered,
            Notice.ABSURD: self.implausible,
        }
        self._by_reason: dict[str, NoticeThrottle] = {}
        self._warned = ("", -math.inf)

    @property
    def due_s(self) -> float:
        """Time of the next notice of gathered problems; infinite if there is none."""
        return min(throttle.due_s for throttle in self._all())

    def gathered(self, at: datetime | None, now_s: float, *, due: bool = True) -> list[Notice]:
        """Return one notice for each kind of problem since its last notice.

        Args:
            at: stream time of the notices.
            now_s: the time.
            due: whether to leave out kinds whose notice is not due yet.
        """
        notices = [
            throttle.gathered(at, now_s)
            for throttle in self._all()
            if not due or now_s >= throttle.due_s
        ]
        return [notice for notice in notices if notice is not None]

    def take(self, notice: Notice, now_s: float) -> Notice | None:
        """Process a feed's notice; returns it unless it is gathered or a repeated warning."""
        throttle = self._throttle(notice)
        if throttle is not None:
            return throttle.add(notice.text, notice.at, now_s, notice.count)
        if notice.kind == Notice.WARNING:
            text, reported_s = self._warned
            if notice.text == text and now_s - reported_s < EVERY_S:
                return None
            self._warned = (notice.text, now_s)
        return notice

    def _throttle(self, notice: Notice) -> NoticeThrottle | None:
        """The throttle for a notice; refusals have one for each reason."""
        if notice.kind != Notice.REFUSED:
            return self._by_kind.get(notice.kind)
        reason = notice.reason
        if reason not in self._by_reason:
            plural = f"requests refused ({reason})" if reason else "requests refused"
            self._by_reason[reason] = NoticeThrottle(Notice.REFUSED, plural, reason=reason)
        return self._by_reason[reason]

    def _all(self) -> list[NoticeThrottle]:
        return [*self._by_kind.values(), *self._by_reason.values(), self.breaks]
