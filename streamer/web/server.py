"""HTTP server with bounds: connections of each peer and in all, and time of each request.

Whoever connects gets in: if there are too many connections, the one that has done the least is
closed. So connections that are held open lock nobody out.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from streamer.errors import LinkError, RefusedError

_IDLE_S = 75.0
_LINGER_S = 2.0  # for a client that is still sending to read the error
_SHUTDOWN_S = 0.5
_MAX_HEADERS = 48  # of 8 KiB each, for each of 32 requests that may wait in a connection

_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

_REFUSALS = {
    errno.EADDRINUSE: "the port is in use by another program; choose another",
    errno.EACCES: "ports below 1024 need administrator rights; choose another",
    errno.EADDRNOTAVAIL: "this machine does not have that address; give one of its own",
}

# aiohttp logs each malformed request; without a handler, that would be printed on stderr.
_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())

Answer = Callable[[web.BaseRequest, float], Awaitable[web.StreamResponse]]
"""Answers a request, whose body must have arrived at a time of the event loop."""

Refuse = Callable[[str, str], None]
"""Reports a refused connection: reason in a few words, and text."""


@dataclass(frozen=True)
class Limits:
    """Bounds of the connections.

    Attributes:
        connections: number of connections in all.
        per_peer: number of connections of each address.
        request_s: seconds from the first byte of a request to the last one of its body, and
            from the connection to the end of its first request.
    """

    connections: int = 64
    per_peer: int = 16
    request_s: float = 10.0


class Server:
    """HTTP server with a limited number of connections.

    Args:
        answer: answers the requests.
        refuse: takes what is refused before it is a request.
        limits: bounds of the connections.
    """

    def __init__(self, answer: Answer, refuse: Refuse, limits: Limits) -> None:
        self.limits = limits
        self.refuse = refuse
        self._answer = answer
        self._http = web.Server(self._answer_in_time)
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()

    async def start(self, host: str, port: int) -> str:
        """Start listening.

        Returns:
            The base URL.

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
        return _url(*self._server.sockets[0].getsockname()[:2])

    async def stop(self) -> None:
        """Close all connections."""
        if self._server is not None:
            self._server.close()
        await self._http.shutdown(_SHUTDOWN_S)

    def opened(self, connection: _Connection) -> None:
        """Add a connection; if there are too many, another one is closed."""
        of_peer = [other for other in self._connections if other.peer == connection.peer]
        if len(of_peer) >= self.limits.per_peer:
            min(of_peer, key=_rank).evict()
        elif len(self._connections) >= self.limits.connections:
            min(self._connections, key=_rank).evict()
        self._connections.add(connection)

    def closed(self, connection: _Connection) -> None:
        """Remove a connection."""
        self._connections.discard(connection)

    def _connection(self) -> asyncio.Protocol:
        return _Connection(self, self._http)

    async def _answer_in_time(self, request: web.BaseRequest) -> web.StreamResponse:
        connection = request.protocol
        assert isinstance(connection, _Connection)  # noqa: S101 - all of them are
        response = await self._answer(request, connection.begin_answer())
        connection.end_answer(served=response.status < 400)
        return response


def keep_open(request: web.BaseRequest) -> None:
    """Close the connection of a request, whose answer does not end, after all others.

    How many there are of these is for the caller to bound.
    """
    connection = request.protocol
    assert isinstance(connection, _Connection)  # noqa: S101 - all of them are
    connection.served = connection.kept = True


class _Connection(web.RequestHandler):
    """A connection whose requests have to arrive in time.

    Attributes:
        peer: address of the other end.
        served: whether a request was accepted.
        kept: whether it is closed only after all others.
        since_s: time of the last answer, or of the connection.
    """

    __slots__ = ("_busy", "_owner", "_seen", "_timer", "kept", "peer", "served", "since_s")

    def __init__(self, owner: Server, http: web.Server) -> None:
        super().__init__(
            http,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type] # as documented
            logger=_log,
            keepalive_timeout=_IDLE_S,
            lingering_time=_LINGER_S,
            max_headers=_MAX_HEADERS,
        )
        self._owner = owner
        self._timer: asyncio.TimerHandle | None = None
        self._busy = False
        self._seen = False  # any byte of the present request
        self.peer = ""
        self.served = self.kept = False
        self.since_s = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the time of the first request."""
        super().connection_made(transport)
        self.peer = str((transport.get_extra_info("peername") or ("?",))[0])
        self.since_s = self._loop.time()
        self._owner.opened(self)
        self._begin_request()

    def data_received(self, data: bytes) -> None:
        """Begin the time of a request with its first byte."""
        self._seen = True
        if self._timer is None and not self._busy:
            self._begin_request()
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """End the time."""
        self._owner.closed(self)
        self._end_request()
        super().connection_lost(exc)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Report what is not HTTP."""
        if status == HTTPStatus.BAD_REQUEST:
            self._refuse("not HTTP", "sends what is not an HTTP request")
        return super().handle_error(request, status, exc, message)

    def begin_answer(self) -> float:
        """End the time of the headers; returns the time at which the body must be here."""
        until_s = self._loop.time() + self._owner.limits.request_s
        if self._timer is not None:
            until_s = self._timer.when()
        self._end_request()
        self._busy = True
        return until_s

    def end_answer(self, *, served: bool) -> None:
        """Wait for the next request."""
        self._busy = self._seen = self.kept = False
        self.served = self.served or served
        self.since_s = self._loop.time()

    def evict(self) -> None:
        """Close the connection in favour of a new one."""
        self._refuse("too many connections", "holds a connection that others need")
        self._abort()

    def _begin_request(self) -> None:
        self._timer = self._loop.call_later(self._owner.limits.request_s, self._too_slow)

    def _end_request(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _too_slow(self) -> None:
        # A connection without a byte is a browser's reserve, or a check that the port is open.
        if self._seen:
            self._refuse("too slow", "sent no complete request in time")
            if self.transport is not None:
                self.transport.write(_TOO_SLOW)
        self._abort()

    def _refuse(self, reason: str, text: str) -> None:
        self._owner.refuse(reason, f"{self.peer} {text}")

    def _abort(self) -> None:
        self._owner.closed(self)
        self._end_request()
        transport = self.transport
        self.force_close()
        # A peer that does not read would keep a transport open that has bytes left to send.
        if transport is not None and transport.get_write_buffer_size():
            transport.abort()


def _rank(connection: _Connection) -> tuple[bool, bool, float]:
    """Order in which connections are closed: first those without an accepted request."""
    return connection.kept, connection.served, connection.since_s


def _url(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
