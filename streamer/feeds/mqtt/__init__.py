"""Meters behind an MQTT broker: ``mqtt://host/topic``, with TLS ``mqtts://host/topic``.

The messages are interpreted by `streamer.feeds.mqtt.messages`.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

from streamer.errors import RefusedError
from streamer.feeds import FeedKind, Pace
from streamer.feeds.address import Address
from streamer.feeds.mqtt.bounds import PacketBound
from streamer.feeds.mqtt.broker import Broker
from streamer.feeds.mqtt.errors import broker_errors
from streamer.feeds.mqtt.layout import MESSAGE_OPTIONS, MessageLayout
from streamer.feeds.mqtt.messages import MessageReader
from streamer.feeds.mqtt.presets import GROUPS
from streamer.feeds.mqtt.sides import SIDE_OPTIONS, side_layouts
from streamer.feeds.session import AsyncFeed, Channel
from streamer.feeds.values import MalformedError

if TYPE_CHECKING:
    from aiomqtt import Client, Message

_ANSWER_S = 10.0
_SILENCE_S = 15.0
_HEARTBEAT_S = 30.0


def _preset_help() -> str:
    lines = [
        line
        for title, presets in GROUPS.items()
        for line in (f"– {title} –", *(f"{name}: {each.about}" for name, each in presets.items()))
    ]
    return "\n".join(
        [
            "the sending device, which sets the other options; a device's name is then enough "
            "for the topic:",
            *lines,
        ]
    )


OPTIONS = {
    "preset": _preset_help(),
    **MESSAGE_OPTIONS,
    **SIDE_OPTIONS,
    "version": "version of the protocol: 3 (3.1.1, the default) or 5",
    "qos": "0 (the default) or 1: each message at least once",
    "session": "seconds for which the broker keeps messages while we are disconnected; needs "
    "client_id and time",
    "client_id": "our name at the broker; by default a random one",
    "keepalive": "seconds between keep-alive messages (20)",
    "cafile": "file with the trusted certificates; by default the system's",
    "insecure": "yes: do not check the broker's certificate",
}
"""The options of an MQTT address."""


class _Session:
    """Connections to a broker, one after another, each until it is lost."""

    def __init__(
        self, name: str, broker: Broker, layout: MessageLayout, sides: list[MessageLayout]
    ) -> None:
        self._name = name
        self._broker = broker
        self._layout = layout
        self._sides = sides
        self._topics = list(
            dict.fromkeys(topic for each in (layout, *sides) for topic in each.topics.values)
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._confirmed = False  # whether a message has arrived, or its absence was reported

    async def run(self, channel: Channel) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            # aiomqtt connects in a thread; with a single one, it can be waited for.
            loop.set_default_executor(ThreadPoolExecutor(1))
            if self._broker.insecure:
                channel.warn("the broker's certificate is not checked (insecure=yes)")
        client = self._broker.client(_ANSWER_S)
        bound = PacketBound(client)
        with broker_errors(self._name, self._broker, bound, self._too_large) as attempt:
            try:
                async with client:
                    attempt.connected = True
                    topics = self._layout.topics
                    for topic in self._topics:
                        await self._subscribe(client, topic)
                    for topic in topics.others:
                        await self._subscribe(client, topic, optional=not topics.asked)
                    channel.up(f"subscribed to {' and '.join(self._topics)}")
                    await self._listen(client, channel)
            except asyncio.CancelledError:
                await loop.run_in_executor(None, int)
                raise
            finally:
                # aiomqtt leaves the socket open when the broker does not answer.
                client._client.disconnect()  # noqa: SLF001

    def _too_large(self, size: int) -> str:
        return (
            f"the broker sends a packet of {size:,} bytes, and no meter sends so much; is the "
            f"topic {' and '.join(self._topics)} correct?"
        )

    async def _subscribe(self, client: Client, topic: str, *, optional: bool = False) -> None:
        for code in await client.subscribe(topic, qos=self._broker.qos):
            if getattr(code, "value", code) >= 0x80 and not optional:
                raise RefusedError(
                    f"{self._name}: the broker refuses the subscription to {topic}: {code}"
                )

    async def _listen(self, client: Client, channel: Channel) -> None:
        reader = MessageReader(self._layout)
        readers = [reader, *(MessageReader(side) for side in self._sides)]
        loop = asyncio.get_running_loop()
        silence = loop.call_later(_SILENCE_S, self._warn_of_silence, reader, channel)
        beat = (
            loop.create_task(self._keep_alive(client, reader, channel))
            if self._layout.keepalive
            else None
        )
        try:
            async for message in client.messages:
                self._take(message, readers, channel)
                # aiomqtt receives three messages in the time in which it hands one out, so that
                # a flood of them would fill the memory.
                while len(client.messages):
                    waiting = client._queue.get_nowait()  # noqa: SLF001
                    self._take(waiting, readers, channel)
        finally:
            silence.cancel()
            if beat is not None:
                beat.cancel()
                # Its errors are those of the connection, which the messages report.
                await asyncio.wait([beat])

    def _take(self, message: Message, readers: list[MessageReader], channel: Channel) -> None:
        topic, payload, retained = message.topic.value, message.payload, message.retain
        assert isinstance(payload, bytes)  # noqa: S101 - as received, it is never decoded
        now_s = asyncio.get_running_loop().time()
        grid = readers[0]
        for reader in readers:
            was_stale = reader.stale
            try:
                item = reader.take(topic, payload, retained=retained, now_s=now_s)
            except MalformedError as error:
                effect = "skipped" if retained else "the value is unknown"
                channel.malformed(f"{reader.label}{error}", effect=effect)
                self._confirmed = self._confirmed or reader is grid
                item = None if retained else reader.unknown()
            if reader.stale and not was_stale:
                channel.warn(f"{reader.label}{self._why_stale(reader.stale)}")
            if item is not None:
                channel.deliver(item)
                self._confirmed = self._confirmed or (reader is grid and not reader.offline)

    def _why_stale(self, topic: str) -> str:
        text = f"nothing has arrived on {topic} for long, so the sum is unknown"
        if self._layout.pace != Pace():
            return text
        return f"{text}; give every=change if it sends changes only"

    async def _keep_alive(self, client: Client, reader: MessageReader, channel: Channel) -> None:
        heartbeat_s = self._layout.heartbeat_s or _HEARTBEAT_S
        while True:
            await client.publish(self._layout.keepalive, b"")
            await asyncio.sleep(heartbeat_s)
            item = reader.check(asyncio.get_running_loop().time())
            if item is not None:
                channel.warn(self._why_stale(reader.stale))
                channel.deliver(item)

    def _warn_of_silence(self, reader: MessageReader, channel: Channel) -> None:
        if self._confirmed or not reader.awaited:
            return
        self._confirmed = True
        if reader.lacking:
            channel.warn(f"messages arrive, but without a power: {reader.lacking}")
            return
        if reader.offline:
            channel.warn(f"the device is offline, as {reader.offline} reports")
            return
        topics = " and ".join(reader.awaited)
        hint = f" ({self._layout.hint})" if self._layout.hint else ""
        channel.warn(
            f"connected to the broker, but nothing has arrived on {topics} for {_SILENCE_S:g} s; "
            f"is the topic correct, and may this user read it?{hint}"
        )


def open_mqtt(address: Address) -> AsyncFeed:
    """Make the feed of an address; it connects when it is read."""
    layout = MessageLayout.of(address)
    broker = Broker.of(address, dated=layout.is_dated)
    name = replace(address, path=f"/{layout.topic}").shown
    sides = side_layouts(address, layout)
    session = _Session(name, broker, layout, sides)
    channels = {side.quantity.channel: side.pace for side in sides}
    return AsyncFeed(name, session.run, peer="broker", pace=layout.pace, channels=channels)


KIND = FeedKind(
    about="MQTT 3.1.1 and 5: a number or JSON, with presets for well-known devices",
    example="mqtt://user@broker/home/power?unit=W",
    open=open_mqtt,
    options=OPTIONS,
    extra="mqtt",
    modules=("aiomqtt",),
)
