"""Publisher over MQTT: a connection to the broker, and the way of messages through it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import TYPE_CHECKING

from streamer.display.numbers import plural
from streamer.errors import LinkError
from streamer.feeds.mqtt.bounds import PacketBound
from streamer.feeds.mqtt.errors import CLOSED, broker_errors
from streamer.publishing import Report
from streamer.publishing.mqtt.desk import Desk
from streamer.publishing.mqtt.settings import MqttSettings
from streamer.publishing.mqtt.topics import OFFLINE, Message
from streamer.publishing.state import MeterState
from streamer.readings import Notice
from streamer.sinks import Item

if TYPE_CHECKING:
    from aiomqtt import Client

_ANSWER_S = 10.0

_RETAINED_S = 0.5
"""Seconds within which a broker delivers what it has retained."""

_ECHO_S = 15.0
"""Seconds after which what was published should have come back."""

_FAREWELL_S = 2.0
_CANCEL_AGAIN_S = 0.2

_SHORT_S = 60.0
_TAKEN = 2
"""So many short sessions in a row that the broker has closed may have been taken by another."""

_AT_ONCE = 50
"""Waiting messages between two looks at what is present."""


class MqttPublisher:
    """Publishes the states of all meters to a broker.

    Args:
        settings: how to publish.
        report: takes what the user should know.
        now: the present time with a zone.
        desk: decides what is published when; by default a new one.
    """

    def __init__(
        self,
        settings: MqttSettings,
        report: Report,
        *,
        now: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        desk: Desk | None = None,
    ) -> None:
        self._settings = settings
        self._report = report
        self._now = now
        self._desk = Desk(settings) if desk is None else desk
        self._wake = asyncio.Event()
        self._reported_s: float | None = None  # when a return was reported; None before the first
        self._taken = 0
        self._denied = False
        self._closing = False

    @property
    def name(self) -> str:
        """The address of the broker, without secrets."""
        return self._settings.name

    async def start(self) -> None:
        """Warn of a broker whose certificate is not checked."""
        if self._settings.broker.insecure:
            self._warn("the broker's certificate is not checked (insecure=yes)")

    def take(self, state: MeterState, item: Item | None) -> None:
        """Take the state of a meter, and the item of its stream that has led to it."""
        self._desk.take(state, item, self._now())
        self._wake.set()

    async def run(self) -> None:
        """Connect, and publish until the connection is lost.

        Raises:
            LinkError: the broker cannot be reached, refuses the login, or is lost.
        """
        from aiomqtt import Will

        broker, loop = self._settings.broker, asyncio.get_running_loop()
        will = Will(self._settings.topics.status, OFFLINE, qos=1, retain=True)
        client = broker.client(_ANSWER_S, will)
        began_s = loop.time()
        try:
            with broker_errors(self.name, broker, PacketBound(client), _too_large) as attempt:
                async with _connected(client):
                    attempt.connected = True
                    began_s = loop.time()
                    await self._session(client)
        except LinkError as error:
            is_taken = str(error).endswith(CLOSED) and loop.time() - began_s < _SHORT_S
            self._taken = self._taken + 1 if is_taken else 0
            if self._taken < _TAKEN:
                raise
            raise LinkError(
                f"{error}; does another program use the client_id {broker.client_id}?"
            ) from error

    async def close(self) -> None:
        """Report what could not be published."""
        if waiting := len(self._desk.backlog):
            self._warn(f"{plural(waiting, 'message')} could not be published")

    async def _session(self, client: Client) -> None:
        self._desk.connected()
        for topic in self._desk.subscriptions:
            await self._subscribe(client, topic)
        listening = asyncio.create_task(self._listen(client))
        sending = asyncio.create_task(self._send(client))
        tasks = {listening, sending}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            # What is being sent is not cut off, or it would be sent twice.
            self._closing = True
            self._wake.set()
            await asyncio.wait([sending], timeout=_FAREWELL_S)
            await _end(tasks)
            raise
        await _end(tasks)
        for task in done:
            task.result()

    async def _subscribe(self, client: Client, topic: str) -> None:
        for code in await client.subscribe(topic, qos=1):
            if getattr(code, "value", code) >= 0x80:
                self._warn(f"the broker refuses the subscription to {topic}: {code}")

    async def _listen(self, client: Client) -> None:
        async for message in client.messages:
            payload = message.payload
            assert isinstance(payload, bytes)  # noqa: S101 - as received, it is never decoded
            self._desk.heard(
                message.topic.value,
                payload.decode("utf-8", "replace"),
                retained=message.retain,
                now=self._now(),
            )
            self._wake.set()

    async def _send(self, client: Client) -> None:
        await asyncio.sleep(_RETAINED_S)
        self._report_session()
        loop = asyncio.get_running_loop()
        check: asyncio.TimerHandle | None = None
        try:
            while True:
                self._wake.clear()
                for message in self._desk.messages(self._now()):
                    await _publish(client, message)
                    check = check or loop.call_later(_ECHO_S, self._check_echo)
                if await self._send_waiting(client):
                    continue
                if self._closing:
                    break
                await self._rest()
            for message in self._desk.farewell():
                await _publish(client, message)
        finally:
            if check is not None:
                check.cancel()

    async def _send_waiting(self, client: Client) -> bool:
        """Send messages that have to arrive; returns whether there are more."""
        for _ in range(_AT_ONCE):
            waiting = self._desk.backlog.first()
            if waiting is None:
                return False
            await _publish(client, waiting.message)
            self._desk.backlog.arrived(waiting)
        return True

    async def _rest(self) -> None:
        """Wait until something should be published."""
        now = self._now()
        due = self._desk.next_due(now)
        timeout = None if due is None else max(0.0, (due - now).total_seconds())
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._wake.wait()

    def _report_session(self) -> None:
        backlog, now_s = self._desk.backlog, asyncio.get_running_loop().time()
        # One that is lost again and again is not worth a line each time.
        if self._reported_s is None:
            self._reported_s = -_SHORT_S
        elif now_s - self._reported_s >= _SHORT_S:
            self._reported_s = now_s
            waiting = f"; {plural(len(backlog), 'message')} waited" if len(backlog) else ""
            self._report(Notice(Notice.EVENT, f"{self.name}: connected again{waiting}"))
        if dropped := backlog.dropped():
            self._warn(f"{plural(dropped, 'message')} dropped, since the broker was away for long")

    def _check_echo(self) -> None:
        if not self._desk.echoed and not self._denied:
            self._denied = True
            prefix = self._settings.topics.prefix
            self._warn(f"what is published does not come back; may this user write {prefix}/#?")

    def _warn(self, text: str) -> None:
        self._report(Notice(Notice.WARNING, f"{self.name}: {text}"))


@asynccontextmanager
async def _connected(client: Client) -> AsyncIterator[None]:
    """Connect for the time of the context."""
    # Unless somebody has looked at its error by the end, asyncio would print that.
    client._disconnected.add_done_callback(_look_at_error)  # noqa: SLF001
    connecting = asyncio.create_task(client.__aenter__())
    try:
        try:
            await asyncio.shield(connecting)
        except asyncio.CancelledError:
            # A thread connects, which cannot be cancelled, and needs the loop until it has ended.
            await asyncio.gather(connecting, return_exceptions=True)
            raise
        try:
            yield
        finally:
            await client.__aexit__(None, None, None)
    finally:
        # aiomqtt leaves the socket open when the broker does not answer.
        client._client.disconnect()  # noqa: SLF001


def _look_at_error(future: asyncio.Future[None]) -> None:
    if not future.cancelled():
        future.exception()


async def _publish(client: Client, message: Message) -> None:
    await client.publish(message.topic, message.payload, message.qos, message.retain)


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel tasks until they have ended: aiomqtt's waits may swallow a cancellation."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)


def _too_large(size: int) -> str:
    return f"the broker sends a packet of {size:,} bytes, and nothing so large was asked for"
