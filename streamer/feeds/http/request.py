"""Repeated web requests, and their responses as samples."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, TypeAlias
from urllib.parse import urlsplit

from streamer.errors import LinkError, RefusedError
from streamer.feeds import Pace
from streamer.feeds.address import Credentials
from streamer.feeds.http.web import WebClient
from streamer.feeds.polling import Ticker
from streamer.feeds.session import AsyncFeed, Channel
from streamer.feeds.values import (
    JsonLayout,
    MalformedError,
    MissingError,
    Quantity,
    parse_json,
    words_for,
)
from streamer.feeds.values.paths import with_contents
from streamer.readings import CounterSample, Sample

if TYPE_CHECKING:
    import aiohttp

_MAX_BYTES = 1_000_000

_BUSY = (408, 425, 429)

_SHELLY_ABSENT = -105
"""Error code of a Shelly, sent with status 500, for a component that it does not have."""

BodyReader: TypeAlias = Callable[[bytes], Sample | CounterSample]
"""Interprets a response; it raises MalformedError for one without a value."""


class Part(NamedTuple):
    """One of the values of a response.

    Attributes:
        quantity: what it is.
        read: its interpretation.
    """

    quantity: Quantity
    read: BodyReader

    def item(self, body: bytes, channel: Channel) -> Sample | CounterSample:
        """Return the value in a response; unknown, and reported, if it cannot be read."""
        try:
            return self.read(body)
        except MalformedError as error:
            of = f"{words_for(self.quantity.channel)}: " if self.quantity.channel else ""
            channel.malformed(f"{of}{error}", effect="the value is unknown")
            return self.quantity.unknown()


@dataclass(frozen=True)
class PollRequest:
    """A web request to be repeated, and the interpretation of its response.

    A response without a readable value ends the value before it: what the meter measures now
    is not known.

    Attributes:
        web: settings for the connection.
        url: the URL to request.
        parts: the values to be read from the response, the grid power first.
        credentials: user, password and token.
        digest: whether to use digest authentication.
        headers: further headers of the request.
        remedies: messages for HTTP statuses that have a special meaning here.
    """

    web: WebClient
    url: str
    parts: Sequence[Part]
    credentials: Credentials = field(default_factory=Credentials)
    digest: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)
    remedies: Mapping[int, str] = field(default_factory=dict)

    def feed(self, every_s: float) -> AsyncFeed:
        """Make a feed that sends the request every `every_s` seconds."""

        async def session(channel: Channel) -> None:
            ticker = Ticker(every_s)
            last: dict[str, Sample | CounterSample] = {}
            async with self.web.session(
                self.credentials, digest=self.digest, headers=self.headers
            ) as http:
                await ticker.wait()
                body = await self._ask(http)
                channel.up()
                while True:
                    for part in self.parts:
                        now, name = part.item(body, channel), part.quantity.channel
                        # A meter polled faster than it measures repeats value and time.
                        if now.at is None or now != last.get(name):
                            channel.deliver(now)
                        last[name] = now
                    await ticker.wait()
                    body = await self._ask(http)

        pace = Pace(every_s=every_s)
        sides = {part.quantity.channel: pace for part in self.parts[1:]}
        return AsyncFeed(self.web.name, session, pace=pace, channels=sides)

    async def _ask(self, http: aiohttp.ClientSession) -> bytes:
        import aiohttp

        try:
            async with http.get(self.url, allow_redirects=False) as response:
                body = bytearray()
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > _MAX_BYTES:
                        raise RefusedError(
                            f"{self.web.name}: the response is larger than 1 MB; is it a meter?"
                        )
                status = response.status
                if 200 <= status < 300:
                    return bytes(body)
                raise self._refusal(status, bytes(body), response.headers.get("Location", ""))
        except (aiohttp.ClientError, OSError) as error:
            raise self.web.lost(error) from None

    def _refusal(self, status: int, body: bytes, location: str) -> LinkError:
        if status >= 500 and _is_absent(body):
            status = 404
        if status in _BUSY or status >= 500:
            return LinkError(f"{self.web.name}: the server answers with HTTP {status}")
        return RefusedError(f"{self.web.name}: {self._remedy(status, location)} (HTTP {status})")

    def _remedy(self, status: int, location: str) -> str:
        if status in self.remedies:
            return self.remedies[status]
        if 300 <= status < 400:
            return f"the server redirects to {_without_secrets(location)}; use that address"
        if status == 401 and self.credentials == Credentials():
            return "a user and a password, or a token, are required"
        if status == 401:
            return "this user and password, or this token, is not accepted"
        if status == 403:
            return "access is forbidden; see the settings of the device"
        if status == 404:
            return "the page does not exist; check the address"
        return "the request is not understood; check the address"


def json_reader(layout: JsonLayout) -> BodyReader:
    """Return the interpretation of a response as JSON, or as plain text if it is the value.

    >>> from streamer.feeds.values import PathSum
    >>> json_reader(JsonLayout(Quantity("W"), PathSum.parse("")))(b"250.3 W")
    Sample(kw=0.2503, at=None, channel='')
    """
    is_value = not layout.path.text and layout.minus is None

    def read(body: bytes) -> Sample | CounterSample:
        try:
            document = parse_json(body)
        except MalformedError:
            if not is_value:
                raise
            # openHAB, for one, sends the state of an item as plain text.
            document = body.decode("utf-8-sig", "replace")
        try:
            return layout.read(document)
        except MissingError as error:
            raise MalformedError(with_contents(error, document)) from None

    return read


def _is_absent(body: bytes) -> bool:
    try:
        document = parse_json(body)
    except MalformedError:
        return False
    return isinstance(document, dict) and document.get("code") == _SHELLY_ABSENT


def _without_secrets(location: str) -> str:
    try:
        parts = urlsplit(location)
        where = f"{parts.hostname or ''}{parts.path}"
    except ValueError:
        return "another address"
    return f"{parts.scheme}://{where}" if parts.scheme else where or "another address"
