"""Entities of Home Assistant over its websocket API.

The messages are those of Home Assistant's own frontend, which subscribes to compressed states
(``subscribe_entities``): one subscription delivers the current state and each change of it,
for one entity alone, also to a user with read access only.

A state is sent only when it changes, so a value is valid for as long as the connection is up.
Its time is the time of arrival: Home Assistant sends at once, and its clock may be wrong.
"""

from __future__ import annotations

import asyncio
import difflib
import json
import re
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from streamer.errors import LinkError, RefusedError, UsageError
from streamer.feeds import FeedKind
from streamer.feeds.address import Address, Secret
from streamer.feeds.hass.states import Entity, power_entities
from streamer.feeds.http.web import INSECURE_OPTION, TIMEOUT_OPTION, WebClient
from streamer.feeds.session import AsyncFeed, Channel
from streamer.feeds.values import POWER_OPTIONS, SIGNS, MalformedError, parse_json

if TYPE_CHECKING:
    import aiohttp

_PORT = 8123

_PING_S = 25.0

_CLOSE_S = 0.5

_MAX_BYTES = 16_000_000
"""All states of a large house are some megabytes; fetched only to suggest an entity's name."""

_ENTITY = re.compile(r"[a-z0-9_]+\.[a-z0-9_]+")


class _JsonSocket:
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

        message = await self._socket.receive(self._answer_s if within_s is None else within_s)
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


class _Client:
    """Login, subscription and messages of one entity."""

    def __init__(self, address: Address, ping_s: float) -> None:
        self._web = WebClient.of(address)
        self._name = self._web.name
        self._entity = address.path.strip("/")
        if not _ENTITY.fullmatch(self._entity):
            raise UsageError(
                f"{address.shown}: the entity's id is missing; write it like "
                "hass://homeassistant.local/sensor.power"
            )
        if address.credentials.token is None:
            raise UsageError(
                f"{address.shown}: a token is missing; make a long-lived access token in Home "
                "Assistant (your profile, Security) and give it as STREAMER_TOKEN, --token-file or "
                "token in the configuration file"
            )
        self._token: Secret = address.credentials.token
        self._sign = SIGNS[address.choice("sign", SIGNS, "import")]
        self._ping_s = ping_s
        host = address.host_in_url
        secure = address.choice("tls", ("0", "1"), "0") == "1"
        self._url = f"{'wss' if secure else 'ws'}://{host}:{address.port or _PORT}/api/websocket"

    async def session(self, channel: Channel) -> None:
        import aiohttp

        raw: socket.socket | None = None
        try:
            async with (
                self._web.session() as http,
                http.ws_connect(
                    self._url,
                    max_msg_size=_MAX_BYTES,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_S),
                ) as websocket,
            ):
                raw = websocket.get_extra_info("socket")
                messages = _JsonSocket(websocket, self._name, self._web.timeout_s)
                await self._log_in(messages)
                await self._listen(messages, channel)
        except aiohttp.WSServerHandshakeError as error:
            raise self._no_websocket(error.status) from None
        except (aiohttp.ClientError, OSError) as error:
            raise self._web.lost(error) from None
        finally:
            if raw is not None:
                await _until_closed(raw)

    def _no_websocket(self, status: int) -> LinkError:
        if status >= 500:
            return LinkError(f"{self._name}: Home Assistant has not started yet (HTTP {status})")
        if status == 403:
            return RefusedError(
                f"{self._name}: Home Assistant has banned this machine; see its ip_bans.yaml"
            )
        return RefusedError(f"{self._name}: this is not Home Assistant (HTTP {status})")

    async def _log_in(self, messages: _JsonSocket) -> None:
        await messages.expect("auth_required")
        await messages.send(type="auth", access_token=self._token.reveal())
        answer = await messages.expect("auth_ok", "auth_invalid")
        if answer["type"] == "auth_invalid":
            raise RefusedError(
                f"{self._name}: Home Assistant rejects the token; create a new one there "
                "(your profile, Security, long-lived access tokens)"
            )

    async def _listen(self, messages: _JsonSocket, channel: Channel) -> None:
        entity = Entity(self._entity, self._sign)
        subscription = await messages.command("subscribe_entities", entity_ids=[self._entity])
        heard = False
        while True:
            try:
                message = await messages.listen(self._ping_s)
                if message.get("id") != subscription:
                    continue
                if message.get("type") == "result" and message.get("success") is not True:
                    raise self._denied(message)
                if message.get("type") != "event":
                    continue
                concerned = entity.apply(message.get("event"))
                if not heard and not entity.exists:
                    raise await self._unknown(messages)
                if not concerned:
                    continue
                kw = entity.kw()
            except MalformedError as error:
                channel.malformed(str(error))
                continue
            if not heard:
                heard = True
                channel.up()
            channel.sample(kw)

    def _denied(self, result: dict[str, Any]) -> RefusedError:
        match result:
            case {"error": {"code": "unknown_command"}}:
                why = "Home Assistant is too old; 2022.4 or newer is required"
            case _:
                why = f"Home Assistant does not let the token's user read {self._entity}"
        return RefusedError(f"{self._name}: {why}")

    async def _unknown(self, messages: _JsonSocket) -> RefusedError:
        """Return the error for an entity that does not exist, with similar names."""
        text = f"{self._name}: {self._entity} does not exist, or the token's user may not read it"
        number = await messages.command("get_states")
        try:
            answer = await messages.receive()
            while answer.get("id") != number:
                answer = await messages.receive()
        except (MalformedError, TimeoutError):
            return RefusedError(text)
        near = difflib.get_close_matches(self._entity, power_entities(answer.get("result")), 3, 0.4)
        return RefusedError(f"{text}; is it {' or '.join(near)}?" if near else text)


async def _until_closed(raw: socket.socket) -> None:
    """Wait until TLS is shut down, which aiohttp leaves to a loop that may be about to end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_S):
            while raw.fileno() >= 0:
                await asyncio.sleep(0.01)


def open_hass(address: Address, *, ping_s: float = _PING_S) -> AsyncFeed:
    """Make the feed of an entity.

    Args:
        address: address of Home Assistant, with the entity's id as path.
        ping_s: seconds of silence before a ping is sent.

    Raises:
        UsageError: the address is incomplete, or an option is wrong.
    """
    work = _Client(address, ping_s)
    return AsyncFeed(address.shown, work.session, peer="Home Assistant")


KIND = FeedKind(
    about="an entity of Home Assistant over its websocket; the unit is taken from Home Assistant",
    example="hass://homeassistant.local:8123/sensor.power",
    open=open_hass,
    options={
        "sign": POWER_OPTIONS["sign"],
        "tls": "1 if Home Assistant is reached over https",
        **TIMEOUT_OPTION,
        **INSECURE_OPTION,
    },
    extra="http",
    modules=("aiohttp",),
    stale_after_s=3600.0,
)
