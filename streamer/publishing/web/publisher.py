"""Publisher that serves the present forecasts over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from streamer.display.lines import one_line
from streamer.errors import RecordError
from streamer.publishing import Report
from streamer.publishing.state import MeterState
from streamer.publishing.web.answers import Answers
from streamer.publishing.web.events import SLOW_S, Events
from streamer.publishing.web.meters import Meters, Served
from streamer.publishing.web.minutes import recent_minutes
from streamer.publishing.web.pages import Pages
from streamer.readings import Notice, Step
from streamer.sinks import Item
from streamer.web.access import Access
from streamer.web.server import Limits, Server

if TYPE_CHECKING:
    from streamer.publishing.metrics import Metrics

# A proxy or a container's network has one address for all who come through it.
_LIMITS = Limits(connections=64, per_peer=64)


_TICK_S = 5.0
"""Seconds after which pages are rendered in any case, since ages and statuses change by time."""

_APART_S = 0.5


class Listen(NamedTuple):
    """Where a server listens; its text is a URL."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


class WebServer:
    """Serves the states of all meters.

    Args:
        listen: where it listens.
        access: which requests are accepted.
        report: takes what the user should know.
        metrics: the metrics; None if their library is not installed.
        now: the present time with a zone.
        apart_s: seconds between two renderings of a page, at least.
        slow_s: seconds after which a browser that does not read is dropped.

    Attributes:
        url: its URL, once it has started.
    """

    def __init__(
        self,
        listen: Listen,
        access: Access,
        report: Report,
        *,
        metrics: Metrics | None = None,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        apart_s: float = _APART_S,
        slow_s: float = SLOW_S,
    ) -> None:
        self._listen, self._report, self._metrics = listen, report, metrics
        self._now = now
        self._resumed: dict[str, asyncio.Task[None]] = {}
        self._apart_s = apart_s
        self._meters = Meters()
        self._pages = Pages(self._meters, now)
        self._events = Events(self._pages, slow_s=slow_s)
        self._answers = Answers(
            self._meters,
            self._pages,
            self._events,
            access,
            self._refuse,
            now=now,
            metrics=metrics,
        )
        self._changed = asyncio.Event()
        self._server: Server | None = None  # it is made where there is an event loop
        self._refused: set[str] = set()
        self.url = str(listen)

    @property
    def name(self) -> str:
        """Its URL."""
        return self.url

    @property
    def browsers(self) -> int:
        """Number of browsers that are sent the changes of a page."""
        return self._events.browsers

    async def start(self) -> None:
        """Start listening.

        Raises:
            LinkError: the address cannot be used.
        """
        self._server = Server(self._answers.answer, self._refuse, _LIMITS)
        self.url = await self._server.start(*self._listen)
        self._report(Notice(Notice.EVENT, f"serving {self.url}"))

    async def run(self) -> None:
        """Render the open pages whenever something has changed, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_TICK_S):
                    await self._changed.wait()
            self._changed.clear()
            self.refresh()
            await asyncio.sleep(self._apart_s)

    def refresh(self) -> None:
        """Render the open pages."""
        self._pages.refresh()

    def take(self, state: MeterState, item: Item | None) -> None:
        """Take the state of a meter, and the item of its stream that has led to it."""
        meter, served = state.meter, self._meters.take(state, item)
        self._changed.set()
        if isinstance(item, Step) and meter.record is not None and meter.key not in self._resumed:
            self._resumed[meter.key] = asyncio.create_task(self._resume(served, meter.record))
        if self._metrics is not None:
            self._metrics.take(state, item)

    async def _resume(self, served: Served, path: Path) -> None:
        """Load what a chart shows of the recording."""
        with suppress(RecordError):  # which those get who ask for its minutes
            served.resume(await asyncio.to_thread(recent_minutes, path, self._now()))
            self._changed.set()

    def count_failure(self, publisher: str) -> None:
        """Count that a publisher has failed, in the metrics."""
        if self._metrics is not None:
            self._metrics.count_failure(publisher)

    async def close(self) -> None:
        """Close all connections."""
        self._pages.close()
        for task in self._resumed.values():
            task.cancel()
        if self._server is not None:
            await self._server.stop()

    def _refuse(self, reason: str, text: str) -> None:
        """Report the first refusal for each reason, of which there are few."""
        if reason not in self._refused:
            self._refused.add(reason)
            self._report(Notice(Notice.WARNING, one_line(f"{self.url}: {text}")))
