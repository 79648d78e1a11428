"""Reader of a feed, in a thread of its own, with endless attempts to reconnect."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_exponential, wait_random
from tenacity.nap import sleep_using_event

from streamer.clock import SystemClock, WallClock
from streamer.display.lines import error_line, one_line
from streamer.errors import LinkError, RefusedError, SourceError, StreamerError
from streamer.feeds import Feed, FeedItem
from streamer.readings import CounterSample, Link, Notice, Sample
from streamer.sources.live.minutes import local_time
from streamer.sources.live.rules import RETRY_MAX_S

_JOIN_S = 2.0

# For developers of feeds; without a handler, a traceback would be printed on stderr.
_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())

Wait = Callable[[RetryCallState], float]


class FeedReader:
    """Passes on the items of a feed, reconnects it, and reports lost connections as a `Link`.

    The waits between attempts grow until a link has held: until samples have arrived for longer
    than the last wait, or the link was up without any for as long as the longest. A port that
    accepts and closes each connection, or sends one value each time, is not tried every second.

    If a feed is refused before its first success, it is given up; after one success, a
    refusal is retried at the longest interval, since the other end may be starting up.

    An exception of a feed that is not of streamer, such as one of its library, is a lost
    connection as well; the report names its class, and the log has its traceback.

    Args:
        feed: closed with the reader.
        put: takes the items of the feed, in the reader's thread.
        end: called once at the end, with the error that caused it, if any.
        retry_max_s: longest wait in seconds between two attempts.
        clock: source of the time of the next attempt.
        wait: returns the wait before each attempt; by default it doubles from one second on.
        sleep: waits; by default until the time is up or the reader is closed.
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
        self._backoff = _exponential(retry_max_s) if wait is None else wait
        self._retrying = Retrying(
            sleep=sleep_using_event(self._closed) if sleep is None else sleep,
            wait=self._wait,
            retry=retry_if_exception(self._is_transient),
            before_sleep=self._report_loss,
        )
        # Until the feed reports its peer; a feed that knows it may have the attribute.
        self._peer: str = getattr(feed, "peer", "meter")
        self._is_up = False
        self._was_up = False
        self._has_sample = False  # since the connection was made
        self._up_s = 0.0
        self._waited_s = 0.0
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name=f"feed {feed.name}", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop reading, and close the feed. May be called repeatedly, and from any thread."""
        self._closed.set()
        try:
            self._feed.close()
        except Exception as error:  # noqa: BLE001 - it is done with, whatever its library raises
            _log.error("%s: not closed: %s", self._feed.name, error_line(error), exc_info=error)
        # A feed that hangs stays with its thread, which ends with the program.
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(_JOIN_S)

    def _run(self) -> None:
        error: StreamerError | None = None
        try:
            # Each return means that a link has held, so the waits start again from the first.
            while self._retrying(self._read_until_lost):
                pass
        except StreamerError as failure:
            failure.args = (one_line(str(failure)),)
            error = failure
        except BaseException as failure:  # noqa: BLE001 - the reader would wait for ever
            error = SourceError(f"{self._feed.name}: {_failed(failure)}")
            error.__cause__ = failure
        self._end(None if self._closed.is_set() else error)

    def _read_until_lost(self) -> bool:
        """Read until a link that has held is lost; returns False if the feed has ended."""
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        while not self._closed.is_set():
            try:
                items = self._feed.read()
            except Exception as error:
                if not _is_lost(error):
                    raise
                if not self._has_held():
                    raise
                # The first failure of a new series of attempts.
                self._failure = error
                return True
            if not items:
                return False
            self._put(self._with_link(items))
        return False

    def _has_held(self) -> bool:
        if not self._is_up:
            return False
        least_s = 0.0 if self._has_sample else self._retry_max
        return self._clock.now() - self._up_s > max(least_s, self._waited_s)

    def _with_link(self, items: Sequence[FeedItem]) -> Sequence[FeedItem]:
        """Return the items; if the feed does not report that it is up, its first sample does."""
        seen: list[FeedItem] = []
        was_up = self._is_up
        for item in map(_printable, items):
            if isinstance(item, Link):
                self._peer, self._is_up = item.peer, item.state == Link.UP
            elif isinstance(item, Sample | CounterSample):
                self._has_sample = True
                if not self._is_up:
                    self._is_up = True
                    seen.append(Link(Link.UP, self._peer))
            seen.append(item)
        if self._is_up and not was_up:
            self._up_s = self._clock.now()
        self._was_up = self._was_up or self._is_up
        return seen

    def _is_transient(self, error: BaseException) -> bool:
        if self._closed.is_set():
            return False
        if isinstance(error, RefusedError):
            return self._was_up
        return _is_lost(error)

    def _wait(self, state: RetryCallState) -> float:
        is_refused = isinstance(_failure(state), RefusedError)
        self._waited_s = self._retry_max if is_refused else self._backoff(state)
        return self._waited_s

    def _report_loss(self, state: RetryCallState) -> None:
        error = _failure(state)
        text = _line(error).removeprefix(f"{self._feed.name}: ")
        if not isinstance(error, LinkError | OSError):
            text = _failed(error)
            _log.error("%s: %s", self._feed.name, text, exc_info=error)
        elif isinstance(error, RefusedError):
            text = f"refused: {text}"
        self._is_up = self._has_sample = False
        retry_at = local_time(self._clock.wall()) + timedelta(seconds=state.upcoming_sleep)
        self._put([Link(Link.LOST, self._peer, text, retry_at=retry_at)])


def _exponential(longest_s: float) -> Wait:
    """Waits that double from one second up to the longest, with jitter even there."""
    jitter_s = min(1.0, longest_s / 2)
    return wait_exponential(multiplier=1, max=longest_s - jitter_s) + wait_random(0, jitter_s)


def _failure(state: RetryCallState) -> BaseException | None:
    return None if state.outcome is None else state.outcome.exception()


def _is_lost(error: BaseException) -> bool:
    """Whether an error of a feed means that its connection is lost, and can be made again."""
    is_ours = isinstance(error, StreamerError)
    return isinstance(error, LinkError) or (isinstance(error, Exception) and not is_ours)


def _failed(error: BaseException | None) -> str:
    """Text about an error that no feed should raise; its class tells developers what it is."""
    kind, text = type(error), _line(error)
    # struct.error, termios.error: such a name means nothing without its module.
    name = f"{kind.__module__}.{kind.__name__}" if kind.__name__.islower() else kind.__name__
    return f"the feed failed: {name}" + (f": {text}" if text != kind.__name__ else "")


def _line(error: BaseException | None) -> str:
    """Text of an error on one line, or the name of its class if it has no text."""
    if isinstance(error, OSError) and error.strerror:
        return one_line(error.strerror)
    return error_line(error)


def _printable(item: FeedItem) -> FeedItem:
    """Return an item with texts that are safe to display."""
    if isinstance(item, Link):
        return replace(item, peer=one_line(item.peer), text=one_line(item.text))
    if isinstance(item, Notice):
        return replace(item, text=one_line(item.text))
    return item
