"""Notices of a live source: in full, or gathered where they recur."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from streamer.errors import UnitError
from streamer.readings import Notice
from streamer.sources.live.notices import BREAK, NoticeThrottles, Remark

_MAX_IMPLAUSIBLE = 20


class Reports:
    """Notices of a feed and remarks on its samples, each with the name of the feed.

    Args:
        name: the feed's name.
        moment: returns the stream time for notices.
        put: takes the notices.
    """

    def __init__(
        self,
        name: str,
        moment: Callable[[], datetime | None],
        put: Callable[[Notice], None],
    ) -> None:
        self._name = name
        self._moment = moment
        self._put = put
        self._throttles = NoticeThrottles()

    @property
    def due_s(self) -> float:
        """Time of the next notice of gathered problems; infinite if there is none."""
        return self._throttles.due_s

    def warn(self, text: str) -> None:
        """Report something that makes the figures unreliable."""
        self._put(Notice(Notice.WARNING, f"{self._name}: {text}", self._moment()))

    def remark(self, remark: Remark, arrived_s: float) -> None:
        """Report a remark on the samples, as often as its kind is reported."""
        text = f"{self._name}: {remark.text}"
        if remark.kind == BREAK:
            self._put_any(self._throttles.breaks.add(text, self._moment(), arrived_s))
        else:
            self.notice(Notice(remark.kind, text, self._moment()), arrived_s)

    def implausible(self, what: str, why: str, arrived_s: float, *, most: str, only: bool) -> None:
        """Report a value that is skipped as implausible.

        Args:
            what: the value.
            why: why it cannot be right, and what to do about it.
            arrived_s: its time of arrival.
            most: the largest plausible value, with its unit.
            only: whether no other value is known.

        Raises:
            UnitError: there are many such values, and no other.
        """
        text = f"{self._name}: {what}, {why}; skipped"
        implausible = self._throttles.implausible
        self._put_any(implausible.add(text, self._moment(), arrived_s))
        if only and implausible.count >= _MAX_IMPLAUSIBLE:
            raise UnitError(
                f"{self._name}: all of the first {implausible.count} values are above {most}, {why}"
            )

    def disorder(
        self, at: datetime | None, what: str, arrived_s: float, *, label: str = ""
    ) -> None:
        """Report a value that is skipped for its time; `label` names its channel."""
        text = f"{self._name}: {label}the value of {at:%Y-%m-%d %H:%M:%S} {what}"
        self._put_any(self._throttles.disordered.add(text, self._moment(), arrived_s))

    def notice(self, notice: Notice, arrived_s: float) -> None:
        """Pass on a notice of the feed, which has its name already."""
        at = self._moment() if notice.at is None else notice.at
        self._put_any(self._throttles.take(replace(notice, at=at), arrived_s))

    def gathered(self, now_s: float, *, due: bool = True) -> None:
        """Report what was gathered since the last notice of each kind.

        Args:
            now_s: the time.
            due: whether to leave out kinds whose notice is not due yet.
        """
        for notice in self._throttles.gathered(self._moment(), now_s, due=due):
            self._put(notice)

    def _put_any(self, notice: Notice | None) -> None:
        if notice is not None:
            self._put(notice)
