"""Server-sent events: the changes of a page, to each browser at its own pace."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

from aiohttp import web

from streamer.publishing.web.headers import HEADERS
from streamer.publishing.web.pages import BEAT, Page, Pages, version_event
from streamer.web.access import RefusalError

MAX_BROWSERS = 32
"""Browsers that are sent changes at the same time."""

BEAT_S = 10.0
"""Seconds after which a browser is sent something in any case."""

SLOW_S = 15.0
"""Seconds after which a browser that does not read is dropped."""

_SEND_BUFFER = 1 << 16

_HEADERS = {
    **HEADERS,
    "Content-Type": "text/event-stream; charset=utf-8",
    "X-Accel-Buffering": "no",  # nginx would hold the events back
}


class Events:
    """Sends the changes of pages.

    A browser that reads slowly misses states, but gets the latest: only what it has not been
    sent yet is kept, and that once for all.

    Args:
        pages: the pages.
        beat_s: seconds after which a browser is sent something in any case.
        slow_s: seconds after which a browser that does not read is dropped.

    Attributes:
        browsers: number of browsers that are sent changes.
    """

    def __init__(self, pages: Pages, *, beat_s: float = BEAT_S, slow_s: float = SLOW_S) -> None:
        self.browsers = 0
        self._pages, self._beat_s, self._slow_s = pages, beat_s, slow_s

    def check(self) -> None:
        """Raise RefusalError if there are too many browsers already."""
        if self.browsers >= MAX_BROWSERS:
            text = f"{MAX_BROWSERS} browsers show a live page already; close one of them"
            raise RefusalError(503, "too many browsers", text, **{"Retry-After": "30"})

    async def send(self, request: web.BaseRequest, key: str) -> web.StreamResponse:
        """Send the changes of a page until the browser leaves.

        Args:
            request: the request, whose header `Last-Event-ID` has what was sent before.
            key: key of the page.
        """
        response = web.StreamResponse(headers=_HEADERS)
        transport = request.transport
        if transport is not None:
            with suppress(OSError):
                transport.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER
                )
        page = self._pages.page(key)
        self.browsers += 1
        page.browsers += 1
        try:
            await response.prepare(request)
            if request.method != "HEAD":
                since = self._pages.since(request.headers.get("Last-Event-ID", ""))
                await self._send_changes(response, page, since)
        except TimeoutError:
            if transport is not None:
                transport.abort()
        except ConnectionError:  # the browser has left
            pass
        finally:
            page.browsers -= 1
            self.browsers -= 1
        return response

    async def _send_changes(self, response: web.StreamResponse, page: Page, sent: int) -> None:
        """Send changes; raises TimeoutError if the browser does not read them."""
        await self._write(response, version_event())
        while not self._pages.closed:
            changed, version = page.changed, page.version
            await self._write(response, page.event(sent) if version > sent else BEAT)
            sent = version
            if page.version == version:
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._beat_s):
                        await changed.wait()

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        async with asyncio.timeout(self._slow_s):
            await response.write(data)
