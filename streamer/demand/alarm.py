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
        return {"threshold": self._threshold.state(), "active": saved_alarm(self.active)}

    def restore(self, state: Mapping[str, Any], last_at: datetime | None) -> None:
        """Continue from a saved state, for which this one has to be new, and its interval not.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged.
        """
        self._threshold.restore(state["threshold"])
        self.active = restored_alarm(state["active"], self._interval.start, last_at)

    def _text(self, rest: Rest, bound_kw: float, peak: Peak | None) -> str:
        rule, interval = self._rule, self._interval
        return peak_text(
            minutes=rule.minutes,
            left=interval.left,
            kw=interval.mean_kw(rest.kw),
            high_kw=interval.mean_kw(rest.high_kw),
            rest_kw=rest.kw if rule.net else max(rest.kw, 0.0),
            bound_kw=bound_kw,
            bound=bound_of(rule, bound_kw, None if peak is None else peak.kw),
            margin_kw=interval.margin_kw(bound_kw),
            price_per_kw_year=rule.price_per_kw_year,
            currency=rule.currency,
        )


def bound_of(rule: DemandRule, bound_kw: float, peak_kw: float | None) -> Bound:
    """Kind of a bound in kW, for the text of the alarm.

    Args:
        rule: the intervals.
        bound_kw: the bound.
        peak_kw: peak of the month so far in kW; None before the first.
    """
    if rule.limit_kw is not None:
        return "limit"
    return "month" if peak_kw == bound_kw else "floor"


def saved_alarm(alarm: Alarm | None) -> list[Any] | None:
    """An alarm about the running interval, if there is one, as plain JSON values."""
    return None if alarm is None else [alarm.at.isoformat(), alarm.text, alarm.size]


def restored_alarm(
    saved: list[Any] | None, start: datetime | None, last_at: datetime | None
) -> Alarm | None:
    """The alarm that `saved_alarm` was given.

    Args:
        saved: its result.
        start: first minute of the running interval; None before the first reading.
        last_at: time of the last reading; None likewise.

    Raises:
        TypeError, ValueError: it is damaged, or not from the running interval.
    """
    if saved is None:
        return None
    text_at, text, size = saved
    at = datetime.fromisoformat(text_at)
    if start is None or last_at is None or not start <= at <= last_at:
        raise ValueError("an alarm about a demand interval is not from the running one")
    if not isinstance(text, str):
        raise TypeError(f"the text of an alarm is {text!r:.40}")
    return Alarm(Alarm.PEAK, at, text, number(size))
