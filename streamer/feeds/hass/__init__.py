"""Entities of Home Assistant over its websocket API.

The messages are those of Home Assistant's own frontend, which subscribes to compressed states
(``subscribe_entities``): one subscription delivers the current state and each change of it,
for one entity alone, also to a user with read access only. It also delivers an entity that is
set up later, as many are while Home Assistant starts (``get_config`` returns its ``state``:
``NOT_RUNNING``, ``STARTING``, ``RUNNING``).

A state is sent only when it changes, so a value is valid for as long as the connection is up.
Its time is the time of arrival: Home Assistant sends at once, and its clock may be wrong.
"""

from __future__ import annotations

import asyncio
import difflib
import socket
from contextlib import suppress
from typing import Any

from streamer.errors import LinkError, RefusedError, UsageError
from streamer.feeds import FeedKind, Pace
from streamer.feeds.address import Address, Secret
from streamer.feeds.hass.options import chosen_targets
from streamer.feeds.hass.states import Entity, entities_in
from streamer.feeds.hass.websocket import CLOSE_S, JsonSocket, until_closed
from streamer.feeds.http.web import INSECURE_OPTION, TIMEOUT_OPTION, WebClient
from streamer.feeds.session import AsyncFeed, Channel
from streamer.feeds.values import POWER_OPTIONS, MalformedError, channel_options, further_options

_PORT = 8123

_PING_S = 25.0

_APPEAR_S = 20.0
"""Seconds for which a running Home Assistant may be without the entity."""

_LOOK_S = 1.0

_STARTING = ("NOT_RUNNING", "STARTING")

_MAX_BYTES = 16_000_000
"""All states of a large house are some megabytes; fetched only to suggest an entity's name."""


class _Client:
    """Login, subscription and messages of one entity.

    Args:
        address: address of Home Assistant, with the entity's id as path.
        ping_s: seconds of silence before a ping is sent.
        appear_s: seconds for which a running Home Assistant may be without the entity.
    """

    def __init__(self, address: Address, ping_s: float, appear_s: float) -> None:
        self._web = WebClient.of(address)
        self._name = self._web.name
        self._targets = chosen_targets(address)
        self.channels = [target.channel for target in self._targets[1:]]
        if address.credentials.token is None:
            raise UsageError(
                f"{address.shown}: a token is missing; make a long-lived access token in Home "
                "Assistant (your profile, Security) and give it as STREAMER_TOKEN, --token-file or "
                "token in the configuration file"
            )
        self._token: Secret = address.credentials.token
        self._ping_s = ping_s
        self._appear_s = appear_s
        self._was_seen = False  # the entity, in any of the connections
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
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_S),
                ) as websocket,
            ):
                raw = websocket.get_extra_info("socket")
                messages = JsonSocket(websocket, self._name, self._web.timeout_s)
                await self._log_in(messages)
                await self._listen(messages, channel)
        except aiohttp.WSServerHandshakeError as error:
            raise self._no_websocket(error.status) from None
        except (aiohttp.ClientError, OSError) as error:
            raise self._web.lost(error) from None
        finally:
            if raw is not None:
                await until_closed(raw)

    def _no_websocket(self, status: int) -> LinkError:
        if status >= 500:
            return LinkError(f"{self._name}: Home Assistant has not started yet (HTTP {status})")
        if status == 403:
            return RefusedError(
                f"{self._name}: Home Assistant has banned this machine; see its ip_bans.yaml"
            )
        return RefusedError(f"{self._name}: this is not Home Assistant (HTTP {status})")

    async def _log_in(self, messages: JsonSocket) -> None:
        await messages.expect("auth_required")
        await messages.send(type="auth", access_token=self._token.reveal())
        answer = await messages.expect("auth_ok", "auth_invalid")
        if answer["type"] == "auth_invalid":
            raise RefusedError(
                f"{self._name}: Home Assistant rejects the token; create a new one there "
                "(your profile, Security, long-lived access tokens)"
            )

    async def _listen(self, messages: JsonSocket, channel: Channel) -> None:
        entities = [Entity(*target) for target in self._targets]
        names = [target.name for target in self._targets]
        subscription = await messages.command("subscribe_entities", entity_ids=names)
        is_first = True
        async with asyncio.timeout(self._web.timeout_s) as answer:
            while True:
                try:
                    message = await messages.listen(self._ping_s)
                    concerned = self._take(message, subscription, entities)
                except MalformedError as error:
                    channel.malformed(str(error))
                    continue
                if concerned is None:
                    continue
                answer.reschedule(None)
                if is_first:
                    if not all(entity.exists for entity in entities):
                        await self._wait_for(entities, subscription, messages, channel)
                    concerned = entities
                    for entity in entities[1:]:  # the first one is about to be delivered
                        with suppress(MalformedError):
                            entity.sample()  # refused now, and not once the link is up
                for entity in concerned:
                    _deliver(entity, channel, is_first=is_first and entity is entities[0])
                is_first, self._was_seen = False, True

    def _take(
        self, message: dict[str, Any], subscription: int, entities: list[Entity]
    ) -> list[Entity] | None:
        """Apply a message; returns the entities that it concerns, None if it is no event.

        Raises:
            MalformedError: the message has another form.
            RefusedError: the subscription is denied.
        """
        if message.get("id") != subscription:
            return None
        if message.get("type") == "result" and message.get("success") is not True:
            raise self._denied(message)
        if message.get("type") != "event":
            return None
        return [entity for entity in entities if entity.apply(message.get("event"))]

    async def _wait_for(
        self, entities: list[Entity], subscription: int, messages: JsonSocket, channel: Channel
    ) -> None:
        """Wait for the entities that Home Assistant has not set up yet.

        Raises:
            RefusedError: one does not appear in time, and was never seen before.
        """
        now = asyncio.get_running_loop().time
        if self._was_seen:
            channel.up()
            for entity in entities:
                channel.deliver(entity.unknown())  # the value of the connection before has ended
        since, told = now(), ""
        while awaited := [entity for entity in entities if not entity.exists]:
            first = awaited[0].name
            config = await self._ask("get_config", subscription, messages, entities)
            is_starting = isinstance(config, dict) and config.get("state") in _STARTING
            since = now() if is_starting else since
            is_late = now() >= since + self._appear_s
            text = ""
            if is_starting:
                text = f"Home Assistant is starting; waiting for {first}"
            elif told != "missing" and (is_late or not self._was_seen):
                missing = await self._missing(first, subscription, messages, entities)
                text = f"{missing}; waiting for it"
            elif is_late and not self._was_seen:
                missing = await self._missing(first, subscription, messages, entities)
                raise RefusedError(f"{self._name}: {missing}")
            if text and told != text and not awaited[0].exists:
                channel.warn(text)
                told = text if is_starting else "missing"
            with suppress(TimeoutError, MalformedError):
                self._take(await messages.receive(_LOOK_S), subscription, entities)

    async def _ask(
        self, command: str, subscription: int, messages: JsonSocket, entities: list[Entity]
    ) -> object:
        """Send a command; returns its result, and applies the messages before it.

        Raises:
            TimeoutError: the result does not arrive in time, whatever else does.
        """
        number = await messages.command(command)
        async with asyncio.timeout(self._web.timeout_s):
            while True:
                try:
                    answer = await messages.receive()
                    if answer.get("id") == number:
                        return answer.get("result")
                    self._take(answer, subscription, entities)
                except MalformedError:
                    return None

    def _denied(self, result: dict[str, Any]) -> RefusedError:
        names = " and ".join(target.name for target in self._targets)
        match result:
            case {"error": {"code": "unknown_command"}}:
                why = "Home Assistant is too old; 2022.4 or newer is required"
            case _:
                why = f"Home Assistant does not let the token's user read {names}"
        return RefusedError(f"{self._name}: {why}")

    async def _missing(
        self, name: str, subscription: int, messages: JsonSocket, entities: list[Entity]
    ) -> str:
        """Text about an entity that does not exist, with similar names."""
        text = f"{name} does not exist, or the token's user may not read it"
        states = await self._ask("get_states", subscription, messages, entities)
        units = next(target.units for target in self._targets if target.name == name)
        near = difflib.get_close_matches(name, entities_in(states, units), 3, 0.4)
        return f"{text}; is it {' or '.join(near)}?" if near else text


def _deliver(entity: Entity, channel: Channel, *, is_first: bool) -> None:
    """Deliver the present state of an entity.

    Raises:
        RefusedError: the entity is neither a power nor an energy register.
    """
    malformed = None
    try:
        sample = entity.sample()
    except RefusedError:
        if not is_first:
            channel.deliver(entity.unknown())  # the value before has ended
        raise
    except MalformedError as error:
        sample, malformed = entity.unknown(), str(error)
    if is_first:
        channel.up()
    channel.deliver(sample)
    if malformed is not None:
        channel.malformed(malformed)


def open_hass(
    address: Address, *, ping_s: float = _PING_S, appear_s: float = _APPEAR_S
) -> AsyncFeed:
    """Make the feed of an entity.

    Args:
        address: address of Home Assistant, with the entity's id as path.
        ping_s: seconds of silence before a ping is sent.
        appear_s: seconds for which a running Home Assistant may be without the entity.

    Raises:
        UsageError: the address is incomplete, or an option is wrong.
    """
    work = _Client(address, ping_s, appear_s)
    pace = Pace(on_change=True)
    channels = dict.fromkeys(work.channels, pace)
    return AsyncFeed(
        address.shown, work.session, peer="Home Assistant", pace=pace, channels=channels
    )


KIND = FeedKind(
    about="an entity of Home Assistant over its websocket; the unit is taken from Home Assistant",
    example="hass://homeassistant.local:8123/sensor.power",
    open=open_hass,
    options={
        "sign": POWER_OPTIONS["sign"],
        **channel_options("entity that measures {}", unit=False, scale=False),
        **further_options("entity", unit=False),
        "tls": "1 if Home Assistant is reached over https",
        **TIMEOUT_OPTION,
        **INSECURE_OPTION,
    },
    extra="http",
    modules=("aiohttp",),
    stale_after_s=3600.0,
    unit_remedy="correct the entity's unit_of_measurement in Home Assistant",
)
