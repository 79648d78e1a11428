"""Meters that are polled over HTTP and answer with JSON: generic, HomeWizard and Shelly."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from streamer.errors import LinkError, RefusedError, UsageError
from streamer.feeds import FeedKind
from streamer.feeds.address import Address, Credentials
from streamer.feeds.http.web import INSECURE_OPTION, TIMEOUT_OPTION, WebClient
from streamer.feeds.polling import POLL_OPTIONS, Ticker, poll_interval
from streamer.feeds.session import AsyncFeed, Channel
from streamer.feeds.values import (
    POWER_OPTIONS,
    JsonPath,
    MalformedError,
    Power,
    parse_json,
    to_moment,
    to_number,
)

if TYPE_CHECKING:
    import aiohttp

_MAX_BYTES = 1_000_000

_BUSY = (408, 425, 429)

_SHELLY_ABSENT = -105
"""Error code of a Shelly, sent with status 500, for a component that it does not have."""

_COMPONENTS = {
    "em": ("EM", "total_act_power"),
    "em1": ("EM1", "act_power"),
    "pm1": ("PM1", "apower"),
    "switch": ("Switch", "apower"),
}
"""Shelly's components that measure power: component in the RPC method, and field of the power."""


@dataclass(frozen=True)
class JsonLayout:
    """Places of the power and its time in a JSON document.

    Attributes:
        power: unit and sign of the power.
        path: place of the power.
        minus: place of a power to subtract, such as the one fed into the grid.
        time: place of the time; None for the time of arrival.
    """

    power: Power
    path: JsonPath
    minus: JsonPath | None = None
    time: JsonPath | None = None

    def read(self, document: Any) -> tuple[float, datetime | None]:
        """Return the power in kW, NaN where it is null, and its time.

        Raises:
            MalformedError: the document does not hold them.
        """
        at = None if self.time is None else to_moment(self.time.find(document))
        values = [self.path.find(document)]
        if self.minus is not None:
            values.append(self.minus.find(document))
        if None in values:
            return math.nan, at
        kw = self.power.kw(to_number(values[0]) - sum(map(to_number, values[1:])))
        if not math.isfinite(kw):
            raise MalformedError(f"{values[0]!r} is not a power")
        return kw, at


@dataclass(frozen=True)
class PollRequest:
    """A web request to be repeated, and the interpretation of its response.

    Attributes:
        web: settings for the connection.
        url: the URL to request.
        layout: interpretation of the response.
        credentials: user, password and token.
        digest: whether to use digest authentication.
        remedies: messages for HTTP statuses that have a special meaning here.
    """

    web: WebClient
    url: str
    layout: JsonLayout
    credentials: Credentials = field(default_factory=Credentials)
    digest: bool = False
    remedies: Mapping[int, str] = field(default_factory=dict)

    def feed(self, every_s: float) -> AsyncFeed:
        """Make a feed that sends the request every `every_s` seconds."""

        async def session(channel: Channel) -> None:
            ticker = Ticker(every_s)
            last: tuple[float, datetime | None] = math.nan, None
            async with self.web.session(self.credentials, digest=self.digest) as http:
                await ticker.wait()
                body = await self._ask(http)
                channel.up()
                while True:
                    try:
                        now = self.layout.read(parse_json(body))
                    except MalformedError as error:
                        channel.malformed(str(error))
                    else:
                        # A meter polled faster than it measures repeats value and time.
                        if now != last or now[1] is None:
                            channel.sample(*now)
                        last = now
                    await ticker.wait()
                    body = await self._ask(http)

        return AsyncFeed(self.web.name, session)

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


def _origin(address: Address, scheme: str) -> str:
    port = "" if address.port is None else f":{address.port}"
    return f"{scheme}://{address.host_in_url}{port}"


def _open_json(address: Address) -> AsyncFeed:
    layout = JsonLayout(
        power=Power.of(address),
        path=JsonPath.of(address, "path") or JsonPath("", ()),
        minus=JsonPath.of(address, "minus"),
        time=JsonPath.of(address, "time"),
    )
    request = PollRequest(
        web=WebClient.of(address),
        url=f"{_origin(address, address.scheme)}{address.path or '/'}"
        + (f"?{address.query}" if address.query else ""),
        layout=layout,
        credentials=address.credentials,
        digest=address.choice("auth", ("basic", "digest"), "basic") == "digest",
    )
    return request.feed(poll_interval(address))


def _open_homewizard(address: Address) -> AsyncFeed:
    _reject_path(address)
    request = PollRequest(
        web=WebClient.of(address),
        url=f"{_origin(address, 'http')}/api/v1/data",
        layout=JsonLayout(Power("W"), JsonPath.parse("active_power_w")),
        remedies={
            403: "the local API is off; switch it on in the HomeWizard app: "
            "settings, meters, this meter, local API",
            404: "API v1 is missing, and v2 is not supported; is it a HomeWizard meter?",
        },
    )
    return request.feed(poll_interval(address))


def _open_shelly(address: Address) -> AsyncFeed:
    _reject_path(address)
    component = address.choice("component", _COMPONENTS, "em")
    method, value = _COMPONENTS[component]
    number = address.number("id", 0, least=0, most=999)
    if number != int(number):
        raise address.wrong("id", "give a whole number")
    known = address.credentials
    request = PollRequest(
        web=WebClient.of(address),
        url=f"{_origin(address, 'http')}/rpc/{method}.GetStatus?id={int(number)}",
        layout=JsonLayout(
            Power("W", address.choice("sign", ("import", "export"), "import")),
            JsonPath.parse(value),
        ),
        credentials=replace(known, user=known.user or "admin", token=None),
        digest=True,
        remedies={
            401: "this password is not accepted"
            if known.password
            else "the password of the user admin is required",
            404: f"{method} with id {int(number)} does not exist, or the device is older than "
            f"Gen2; choose component={'|'.join(_COMPONENTS)} and id",
        },
    )
    return request.feed(poll_interval(address))


def _reject_path(address: Address) -> None:
    if address.path.strip("/"):
        raise UsageError(f"{address.shown}: a path is not allowed; write {address.scheme}://host")


KIND = FeedKind(
    about="JSON from a web address, requested every few seconds",
    example="http://meter/status?id=0#path=total.power&unit=W",
    open=_open_json,
    options={
        "path": "place of the power in the JSON, like ENERGY.Power or phases[0].w; "
        "if not given, the response is a bare number",
        "minus": "place of a power to subtract, such as the one fed into the grid",
        "time": "place of the time; if not given, the time of the response counts",
        "auth": "how the password is sent: basic (the default) or digest",
        **POWER_OPTIONS,
        **POLL_OPTIONS,
        **TIMEOUT_OPTION,
        **INSECURE_OPTION,
    },
    extra="http",
    modules=("aiohttp",),
)
"""Any web address; its options are in the fragment, since the query belongs to the server."""

HOMEWIZARD = FeedKind(
    about="HomeWizard P1, kWh meter or socket, by its local API v1",
    example="homewizard://192.168.1.20",
    open=_open_homewizard,
    options={**POLL_OPTIONS, **TIMEOUT_OPTION},
    extra="http",
    modules=("aiohttp",),
)

SHELLY = FeedKind(
    about="Shelly energy meter, Gen2 or newer",
    example="shelly://192.168.1.21?component=em1&id=0",
    open=_open_shelly,
    options={
        "component": "what measures: em (three phases together, the default), em1, pm1 or switch",
        "id": "number of the component; 0 if not given",
        "sign": POWER_OPTIONS["sign"],
        **POLL_OPTIONS,
        **TIMEOUT_OPTION,
    },
    extra="http",
    modules=("aiohttp",),
)
