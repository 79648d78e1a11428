"""Alarm about the running demand interval, until it ends."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from streamer.demand.interval import Interval
from streamer.demand.rest import Rest
from streamer.demand.settings import DemandRule
from streamer.demand.texts import Bound, peak_text
from streamer.demand.warning import AlarmThreshold, patient_score
from streamer.energy.peaks import Peak
from streamer.readings.saved import number
from streamer.readings.steps import Alarm


class PeakAlarm:
    """Raises at most one alarm about each interval.

    Args:
        rule: the intervals and the number of alarms.
        interval: the running one.

    Attributes:
        active: the alarm about the running interval, until its last minute; None if there is none.
    """

    def __init__(self, rule: DemandRule, interval: Interval) -> None:
        self._rule, self._interval = rule, interval
        self._threshold = AlarmThreshold(rule.minutes, rule.alarms_per_month)
        self.active: Alarm | None = None

    def take(
        self, at: datetime, p: float, rest: Rest, bound_kw: float, peak: Peak | None
    ) -> Alarm | None:
        """Take the forecast at a minute of the interval, and return the alarm that it raises.

        Args:
            at: time of the reading.
            p: probability that the interval exceeds its bound.
            rest: forecast of its rest.
            bound_kw: the bound in kW.
            peak: peak of the month so far; None before the first.
        """
        left = self._interval.left
        if not self._threshold.raises(p, left):
            return None
        score = patient_score(p, left / self._rule.minutes)
        size = max(score / self._threshold.threshold, 1.0)
        self.active = Alarm(Alarm.PEAK, at, self._text(rest, bound_kw, peak), size)
        return self.active

    def end(self, exceeded: bool | None) -> None:
        """Learn from the interval, which is over; its alarm is active until the next begins.

        Args:
            exceeded: whether it exceeded its bound; None if that is not known.
        """
        self._threshold.end(exceeded)

    def state(self) -> dict[str, Any]:
        """Everything that `restore` needs, as plain JSON values."""
        alarm = self.active
        return {
            "threshold": self._threshold.state(),
            "active": None if alarm is None else [alarm.at.isoformat(), alarm.text, alarm.size],
        }

    def restore(self, state: Mapping[str, Any], last_at: datetime | None) -> None:
        """Continue from a saved state, for which this one has to be new, and its interval not.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged.
        """
        self._threshold.restore(state["threshold"])
        if state["active"] is None:
            return
        text_at, text, size = state["active"]
        at, start = datetime.fromisoformat(text_at), self._interval.start
        if start is None or last_at is None or not start <= at <= last_at:
            raise ValueError("an alarm about a demand interval is not from the running one")
        if not isinstance(text, str):
            raise TypeError(f"the text of an alarm is {text!r:.40}")
        self.active = Alarm(Alarm.PEAK, at, text, number(size))

    def _text(self, rest: Rest, bound_kw: float, peak: Peak | None) -> str:
        rule, interval = self._rule, self._interval
        bound: Bound = "floor"
        if rule.limit_kw is not None:
            bound = "limit"
        elif peak is not None and peak.kw == bound_kw:
            bound = "month"
        return peak_text(
            minutes=rule.minutes,
            left=interval.left,
            kw=interval.mean_kw(rest.kw),
            high_kw=interval.mean_kw(rest.high_kw),
            rest_kw=rest.kw if rule.net else max(rest.kw, 0.0),
            bound_kw=bound_kw,
            bound=bound,
            margin_kw=interval.margin_kw(bound_kw),
            price_per_kw_year=rule.price_per_kw_year,
            currency=rule.currency,
        )
