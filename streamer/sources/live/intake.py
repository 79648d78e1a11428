"""Samples, links and notices of a meter into readings and notices of a stream.

Logic only: times are passed in. `now_s` is a clock that never goes back, such as waits are
measured by; the date is known by how far it is from that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from streamer.display.durations import apart
from streamer.errors import UnitError, UsageError
from streamer.feeds import FeedItem
from streamer.readings import Link, Notice, Reading, Sample
from streamer.sources.bounds import MAX_KW
from streamer.sources.live.linkwatch import LinkWatch
from streamer.sources.live.meterclock import EARLY_S, MeterClock
from streamer.sources.live.minutes import MINUTE_S, MinuteMeans, local_time
from streamer.sources.live.mishaps import Mishaps
from streamer.sources.live.samples import FarAhead, LatestSample

LiveItem: TypeAlias = Reading | Notice | Link | Sample
"""What a live source gives."""

_JUMP_S = 2.0
_LOOK_EVERY_S = 5.0
_ABSURD_ENOUGH = 20
_DAY_S = 86_400.0
_LOST_HOLD_S = 60.0  # a value stands no longer while nobody could hear of another
# From 1970 to the year 5138: what is before or later cannot be meant, nor all of it be turned
# into local time.
_EARLIEST_S, _LATEST_S = 0.0, 1e11
_TICK_S = 1e-6
_DECIMALS = 6  # a milliwatt: no meter is finer, and 0.355 is not to be 0.35500000000000004


@dataclass(frozen=True, slots=True)
class LiveRules:
    """How samples become minutes.

    Attributes:
        stale_after_s: for how long a value stands when nothing new comes; while the link is
            lost, for a minute at most.
        grace_s: how long after its end a minute waits for samples that come late.
        max_kw: the magnitude in kW above which a value is absurd.
        by_feed: whether time is what the samples say, and not this machine's clock.
    """

    stale_after_s: float = 600.0
    grace_s: float = 5.0
    max_kw: float = MAX_KW
    by_feed: bool = False

    def check(self) -> None:
        """Raise UsageError for rules that cannot be meant."""
        if not 0 < self.stale_after_s <= _DAY_S:
            raise UsageError(
                f"--stale-after {self.stale_after_s:g} must be above 0 and at most "
                f"{_DAY_S:g} s, which is a day"
            )
        if not 0 <= self.grace_s <= MINUTE_S:
            raise UsageError(f"--grace {self.grace_s:g} must be from 0 to {MINUTE_S:g} s")
        if not (math.isfinite(self.max_kw) and self.max_kw > 0):
            raise UsageError(f"--max-kw {self.max_kw} must be a number above 0")


class Intake:
    """Takes what a feed gives, and gives what a live source does.

    Args:
        name: the feed's name.
        rules: how samples become minutes.
        now_s: the time.
        date_s: the date at that time, in seconds since 1970.
        peer: who is at the other end, until the feed says so.
    """

    def __init__(
        self, name: str, rules: LiveRules, now_s: float, date_s: float, *, peer: str = "meter"
    ) -> None:
        rules.check()
        self._name = name
        self._rules = rules
        self._now = now_s
        self._offset = date_s - now_s
        self._means = MinuteMeans(stale_after_s=rules.stale_after_s, grace_s=rules.grace_s)
        if not rules.by_feed:
            self._means.flush(date_s)  # minutes that were over before we came are not ours
        self._meter_clock = MeterClock(rules.grace_s)
        self._links = LinkWatch(
            rules.stale_after_s, lambda at_s: local_time(at_s + self._offset), now_s, peer
        )
        self._mishaps = Mishaps()
        self._latest = LatestSample(now_s)
        self._far_ahead = FarAhead()
        self._any_good = False
        self._out: list[LiveItem] = []
        self._last_arrival = -math.inf
        self._lost = False
        self._unknown_from_s = math.inf  # when the link will have been lost for too long

    def go_on_after(self, after: datetime) -> None:
        """Take a minute, and all before it, as done; before the first sample."""
        self._means.go_on_after(after.timestamp())
        ahead_s = self._means.done_s - (self._now + self._offset)
        if not self._rules.by_feed and ahead_s > MINUTE_S:
            self._warn(
                f"the recording goes on until {_shown(local_time(self._means.done_s))}, "
                f"{apart(ahead_s)} ahead of this machine's clock; no readings until then"
            )

    def set_time(self, now_s: float, date_s: float) -> None:
        """Say what time it is, before anything else of that time."""
        before_s = now_s + self._offset
        delta_s = date_s - before_s
        is_step = abs(delta_s) > _JUMP_S and not self._rules.by_feed
        if is_step:
            self._give(self._means.advance(before_s))
        self._now, self._offset = now_s, date_s - now_s
        if not is_step:
            return
        self._means.step(delta_s, date_s)
        self._meter_clock.step(delta_s)
        self._say(self._links.step(delta_s))
        self._last_arrival = date_s
        self._latest.forget_times()
        if delta_s > 0:
            self._warn(
                f"this machine's clock jumped ahead by {apart(delta_s)} (it was set, or the "
                "machine slept); the time between is a gap"
            )
            return
        text = f"this machine's clock was set back by {apart(delta_s)}"
        if self._means.done_s > date_s:
            text += f"; no readings until {_shown(local_time(self._means.done_s))} is past"
        self._warn(text)

    def take(self, items: Sequence[FeedItem], arrived_s: float) -> None:
        """Take what the feed gave at a time.

        Raises:
            UnitError: the values cannot be in the unit they are read in.
        """
        for item in items:
            if isinstance(item, Sample):
                self._take_sample(item, arrived_s)
            elif isinstance(item, Link):
                self._take_link(item, arrived_s)
            else:
                self._take_notice(item, arrived_s)

    def look(self) -> None:
        """Do what is due by now: minutes that are over, silence, sums of mishaps."""
        if not self._rules.by_feed:
            if self._now >= self._unknown_from_s:
                self._means.add(self._unknown_from_s + self._offset, math.nan)
                self._unknown_from_s = math.inf
            self._give(self._means.advance(self._now + self._offset))
            self._say(self._links.look(self._now))
        if self._now >= self._mishaps.due_s:
            self._out += self._mishaps.gathered(self._moment(), self._now)

    def finish(self) -> None:
        """The feed has ended: what is complete is given out."""
        by_feed = self._rules.by_feed
        last = self._far_ahead.held
        if last is not None:
            what = "is far ahead of all before it, and the last one; skipped"
            self._tell_disorder(last.at, what, self._now)
        self._give(
            self._means.flush(self._latest.newest_s if by_feed else self._now + self._offset)
        )
        self._out += self._mishaps.gathered(self._moment(), self._now, due=False)
        self._latest.finish()

    def given(self) -> list[LiveItem]:
        """What there is to pass on since the last call, in order."""
        out, self._out = self._out, []
        latest = self._latest.take(self._now)
        if latest is not None:
            out.append(latest)
        return out

    def wait_s(self, now_s: float) -> float | None:
        """For how long there is nothing to do if nothing comes; None for ever."""
        due = [self._mishaps.due_s, self._latest.due_s]
        if not self._rules.by_feed:
            due += [
                self._means.due_s - self._offset,
                self._links.due_s,
                now_s + _LOOK_EVERY_S,
            ]
        wait_s = min(due) - now_s
        return max(0.0, wait_s) if math.isfinite(wait_s) else None

    def _take_link(self, link: Link, arrived_s: float) -> None:
        lost = link.state == Link.LOST
        if lost != self._lost:
            self._lost = lost
            self._unknown_from_s = arrived_s + _LOST_HOLD_S if lost else math.inf
        self._say(self._links.link(link, arrived_s))

    def _take_sample(self, sample: Sample, arrived_s: float) -> None:
        self._say(self._links.sample(arrived_s))
        kw = sample.kw
        if abs(kw) > self._rules.max_kw:
            self._skip_absurd(kw, arrived_s)
            return
        self._any_good = self._any_good or not math.isnan(kw)
        if not self._can_be_dated(sample):
            why = "has no time" if sample.at is None else f"has the time {sample.at}"
            text = f"{self._name}: a value {why}, which minutes cannot go by; skipped"
            self._say(self._mishaps.disordered.add(text, self._moment(), arrived_s))
            return
        if self._rules.by_feed:
            self._take_by_feed(sample, arrived_s)
            return
        arrived_at_s = arrived_s + self._offset
        if sample.at is None:
            # Those of one moment keep their order.
            at_s = max(arrived_at_s, self._last_arrival + _TICK_S)
            self._last_arrival = at_s
        else:
            at_s = self._meter_clock.correct(sample.at.timestamp(), arrived_at_s)
            news = self._meter_clock.news()
            if news is not None:
                self._warn(news)
            if at_s > arrived_at_s + EARLY_S:
                what = f"is {apart(at_s - arrived_at_s)} ahead of this machine's clock; skipped"
                self._tell_disorder(sample.at, what, arrived_s)
                return
        self._add(at_s, kw, arrived_s)

    def _can_be_dated(self, sample: Sample) -> bool:
        """Whether a sample has a time that can be meant, or none where that of its arrival does."""
        if sample.at is None:
            return not self._rules.by_feed
        return _EARLIEST_S <= sample.at.timestamp() <= _LATEST_S

    def _take_by_feed(self, sample: Sample, arrived_s: float) -> None:
        assert sample.at is not None  # noqa: S101 - it can be dated
        at_s = sample.at.timestamp()
        accepted, dropped = self._far_ahead.sift(at_s, sample, self._latest.newest_s)
        for each_s, each in accepted:
            self._add(each_s, each.kw, arrived_s)
        if dropped is not None:
            what = "is far ahead of those around it; skipped"
            self._tell_disorder(dropped.at, what, arrived_s)

    def _add(self, at_s: float, kw: float, arrived_s: float) -> None:
        means = self._means
        late, doubled = means.late, means.doubled
        means.add(at_s, kw)
        if means.late > late:
            what = "came after its minute was closed; skipped"
            self._tell_disorder(local_time(at_s), what, arrived_s)
        elif means.doubled > doubled:
            what = "came twice; the later one counts"
            self._tell_disorder(local_time(at_s), what, arrived_s)
        if self._latest.offer(at_s, kw) and self._rules.by_feed:
            self._give(means.advance(at_s))

    def _skip_absurd(self, kw: float, arrived_s: float) -> None:
        remedy = "if the meter speaks W, say unit=W; otherwise raise --max-kw"
        # Six figures are enough to know the value by.
        text = f"{self._name}: {kw:.6g} kW is more than a household draws; {remedy}; skipped"
        absurd = self._mishaps.absurd
        self._say(absurd.add(text, self._moment(), arrived_s))
        if absurd.count >= _ABSURD_ENOUGH and not self._any_good:
            raise UnitError(
                f"{self._name}: all of the first {absurd.count} values are more than "
                f"{self._rules.max_kw:g} kW, which no household draws; {remedy}"
            )

    def _take_notice(self, notice: Notice, arrived_s: float) -> None:
        at = self._moment() if notice.at is None else notice.at
        self._say(self._mishaps.take(replace(notice, at=at), arrived_s))

    def _tell_disorder(self, at: datetime | None, what: str, arrived_s: float) -> None:
        text = f"{self._name}: the value of {at:%Y-%m-%d %H:%M:%S} {what}"
        self._say(self._mishaps.disordered.add(text, self._moment(), arrived_s))

    def _warn(self, text: str) -> None:
        self._out.append(Notice(Notice.WARNING, f"{self._name}: {text}", self._moment()))

    def _say(self, item: Notice | Link | None) -> None:
        if item is not None:
            self._out.append(item)

    def _give(self, minutes: list[tuple[float, float]]) -> None:
        # Adding nothing makes a zero that has a sign one that has none.
        self._out += [
            Reading(local_time(start_s), round(kw, _DECIMALS) + 0.0) for start_s, kw in minutes
        ]

    def _moment(self) -> datetime | None:
        """What a notice says it happened at."""
        if not self._rules.by_feed:
            return local_time(self._now + self._offset)
        newest_s = self._latest.newest_s
        return local_time(newest_s) if math.isfinite(newest_s) else None


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
