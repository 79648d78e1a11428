"""Feeds that are asynchronous inside."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime

from streamer.errors import LinkError
from streamer.feeds import FeedItem
from streamer.readings import Link, Notice, Sample

_CLOSE_S = 2.0

# Longer than a library takes to give up what it does in a thread, which is not to be cut short.
_CANCEL_AGAIN_S = 6.0
_CANCELS = 3


class Channel:
    """Where a session puts what it hears.

    Args:
        name: the feed's name.
        peer: who is at the other end, in a word: ``broker``.
        put: takes each item.
    """

    def __init__(self, name: str, peer: str, put: Callable[[FeedItem], None]) -> None:
        self._name = name
        self._peer = peer
        self._put = put

    def up(self, text: str = "") -> None:
        """Say that the connection stands; `text` is for a person."""
        self._put(Link(Link.UP, self._peer, text))

    def sample(self, kw: float, at: datetime | None = None) -> None:
        """Give a sample: power in kW, import positive, NaN for unknown; `at` has a zone."""
        self._put(Sample(kw, at))

    def malformed(self, what: str) -> None:
        """Say that something could not be read; it is counted, and the first one is shown."""
        self._put(Notice(Notice.MALFORMED, f"{self._name}: {what}; skipped"))

    def warn(self, text: str) -> None:
        """Say something that makes the figures doubtful."""
        self._put(Notice(Notice.WARNING, f"{self._name}: {text}"))


Session = Callable[[Channel], Awaitable[None]]
"""Connects, and gives what it hears until the feed ends for good.

It raises LinkError or OSError when the connection cannot be made or is lost (it is then
called again after a while), RefusedError if trying again would not help.
"""


class AsyncFeed:
    """A feed whose work is a coroutine, which runs while the feed is read.

    Args:
        name: the feed as a person would name it, free of secrets.
        session: does the work.
        peer: who is at the other end, in a word: ``broker``.

    Attributes:
        peer: likewise.
    """

    def __init__(self, name: str, session: Session, *, peer: str = "meter") -> None:
        self._name = name
        self.peer = peer
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
        """What has come; an error of the session is raised once all before it is given."""
        with self._reading:
            if self._closed:
                return []
            if self._runner is None:
                self._runner = asyncio.Runner()
                # Made here and now: were `close` to ask the runner, there might be two.
                self._loop = self._runner.get_loop()
            items = self._runner.run(self._gather())
            if not items:
                self._end()
            return items

    def close(self) -> None:
        """End the session, also from another thread."""
        self._closed = True
        if self._loop is not None:
            with suppress(RuntimeError):  # it is closed already
                self._loop.call_soon_threadsafe(self._wake.set)
        if not self._reading.acquire(timeout=_CLOSE_S):
            return  # a session that hangs is left to its thread, which ends with the program
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
            if task.cancelled():  # by itself: a library's own cancellation got out of it
                raise LinkError(f"{self._name}: the connection was given up")
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


async def _cancelled(task: asyncio.Task[None]) -> bool:
    """Cancel a session; False if it will not end.

    Once may not be enough: `asyncio.wait_for` of Python 3.11 loses a cancellation that comes
    together with what it waits for. Asked once only, we would wait for ever.
    """
    for _ in range(_CANCELS):
        task.cancel()
        await asyncio.wait([task], timeout=_CANCEL_AGAIN_S)
        if task.done():
            if not task.cancelled():
                task.exception()  # nobody is left to be told
            return True
    return False
