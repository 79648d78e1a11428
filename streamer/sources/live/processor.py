"""Conversion of a feed's samples, links and notices to the items of a live source.

No I/O and no clock: times are passed in. `now_s` is on a monotonic clock, on which waits are
measured; dates are derived from its difference to the wall clock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeAlias

from streamer.display.durations import apart
from streamer.errors import UnitError
from streamer.feeds import FeedItem
from streamer.readings import CounterSample, Link, Notice, Reading, Sample
from streamer.sources.live.counters import CounterMeans
from streamer.sources.live.linkwatch import LinkWatch
from streamer.sources.live.means import AnySample, SampleMeans
from streamer.sources.live.meterclock import EARLY_S, MeterClock
from streamer.sources.live.minutes import MINUTE_S, MinuteMeans, local_time
from streamer.sources.live.notices import BREAK, NoticeThrottles, Remark
from streamer.sources.live.remarks import Remarks
from streamer.sources.live.rules import LiveRules
from streamer.sources.live.samples import FutureFilter, LatestSample

LiveItem: TypeAlias = Reading | Notice | Link | Sample
"""An item of a live source."""

_JUMP_S = 2.0
_CHECK_EVERY_S = 5.0
_MAX_IMPLAUSIBLE = 20
_LOST_HOLD_S = 60.0  # validity of a value after the connection is lost
# From 1970 to the year 5138: times outside cannot be right, nor all converted to local time.
_MIN_TIME_S, _MAX_TIME_S = 0.0, 1e11
_TICK_S = 1e-6
_DECIMALS = 6  # a milliwatt, finer than any meter; keeps 0.355 from being 0.35500000000000004


class SampleProcessor:
    """Converts the items of a feed to those of a live source.

    Args:
        name: the feed's name.
        rules: rules for the minute means.
        now_s: the time.
        date_s: the date at that time, in seconds since 1970.
        peer: name of the other end, until the feed reports it.
    """

    def __init__(
        self, name: str, rules: LiveRules, now_s: float, date_s: float, *, peer: str = "meter"
    ) -> None:
        rules.check()
        self._name = name
        self._rules = rules
        self._now = now_s
        self._offset = date_s - now_s
        self._means = SampleMeans(rules)
        if not rules.by_feed:
            self._minutes.flush(date_s)  # minutes before the start are not ours
        self._meter_clock = MeterClock(rules.grace_s)
        self._links = LinkWatch(
            rules.stale_after_s,
            lambda at_s: local_time(at_s + self._offset),
            now_s,
            peer,
            rules.pace,
            retry_max_s=rules.retry_max_s,
            silence=not rules.by_feed,
        )
        self._notices = NoticeThrottles()
        self._remarks = Remarks(rules.pace, rules.advice)
        self._latest = LatestSample(now_s)
        self._future = FutureFilter()
        self._out: list[LiveItem] = []
        self._last_arrival = -math.inf
        self._unknown_from_s = math.inf  # end of the last value's validity after a loss

    def resume_after(self, after: datetime) -> None:
        """Treat a minute, and all before it, as done; to be called before the first sample."""
        self._minutes.resume_after(after.timestamp())
        ahead_s = self._minutes.done_s - (self._now + self._offset)
        if not self._rules.by_feed and ahead_s > MINUTE_S:
            self._warn(
                f"the recording ends at {_shown(local_time(self._minutes.done_s))}, "
                f"{apart(ahead_s)} ahead of this machine's clock; no readings until then"
            )

    def set_time(self, now_s: float, date_s: float) -> None:
        """Set the time, before any item of that time is taken."""
        before_s = now_s + self._offset
        delta_s = date_s - before_s
        is_step = abs(delta_s) > _JUMP_S and not self._rules.by_feed
        if is_step:
            self._append_readings(self._minutes.advance(before_s))
        self._now, self._offset = now_s, date_s - now_s
        if not is_step:
            return
        self._minutes.step(delta_s, date_s)
        self._meter_clock.step(delta_s)
        self._append(self._links.step(delta_s))
        self._last_arrival = date_s
        self._latest.forget_times()
        if delta_s > 0:
            self._warn(
                f"this machine's clock jumped ahead by {apart(delta_s)} (it was set, or the "
                "machine was asleep); the time in between is a gap"
            )
            return
        text = f"this machine's clock was set back by {apart(delta_s)}"
        if self._minutes.done_s > date_s:
            text += f"; no readings until {_shown(local_time(self._minutes.done_s))}"
        self._warn(text)

    def take(self, items: Sequence[FeedItem], arrived_s: float) -> None:
        """Process items that the feed returned at a time.

        Raises:
            UnitError: the values cannot be in the unit in which they are read.
        """
        for item in items:
            if isinstance(item, Sample | CounterSample):
                self._take_sample(item, arrived_s)
            elif isinstance(item, Link):
                self._take_link(item, arrived_s)
            elif isinstance(item, Notice):
                self._take_notice(item, arrived_s)

    def update(self) -> None:
        """Do what is due: close minutes, report silence, and report gathered problems."""
        if not self._rules.by_feed:
            if self._now >= self._unknown_from_s:
                self._minutes.add(self._unknown_from_s + self._offset, math.nan)
                self._unknown_from_s = math.inf
            self._append_readings(self._minutes.advance(self._now + self._offset))
        self._append(self._links.check(self._now))
        if self._now >= self._notices.due_s:
            self._out += self._notices.gathered(self._moment(), self._now)

    def finish(self) -> None:
        """Close all complete minutes at the end of the feed."""
        by_feed = self._rules.by_feed
        last = self._future.held
        if last is not None:
            what = "is far ahead of all others, and the last one; skipped"
            self._add_disorder(last.at, what, self._now)
        self._append_readings(
            self._minutes.flush(self._latest.newest_s if by_feed else self._now + self._offset)
        )
        self._out += self._notices.gathered(self._moment(), self._now, due=False)
        self._latest.finish()

    def gathered(self) -> list[Notice]:
        """Return the notices not returned yet, those of gathered problems among them."""
        out, self._out = self._out, []
        notices = [item for item in out if isinstance(item, Notice)]
        return notices + self._notices.gathered(self._moment(), self._now, due=False)

    def take_output(self) -> list[LiveItem]:
        """Return the items that have been produced since the last call, in order."""
        out, self._out = self._out, []
        latest = self._latest.take(self._now)
        if latest is not None:
            out.append(latest)
        return out

    def wait_s(self, now_s: float) -> float | None:
        """Seconds until something is due if no item arrives; None if nothing ever is."""
        due = [self._notices.due_s, self._latest.due_s, self._links.due_s]
        if not self._rules.by_feed:
            due += [self._minutes.due_s - self._offset, now_s + _CHECK_EVERY_S]
        wait_s = min(due) - now_s
        return max(0.0, wait_s) if math.isfinite(wait_s) else None

    def _take_link(self, link: Link, arrived_s: float) -> None:
        if link.state == Link.LOST:
            # Until a sample arrives: changes during the outage may have been missed.
            self._unknown_from_s = min(self._unknown_from_s, arrived_s + _LOST_HOLD_S)
            self._minutes.spacing.restart()
        self._append(self._links.link(link, arrived_s))

    def _take_sample(self, sample: AnySample, arrived_s: float) -> None:
        self._append(self._links.sample(arrived_s))
        self._unknown_from_s = math.inf
        if not self._means.accepts(sample):
            text = "the feed mixes powers and energy registers; skipped"
            self._remark(Remark(Notice.MALFORMED, text), arrived_s)
            return
        value = sample.kw if isinstance(sample, Sample) else sample.kwh
        for remark in self._remarks.value(value, arrived_s):
            self._remark(remark, arrived_s)
        if isinstance(sample, Sample) and abs(value) > self._rules.max_kw:
            # Six digits are enough to recognise the value.
            self._remark(Remark(Notice.ABSURD, f"{value:.6g} kW"), arrived_s)
            sample = replace(sample, kw=math.nan)
        if not self._has_valid_time(sample):
            why = (
                "has no time, which --clock feed requires"
                if sample.at is None
                else f"has the invalid time {sample.at}"
            )
            self._remark(Remark(Notice.ORDER, f"a value {why}; skipped"), arrived_s)
            return
        if self._rules.by_feed:
            self._take_by_feed(sample, arrived_s)
            return
        arrived_at_s = arrived_s + self._offset
        if sample.at is None:
            # Samples of one moment keep their order.
            at_s = max(arrived_at_s, self._last_arrival + _TICK_S)
            self._last_arrival = at_s
        else:
            at_s = self._meter_clock.correct(sample.at.timestamp(), arrived_at_s)
            change = self._meter_clock.change()
            if change is not None:
                self._warn(change)
            if at_s > arrived_at_s + EARLY_S:
                what = f"is {apart(at_s - arrived_at_s)} ahead of this machine's clock; skipped"
                self._add_disorder(sample.at, what, arrived_s)
                return
        self._add(at_s, sample, arrived_s)

    def _has_valid_time(self, sample: AnySample) -> bool:
        """Whether a sample has a valid time, or none and its arrival counts."""
        if sample.at is None:
            return not self._rules.by_feed
        return _MIN_TIME_S <= sample.at.timestamp() <= _MAX_TIME_S

    def _take_by_feed(self, sample: AnySample, arrived_s: float) -> None:
        assert sample.at is not None  # noqa: S101 - its time is valid
        at_s = sample.at.timestamp()
        accepted, dropped = self._future.accept(at_s, sample, self._latest.newest_s)
        for each_s, each in accepted:
            self._add(each_s, each, arrived_s)
        if dropped is not None:
            what = "is far ahead of its neighbours; skipped"
            self._add_disorder(dropped.at, what, arrived_s)

    def _add(self, at_s: float, sample: AnySample, arrived_s: float) -> None:
        means, newest = self._means, self._means.newest
        remarks = means.add(at_s, sample)
        if means.newest is not None and means.newest != newest:
            self._latest.offer(*means.newest)
        remarks += self._remarks.spacing(means.minutes.spacing, is_counter=means.is_counter)
        for remark in remarks:
            self._remark(remark, arrived_s)
        if self._latest.pass_time(at_s) and self._rules.by_feed:
            self._append_readings(self._minutes.advance(at_s))

    def _remark(self, remark: Remark, arrived_s: float) -> None:
        """Report a remark on the samples, as often as its kind is reported."""
        if remark.kind == Notice.ABSURD:
            self._skip_implausible(remark.text, arrived_s)
            return
        text = f"{self._name}: {remark.text}"
        if remark.kind == BREAK:
            self._append(self._notices.breaks.add(text, self._moment(), arrived_s))
        else:
            notice = Notice(remark.kind, text, self._moment())
            self._append(self._notices.take(notice, arrived_s))

    def _skip_implausible(self, what: str, arrived_s: float) -> None:
        remedy = self._remarks.unit_remedy
        text = f"{self._name}: {what}, more than a household draws; {remedy}; skipped"
        implausible = self._notices.implausible
        self._append(implausible.add(text, self._moment(), arrived_s))
        if implausible.count >= _MAX_IMPLAUSIBLE and not self._means.any_power:
            raise UnitError(
                f"{self._name}: all of the first {implausible.count} values are above "
                f"{self._rules.max_kw:g} kW, more than a household draws; {remedy}"
            )

    def _take_notice(self, notice: Notice, arrived_s: float) -> None:
        at = self._moment() if notice.at is None else notice.at
        self._append(self._notices.take(replace(notice, at=at), arrived_s))

    def _add_disorder(self, at: datetime | None, what: str, arrived_s: float) -> None:
        text = f"{self._name}: the value of {at:%Y-%m-%d %H:%M:%S} {what}"
        self._append(self._notices.disordered.add(text, self._moment(), arrived_s))

    def _warn(self, text: str) -> None:
        self._out.append(Notice(Notice.WARNING, f"{self._name}: {text}", self._moment()))

    def _append(self, item: Notice | Link | None) -> None:
        if item is not None:
            self._out.append(item)

    def _append_readings(self, minutes: list[tuple[float, float]]) -> None:
        # Adding 0.0 turns a negative zero into a positive one.
        self._out += [
            Reading(local_time(start_s), round(kw, _DECIMALS) + 0.0) for start_s, kw in minutes
        ]

    @property
    def _minutes(self) -> MinuteMeans | CounterMeans:
        return self._means.minutes

    def _moment(self) -> datetime | None:
        """Stream time for notices."""
        if not self._rules.by_feed:
            return local_time(self._now + self._offset)
        newest_s = self._latest.newest_s
        return local_time(newest_s) if math.isfinite(newest_s) else None


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
