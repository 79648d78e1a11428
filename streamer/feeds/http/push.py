"""Readings that are sent to us over HTTP: by a script, an automation, Telegraf.

``POST /reading`` takes one record or many (see `streamer.feeds.lines.records`) and answers 204, or
400 with ``{"error": …}``; of a request with a record that cannot be read, none is taken.
``/write`` and ``/api/v2/write`` take line protocol as InfluxDB's versions 1 and 2 do, so
that what writes to InfluxDB can write here. ``GET /`` says how things stand.

It listens on this machine only, unless the address names another host, and then wants a
token: ``Authorization: Bearer …`` or ``Token …``. There is no TLS; beyond a network one
trusts it belongs behind a proxy.
"""

from __future__ import annotations

import asyncio
import errno
import hmac
import ipaddress
import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from streamer.errors import LinkError, RefusedError, UsageError
from streamer.feeds import Feed, FeedKind
from streamer.feeds.address import Address, Secret, read_secret
from streamer.feeds.lines.lineprotocol import PRECISIONS
from streamer.feeds.lines.records import RECORD_OPTIONS, Records
from streamer.feeds.session import AsyncFeed, Channel
from streamer.feeds.values import ValueProblem

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest, Response

DEFAULT_PORT = 8088

_LOCALHOST = "127.0.0.1"
_BODY_BYTES = 1 << 20
_BODY_S = 10.0
_IDLE_S = 75.0
_LINGER_S = 2.0  # so that a sender still sending can read why it is refused
_SHUTDOWN_S = 0.5
_CONNECTIONS = 64

_READING = "/reading"
_INFLUX = ("/write", "/api/v2/write")
_STATUS = ("/", "/health", "/ping")

_NOT_OURS = {
    errno.EADDRINUSE: "another program has this port; choose another",
    errno.EACCES: "ports below 1024 are for administrators; choose another",
}

# aiohttp tells of each request that is no HTTP; with nowhere to go, that would be on stderr.
_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())


class _RequestProblem(Exception):  # noqa: N818 - it is the answer
    """A request gets another answer than 204."""

    def __init__(self, status: int, text: str, **headers: str) -> None:
        self.status = status
        self.headers = headers
        super().__init__(text)


@dataclass
class _Receiver:
    """Answers requests.

    Attributes:
        records: what is sent.
        token: what a sender has to know, if anything.
        channel: where samples go.
        taken: how many samples have been taken.
        refused: how many requests have been refused.
    """

    records: Records
    token: Secret | None
    channel: Channel
    taken: int = 0
    refused: int = 0

    async def answer(self, request: BaseRequest) -> Response:
        """The response to one request."""
        from aiohttp import web

        try:
            if request.path in _STATUS:
                _check_method(request, "GET", "HEAD")
                return web.json_response(
                    {"status": "pass", "samples": self.taken, "refused": self.refused}
                )
            await self._take(request)
        except _RequestProblem as problem:
            self.refused += 1
            self.channel.malformed(f"request from {request.remote}: {problem}")
            return web.json_response(
                {"error": str(problem)}, status=problem.status, headers=problem.headers
            )
        return web.Response(status=204)

    async def _take(self, request: BaseRequest) -> None:
        if request.path != _READING and request.path not in _INFLUX:
            raise _RequestProblem(404, f"there is no {request.path[:40]!r}; POST to {_READING}")
        _check_method(request, "POST")
        self._check_sender(request)
        try:
            samples = self._format_of(request).read_body(await _body(request))
        except ValueProblem as problem:
            raise _RequestProblem(400, str(problem)) from None
        self.taken += len(samples)
        for sample in samples:
            self.channel.sample(sample.kw, sample.at)

    def _check_sender(self, request: BaseRequest) -> None:
        if self.token is None:
            # A page in a browser on this machine can send requests here; it must say so.
            if "Origin" in request.headers:
                raise _RequestProblem(403, "web pages may send readings only with a token")
            return
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        right = hmac.compare_digest(_bytes(given.strip()), _bytes(self.token.reveal()))
        if not right or scheme.lower() not in ("bearer", "token"):
            raise _RequestProblem(
                401,
                "wrong token or none; send Authorization: Bearer TOKEN",
                **{"WWW-Authenticate": "Bearer"},
            )

    def _format_of(self, request: BaseRequest) -> Records:
        """What the request says of the records in it, over what the address says.

        Raises:
            ValueProblem: it says something unknown.
        """
        records = self.records
        if request.path in _INFLUX:
            records = replace(records, format="influx")
        elif records.format == "auto" and request.content_type == "application/json":
            records = replace(records, format="json")
        precision = request.query.get("precision", records.precision)
        if precision not in PRECISIONS:
            raise ValueProblem(f"precision {precision[:20]!r} is not {', '.join(PRECISIONS)}")
        return replace(records, precision=precision)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _check_method(request: BaseRequest, *allowed: str) -> None:
    if request.method not in allowed:
        raise _RequestProblem(405, f"use {allowed[0]} for {request.path}", Allow=", ".join(allowed))


async def _body(request: BaseRequest) -> str:
    from aiohttp import ClientPayloadError, web

    try:
        async with asyncio.timeout(_BODY_S):
            return (await request.read()).decode("utf-8-sig")
    except web.HTTPRequestEntityTooLarge:
        raise _RequestProblem(413, f"send at most {_BODY_BYTES >> 20} MiB at once") from None
    except TimeoutError:
        raise _RequestProblem(408, f"the body did not come within {_BODY_S:g} s") from None
    except (ClientPayloadError, web.RequestPayloadError):
        raise ValueProblem("the body is not encoded as its headers say") from None
    except UnicodeDecodeError:
        raise ValueProblem("the body is not text in UTF-8") from None


class _Server:
    """Listens, and lets in no more senders at a time than will do."""

    def __init__(self, receiver: _Receiver) -> None:
        from aiohttp import web

        self._http = web.Server(
            receiver.answer,
            access_log=None,
            logger=_log,
            keepalive_timeout=_IDLE_S,
            lingering_time=_LINGER_S,
        )
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> str:
        """Begin to listen.

        Returns:
            The URL of the place to send readings to.

        Raises:
            LinkError: that is not possible.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._connection, host, port)
        except OSError as error:
            where = f"cannot listen on {_url(host, port)}"
            if error.errno in _NOT_OURS:
                raise RefusedError(f"{where}: {_NOT_OURS[error.errno]}") from None
            raise LinkError(f"{where}: {error.strerror}") from None
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"{_url(host, port)}{_READING}"

    async def stop(self) -> None:
        """Close all connections."""
        if self._server is not None:
            self._server.close()
        await self._http.shutdown(_SHUTDOWN_S)

    def _connection(self) -> asyncio.Protocol:
        if len(self._http.connections) >= _CONNECTIONS:
            return _TurnedAway()
        return self._http()


class _TurnedAway(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _open(address: Address) -> Feed:
    if address.path not in ("", "/", _READING):
        raise UsageError(f"{address.shown}: the path is always {_READING}; leave it out")
    host = address.host or _LOCALHOST
    port = DEFAULT_PORT if address.port is None else address.port
    records = Records.of(address)
    token_file = address.text("token_file")
    token = address.credentials.token if token_file is None else read_secret(token_file)
    if token is None and not _is_loopback(host):
        raise UsageError(
            f"{address.shown}: whoever reaches {host} could send readings; give a token "
            "(token_file=…), or listen on 127.0.0.1"
        )

    async def session(channel: Channel) -> None:
        server = _Server(_Receiver(records, token, channel))
        try:
            channel.up(f"listening on {await server.start(host, port)}")
            await asyncio.Event().wait()
        finally:
            await server.stop()

    return AsyncFeed(replace(address, host=host, port=port).shown, session, peer="sender")


KIND = FeedKind(
    about="readings sent over HTTP, as JSON or line protocol (POST /reading)",
    example="push://127.0.0.1:8088?unit=W",
    open=_open,
    options={
        **RECORD_OPTIONS,
        "token_file": "a file with the token that senders have to know; needed unless the "
        "host is this machine alone",
    },
    extra="http",
    modules=("aiohttp",),
)
