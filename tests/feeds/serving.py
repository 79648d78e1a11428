"""Servers for the tests of feeds, run by an event loop in its own thread."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
import threading
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import pytest
from aiohttp import web

from streamer.errors import LinkError, RefusedError
from streamer.feeds import Feed
from streamer.testing import read_feed

T = TypeVar("T")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Background:
    """An event loop that runs in a thread, as context manager."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.call(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5.0)
        self._loop.close()

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in that loop, and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10.0)

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # Closed transports finish in the next iterations of the loop.
        await asyncio.sleep(0.01)


class WebServer(Background):
    """A web server on localhost with one handler, which may be replaced at any time.

    Args:
        handler: answers all requests.
        tls: context for TLS.
    """

    def __init__(self, handler: Handler, tls: ssl.SSLContext | None = None) -> None:
        self.handler = handler
        self.asked: list[web.Request] = []
        self.peers: list[object] = []
        self.port = 0
        self._tls = tls
        self._runner: web.AppRunner | None = None

    def __enter__(self) -> Self:
        super().__enter__()
        self.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self.stop()
        super().__exit__(*error)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start the server, on the same port as before."""
        self.call(self._start())

    def stop(self) -> None:
        """Stop the server, and close all connections."""
        if self._runner is not None:
            self.call(self._runner.cleanup())
            self._runner = None

    async def _start(self) -> None:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(
            self._runner, "127.0.0.1", self.port, ssl_context=self._tls, reuse_address=True
        )
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        assert request.transport is not None
        self.peers.append(request.transport.get_extra_info("peername"))
        return await self.handler(request)


def self_signed(folder: Path) -> ssl.SSLContext:
    """TLS context of a server with a self-signed certificate."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl, to make a certificate")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost", "-keyout", key, "-out", certificate],
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


def read_once(feed: Feed) -> list[object]:
    """The items of one read of a feed, which is closed if it hangs."""
    watchdog = threading.Timer(10.0, feed.close)
    watchdog.start()
    try:
        items = feed.read()
    finally:
        watchdog.cancel()
    assert items
    return list(items)


def fails(feed: Feed, error: type[LinkError] = RefusedError) -> str:
    """Text of the error that the first read of a feed raises."""
    try:
        with pytest.raises(LinkError) as caught:
            read_feed(feed, 1)
    finally:
        feed.close()
    assert type(caught.value) is error
    assert "\n" not in str(caught.value)
    return str(caught.value)
