"""Byte streams of meters: a serial device, or a TCP port that forwards one (ser2net)."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from streamer.errors import LinkError, RefusedError, UsageError
from streamer.extras import check_installed
from streamer.feeds.reasons import system_number, system_reason
from streamer.feeds.serial.line import Line

if TYPE_CHECKING:
    from serial import Serial

    from streamer.feeds.address import Address

ENDPOINT_OPTIONS: Final = {
    "baud": "speed of a serial device in bit/s",
    "mode": "data bits, parity and stop bits of a serial device: 8N1 or 7E1; for TCP, 7E1 removes "
    "parity bits that the server passes on",
    "idle": "seconds without a byte before connecting again: 60 on TCP, 0 (never) on a device",
}
"""The options that `Endpoint.of` reads."""

SILENT_S: Final = 30.0
"""Seconds without a byte after which a person is asked to check the settings."""

_BAUDS = ("300", "600", "1200", "2400", "4800", "9600", "19200", "38400", "57600", "115200")
_MODES = ("8N1", "7E1", "8E1", "7N1")
_EVEN = "7E1"
_WITH_PARITY = bytes(byte & 0x7F | (byte & 0x7F).bit_count() % 2 << 7 for byte in range(256))
_WITHOUT_PARITY = bytes(0xFF if byte.bit_count() % 2 else byte & 0x7F for byte in range(256))
"""Bytes with an even parity bit, and without it; 0xFF if it is wrong, which no text contains."""

_CONNECT_S = 10.0
_TCP_IDLE_S = 60.0
_CHUNK_BYTES = 4096
_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}


@dataclass(frozen=True)
class Endpoint:
    """A serial device or TCP port from which a meter's bytes are read.

    Attributes:
        name: the feed's name, for errors.
        host: the host; empty for a device.
        port: its TCP port; 0 for a device.
        device: path of the device; empty for TCP.
        baud: speed of the device in bit/s.
        mode: data bits, parity and stop bits of the device, such as ``8N1``; for TCP, ``7E1``
            if the bytes have parity bits.
        idle_s: seconds of silence after which the connection counts as lost; 0 for never.
    """

    name: str
    host: str = ""
    port: int = 0
    device: str = ""
    baud: int = 9600
    mode: str = "8N1"
    idle_s: float = 0.0

    @classmethod
    def of(
        cls,
        address: Address,
        *,
        extra: str,
        baud: int,
        mode: str = "8N1",
        is_baud_needed: bool = False,
    ) -> Endpoint:
        """Read an address and its options.

        Args:
            address: ``scheme:///dev/ttyUSB0`` or ``scheme://host:port``.
            extra: the extra that installs pyserial, for the error if it is missing.
            baud: speed of the device if the address has none.
            mode: data bits, parity and stop bits of the device if the address has none.
            is_baud_needed: whether the speed of a TCP port may be given, too.

        Raises:
            UsageError: the address is neither a device nor a TCP port, or an option is wrong.
            MissingExtraError: the address is a device, and pyserial is not installed.
        """
        device = "" if address.path == "/" else address.path
        if bool(address.host) == bool(device) or bool(address.host) != bool(address.port):
            raise UsageError(
                f"{address.shown}: give a device ({address.scheme}:///dev/ttyUSB0) "
                f"or host and TCP port ({address.scheme}://host:2001)"
            )
        idle_s = address.number("idle", 0.0 if device else _TCP_IDLE_S, least=0)
        speed = address.choice("baud", _BAUDS, str(baud))
        if device:
            mode = address.choice("mode", _MODES, mode)
            check_installed("serial", f"reading {device}", extra)
            return cls(address.shown, "", 0, device, int(speed), mode, idle_s)
        if "baud" in address.options and not is_baud_needed:
            raise address.wrong("baud", "leave it out: the server behind the TCP port sets it")
        mode = address.choice("mode", ("8N1", _EVEN), "8N1")
        return cls(address.shown, address.host, address.port or 0, "", int(speed), mode, idle_s)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Line]:
        """Open the connection, and close it at the end of the context.

        Raises:
            LinkError: the connection fails or is lost.
            RefusedError: another attempt would not help.
        """
        async with self._tcp() if self.host else self._serial() as line:
            yield line

    @asynccontextmanager
    async def _tcp(self) -> AsyncIterator[Line]:
        try:
            async with asyncio.timeout(_CONNECT_S):
                reader, writer = await asyncio.open_connection(self.host, self.port)
        except TimeoutError:
            raise LinkError(f"{self.name}: no answer within {_CONNECT_S:g} s") from None
        except OSError as error:
            raise LinkError(f"{self.name}: {system_reason(error)}") from error

        async def receive() -> bytes:
            data = await reader.read(_CHUNK_BYTES)
            return data.translate(_WITHOUT_PARITY) if self.mode == _EVEN else data

        def send(data: bytes) -> None:
            writer.write(data.translate(_WITH_PARITY) if self.mode == _EVEN else data)

        try:
            _keep_alive(writer.get_extra_info("socket"))
            yield Line(self.name, self.idle_s, receive, send)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    @asynccontextmanager
    async def _serial(self) -> AsyncIterator[Line]:
        port = self._open_device()

        async def receive() -> bytes:
            try:
                return await _read_device(port)
            except OSError as error:
                raise LinkError(f"{self.name}: lost the device; is it plugged in?") from error

        def set_baud(baud: int) -> None:
            import termios

            try:
                port.baudrate = baud
            except (OSError, ValueError, termios.error) as error:
                why = system_reason(error)
                raise LinkError(f"{self.name}: cannot set {baud} baud: {why}") from error

        try:
            yield Line(self.name, self.idle_s, receive, port.write, set_baud)
        finally:
            port.close()

    def _open_device(self) -> Serial:
        import termios

        from serial import Serial

        bits, parity, stop = tuple(self.mode)
        try:
            # Without a timeout, a read returns the bytes at hand; a second reader would take some.
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
            return LinkError(f"{self.name}: the device does not exist; is it plugged in?")
        if code in (errno.EACCES, errno.EPERM):
            return RefusedError(
                f"{self.name}: permission denied; put this user in the group dialout "
                "(sudo usermod -aG dialout USER) and log in again"
            )
        if code in (errno.EAGAIN, errno.EBUSY):
            return LinkError(f"{self.name}: the device is in use by another program")
        if code in (errno.EISDIR, errno.ENOTTY):
            return RefusedError(f"{self.name}: this is not a serial device")
        return LinkError(f"{self.name}: {system_reason(error)}")


async def _read_device(port: Serial) -> bytes:
    """Wait until a device has bytes, and return them."""
    loop = asyncio.get_running_loop()
    data = b""
    while not data:  # empty if another program was faster
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
    """Make the system detect when the other end disappears without closing the connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        option = getattr(socket, name, None)  # not available on all systems

        if option is not None:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)
