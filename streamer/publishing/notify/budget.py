"""Limits to the number of notifications, with a threshold that finds itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from streamer.alarms.thresholds import AdaptiveThreshold, Rule
from streamer.publishing.notify.settings import ANOMALY, BACK, PEAK, SILENT, SUMMARY
from streamer.recording.notifications import Notification

DAY_S = 86_400
MONTH_S = 30 * DAY_S

LIMITS = {PEAK: (6, 60), SILENT: (4, 40), BACK: (4, 40), SUMMARY: (50, 1500)}
"""Most notifications of a kind in 24 hours and in 30 days, beside those of anomalies. A summary is
made once a day for each meter, so that its limit matters to a clock that jumps alone."""

_STEP = 0.3
_HOUR_S = 3600
_MAX_HOURS = 24 * 400


class Budget:
    """Decides which notifications are sent, by the numbers of those before.

    Anomalies have a size, a multiple of the threshold of their detector. Those above a second,
    adaptive threshold are sent: it rises with each of them and falls with time, so that in the
    long run there are `a_month` of them in 30 days, the largest ones.

    Source: `streamer.alarms.thresholds.AdaptiveThreshold`. Guarantee: in any 24 hours and in any
    30 days, no more than the limits. What breaks it: only another start of the budget, without
    the former notifications.

    Args:
        a_day: most anomalies in 24 hours.
        a_month: most anomalies in 30 days.

    >>> budget = Budget(a_day=1, a_month=10)
    >>> [budget.allows(ANOMALY, at, size) for at, size in ((0, 1.5), (3600, 9.0), (90_000, 9.0))]
    [True, False, True]
    """

    def __init__(self, a_day: int, a_month: int) -> None:
        self._limits = {ANOMALY: (a_day, a_month), **LIMITS}
        self._rule = Rule(
            share=a_month * DAY_S / MONTH_S,
            start=1.0,
            floor=1.0,
            caution=1.0,
            step=_STEP,
            adopts=False,
        )
        self._begin()

    def allows(self, kind: str, at: int, size: float | None = None) -> bool:
        """Whether to send a notification, which then counts.

        Args:
            kind: its kind.
            at: the time in Unix seconds.
            size: size of an anomaly; None for one that is important without one.
        """
        # The threshold learns from those, too, that a limit holds back.
        is_large = kind != ANOMALY or size is None or self._exceeds(size, at)
        a_day, a_month = self._limits[kind]
        sent = self._sent[kind] = [each for each in self._sent[kind] if each > at - MONTH_S]
        today = sum(1 for each in sent if each > at - DAY_S)
        if not is_large or today >= a_day or len(sent) >= a_month:
            return False
        sent.append(at)
        return True

    def restore(self, notifications: Iterable[Notification]) -> None:
        """Begin anew from former notifications, those included that were withheld."""
        self._begin()
        for each in sorted(notifications, key=lambda each: each.created):
            if each.created >= each.expires:  # it came too late to be sent at all
                continue
            if each.kind == ANOMALY and each.size is not None:
                self._exceeds(each.size, each.created)
            if each.kind in self._limits and each.state != Notification.WITHHELD:
                self._sent[each.kind].append(each.created)

    def _begin(self) -> None:
        self._threshold = AdaptiveThreshold(self._rule)
        self._sent: defaultdict[str, list[int]] = defaultdict(list)
        self._began: int | None = None
        self._hours = 0

    def _exceeds(self, size: float, at: int) -> bool:
        """Whether a size is above the threshold, which then rises."""
        if self._began is None:
            self._began = at
        elapsed_s = max(at - self._began, 0)
        hours = elapsed_s // _HOUR_S
        for _ in range(min(hours - self._hours, _MAX_HOURS)):
            self._threshold.close_hour()
        self._hours = max(hours, self._hours)
        if size < self._threshold.value:
            return False
        return self._threshold.exceeded(size, elapsed_s // 60 + 1) is not None
