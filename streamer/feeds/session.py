"""Feeds whose work is an asyncio coroutine."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from streamer.errors import LinkError
from streamer.feeds import FeedItem, Pace
from streamer.readings import CounterSample, Link, Notice, Sample
from streamer.readings.meterdemand import MeterDemand

_ANY_PACE = Pace()

_CLOSE_S = 2.0

# Longer than libraries take to stop a call in a thread, which cannot be interrupted.
_CANCEL_AGAIN_S = 6.0
_CANCELS = 3

# What libraries leave behind; without a handler, it would be printed on stderr.
_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())


class Channel:
    """Output of a session: samples, notices and the state of the connection.

    Args:
        name: the feed's name.
        peer: the other end, in a word: ``broker``.
        put: takes each item.
    """

    def __init__(self, name: str, peer: str, put: Callable[[FeedItem], None]) -> None:
        self._name = name
        self._peer = peer
        self._put = put

    def up(self, text: str = "") -> None:
        """Report that the connection is up; `text` describes it for people."""
        self._put(Link(Link.UP, self._peer, text))

    def sample(
        self,
        kw: float,
        at: datetime | None = None,
        channel: str = "",
        *,
        demand: MeterDemand | None = None,
    ) -> None:
        """Deliver a sample.

        Args:
            kw: power in kW, or value of a channel in its own unit; NaN for unknown.
            at: its time, with a zone; None for now.
            channel: empty for the grid power, import positive; or one of the feed's channels.
            demand: demand registers of the meter, of the grid power alone.
        """
        self._put(Sample(kw, at, channel, demand))

    def counter(self, kwh: float, at: datetime | None = None, *, net: bool = False) -> None:
        """Deliver an energy register in kWh, import positive, NaN for unknown.

        With `net`, export is subtracted from it, so that it may fall.
        """
        self._put(CounterSample(kwh, at, net))

    def deliver(self, item: Sample | CounterSample) -> None:
        """Deliver a sample or an energy register."""
        self._put(item)

    def malformed(self, what: str, *, effect: str = "skipped", count: int = 1) -> None:
        """Report unreadable input and its effect; all are counted, and the first one is shown."""
        self._put(Notice(Notice.MALFORMED, f"{self._name}: {what}; {effect}", count=count))

    def refused(self, reason: str, text: str) -> None:
        """Report a refused request; `reason` is a few words, by which they are counted."""
        self._put(Notice(Notice.REFUSED, f"{self._name}: {text}; refused", reason=reason))

    def warn(self, text: str) -> None:
        """Report an error that puts the values in doubt."""
        self._put(Notice(Notice.WARNING, f"{self._name}: {text}"))


Session = Callable[[Channel], Awaitable[None]]
"""Connects, and delivers items until the feed ends for good.

It raises LinkError or OSError when the connection fails or is lost (it is then called
again after a delay), and RefusedError if another attempt would not help. Any other exception,
such as one of a library, counts as a lost connection as well.
"""


class AsyncFeed:
    """A feed whose work is a coroutine, which runs only while the feed is being read.

    Args:
        name: the feed's name for display, without secrets.
        session: connects and delivers items.
        peer: the other end, in a word: ``broker``.
        pace: how often it sends.
        channels: channels beside the grid power, each with its pace.

    Attributes:
        peer: the other end.
        pace: how often it sends.
        channels: channels beside the grid power, each with its pace.
    """

    def __init__(
        self,
        name: str,
        session: Session,
        *,
        peer: str = "meter",
        pace: Pace = _ANY_PACE,
        channels: Mapping[str, Pace] | None = None,
    ) -> None:
        self._name = name
        self.peer = peer
        self.pace = pace
        self.channels = {} if channels is None else dict(channels)
        self._session = session
        self._items: list[FeedItem] = []
        self._channel = Channel(name, peer, self._put)
        self._reading = threading.Lock()
        self._runner: asyncio.Runner | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self._closed = False

    @property
    def name(self) -> str:
        """The feed's name."""
        return self._name

    def read(self) -> Sequence[FeedItem]:
        """Return the items that arrived; an error of the session is raised after them."""
        with self._reading:
            if self._closed:
                return []
            if self._runner is None:
                self._runner = asyncio.Runner()
                # Made here, since `close` asking the runner at the same time might make another.
                self._loop = self._runner.get_loop()
                self._loop.set_exception_handler(_log_leftover)
            items = self._runner.run(self._gather())
            if not items:
                self._end()
            return items

    def close(self) -> None:
        """End the session, also from another thread."""
        self._closed = True
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed already
                self._loop.call_soon_threadsafe(self._wake.set)
        if not self._reading.acquire(timeout=_CLOSE_S):
            return  # a session that hangs stays with its thread, which ends with the program
        try:
            self._end()
        finally:
            self._reading.release()

    def _end(self) -> None:
        runner, self._runner = self._runner, None
        task, self._task = self._task, None
        if runner is not None and (task is None or runner.run(_cancelled(task))):
            runner.close()

    async def _gather(self) -> list[FeedItem]:
        if self._task is None:
            self._task = asyncio.ensure_future(self._work())
        if not self._items and not self._closed and not self._task.done():
            self._wake.clear()
            await self._wake.wait()
        if self._closed:
            return []
        if not self._items and self._task.done():
            task, self._task = self._task, None
            if task.cancelled():  # by the library, not by us
                raise LinkError(f"{self._name}: the connection was cancelled")
            task.result()
            self._closed = True
        items, self._items = self._items, []
        return items

    async def _work(self) -> None:
        try:
            await self._session(self._channel)
        finally:
            self._wake.set()

    def _put(self, item: FeedItem) -> None:
        self._items.append(item)
        self._wake.set()


def _log_leftover(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log an error outside of the session, whose connection is then closed or times out."""
    _log.debug("%s", context)


async def _cancelled(task: asyncio.Task[None]) -> bool:
    """Cancel a session; returns False if it does not end.

    Once may not be enough: `asyncio.wait_for` of Python 3.11 loses a cancellation that
    coincides with the event it waits for, and we would wait for ever.
    """
    for _ in range(_CANCELS):
        task.cancel()
        await asyncio.wait([task], timeout=_CANCEL_AGAIN_S)
        if task.done():
            if not task.cancelled():
                task.exception()  # marks it as retrieved; nobody needs it any more
            return True
    return False
