"""Open connections to serial meters: bytes in and out, and what came before an end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from streamer.errors import LinkError
from streamer.feeds.reasons import system_reason

_MAX_QUOTED = 60


class Line:
    """An open connection to a meter.

    Args:
        name: the feed's name, for errors.
        idle_s: seconds of silence after which the connection counts as lost; 0 for never.
        receive: returns the next bytes, none at the end of the connection.
        send: sends bytes.
        set_baud: changes the speed of a device; None if the other end sets it.
    """

    def __init__(
        self,
        name: str,
        idle_s: float,
        receive: Callable[[], Awaitable[bytes]],
        send: Callable[[bytes], None],
        set_baud: Callable[[int], None] | None = None,
    ) -> None:
        self.name = name
        self.set_baud = set_baud
        self._idle_s = idle_s
        self._receive = receive
        self._send = send
        self._first = b""
        self._is_known = False

    async def read(self) -> bytes:
        """Return the next bytes, at least one.

        Raises:
            LinkError: the connection is lost; the text quotes what came, if it was no telegram.
        """
        try:
            async with asyncio.timeout(self._idle_s or None):
                data = await self._receive()
        except OSError as error:
            # A timeout with an error number comes from the system, which lost the peer.
            idle = isinstance(error, TimeoutError) and error.errno is None
            why = f"no data for {self._idle_s:g} s" if idle else system_reason(error)
            raise self._lost(why) from error
        if not data:
            raise self._lost("the other end closed the connection")
        if not self._is_known and len(self._first) <= _MAX_QUOTED:
            self._first += data[: _MAX_QUOTED + 1]
        return data

    async def first(self, wait_s: float, on_silence: Callable[[], None]) -> bytes:
        """Return the first bytes; calls `on_silence` once if none come for `wait_s` seconds.

        Raises:
            LinkError: the connection is lost.
        """
        try:
            async with asyncio.timeout(wait_s):
                return await self.read()
        except TimeoutError:
            on_silence()
            return await self.read()

    def write(self, data: bytes) -> None:
        """Send bytes.

        Raises:
            LinkError: the connection is lost.
        """
        try:
            self._send(data)
        except OSError as error:
            raise self._lost(system_reason(error)) from error

    def understood(self) -> None:
        """Note that a telegram has come, so that nothing has to be quoted."""
        self._is_known, self._first = True, b""

    def _lost(self, why: str) -> LinkError:
        # ser2net, for instance, sends the reason why it cannot open its device, and closes.
        text = " ".join(self._first.decode("ascii", "replace").split())
        if text and text.isprintable() and "\ufffd" not in text:
            short = text if len(text) <= _MAX_QUOTED else f"{text[: _MAX_QUOTED - 1]}…"
            why = f"{why} after {short!r}"
        return LinkError(f"{self.name}: {why}")
