"""A meter as a source: one reading a minute of whatever its feed says."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from streamer.clock import SystemClock, WallClock
from streamer.errors import StreamerError, UsageError
from streamer.feeds import Feed, FeedItem
from streamer.feeds.address import Address, Credentials
from streamer.feeds.registry import load_kind, open_feed
from streamer.sources.bounds import MAX_KW
from streamer.sources.live.intake import Intake, LiveItem, LiveRules
from streamer.sources.live.pump import RETRY_MAX_S, Pump

_MOST_WAITING = 1000
_HELD_UP_S = 0.5

_Moment: TypeAlias = tuple[float, float]
"""Time and date."""

_Batch: TypeAlias = tuple[_Moment, Sequence[FeedItem]]
"""When it came, and what."""


def open_source(
    url: str,
    *,
    credentials: Credentials | None = None,
    stale_after_s: float | None = None,
    grace_s: float = 5.0,
    max_kw: float = MAX_KW,
    after: datetime | None = None,
    by: str = "wall",
    retry_max_s: float = RETRY_MAX_S,
) -> LiveSource:
    """Make the source of a meter's address; it connects when it is read.

    Args:
        url: the feed's address, such as ``mqtt://host/topic?unit=W``.
        credentials: what lets us in, if it does not stand in the URL.
        stale_after_s: for how long a value stands when nothing new comes; None for what
            suits the kind of feed.
        grace_s: how long after its end a minute waits for samples that come late.
        max_kw: the magnitude in kW above which a value is absurd.
        after: a minute that is done already, and all before it with it.
        by: ``wall`` if minutes end by this machine's clock, ``feed`` if by the samples' own.
        retry_max_s: the longest wait between two tries to connect.

    Raises:
        UsageError: the address or an option of it is wrong.
        MissingExtraError: a library is not installed.
    """
    address = Address.parse(url, credentials)
    if stale_after_s is None:
        stale_after_s = load_kind(address.scheme).stale_after_s
    return LiveSource(
        open_feed(address),
        stale_after_s=stale_after_s,
        grace_s=grace_s,
        max_kw=max_kw,
        after=after,
        by=by,
        retry_max_s=retry_max_s,
    )


class LiveSource:
    """A feed's samples as minute means, and beside them how the connection stands.

    Time-weighted means on UTC minutes, each given as soon as it is over and the grace with
    it, or left out where too little is known. What comes late, twice, unreadable or absurd
    is counted and told; a connection that is lost is made again.

    Args:
        feed: closed with the source.
        stale_after_s: for how long a value stands when nothing new comes.
        grace_s: how long after its end a minute waits for samples that come late.
        max_kw: the magnitude in kW above which a value is absurd.
        after: a minute that is done already, and all before it with it.
        by: ``wall`` if minutes end by this machine's clock, ``feed`` if by the samples' own,
            as in a log: then no clock but theirs matters.
        retry_max_s: the longest wait between two tries to connect.
        clock: where the time comes from.

    Raises:
        UsageError: a limit cannot be meant.
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
    ) -> None:
        if by not in ("wall", "feed"):
            raise UsageError(f"minutes go by wall or feed, not {by!r}")
        if not retry_max_s > 0:
            raise UsageError(f"--retry {retry_max_s} must be above 0 s")
        self._rules = LiveRules(stale_after_s, grace_s, max_kw, by_feed=by == "feed")
        self._rules.check()
        self._feed = feed
        self._after = after
        self._clock: WallClock = SystemClock() if clock is None else clock
        self._intake: Intake | None = None
        self._pump = Pump(feed, self._put, self._end, retry_max_s=retry_max_s, clock=self._clock)
        self._condition = threading.Condition()
        self._inbox: deque[_Batch] = deque()
        self._feed_ended = False
        self._ended = False
        self._closed = threading.Event()
        self._failure: StreamerError | None = None

    @property
    def name(self) -> str:
        """The feed's name."""
        return self._feed.name

    def go_on_after(self, after: datetime | None) -> None:
        """Take a minute, and all before it, as done; to be called before the first read."""
        self._after = after

    def read(self) -> Sequence[LiveItem]:
        """What has come since the last call; waits until there is something.

        Returns:
            Readings in order of time, and among them notices, links and at most one sample,
            the latest; nothing once the feed has ended, or the source has been closed.

        Raises:
            SourceError: the feed cannot go on.
        """
        while not self._closed.is_set():
            intake = self._intake or self._begin()
            if not self._ended:
                self._work(intake, *self._wait(intake))
            if self._closed.is_set():
                break
            given = intake.given()
            if given:
                return given
            if self._ended:
                if self._failure is not None:
                    raise self._failure
                break
        return []

    def close(self) -> None:
        """Close the feed, and make a `read` that waits return; from any thread, also twice."""
        with self._condition:
            self._closed.set()
            self._inbox.clear()
            self._condition.notify_all()
        self._pump.close()

    def _begin(self) -> Intake:
        peer = getattr(self._feed, "peer", "meter")
        intake = Intake(self.name, self._rules, *self._time(), peer=peer)
        if self._after is not None:
            intake.go_on_after(self._after)
        self._intake = intake
        self._pump.start()
        return intake

    def _wait(self, intake: Intake) -> tuple[list[_Batch], _Moment]:
        """What the feed has given until a moment; nothing if it is time to look without."""
        with self._condition:
            if not self._inbox and not self._feed_ended and not self._closed.is_set():
                wait_s = intake.wait_s(self._clock.now())
                if wait_s is None or wait_s > 0:
                    self._clock.wait(self._condition, wait_s)
            batches = list(self._inbox)
            self._inbox.clear()
            self._condition.notify_all()
            return batches, self._time()

    def _work(self, intake: Intake, batches: list[_Batch], until: _Moment) -> None:
        # What came is taken before it is looked what is over: it may have waited for us.
        try:
            for (arrived_s, date_s), items in batches:
                intake.set_time(arrived_s, date_s)
                intake.take(items, arrived_s)
        except StreamerError as error:
            self._ended, self._failure = True, error
        intake.set_time(*until)
        intake.look()
        with self._condition:
            if self._feed_ended and not self._inbox:
                self._ended = True
        if self._ended:
            intake.finish()

    def _time(self) -> _Moment:
        """Time and date of one and the same moment."""
        while True:
            before_s, date_s, now_s = self._clock.now(), self._clock.wall(), self._clock.now()
            # Were we held up in between, the date would seem to have been set.
            if now_s - before_s < _HELD_UP_S:
                return now_s, date_s

    def _put(self, items: Sequence[FeedItem]) -> None:
        with self._condition:
            # A feed that is faster than whoever reads has to wait.
            self._condition.wait_for(
                lambda: len(self._inbox) < _MOST_WAITING or self._closed.is_set()
            )
            if not self._closed.is_set():
                self._inbox.append((self._time(), items))
                self._condition.notify_all()

    def _end(self, error: StreamerError | None) -> None:
        with self._condition:
            self._failure = self._failure or error
            self._feed_ended = True
            self._condition.notify_all()
