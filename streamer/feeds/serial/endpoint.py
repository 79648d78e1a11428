"""Byte streams of meters: a serial device, or a TCP port that forwards one (ser2net)."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from streamer.display.lines import one_line
from streamer.errors import LinkError, RefusedError, UsageError
from streamer.extras import check_installed
from streamer.feeds.reasons import system_number, system_reason

if TYPE_CHECKING:
    from serial import Serial

    from streamer.feeds.address import Address

ENDPOINT_OPTIONS: Final = {
    "baud": "speed of a serial device in bit/s",
    "mode": "data bits, parity and stop bits of a serial device: 8N1 or 7E1",
    "idle": "seconds without a byte before connecting again: 60 on TCP, 0 (never) on a device",
}
"""The options that `Endpoint.of` reads."""

_BAUDS = ("300", "600", "1200", "2400", "4800", "9600", "19200", "38400", "57600", "115200")
_MODES = ("8N1", "7E1", "8E1", "7N1")
_CONNECT_S = 10.0
_TCP_IDLE_S = 60.0
_CHUNK_BYTES = 4096
_MAX_QUOTED = 60
_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 3}


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
        # ser2net, for instance, says why it cannot open its device, and closes the connection.
        text = one_line(self._first.decode("ascii", "replace"))
        if text and text.isprintable() and "\ufffd" not in text:
            short = text if len(text) <= _MAX_QUOTED else f"{text[: _MAX_QUOTED - 1]}…"
            why = f"{why} after {short!r}"
        return LinkError(f"{self.name}: {why}")


@dataclass(frozen=True)
class Endpoint:
    """A serial device or TCP port from which a meter's bytes are read.

    Attributes:
        name: the feed's name, for errors.
        host: the host; empty for a device.
        port: its TCP port; 0 for a device.
        device: path of the device; empty for TCP.
        baud: speed of the device in bit/s.
        mode: data bits, parity and stop bits of the device, such as ``8N1``.
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
            is_baud_needed: whether the speed has to be known for a TCP port, too.

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
        mode = address.choice("mode", _MODES, mode)
        if device:
            check_installed("serial", f"reading {device}", extra)
            return cls(address.shown, "", 0, device, int(speed), mode, idle_s)
        for name in ("mode",) if is_baud_needed else ("baud", "mode"):
            if name in address.options:
                raise address.wrong(name, "leave it out: the server behind the TCP port sets it")
        known = int(speed) if is_baud_needed else 9600
        return cls(address.shown, address.host, address.port or 0, baud=known, idle_s=idle_s)

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
        try:
            _keep_alive(writer.get_extra_info("socket"))
            yield Line(self.name, self.idle_s, lambda: reader.read(_CHUNK_BYTES), writer.write)
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
