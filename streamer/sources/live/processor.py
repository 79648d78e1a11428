"""Conversion of a feed's samples, links and notices to the items of a live source.

No I/O and no clock: times are passed in. `now_s` is on a monotonic clock, on which waits are
measured; dates are derived from its difference to the wall clock.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from streamer.display.durations import apart
from streamer.feeds import FeedItem
from streamer.feeds.values import words_for
from streamer.readings import CounterSample, Link, Notice, Reading, Sample
from streamer.sources.live.absence import Backlog, Jump
from streamer.sources.live.channel import ChannelMeans
from streamer.sources.live.channels import Channels
from streamer.sources.live.linkwatch import LinkWatch
from streamer.sources.live.means import AnySample
from streamer.sources.live.meterclock import EARLY_S
from streamer.sources.live.minutes import local_time
from streamer.sources.live.notices import Remark
from streamer.sources.live.reports import Reports
from streamer.sources.live.rules import LiveRules
from streamer.sources.live.samples import FutureFilter, LatestSample
from streamer.sources.live.screening import Screening
from streamer.sources.live.timeline import BEGAN, Timeline

LiveItem: TypeAlias = Reading | Notice | Link | Sample
"""An item of a live source."""

_CHECK_EVERY_S = 5.0
_LOST_HOLD_S = 60.0  # validity of a value after the connection is lost
_TICK_S = 1e-6


class SampleProcessor:
    """Converts the items of a feed to those of a live source.

    Args:
        name: the feed's name.
        rules: rules for the minute means.
        now_s: the time.
        date_s: the date at that time, in seconds since 1970.
        peer: name of the other end, until the feed reports it.
        asleep_s: seconds for which the machine was asleep, in all; None if that is unknown.

    Attributes:
        timeline: the time, and the minutes closed by it.
    """

    def __init__(
        self,
        name: str,
        rules: LiveRules,
        now_s: float,
        date_s: float,
        *,
        peer: str = "meter",
        asleep_s: float | None = 0.0,
    ) -> None:
        rules.check()
        self._rules = rules
        self._out: list[LiveItem] = []
        self._channels = Channels(rules)
        self._reports = Reports(name, self._moment, self._append)
        self._screening = Screening(rules, self._reports)
        self.timeline = Timeline(
            self._channels, self._reports, self._append, rules, now_s, date_s, asleep_s=asleep_s
        )
        self._links = LinkWatch(
            rules.stale_after_s,
            lambda at_s: local_time(self.timeline.date_of(at_s)),
            now_s,
            peer,
            rules.pace,
            retry_max_s=rules.retry_max_s,
            silence=not rules.by_feed,
        )
        self._latest = LatestSample(now_s)
        self._future = FutureFilter()
        self._last_arrival = -math.inf
        self._left_out: set[str] = set()

    @property
    def behind_s(self) -> float:
        """Seconds after its end for which a minute is not known yet, at the pace of the samples."""
        return self._channels.behind_s

    def resume_after(self, after: datetime) -> None:
        """Treat a minute, and all before it, as done; to be called before the first sample."""
        self.timeline.resume_after(after)

    def set_time(self, now_s: float, date_s: float, *, asleep_s: float | None = 0.0) -> Jump | None:
        """Set the time, before any item of that time is taken; returns a jump of the date.

        Args:
            now_s: the time.
            date_s: the date, in seconds since 1970.
            asleep_s: seconds for which the machine was asleep, in all; None if that is unknown.
        """
        jump = self.timeline.set(now_s, date_s, asleep_s)
        if jump is not None:
            if jump.away_s:
                self._links.absent(now_s)
            for channel in self._channels:
                channel.clock.step(jump.set_s)
            self._append(self._links.step(jump.away_s + jump.set_s))
            self._last_arrival = date_s
            self._latest.forget_times()
        return jump

    def absent(self, away_s: float) -> None:
        """Take note that this process did not run until now, for so many seconds."""
        if not self._rules.by_feed:
            self.timeline.absent(away_s)
            self._links.absent(self.timeline.now_s)

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
                self._reports.notice(item, arrived_s)

    def update(self) -> None:
        """Do what is due: close minutes, report silence, and report gathered problems."""
        now_s = self.timeline.now_s
        if not self._rules.by_feed:
            for channel in self._channels:
                if now_s >= channel.unknown_from_s:
                    channel.minutes.forget_from(self.timeline.date_of(channel.unknown_from_s))
                    channel.unknown_from_s = math.inf
            for kept in self.timeline.update():
                self._take_sample(kept, now_s)
        self._append(self._links.check(now_s))
        if now_s >= self._reports.due_s:
            self._reports.gathered(now_s)

    def finish(self) -> None:
        """Close all complete minutes at the end of the feed."""
        now_s, last = self.timeline.now_s, self._future.held
        if last is not None:
            what = "is far ahead of all others, and the last one; skipped"
            self._reports.disorder(last.at, what, now_s)
        end_s = self._channels.newest_s if self._rules.by_feed else self.timeline.date_s
        self.timeline.flush(end_s)
        self._reports.gathered(now_s, due=False)
        self._latest.finish()

    def gathered(self) -> list[Notice]:
        """Return the notices not returned yet, those of gathered problems among them."""
        self._reports.gathered(self.timeline.now_s, due=False)
        out, self._out = self._out, []
        return [item for item in out if isinstance(item, Notice)]

    def take_output(self) -> list[LiveItem]:
        """Return the items that have been produced since the last call, in order."""
        out, self._out = self._out, []
        latest = self._latest.take(self.timeline.now_s)
        if latest is not None:
            out.append(latest)
        return out

    def wait_s(self, now_s: float) -> float | None:
        """Seconds until something is due if no item arrives; None if nothing ever is."""
        due = [self._reports.due_s, self._latest.due_s, self._links.due_s]
        if not self._rules.by_feed:
            due += [self.timeline.due_s, now_s + _CHECK_EVERY_S]
        wait_s = min(due) - now_s
        return max(0.0, wait_s) if math.isfinite(wait_s) else None

    def _take_link(self, link: Link, arrived_s: float) -> None:
        date_s = self.timeline.date_of(arrived_s)
        if link.state == Link.LOST:
            for channel in self._channels:
                # Until a sample arrives: changes during the outage may have been missed.
                lost_s = arrived_s + _LOST_HOLD_S
                channel.unknown_from_s = min(channel.unknown_from_s, lost_s)
                channel.minutes.spacing.restart()
            self._channels.doubt(date_s)
        elif link.state == Link.UP:
            self._channels.doubt(date_s, date_s)
        self._append(self._links.link(link, arrived_s))

    def _take_sample(self, sample: AnySample, arrived_s: float) -> None:
        channel = self._channels.of(sample)
        if channel is None:
            if isinstance(sample, Sample) and sample.channel in self._rules.unused:
                self._leave_out(sample.channel, arrived_s)
                return
            text = "the feed sends a channel that it has not declared; skipped"
            self._reports.remark(Remark(Notice.MALFORMED, text), arrived_s)
            return
        if channel is self._channels.grid:
            self._append(self._links.sample(arrived_s))
        backlog = self.timeline.backlog
        if backlog is not None and self._has_waited(backlog, channel, sample, arrived_s):
            text = "a value without a time waited for this process, and may be old; skipped"
            self._screening.remark(channel, Remark(Notice.ORDER, text), arrived_s)
            return
        channel.unknown_from_s = math.inf
        passed = self._screening.passed(channel, sample, arrived_s)
        if passed is None:
            return
        if self._rules.by_feed:
            self._take_by_feed(passed, arrived_s)
            return
        at_s = self._time_of(channel, passed.at, arrived_s)
        if at_s is not None:
            self._add(channel, at_s, passed, arrived_s)

    def _leave_out(self, channel: str, arrived_s: float) -> None:
        """Report once that a channel is left out."""
        if channel in self._left_out:
            return
        self._left_out.add(channel)
        text = f"{words_for(channel)} is left out, since the model does not take it"
        self._reports.remark(Remark(Notice.EVENT, text), arrived_s)

    def _has_waited(
        self, backlog: Backlog, channel: ChannelMeans, sample: AnySample, arrived_s: float
    ) -> bool:
        """Whether a sample without a time may be as old as an absence."""
        arrived_at_s = self.timeline.date_of(arrived_s)
        if sample.at is not None:
            at_s = sample.at.timestamp() + channel.clock.error_s
            backlog.timed(channel.name, at_s, arrived_at_s)
            return False
        is_old = backlog.is_old(arrived_at_s)
        backlog.latest.pop(channel.name, None)
        if is_old and channel.minutes.spacing.on_change:
            # The last value of a feed of changes is the present one, if none follows.
            backlog.latest[channel.name] = sample
        return is_old

    def _time_of(
        self, channel: ChannelMeans, at: datetime | None, arrived_s: float
    ) -> float | None:
        """Return the date of a sample on our clock; None, and a report, if it is in the future."""
        arrived_at_s = self.timeline.date_of(arrived_s)
        if at is None:
            # Samples of one moment keep their order.
            self._last_arrival = max(arrived_at_s, self._last_arrival + _TICK_S)
            return self._last_arrival
        at_s = channel.clock.correct(at.timestamp(), arrived_at_s)
        change = channel.clock.change()
        if change is not None:
            self._reports.warn(f"{channel.label}{change}")
        if at_s > arrived_at_s + EARLY_S:
            what = f"is {apart(at_s - arrived_at_s)} ahead of this machine's clock; skipped"
            self._reports.disorder(at, what, arrived_s, label=channel.label)
            return None
        return at_s

    def _take_by_feed(self, sample: AnySample, arrived_s: float) -> None:
        assert sample.at is not None  # noqa: S101 - its time is valid
        at_s, newest_s = sample.at.timestamp(), self._channels.newest_s
        if not math.isfinite(newest_s):
            self._channels.grid.minutes.cuts.unseen(-math.inf, at_s, BEGAN)
        accepted, dropped = self._future.accept(at_s, sample, newest_s)
        for each_s, each in accepted:
            channel = self._channels.of(each)
            assert channel is not None  # noqa: S101 - it was checked on arrival
            self._add(channel, each_s, each, arrived_s)
            self.timeline.advance(self._channels.reached_s)
        if dropped is not None:
            what = "is far ahead of its neighbours; skipped"
            self._reports.disorder(dropped.at, what, arrived_s)

    def _add(self, channel: ChannelMeans, at_s: float, sample: AnySample, arrived_s: float) -> None:
        means, newest = channel.means, channel.means.newest
        if isinstance(sample, Sample) and sample.demand is not None:
            self._channels.demands.add(at_s, sample.kw, sample.demand)
        for remark in channel.add(at_s, sample):
            self._screening.remark(channel, remark, arrived_s)
        if channel is self._channels.grid and means.newest not in (None, newest):
            self._latest.offer(*means.newest)

    def _append(self, item: LiveItem | None) -> None:
        if item is not None:
            self._out.append(item)

    def _moment(self) -> datetime | None:
        """Stream time for notices."""
        if not self._rules.by_feed:
            return local_time(self.timeline.date_s)
        newest_s = self._channels.newest_s
        return local_time(newest_s) if math.isfinite(newest_s) else None
