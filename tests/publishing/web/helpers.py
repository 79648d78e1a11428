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
from streamer.readings import Alarm, Notice, Step
from streamer.sinks import Item
from streamer.web.access import Access
from tests.dashboard.demandsamples import demanding
from tests.dashboard.samples import alarming, foreseeing, house, make_steps, zoned

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


def household(count: int = 600) -> list[Step]:
    """Steps of an evening with all that a page shows: means, demand intervals, a gap, an alarm."""
    steps = foreseeing(make_steps(house(count), gaps={count - 100: 3}))
    text = "4.69 kW where 1.35 to 1.48 was expected: 1.84 times the limit"
    alarm = Alarm(Alarm.ANOMALY, steps[count - 40].reading.at, text, 1.84)
    return zoned(demanding(alarming(steps, alarm, lasts=12)), UTC)


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
        self._token, self._metrics, self._times = token, metrics, times
        self._trusted = trusted
        self._serving: list[asyncio.Task[None]] = []
        self._states: dict[str, MeterState] = {}
        self.server = self._made(LOOPBACK)

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
        await self._start()
        try:
            async with ClientSession(self.server.url) as client:
                yield client
        finally:
            for task in self._serving:
                task.cancel()
            await asyncio.gather(*self._serving, return_exceptions=True)
            await self.server.close()

    async def restart(self) -> None:
        """Serve at the same port again, as if the program had been started anew."""
        host, _, port = self.server.url.removeprefix("http://").rpartition(":")
        self._states.clear()
        self.server = self._made(Listen(host, int(port)))
        await self._start()

    def _made(self, listen: Listen) -> WebServer:
        return WebServer(
            listen,
            access(self._token, trusted=self._trusted),
            self.notices.append,
            metrics=self._metrics,
            now=self.clock,
            apart_s=0.0,
            **self._times,
        )

    async def _start(self) -> None:
        await self.server.start()
        self._serving.append(asyncio.create_task(self.server.run()))


def serve(site: Site, test: Callable[[ClientSession], Awaitable[None]]) -> None:
    """Run a test against a server, for ten seconds at most."""

    async def main() -> None:
        async with asyncio.timeout(10), site.running() as client:
            await test(client)

    asyncio.run(main())
