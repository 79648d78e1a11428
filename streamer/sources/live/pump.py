"""Reads a feed in a thread of its own, and connects again for as long as it takes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential, wait_random
from tenacity.nap import sleep_using_event

from streamer.clock import SystemClock, WallClock
from streamer.display.lines import printable_line
from streamer.errors import LinkError, RefusedError, SourceError, StreamerError
from streamer.feeds import Feed, FeedItem
from streamer.readings import Link, Notice, Sample
from streamer.sources.live.minutes import local_time

RETRY_MAX_S = 60.0
"""The longest wait between two tries."""

_JOIN_S = 2.0

Wait = Callable[[RetryCallState], float]


class Pump:
    """Hands on what a feed gives; what is lost is connected again, and told as a `Link`.

    A feed that refuses before it ever let us in is not tried again; one that did let us in
    may be starting up, and is, but seldom.

    Args:
        feed: closed with the pump.
        put: takes what the feed gives, in the pump's thread.
        end: called once at the end, with the error if that is why.
        retry_max_s: the longest wait between two tries.
        clock: says when the next try is due.
        wait: how long to wait before each try, if not ever longer from a second on.
        sleep: waits, if not until the time is up or the pump is closed.
    """

    def __init__(
        self,
        feed: Feed,
        put: Callable[[Sequence[FeedItem]], None],
        end: Callable[[StreamerError | None], None],
        *,
        retry_max_s: float = RETRY_MAX_S,
        clock: WallClock | None = None,
        wait: Wait | None = None,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._feed = feed
        self._put = put
        self._end = end
        self._retry_max = retry_max_s
        self._clock: WallClock = SystemClock() if clock is None else clock
        self._closed = threading.Event()
        self._backoff = _ever_longer(retry_max_s) if wait is None else wait
        self._retrying = Retrying(
            sleep=sleep_using_event(self._closed) if sleep is None else sleep,
            wait=self._wait,
            retry=retry_if_exception(self._may_mend),
            before_sleep=self._tell_lost,
        )
        # Until the feed says itself what it is connected to; one that knows may have a `peer`.
        self._peer: str = getattr(feed, "peer", "meter")
        self._is_up = False
        self._was_up = False
        self._thread = threading.Thread(target=self._run, name=f"feed {feed.name}", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self) -> None:
        """Stop reading, and close the feed. May be called twice, and from any thread."""
        self._closed.set()
        self._feed.close()
        # A feed that hangs is left to its thread, which ends with the program.
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_JOIN_S)

    def _run(self) -> None:
        error: StreamerError | None = None
        try:
            # Each time that it comes back the link has been up, and the waits start anew.
            while self._retrying(self._read_until_up):
                pass
        except StreamerError as failure:
            failure.args = (printable_line(str(failure)),)
            error = failure
        except BaseException as failure:  # noqa: BLE001 - whoever reads would wait for ever
            what = f"{type(failure).__name__}: {_line(failure)}"
            error = SourceError(f"{self._feed.name}: the feed failed: {what}")
            error.__cause__ = failure
        self._end(None if self._closed.is_set() else error)

    def _read_until_up(self) -> bool:
        """Read until it is certain that the link is up; False if the feed has ended."""
        while not self._closed.is_set():
            items = self._feed.read()
            if not items:
                return False
            self._put(self._with_link(items))
            if self._is_up:
                return True
        return False

    def _with_link(self, items: Sequence[FeedItem]) -> Sequence[FeedItem]:
        """What a feed gave; a sample shows that the link is up, if the feed does not say so."""
        seen: list[FeedItem] = []
        for item in map(_printable, items):
            if isinstance(item, Link):
                self._peer, self._is_up = item.peer, item.state == Link.UP
            elif isinstance(item, Sample) and not self._is_up:
                self._is_up = True
                seen.append(Link(Link.UP, self._peer))
            seen.append(item)
        self._was_up = self._was_up or self._is_up
        return seen

    def _may_mend(self, error: BaseException) -> bool:
        if self._closed.is_set():
            return False
        if isinstance(error, RefusedError):
            return self._was_up
        return isinstance(error, LinkError | OSError)

    def _wait(self, state: RetryCallState) -> float:
        return (
            self._retry_max if isinstance(_failure(state), RefusedError) else self._backoff(state)
        )

    def _tell_lost(self, state: RetryCallState) -> None:
        error = _failure(state)
        text = _line(error).removeprefix(f"{self._feed.name}: ")
        if isinstance(error, RefusedError):
            text = f"refused: {text}"
        self._is_up = False
        retry_at = local_time(self._clock.wall()) + timedelta(seconds=state.upcoming_sleep)
        self._put([Link(Link.LOST, self._peer, text, retry_at=retry_at)])


def _ever_longer(longest_s: float) -> Wait:
    """From a second on to twice as long each time, with jitter at the longest, too."""
    jitter_s = min(1.0, longest_s / 2)
    return wait_exponential(multiplier=1, max=longest_s - jitter_s) + wait_random(0, jitter_s)


def _failure(state: RetryCallState) -> BaseException | None:
    return None if state.outcome is None else state.outcome.exception()


def _line(error: BaseException | None) -> str:
    """What an error says, on one line; those that say nothing are called by their names."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return printable_line(str(error)) or type(error).__name__


def _printable(item: FeedItem) -> FeedItem:
    """What a feed gave, with texts that can be shown."""
    if isinstance(item, Link):
        return replace(item, peer=printable_line(item.peer), text=printable_line(item.text))
    if isinstance(item, Notice):
        return replace(item, text=printable_line(item.text))
    return item
