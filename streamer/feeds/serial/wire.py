"""Bytes of a meter: off a serial device, or from a TCP port that passes one on (ser2net)."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from streamer.errors import LinkError, RefusedError, UsageError
from streamer.extras import check_installed
from streamer.feeds.reasons import system_number, system_reason

if TYPE_CHECKING:
    from serial import Serial

    from streamer.feeds.address import Address

WIRE_OPTIONS: Final = {
    "baud": "speed of a serial device in bit/s",
    "mode": "data bits, parity and stop bits of a serial device: 8N1 or 7E1",
    "idle": "connect anew after so many seconds without a byte: 60 on TCP, 0 (never) on a device",
}
"""The options that `Wire.of` reads."""

Read = Callable[[], Awaitable[bytes]]
"""The next bytes, one at least; raises LinkError when the connection is lost."""

_BAUDS = ("300", "1200", "2400", "4800", "9600", "19200", "38400", "57600", "115200")
_MODES = ("8N1", "7E1", "8E1", "7N1")
_CONNECT_S = 10.0
_TCP_IDLE_S = 60.0
_CHUNK_BYTES = 4096
_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}


@dataclass(frozen=True)
class Wire:
    """Where a meter's bytes come from.

    Attributes:
        name: the feed, as a person would name it.
        host: the host; empty for a device.
        port: its TCP port; 0 for a device.
        device: path of the device; empty for TCP.
        baud: the device's speed.
        mode: the device's data bits, parity and stop bits, such as ``8N1``.
        idle_s: silence after which the connection counts as lost; 0 for never.
    """

    name: str
    host: str = ""
    port: int = 0
    device: str = ""
    baud: int = 9600
    mode: str = "8N1"
    idle_s: float = 0.0

    @classmethod
    def of(cls, address: Address, *, extra: str, baud: int) -> Wire:
        """What an address says.

        Args:
            address: ``scheme:///dev/ttyUSB0`` or ``scheme://host:port``.
            extra: the extra that brings pyserial, for the error that says so.
            baud: the device's speed where the address says none.

        Raises:
            UsageError: it says neither, or an option is wrong.
            MissingExtraError: it is a device, and pyserial is not installed.
        """
        device = "" if address.path == "/" else address.path
        if bool(address.host) == bool(device) or bool(address.host) != bool(address.port):
            raise UsageError(
                f"{address.shown}: give a device ({address.scheme}:///dev/ttyUSB0) "
                f"or host and TCP port ({address.scheme}://host:2001)"
            )
        idle_s = address.number("idle", 0.0 if device else _TCP_IDLE_S, least=0)
        speed = address.choice("baud", _BAUDS, str(baud))
        mode = address.choice("mode", _MODES, "8N1")
        if device:
            check_installed("serial", f"reading {device}", extra)
            return cls(address.shown, "", 0, device, int(speed), mode, idle_s)
        for name in ("baud", "mode"):
            if name in address.options:
                raise address.wrong(name, "leave it out: the other end of a TCP port sets it")
        return cls(address.shown, address.host, address.port or 0, idle_s=idle_s)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Read]:
        """Open it.

        Raises:
            LinkError: it cannot be reached now, or is lost.
            RefusedError: it can never be.
        """
        async with self._tcp() if self.host else self._serial() as read_some:

            async def read() -> bytes:
                try:
                    async with asyncio.timeout(self.idle_s or None):
                        data = await read_some()
                except OSError as error:
                    # A timeout that has a number is the system's, which has lost the peer.
                    idle = isinstance(error, TimeoutError) and error.errno is None
                    why = f"nothing came for {self.idle_s:g} s" if idle else system_reason(error)
                    raise LinkError(f"{self.name}: {why}") from error
                if not data:
                    raise LinkError(f"{self.name}: the other end has closed the connection")
                return data

            yield read

    @asynccontextmanager
    async def _tcp(self) -> AsyncIterator[Read]:
        try:
            async with asyncio.timeout(_CONNECT_S):
                reader, writer = await asyncio.open_connection(self.host, self.port)
        except TimeoutError:
            raise LinkError(f"{self.name}: no answer within {_CONNECT_S:g} s") from None
        except OSError as error:
            raise LinkError(f"{self.name}: {system_reason(error)}") from error
        try:
            _keep_alive(writer.get_extra_info("socket"))
            yield lambda: reader.read(_CHUNK_BYTES)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    @asynccontextmanager
    async def _serial(self) -> AsyncIterator[Read]:
        port = self._open_device()

        async def read() -> bytes:
            try:
                return await _read_device(port)
            except OSError as error:
                raise LinkError(f"{self.name}: the device is gone; is it plugged in?") from error

        try:
            yield read
        finally:
            port.close()

    def _open_device(self) -> Serial:
        import termios

        from serial import Serial

        bits, parity, stop = tuple(self.mode)
        try:
            # Without a timeout a read gives what is there; a second reader would steal bytes.
            return Serial(
                self.device,
                self.baud,
                bytesize=int(bits),
                parity=parity,
                stopbits=int(stop),
                timeout=0,
                exclusive=True,
            )
        except (OSError, ValueError, termios.error) as error:
            raise self._cannot_open(error) from error

    def _cannot_open(self, error: Exception) -> LinkError:
        code = system_number(error)
        if code == errno.ENOENT:
            return LinkError(f"{self.name}: no such device; is it plugged in?")
        if code in (errno.EACCES, errno.EPERM):
            return RefusedError(
                f"{self.name}: permission denied; put this user in the group dialout "
                "(sudo usermod -aG dialout USER) and log in anew"
            )
        if code in (errno.EAGAIN, errno.EBUSY):
            return LinkError(f"{self.name}: another program has it open")
        if code in (errno.EISDIR, errno.ENOTTY):
            return RefusedError(f"{self.name}: this is no serial device")
        return LinkError(f"{self.name}: {system_reason(error)}")


async def _read_device(port: Serial) -> bytes:
    """What a device has to give, once it has something."""
    loop = asyncio.get_running_loop()
    data = b""
    while not data:  # it may be that another program was faster
        ready = asyncio.Event()
        descriptor = port.fileno()
        loop.add_reader(descriptor, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_reader(descriptor)
        data = port.read(_CHUNK_BYTES)
    return data


def _keep_alive(connection: socket.socket) -> None:
    """Have the system find out when the other end has gone without a word."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        option = getattr(socket, name, None)  # not all of them are everywhere
        if option is not None:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
