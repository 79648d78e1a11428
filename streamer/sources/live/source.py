"""Source of a meter: one reading a minute from the samples of its feed."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias

from streamer.clock import SystemClock, WallClock
from streamer.errors import StreamerError, UsageError
from streamer.feeds import Feed, FeedItem, Pace
from streamer.feeds.advice import Advice
from streamer.readings import CHANNELS, Notice
from streamer.sources.bounds import MAX_KW
from streamer.sources.live.feedreader import FeedReader
from streamer.sources.live.processor import LiveItem, SampleProcessor
from streamer.sources.live.rewinding import Rewinder, Rewinding
from streamer.sources.live.rules import RETRY_MAX_S, LiveRules
from streamer.sources.pendingcalls import PendingCalls

_MAX_WAITING = 1000
_MAX_DELAY_S = 0.5
_NO_ADVICE = Advice()

_BEAT_S = 1.0
_UNKNOWN_PACE_S = 60.0
_COMPUTING_S = 5.0  # for the way of a reading, on a busy machine

_Moment: TypeAlias = tuple[float, float]
"""Time on the monotonic clock and date, in seconds."""

_Batch: TypeAlias = tuple[_Moment, Sequence[FeedItem] | float]
"""Moment of arrival, and the items; or seconds for which this process did not run before it."""


class LiveSource:
    """Minute means of a feed's samples, and the state of its connection.

    The means are weighted by time, on UTC minutes. Each is returned once the minute and the
    allowed lateness are over; a minute of which too little is known is left out. The samples
    may be those of an energy register; then a minute waits until its energy is known. A feed with
    channels gives readings with the means of all of them. Samples
    that are late, duplicate, unreadable or implausible are counted and reported; a lost
    connection is made again.

    Args:
        feed: closed with the source.
        stale_after_s: upper bound in seconds for the validity of a value when no other arrives.
        grace_s: allowed lateness: seconds for which a minute is kept open after its end.
        max_kw: magnitude in kW above which a value is implausible.
        after: a minute that is done already, and all before it.
        by: ``wall`` if minutes end by this machine's clock, ``feed`` if by the samples' times,
            as for a log; then no other clock matters.
        retry_max_s: longest wait in seconds between two attempts to connect.
        clock: source of the time.
        advice: remedies that suit the feed, for messages.
        channels: names of the further channels that each reading shall have, in the order of
            `Reading.channels`; others that the feed gives are left out.

    Raises:
        UsageError: a parameter is out of bounds, or the feed lacks one of the channels.
    """

    def __init__(
        self,
        feed: Feed,
        *,
        stale_after_s: float,
        grace_s: float = 5.0,
        max_kw: float = MAX_KW,
        after: datetime | None = None,
        by: str = "wall",
        retry_max_s: float = RETRY_MAX_S,
        clock: WallClock | None = None,
        advice: Advice = _NO_ADVICE,
        channels: Sequence[str] = (),
    ) -> None:
        if by not in ("wall", "feed"):
            raise UsageError(f"minutes can end by wall or feed, not by {by!r}")
        if missing := missing_channels(feed, channels):
            raise UsageError(f"{feed.name} does not give {' and '.join(missing)}")
        given: Mapping[str, Pace] = getattr(feed, "channels", {})
        taken = [*(name for name in CHANNELS if name in given), *channels]
        self._rules = LiveRules(
            stale_after_s,
            grace_s,
            max_kw,
            by_feed=by == "feed",
            pace=getattr(feed, "pace", Pace()),
            advice=advice,
            retry_max_s=retry_max_s,
            channels={name: given[name] for name in taken},
            unused=frozenset(given).difference(taken),
        )
        self._rules.check()
        self._feed = feed
        self._after = after
        self._clock: WallClock = SystemClock() if clock is None else clock
        self._processor: SampleProcessor | None = None
        self._rewinding = Rewinding()
        self._reader = FeedReader(
            feed, self._put, self._end, retry_max_s=retry_max_s, clock=self._clock
        )
        self._condition = threading.Condition()
        self._inbox: deque[_Batch] = deque()
        self._calls = PendingCalls()
        self._feed_ended = False
        self._ended = False
        self._closed = threading.Event()
        self._failure: StreamerError | None = None
        self._stopped_s = 0.0
        self._beat = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)

    @property
    def name(self) -> str:
        """The feed's name."""
        return self._feed.name

    @property
    def late_s(self) -> float:
        """Seconds after the end of a minute by which its reading should be here.

        They follow from the allowed lateness and the pace of the samples so far.
        """
        processor = self._processor
        behind_s = _UNKNOWN_PACE_S if processor is None else processor.behind_s
        return self._rules.grace_s + behind_s + _COMPUTING_S

    def resume_after(self, after: datetime | None) -> None:
        """Treat a minute, and all before it, as done; to be called before the first read."""
        self._after = after

    def rewind_by(self, rewinder: Rewinder) -> None:
        """Set what to do about readings in the future; to be called before the first read."""
        self._rewinding.rewinder = rewinder

    def read(self) -> Sequence[LiveItem]:
        """Return the items since the last call; waits until there is at least one.

        Returns:
            Readings in order of time, and among them notices, links and at most one sample,
            the latest; empty once the feed has ended or the source was closed.

        Raises:
            SourceError: the feed cannot be continued.
        """
        self._rewinding.begin()
        while not self._closed.is_set():
            processor = self._processor or self._begin()
            self._calls.run()
            if not self._ended:
                self._process(processor, *self._wait(processor))
            if self._closed.is_set():
                break
            if given := processor.take_output():
                return given
            if self._ended:
                if self._failure is not None:
                    raise self._failure
                break
        return []

    def gathered(self) -> Sequence[Notice]:
        """Return the notices that were gathered or still wait, at the end of a stream."""
        processor = self._processor
        if processor is None:
            return []
        with self._condition:
            waiting = list(self._inbox)
            self._inbox.clear()
        for (arrived_s, _), items in waiting:
            if not isinstance(items, float):
                processor.take([item for item in items if isinstance(item, Notice)], arrived_s)
        return processor.gathered()

    def call_soon(self, call: Callable[[], None]) -> None:
        """Have a function called by the thread that reads, in its next turn; from any thread.

        A thread that waits for the feed does so at once. After the end it is called here.
        """
        self._calls.add(call)
        with self._condition:
            self._condition.notify_all()

    def close(self) -> None:
        """Close the feed, and make a waiting `read` return; from any thread, also repeatedly."""
        with self._condition:
            self._closed.set()
            self._condition.notify_all()
        self._reader.close()
        self._calls.end()

    def _begin(self) -> SampleProcessor:
        self._stopped_s = self._clock.stopped()
        peer = getattr(self._feed, "peer", "meter")
        asleep_s = self._clock.asleep()
        processor = SampleProcessor(
            self.name, self._rules, *self._time(), peer=peer, asleep_s=asleep_s
        )
        if self._after is not None:
            processor.resume_after(self._after)
        self._processor = processor
        self._reader.start()
        if not self._rules.by_feed:
            self._beat.start()
        return processor

    def _wait(self, processor: SampleProcessor) -> tuple[list[_Batch], _Moment]:
        """Wait for items of the feed, or until something else is due."""
        with self._condition:
            is_idle = not self._inbox and not self._calls
            if is_idle and not self._feed_ended and not self._closed.is_set():
                wait_s = processor.wait_s(self._clock.now())
                if wait_s is None or wait_s > 0:
                    self._clock.wait(self._condition, wait_s)
            until = self._present()
            batches = list(self._inbox)
            self._inbox.clear()
            self._condition.notify_all()
            return batches, until

    def _process(self, processor: SampleProcessor, batches: list[_Batch], until: _Moment) -> None:
        # Items are processed before minutes are closed, since they may have waited for us.
        try:
            for moment, items in batches:
                self._set_time(processor, moment)
                if isinstance(items, float):
                    processor.absent(items)
                else:
                    processor.take(items, moment[0])
        except StreamerError as error:
            self._ended, self._failure = True, error
        self._set_time(processor, until)
        processor.update()
        self._rewinding.check(processor.timeline)
        with self._condition:
            if self._feed_ended and not self._inbox:
                self._ended = True
        if self._ended:
            processor.finish()

    def _set_time(self, processor: SampleProcessor, moment: _Moment) -> None:
        self._rewinding.jumped(processor.set_time(*moment, asleep_s=self._clock.asleep()))

    def _beat_on(self) -> None:
        """Notice that this process runs, so that it is noticed when it did not."""
        while not self._closed.wait(_BEAT_S):
            with self._condition:
                self._present()

    def _present(self) -> _Moment:
        """Time and date, behind any absence; called with the condition held."""
        while True:
            moment, stopped_s = self._time(), self._clock.stopped()
            if stopped_s <= self._stopped_s:
                return moment
            self._inbox.append((self._time(), stopped_s - self._stopped_s))
            self._stopped_s = stopped_s
            self._condition.notify_all()

    def _time(self) -> _Moment:
        """Time and date of the same moment."""
        while True:
            before_s, date_s, now_s = self._clock.now(), self._clock.wall(), self._clock.now()
            # After a delay in between, the date would seem to have been set.
            if now_s - before_s < _MAX_DELAY_S:
                return now_s, date_s

    def _put(self, items: Sequence[FeedItem]) -> None:
        with self._condition:
            # A feed that is faster than its reader has to wait.
            self._condition.wait_for(
                lambda: len(self._inbox) < _MAX_WAITING or self._closed.is_set()
            )
            if not self._closed.is_set():
                self._inbox.append((self._present(), items))
                self._condition.notify_all()

    def _end(self, error: StreamerError | None) -> None:
        with self._condition:
            self._failure = self._failure or error
            self._feed_ended = True
            self._condition.notify_all()


def missing_channels(feed: Feed, channels: Sequence[str]) -> list[str]:
    """Return those of some channels that a feed does not give."""
    given: Mapping[str, Pace] = getattr(feed, "channels", {})
    return [name for name in channels if name not in given]
