"""Meters that answer a web request with JSON: any, HomeWizard's, and Shelly's."""

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
from streamer.feeds.beat import BEAT_OPTIONS, Beat, interval
from streamer.feeds.http.web import INSECURE_OPTION, TIMEOUT_OPTION, Web
from streamer.feeds.session import AsyncFeed, Channel
from streamer.feeds.values import (
    POWER_OPTIONS,
    JsonPath,
    Power,
    ValueProblem,
    parse_json,
    to_moment,
    to_number,
)

if TYPE_CHECKING:
    import aiohttp

_LARGEST = 1_000_000

_BUSY = (408, 425, 429)

_SHELLY_ABSENT = -105
"""What a Shelly says, with status 500, of a component that it does not have."""

_COMPONENTS = {
    "em": ("EM", "total_act_power"),
    "em1": ("EM1", "act_power"),
    "pm1": ("PM1", "apower"),
    "switch": ("Switch", "apower"),
}
"""Shelly's components that measure power: the name in its methods, and the value's."""


@dataclass(frozen=True)
class Answer:
    """Where in a JSON document the power stands.

    Attributes:
        power: its unit and sign.
        path: where it is.
        minus: where a power is that is to be taken off, such as what is fed in.
        time: where the time is that it belongs to.
    """

    power: Power
    path: JsonPath
    minus: JsonPath | None = None
    time: JsonPath | None = None

    def read(self, document: Any) -> tuple[float, datetime | None]:
        """The power in kW, NaN where it is null, and its time.

        Raises:
            ValueProblem: there is none.
        """
        at = None if self.time is None else to_moment(self.time.find(document))
        values = [self.path.find(document)]
        if self.minus is not None:
            values.append(self.minus.find(document))
        if None in values:
            return math.nan, at
        kw = self.power.kw(to_number(values[0]) - sum(map(to_number, values[1:])))
        if not math.isfinite(kw):
            raise ValueProblem(f"{values[0]!r} is not a power")
        return kw, at


@dataclass(frozen=True)
class Question:
    """What to ask for, and of whom.

    Attributes:
        web: how to reach it.
        url: what to ask for.
        answer: how to read what comes.
        credentials: what lets us in.
        digest: whether the password is proved, not sent.
        remedies: what to do about an HTTP status, where more is known than usual.
    """

    web: Web
    url: str
    answer: Answer
    credentials: Credentials = field(default_factory=Credentials)
    digest: bool = False
    remedies: Mapping[int, str] = field(default_factory=dict)

    def feed(self, every_s: float) -> AsyncFeed:
        """A feed that asks it every so many seconds."""

        async def session(channel: Channel) -> None:
            beat = Beat(every_s)
            last: tuple[float, datetime | None] = math.nan, None
            async with self.web.session(self.credentials, digest=self.digest) as http:
                await beat.wait()
                body = await self._ask(http)
                channel.up()
                while True:
                    try:
                        now = self.answer.read(parse_json(body))
                    except ValueProblem as problem:
                        channel.malformed(str(problem))
                    else:
                        # Asked more often than it measures, it says the same thing again.
                        if now != last or now[1] is None:
                            channel.sample(*now)
                        last = now
                    await beat.wait()
                    body = await self._ask(http)

        return AsyncFeed(self.web.name, session)

    async def _ask(self, http: aiohttp.ClientSession) -> bytes:
        import aiohttp

        try:
            async with http.get(self.url, allow_redirects=False) as response:
                body = bytearray()
                async for chunk in response.content.iter_any():
                    body += chunk
                    if len(body) > _LARGEST:
                        raise RefusedError(
                            f"{self.web.name}: its answer is larger than 1 MB; is it a meter?"
                        )
                status = response.status
                if 200 <= status < 300:
                    return bytes(body)
                raise self._refusal(status, bytes(body), response.headers.get("Location", ""))
        except (aiohttp.ClientError, OSError) as error:
            raise self.web.lost(error) from None

    def _refusal(self, status: int, body: bytes, location: str) -> LinkError:
        if status >= 500 and _says_absent(body):
            status = 404
        if status in _BUSY or status >= 500:
            return LinkError(f"{self.web.name}: it answers with HTTP {status}")
        return RefusedError(f"{self.web.name}: {self._remedy(status, location)} (HTTP {status})")

    def _remedy(self, status: int, location: str) -> str:
        if status in self.remedies:
            return self.remedies[status]
        if 300 <= status < 400:
            return f"it says to ask {_without_secrets(location)} instead; give that address"
        if status == 401 and self.credentials == Credentials():
            return "it wants a user and a password, or a token"
        if status == 401:
            return "it does not take this user and password, or this token"
        if status == 403:
            return "it forbids to read that; see its settings"
        if status == 404:
            return "it has no such page; check the address"
        return "it does not understand the request; check the address"


def _says_absent(body: bytes) -> bool:
    try:
        document = parse_json(body)
    except ValueProblem:
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
    answer = Answer(
        power=Power.of(address),
        path=JsonPath.of(address, "path") or JsonPath("", ()),
        minus=JsonPath.of(address, "minus"),
        time=JsonPath.of(address, "time"),
    )
    question = Question(
        web=Web.of(address),
        url=f"{_origin(address, address.scheme)}{address.path or '/'}"
        + (f"?{address.query}" if address.query else ""),
        answer=answer,
        credentials=address.credentials,
        digest=address.choice("auth", ("basic", "digest"), "basic") == "digest",
    )
    return question.feed(interval(address))


def _open_homewizard(address: Address) -> AsyncFeed:
    _take_no_path(address)
    question = Question(
        web=Web.of(address),
        url=f"{_origin(address, 'http')}/api/v1/data",
        answer=Answer(Power("W"), JsonPath.parse("active_power_w")),
        remedies={
            403: "its local API is off; switch it on in the HomeWizard app: "
            "settings, meters, this meter, local API",
            404: "it has no API v1, and v2 is not supported; is it a HomeWizard meter?",
        },
    )
    return question.feed(interval(address))


def _open_shelly(address: Address) -> AsyncFeed:
    _take_no_path(address)
    component = address.choice("component", _COMPONENTS, "em")
    method, value = _COMPONENTS[component]
    number = address.number("id", 0, least=0, most=999)
    if number != int(number):
        raise address.wrong("id", "give a whole number")
    known = address.credentials
    question = Question(
        web=Web.of(address),
        url=f"{_origin(address, 'http')}/rpc/{method}.GetStatus?id={int(number)}",
        answer=Answer(
            Power("W", address.choice("sign", ("import", "export"), "import")),
            JsonPath.parse(value),
        ),
        credentials=replace(known, user=known.user or "admin", token=None),
        digest=True,
        remedies={
            401: "it does not take this password"
            if known.password
            else "it wants the password of its user admin",
            404: f"it has no {method} with id {int(number)}, or is older than Gen2; "
            f"choose component={'|'.join(_COMPONENTS)} and id",
        },
    )
    return question.feed(interval(address))


def _take_no_path(address: Address) -> None:
    if address.path.strip("/"):
        raise UsageError(f"{address.shown}: it takes no path; write {address.scheme}://host")


KIND = FeedKind(
    about="JSON from a web address, asked for every few seconds",
    example="http://meter/status?id=0#path=total.power&unit=W",
    open=_open_json,
    options={
        "path": "where the power stands in the JSON, like ENERGY.Power or phases[0].w; "
        "if not given, the answer is a bare number",
        "minus": "where a power stands that is to be taken off, such as what is fed in",
        "time": "where its time stands; if not given, it is the time of the answer",
        "auth": "basic (the default) or digest, how the password is given",
        **POWER_OPTIONS,
        **BEAT_OPTIONS,
        **TIMEOUT_OPTION,
        **INSECURE_OPTION,
    },
    extra="http",
    modules=("aiohttp",),
)
"""Any web address; the options are in its fragment, for the query is the other end's."""

HOMEWIZARD = FeedKind(
    about="HomeWizard P1, kWh meter or socket, by its local API v1",
    example="homewizard://192.168.1.20",
    open=_open_homewizard,
    options={**BEAT_OPTIONS, **TIMEOUT_OPTION},
    extra="http",
    modules=("aiohttp",),
)

SHELLY = FeedKind(
    about="Shelly energy meter, Gen2 or newer",
    example="shelly://192.168.1.21?component=em1&id=0",
    open=_open_shelly,
    options={
        "component": "what measures: em (three phases together, the default), em1, pm1 or switch",
        "id": "which of them; 0 if not given",
        "sign": POWER_OPTIONS["sign"],
        **BEAT_OPTIONS,
        **TIMEOUT_OPTION,
    },
    extra="http",
    modules=("aiohttp",),
)
