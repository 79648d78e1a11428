"""Publishers in a thread of their own, fed by the streams of all meters."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from streamer.display.lines import error_line, one_line
from streamer.errors import LinkError
from streamer.publishing import FailureCounter, KeepingPublisher, Publisher, Report, WatchedMeter
from streamer.publishing.reports import Reports
from streamer.publishing.state import MeterState, next_state
from streamer.readings import Notice, Step
from streamer.sinks import Item
from streamer.sinks.items import Vitals

if TYPE_CHECKING:
    from streamer.recording.notifications import KeptNotifications

MAX_WAITING = 10_000
"""Most items that wait for the event loop: more than it leaves there unless it hangs."""

_RETRY_S = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before each further attempt; the last one repeats."""

_HELD_S = 60.0
"""Seconds after which a publisher that works counts as recovered: the waits begin anew."""

_CLOSE_S = 5.0

_HANGS = "nothing is published: a publisher hangs, and its oldest items are dropped"

# For developers of publishers; without a handler, a traceback would be printed on stderr.
_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())


class Background:
    """Runs publishers, and keeps the state of each meter for them.

    Args:
        publishers: makes what publishes, of a function that takes what the user should know.
        now: the present time with a zone.
        retry_s: seconds before each further attempt of a publisher that has failed.
    """

    def __init__(
        self,
        publishers: Callable[[Report], Sequence[Publisher]],
        *,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        retry_s: Sequence[float] = _RETRY_S,
    ) -> None:
        self._reports = Reports()
        self._publishers = tuple(publishers(self._reports))
        self._now = now
        self._retry_s = tuple(retry_s)
        self._waiting: deque[tuple[WatchedMeter, Item | None]] = deque()
        self._scheduling = threading.Lock()
        self._is_scheduled = self._hangs = self._is_closed = False
        self._not_taken: set[str] = set()
        self._states: dict[str, MeterState] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._started = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="publishers", daemon=True)

    def start(self) -> None:
        """Start the thread, and wait until every publisher has started.

        Raises:
            StreamerError: one of them cannot start.
        """
        self._thread.start()
        self._started.wait()
        if self._error is not None:
            self._thread.join()
            raise self._error

    def report_to(self, report: Report) -> None:
        """Pass on what the user should know, in a thread for that alone, from now on."""
        self._reports.pass_to(report)

    def sink(self, meter: WatchedMeter, late_s: Callable[[], float] | None = None) -> MeterSink:
        """A sink for the stream of a meter.

        Args:
            meter: the meter; its key is unique.
            late_s: `late_s` of the meter at present; None if it does not change.
        """
        return MeterSink(meter, self._put, late_s)

    @contextmanager
    def keeping(self, meter: WatchedMeter, kept: KeptNotifications) -> Iterator[None]:
        """Let the publishers keep in the recording of a meter what must outlive the program.

        Args:
            meter: the meter.
            kept: what they keep, in a recording that is open while the context lasts.
        """
        keepers = [each for each in self._publishers if isinstance(each, KeepingPublisher)]
        for each in keepers:
            self._wait_for(each.keep(meter, kept))
        try:
            yield
        finally:
            for each in keepers:
                self._wait_for(each.release(meter))

    def call_soon(self, call: Callable[[], None]) -> None:
        """Have a function called in the thread of the publishers, in the next turn of its loop.

        After the end it is called at once; by publishers that have failed altogether, never.
        """
        loop = self._loop
        if self._is_closed:
            call()
        elif loop is not None:
            with suppress(RuntimeError):  # the loop is closed already
                loop.call_soon_threadsafe(call)

    def close(self) -> None:
        """Let the publishers take what still waits, and end them. May be called repeatedly."""
        self._is_closed = True
        loop, stop = self._loop, self._stop
        if loop is None or stop is None:
            return
        with suppress(RuntimeError):  # the loop is closed already
            loop.call_soon_threadsafe(stop.set)
        # A publisher that hangs stays with its thread, which ends with the program.
        self._thread.join(_CLOSE_S)
        self._reports.close()

    def _wait_for(self, task: Coroutine[Any, Any, None]) -> None:
        """Wait for a task in the event loop, but not for one that hangs."""
        loop = self._loop
        if loop is None:
            task.close()
            return
        with suppress(TimeoutError):
            asyncio.run_coroutine_threadsafe(task, loop).result(_CLOSE_S)

    def _put(self, meter: WatchedMeter, item: Item | None) -> None:
        """Take an item from the thread of a stream."""
        loop = self._loop
        if loop is None:
            return
        self._waiting.append((meter, item))
        with self._scheduling:
            is_due, self._is_scheduled = not self._is_scheduled, True
        if is_due:
            with suppress(RuntimeError):  # the loop is closed already
                loop.call_soon_threadsafe(self._drain)
        elif len(self._waiting) > MAX_WAITING:
            with suppress(IndexError):  # the loop works after all
                self._waiting.popleft()
            if not self._hangs:
                self._hangs = True
                self._reports(Notice(Notice.WARNING, _HANGS))

    def _drain(self) -> None:
        # Before the first look, so that what is added after the last one is scheduled anew.
        with self._scheduling:
            self._is_scheduled = False
        while self._waiting:
            meter, item = self._waiting.popleft()
            before = replace(self._states.get(meter.key) or MeterState(meter), meter=meter)
            self._states[meter.key] = state = next_state(before, item, self._now())
            for publisher in self._publishers:
                self._give(publisher, state, item)
        self._hangs = False

    def _give(self, publisher: Publisher, state: MeterState, item: Item | None) -> None:
        """Give an item to a publisher; that one cannot take it is reported once a reason."""
        try:
            publisher.take(state, item)
        except Exception as error:  # noqa: BLE001 - the others, and the next items, must follow
            text = _failure(publisher, error)
            if text not in self._not_taken:
                self._not_taken.add(text)
                self._reports(Notice(Notice.WARNING, text))

    def _work(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:  # noqa: BLE001 - raised in the thread that started this
            self._error = error
        finally:
            self._loop = None
            self._started.set()

    async def _main(self) -> None:
        self._stop = asyncio.Event()
        try:
            for publisher in self._publishers:
                await publisher.start()
            self._loop = asyncio.get_running_loop()
            self._started.set()
            tasks = [asyncio.create_task(self._keep_running(each)) for each in self._publishers]
            await self._stop.wait()
            self._drain()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            for publisher in self._publishers:
                try:
                    await publisher.close()
                except Exception as error:  # noqa: BLE001 - the others have to be closed, too
                    _failure(publisher, error)

    async def _keep_running(self, publisher: Publisher) -> None:
        """Run a publisher again whenever it fails, and report each new reason."""
        loop = asyncio.get_running_loop()
        attempts, reported = 0, ""
        while True:
            began_s = loop.time()
            try:
                await publisher.run()
                return
            except Exception as error:  # noqa: BLE001 - the others must continue
                text = _failure(publisher, error)
            for each in self._publishers:
                if isinstance(each, FailureCounter):
                    each.count_failure(publisher.name)
            if loop.time() - began_s > _HELD_S:
                attempts, reported = 0, ""
            if text != reported:
                self._reports(Notice(Notice.WARNING, text))
                reported = text
            await asyncio.sleep(self._retry_s[min(attempts, len(self._retry_s) - 1)])
            attempts += 1


def _failure(publisher: Publisher, error: Exception) -> str:
    """Text about an error of a publisher; one that should not have been raised is logged."""
    if not isinstance(error, LinkError | OSError):
        _log.error("%s failed", publisher.name, exc_info=error)
    return one_line(f"{publisher.name}: {error_line(error).removeprefix(f'{publisher.name}: ')}")


class MeterSink:
    """A sink that hands the stream of a meter to the publishers; made by `Background.sink`.

    Args:
        meter: the meter.
        put: takes its items; None for the end of its stream.
        late_s: `late_s` of the meter at present; None if it does not change.
    """

    def __init__(
        self,
        meter: WatchedMeter,
        put: Callable[[WatchedMeter, Item | None], None],
        late_s: Callable[[], float] | None = None,
    ) -> None:
        self._meter = meter
        self._put = put
        self._late_s = late_s
        self._closed = False

    def write(self, item: Item) -> None:
        """Hand an item on; figures about the program's own speed are left out."""
        if isinstance(item, Step) and self._late_s is not None:
            self._meter = replace(self._meter, late_s=self._late_s())
        if not isinstance(item, Vitals):
            self._put(self._meter, item)

    def close(self) -> None:
        """Mark the stream of this meter as ended."""
        if not self._closed:
            self._closed = True
            self._put(self._meter, None)
