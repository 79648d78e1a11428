"""Publisher that serves the present forecasts over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from streamer.display.lines import one_line
from streamer.publishing import Report
from streamer.publishing.state import MeterState
from streamer.publishing.web.answers import Answers, Metrics
from streamer.publishing.web.meters import Meters
from streamer.readings import Notice
from streamer.sinks import Item
from streamer.web.access import Access
from streamer.web.server import Limits, Server

# A proxy or a container's network has one address for all who come through it.
_LIMITS = Limits(connections=64, per_peer=64)


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
    ) -> None:
        self._listen, self._report, self._metrics = listen, report, metrics
        self._meters = Meters()
        self._answers = Answers(self._meters, access, self._refuse, now=now, metrics=metrics)
        self._server: Server | None = None  # it is made where there is an event loop
        self._refused: set[str] = set()
        self.url = str(listen)

    @property
    def name(self) -> str:
        """Its URL."""
        return self.url

    async def start(self) -> None:
        """Start listening.

        Raises:
            LinkError: the address cannot be used.
        """
        self._server = Server(self._answers.answer, self._refuse, _LIMITS)
        self.url = await self._server.start(*self._listen)
        self._report(Notice(Notice.EVENT, f"serving {self.url}"))

    async def run(self) -> None:
        """Serve until cancelled."""
        await asyncio.Event().wait()

    def take(self, state: MeterState, item: Item | None) -> None:
        """Take the state of a meter, and the item of its stream that has led to it."""
        self._meters.take(state)
        if self._metrics is not None:
            self._metrics.take(state, item)

    def count_failure(self, publisher: str) -> None:
        """Count, in the metrics, that a publisher has failed."""
        if self._metrics is not None:
            self._metrics.count_failure(publisher)

    async def close(self) -> None:
        """Close all connections."""
        if self._server is not None:
            await self._server.stop()

    def _refuse(self, reason: str, text: str) -> None:
        """Report the first refusal for each reason, of which there are few."""
        if reason not in self._refused:
            self._refused.add(reason)
            self._report(Notice(Notice.WARNING, one_line(f"{self.url}: {text}")))
