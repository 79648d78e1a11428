"""Websocket of Home Assistant: commands, responses and events as JSON objects."""

from __future__ import annotations

import asyncio
import json
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from streamer.errors import LinkError
from streamer.feeds.values import MalformedError, parse_json

if TYPE_CHECKING:
    import aiohttp


CLOSE_S = 0.5
"""Seconds to wait for the other end to close the connection."""


class JsonSocket:
    """A websocket that carries JSON objects.

    Args:
        socket: the websocket.
        name: the feed's name, for errors.
        answer_s: seconds to wait for an expected message.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, name: str, answer_s: float) -> None:
        self._socket = socket
        self._name = name
        self._answer_s = answer_s
        self._commands = 0

    async def send(self, **message: Any) -> None:
        """Send a message."""
        await self._socket.send_str(json.dumps(message))

    async def command(self, kind: str, **message: Any) -> int:
        """Send a command; returns its number, which the response carries."""
        self._commands += 1
        await self.send(id=self._commands, type=kind, **message)
        return self._commands

    async def receive(self, within_s: float | None = None) -> dict[str, Any]:
        """Return the next message.

        Raises:
            TimeoutError: none arrived in time.
            MalformedError: the message is not a JSON object.
            LinkError: the connection is closed.
        """
        import aiohttp

        # The timeout of aiohttp's own begins again with each ping of the other end.
        async with asyncio.timeout(self._answer_s if within_s is None else within_s):
            message = await self._socket.receive()
        if message.type in (
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.CLOSING,
            aiohttp.WSMsgType.CLOSED,
            aiohttp.WSMsgType.ERROR,
        ):
            raise LinkError(f"{self._name}: Home Assistant closed the connection")
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise MalformedError("a message that is not text")
        document = parse_json(message.data)
        if not isinstance(document, dict):
            raise MalformedError("a message that is not a JSON object")
        return document

    async def listen(self, ping_s: float) -> dict[str, Any]:
        """Return the next message, waiting as long as the other end is alive.

        Args:
            ping_s: seconds of silence before a ping is sent.
        """
        try:
            return await self.receive(ping_s)
        except TimeoutError:
            await self.command("ping")
            return await self.receive()

    async def expect(self, *kinds: str) -> dict[str, Any]:
        """Return the next message, which must be of one of these kinds."""
        try:
            message = await self.receive()
        except MalformedError as error:
            raise LinkError(f"{self._name}: {error}; is it Home Assistant?") from None
        if message.get("type") not in kinds:
            raise LinkError(f"{self._name}: expected {' or '.join(kinds)}; is it Home Assistant?")
        return message


async def until_closed(raw: socket.socket) -> None:
    """Wait until TLS is shut down, which aiohttp leaves to a loop that may be about to end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            while raw.fileno() >= 0:
                await asyncio.sleep(0.01)
