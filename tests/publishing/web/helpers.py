"""A server on a free port of this machine, its clock, and steps for its meters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from aiohttp import ClientSession

from streamer.publishing import WatchedMeter
from streamer.publishing.metrics import Metrics
from streamer.publishing.state import MeterState, next_state
from streamer.publishing.web.publisher import Listen, WebServer
from streamer.readings import Notice, Step
from streamer.sinks import Item
from streamer.web.access import Access

HOUSE = WatchedMeter("House", "house", late_s=30.0)
START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LOOPBACK = Listen("127.0.0.1", 0)


def access(token: str | None = None, *names: str, trusted: Iterable[str] = ()) -> Access:
    return Access(
        token,
        frozenset(names),
        "read from here",
        "open its IP address",
        basic=True,
        trusted=frozenset(trusted),
    )


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class Site:
    """A running server, and what its meters send it."""

    def __init__(
        self,
        token: str | None = None,
        metrics: Metrics | None = None,
        trusted: Iterable[str] = (),
        **times: float,
    ) -> None:
        self.clock = Clock()
        self.notices: list[Notice] = []
        self.server = WebServer(
            LOOPBACK,
            access(token, trusted=trusted),
            self.notices.append,
            metrics=metrics,
            now=self.clock,
            apart_s=0.0,
            **times,
        )
        self._states: dict[str, MeterState] = {}

    def send(self, *items: Item | None, meter: WatchedMeter = HOUSE) -> None:
        """Items of a meter's stream; a step is heard a second after the end of its minute."""
        for item in items:
            if isinstance(item, Step) and item.reading.at.tzinfo is not None:
                self.clock.at = item.reading.at + timedelta(seconds=61)
            before = self._states.get(meter.key) or MeterState(meter)
            self._states[meter.key] = state = next_state(before, item, self.clock())
            self.server.take(state, item)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ClientSession]:
        """Serve, for a client session with this base URL."""
        await self.server.start()
        serving = asyncio.create_task(self.server.run())
        try:
            async with ClientSession(self.server.url) as client:
                yield client
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            await self.server.close()


def serve(site: Site, test: Callable[[ClientSession], Awaitable[None]]) -> None:
    """Run a test against a server, for ten seconds at most."""

    async def main() -> None:
        async with asyncio.timeout(10), site.running() as client:
            await test(client)

    asyncio.run(main())
