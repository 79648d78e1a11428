"""HTTP server for readings sent by scripts, automations or Telegraf.

``POST /reading`` takes one or more records (see `streamer.feeds.lines.records`) and answers
204, or 400 with ``{"error": …}`` if none of them can be read; otherwise those that cannot are
reported and skipped.
``/write`` and ``/api/v2/write`` take line protocol like versions 1 and 2 of InfluxDB, so that
a writer for InfluxDB can send here. ``GET /`` reports the status.

It listens on this machine only, unless the address names another host, and then requires a
token: ``Authorization: Bearer …`` or ``Token …``. TLS is not supported; outside a trusted
network the server belongs behind a proxy.
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
from streamer.feeds.lines.records import RECORD_OPTIONS, RecordParser
from streamer.feeds.polling import pace_of
from streamer.feeds.session import AsyncFeed, Channel
from streamer.feeds.values import MalformedError

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest, Response

DEFAULT_PORT = 8088

_LOCALHOST = "127.0.0.1"
_MAX_BODY_BYTES = 1 << 20
_BODY_S = 10.0
_IDLE_S = 75.0
_LINGER_S = 2.0  # for a client that is still sending to read the error
_SHUTDOWN_S = 0.5
_MAX_CONNECTIONS = 64

_READING = "/reading"
_INFLUX = ("/write", "/api/v2/write")
_STATUS = ("/", "/health", "/ping")

_REFUSALS = {
    errno.EADDRINUSE: "the port is in use by another program; choose another",
    errno.EACCES: "ports below 1024 need administrator rights; choose another",
}

# aiohttp logs each malformed request; without a handler, that would be printed on stderr.
_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())


class _RequestError(Exception):
    """A request that is answered with an error status."""

    def __init__(self, status: int, text: str, **headers: str) -> None:
        self.status = status
        self.headers = headers
        super().__init__(text)


@dataclass
class _Receiver:
    """Answers requests and passes their samples on.

    Attributes:
        records: default format of the records.
        token: token that senders must know; None to accept all.
        channel: takes the samples.
        taken: number of samples so far.
        refused: number of requests refused so far.
    """

    records: RecordParser
    token: Secret | None
    channel: Channel
    taken: int = 0
    refused: int = 0

    async def answer(self, request: BaseRequest) -> Response:
        """Return the response to one request."""
        from aiohttp import web

        try:
            if request.path in _STATUS:
                _check_method(request, "GET", "HEAD")
                return web.json_response(
                    {"status": "pass", "samples": self.taken, "refused": self.refused}
                )
            await self._take(request)
        except _RequestError as error:
            self.refused += 1
            self.channel.malformed(f"request from {request.remote}: {error}")
            return web.json_response(
                {"error": str(error)}, status=error.status, headers=error.headers
            )
        return web.Response(status=204)

    async def _take(self, request: BaseRequest) -> None:
        if request.path != _READING and request.path not in _INFLUX:
            raise _RequestError(404, f"{request.path[:40]!r} does not exist; POST to {_READING}")
        _check_method(request, "POST")
        self._check_sender(request)
        try:
            body = self._format_of(request).read_body(await _body(request))
        except MalformedError as error:
            raise _RequestError(400, str(error)) from None
        # Telegraf drops a whole batch that is refused, and the good records with it.
        if body.problems and not body.items:
            raise _RequestError(400, str(body.problems[0]))
        if body.problems:
            text = f"request from {request.remote}: {body.problems[0]}"
            self.channel.malformed(text, count=len(body.problems))
        self.taken += len(body.items)
        for item in body.items:
            self.channel.deliver(item)

    def _check_sender(self, request: BaseRequest) -> None:
        if self.token is None:
            # A web page open on this machine could send requests; its browser adds this header.
            if "Origin" in request.headers:
                raise _RequestError(403, "web pages may send readings only with a token")
            return
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        right = hmac.compare_digest(_bytes(given.strip()), _bytes(self.token.reveal()))
        if not right or scheme.lower() not in ("bearer", "token"):
            raise _RequestError(
                401,
                "the token is wrong or missing; send Authorization: Bearer TOKEN",
                **{"WWW-Authenticate": "Bearer"},
            )

    def _format_of(self, request: BaseRequest) -> RecordParser:
        """Return the format of a request's records; its headers take precedence.

        Raises:
            MalformedError: the precision is unknown.
        """
        records = self.records
        if request.path in _INFLUX:
            records = replace(records, format="influx")
        elif records.format == "auto" and request.content_type == "application/json":
            records = replace(records, format="json")
        precision = request.query.get("precision", records.precision)
        if precision not in PRECISIONS:
            known = ", ".join(PRECISIONS)
            raise MalformedError(f"unknown precision {precision[:20]!r}; give one of {known}")
        return replace(records, precision=precision)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _check_method(request: BaseRequest, *allowed: str) -> None:
    if request.method not in allowed:
        raise _RequestError(405, f"use {allowed[0]} for {request.path}", Allow=", ".join(allowed))


async def _body(request: BaseRequest) -> str:
    from aiohttp import ClientPayloadError, web

    try:
        async with asyncio.timeout(_BODY_S):
            return (await request.read()).decode("utf-8-sig")
    except web.HTTPRequestEntityTooLarge:
        raise _RequestError(413, f"send at most {_MAX_BODY_BYTES >> 20} MiB at once") from None
    except TimeoutError:
        raise _RequestError(408, f"the body did not arrive within {_BODY_S:g} s") from None
    except (ClientPayloadError, web.RequestPayloadError):
        raise MalformedError("the encoding of the body does not match its headers") from None
    except UnicodeDecodeError:
        raise MalformedError("the body is not text in UTF-8") from None


class _Server:
    """HTTP server with a limited number of connections."""

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
        """Start listening.

        Returns:
            The URL to send readings to.

        Raises:
            LinkError: the address cannot be used.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._connection, host, port)
        except OSError as error:
            where = f"cannot listen on {_url(host, port)}"
            if error.errno in _REFUSALS:
                raise RefusedError(f"{where}: {_REFUSALS[error.errno]}") from None
            raise LinkError(f"{where}: {error.strerror}") from None
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"{_url(host, port)}{_READING}"

    async def stop(self) -> None:
        """Close all connections."""
        if self._server is not None:
            self._server.close()
        await self._http.shutdown(_SHUTDOWN_S)

    def _connection(self) -> asyncio.Protocol:
        if len(self._http.connections) >= _MAX_CONNECTIONS:
            return _ClosedAtOnce()
        return self._http()


class _ClosedAtOnce(asyncio.Protocol):
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
    records, pace = RecordParser.of(address), pace_of(address)
    token_file = address.text("token_file")
    token = address.credentials.token if token_file is None else read_secret(token_file)
    if token is None and not _is_loopback(host):
        raise UsageError(
            f"{address.shown}: anyone who can reach {host} could send readings; give a token "
            "(token_file=…), or listen on 127.0.0.1"
        )

    async def session(channel: Channel) -> None:
        server = _Server(_Receiver(records, token, channel))
        try:
            channel.up(f"listening on {await server.start(host, port)}")
            await asyncio.Event().wait()
        finally:
            await server.stop()

    name = replace(address, host=host, port=port).shown
    return AsyncFeed(name, session, peer="sender", pace=pace)


KIND = FeedKind(
    about="readings sent over HTTP, as JSON or line protocol (POST /reading)",
    example="push://127.0.0.1:8088?unit=W",
    open=_open,
    options={
        **RECORD_OPTIONS,
        "token_file": "file with the token that senders must know; required unless only this "
        "machine can connect",
    },
    extra="http",
    modules=("aiohttp",),
)
