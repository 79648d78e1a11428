"""Bytes from serial devices and TCP ports, and errors without them."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from pathlib import Path

import pytest

from streamer import extras
from streamer.errors import LinkError, MissingExtraError, RefusedError, UsageError
from streamer.feeds.address import Address
from streamer.feeds.serial import endpoint as endpoint_module
from streamer.feeds.serial.endpoint import ENDPOINT_OPTIONS, Endpoint
from tests.feeds.fakemeters import pty_meter, tcp_meter, until_hung_up


def _endpoint(url: str) -> Endpoint:
    address = Address.parse(url)
    address.check_options(ENDPOINT_OPTIONS)
    return Endpoint.of(address, extra="serial", baud=115200)


async def _read(endpoint: Endpoint, size: int) -> bytes:
    data = b""
    async with endpoint.connect() as line:
        while len(data) < size:
            data += await line.read()
    return data


def _fails(endpoint: Endpoint) -> str:
    with pytest.raises(LinkError) as caught:
        asyncio.run(_read(endpoint, 1))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{endpoint.name}: ")
    return str(caught.value).removeprefix(f"{endpoint.name}: ")


def test_a_device_is_read_from_the_address() -> None:
    pytest.importorskip("serial")
    assert _endpoint("dsmr:///dev/ttyUSB0?baud=9600&mode=7E1") == Endpoint(
        "dsmr:///dev/ttyUSB0", device="/dev/ttyUSB0", baud=9600, mode="7E1", idle_s=0.0
    )
    assert _endpoint("dsmr:///dev/serial/by-id/usb-FTDI%20x?idle=30") == Endpoint(
        "dsmr:///dev/serial/by-id/usb-FTDI x",
        device="/dev/serial/by-id/usb-FTDI x",
        baud=115200,
        idle_s=30.0,
    )


def test_host_and_port_are_read_from_the_address() -> None:
    assert _endpoint("dsmr://house:2001") == Endpoint(
        "dsmr://house:2001", "house", 2001, baud=115200, idle_s=60.0
    )
    assert _endpoint("dsmr://[::1]:2001/?idle=0") == Endpoint(
        "dsmr://[::1]:2001/", "::1", 2001, baud=115200, idle_s=0.0
    )


@pytest.mark.parametrize(
    "url", ["dsmr:", "dsmr://house", "dsmr://dev/ttyUSB0", "dsmr://house:2001/dev/ttyUSB0"]
)
def test_an_address_needs_a_device_or_a_tcp_port(url: str) -> None:
    with pytest.raises(UsageError, match=r"give a device \(dsmr:///dev/ttyUSB0\) or host and TCP"):
        _endpoint(url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("dsmr:///dev/ttyUSB0?baud=1", "option baud='1': give 300 or 600"),
        ("dsmr:///dev/ttyUSB0?mode=9N9", "option mode='9N9': give 8N1 or 7E1"),
        ("dsmr://house:2001?idle=-1", "option idle='-1': give a number at least 0"),
        ("dsmr://house:2001?baud=9600", "option baud='9600': leave it out: the server"),
        ("dsmr://house:2001?mode=8E1", "option mode='8E1': give 8N1 or 7E1"),
    ],
)
def test_wrong_options_are_usage_errors(url: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        _endpoint(url)
    assert why in str(caught.value)


def test_a_device_without_pyserial_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'streamer-forecaster\[serial\]'"):
        _endpoint("dsmr:///dev/ttyUSB0")
    _endpoint("dsmr://house:2001")


def test_bytes_of_a_device_are_read() -> None:
    pytest.importorskip("serial")

    async def read_both(meter_says: bytes) -> bytes:
        async with endpoint.connect() as line:
            meter.send(meter_says)
            return await line.read()

    with pty_meter() as meter:
        endpoint = Endpoint("meter", device=meter.path)
        everything = bytes(range(256))
        assert asyncio.run(read_both(everything)) == everything
        assert asyncio.run(read_both(b"again")) == b"again"


def test_an_unplugged_device_is_a_lost_connection() -> None:
    pytest.importorskip("serial")

    async def pull() -> None:
        async with endpoint.connect() as line:
            meter.unplug()
            await line.read()

    with pty_meter() as meter:
        endpoint = Endpoint("meter", device=meter.path)
        with pytest.raises(LinkError, match=r"^meter: lost the device; is it plugged in"):
            asyncio.run(pull())


def test_a_device_in_use_is_a_link_error() -> None:
    serial = pytest.importorskip("serial")
    with pty_meter() as meter, serial.Serial(meter.path, exclusive=True):
        assert (
            _fails(Endpoint("meter", device=meter.path))
            == "the device is in use by another program"
        )


def test_paths_without_a_serial_device_are_explained(tmp_path: Path) -> None:
    pytest.importorskip("serial")
    assert (
        _fails(Endpoint("x", device=f"{tmp_path}/tty"))
        == "the device does not exist; is it plugged in?"
    )
    assert "embedded null" in _fails(Endpoint("x", device="/dev/\0"))
    file = tmp_path / "file"
    file.touch()
    for path in (file, tmp_path, Path("/dev/null")):
        with pytest.raises(RefusedError, match=r"^x: this is not a serial device$"):
            asyncio.run(_read(Endpoint("x", device=str(path)), 1))


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.EACCES, "permission denied; put this user in the group dialout"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_errors_on_opening_a_device_are_explained(
    number: int, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    serial = pytest.importorskip("serial")

    def cannot(*args: object, **options: object) -> None:
        raise serial.SerialException(number, "could not open port")

    monkeypatch.setattr(serial, "Serial", cannot)
    assert _fails(Endpoint("x", device="/dev/ttyUSB0")).startswith(why)


def test_a_silent_device_stays_open_unless_idle_is_set() -> None:
    pytest.importorskip("serial")
    with pty_meter() as meter:
        endpoint = Endpoint("meter", device=meter.path, idle_s=0.05)
        assert _fails(endpoint) == "no data for 0.05 s"

        async def speak_late() -> bytes:
            async with Endpoint("meter", device=meter.path).connect() as line:
                asyncio.get_running_loop().call_later(0.1, meter.send, b"late")
                return await line.read()

        assert asyncio.run(speak_late()) == b"late"


def test_bytes_of_a_tcp_port_are_read_until_it_closes() -> None:
    def speak(connection: socket.socket) -> None:
        connection.sendall(b"hello")

    with tcp_meter(speak, until_hung_up, speak) as port:
        endpoint = Endpoint("meter", "127.0.0.1", port, idle_s=10.0)
        assert asyncio.run(_read(endpoint, 5)) == b"hello"
        impatient = Endpoint("meter", "127.0.0.1", port, idle_s=0.05)
        assert _fails(impatient) == "no data for 0.05 s"
        with pytest.raises(
            LinkError, match=r"^meter: the other end closed the connection after 'hello'$"
        ):
            asyncio.run(_read(endpoint, 6))


def test_parity_bits_of_a_tcp_port_are_checked_and_removed() -> None:
    heard: list[bytes] = []

    def speak(connection: socket.socket) -> None:
        heard.append(connection.recv(5))
        connection.sendall(bytes([0xAF, 0x41, 0x2F, 0x0A]))  # the third has the wrong parity

    async def work(endpoint: Endpoint) -> bytes:
        async with endpoint.connect() as line:
            line.write(b"/?!\r\n")
            return await line.read()

    with tcp_meter(speak) as port:
        endpoint = _endpoint(f"dsmr://127.0.0.1:{port}?mode=7E1")
        assert asyncio.run(work(endpoint)) == b"/A\xff\n"
    assert heard == [bytes([0xAF, 0x3F, 0x21, 0x8D, 0x0A])]


@pytest.mark.parametrize(
    ("sent", "hint"),
    [
        (b"Device open failure: No such file\r\n", " after 'Device open failure: No such file'"),
        (b"x" * 80, f" after '{'x' * 59}…'"),
        (b"\x1b[2Jhidden", ""),
        (b"\xff\xfe", ""),
        (b"\r\n", ""),
    ],
)
def test_what_came_before_the_end_of_a_connection_is_quoted(sent: bytes, hint: str) -> None:
    def speak(connection: socket.socket) -> None:
        connection.sendall(sent)

    with tcp_meter(speak) as port:
        endpoint = Endpoint("meter", "127.0.0.1", port)
        with pytest.raises(LinkError) as caught:
            asyncio.run(_read(endpoint, 1000))
    assert str(caught.value) == f"meter: the other end closed the connection{hint}"


def test_an_understood_connection_is_not_quoted() -> None:
    def speak(connection: socket.socket) -> None:
        connection.sendall(b"hello")

    async def work(endpoint: Endpoint) -> None:
        async with endpoint.connect() as line:
            await line.read()
            line.understood()
            await line.read()

    with tcp_meter(speak) as port, pytest.raises(LinkError, match=r"closed the connection$"):
        asyncio.run(work(Endpoint("meter", "127.0.0.1", port)))


def test_bytes_are_sent_to_a_tcp_port() -> None:
    heard: list[bytes] = []

    def listen(connection: socket.socket) -> None:
        heard.append(connection.recv(5))
        connection.sendall(b"!")

    async def work(endpoint: Endpoint) -> None:
        async with endpoint.connect() as line:
            assert line.set_baud is None
            line.write(b"hello")
            await line.read()

    with tcp_meter(listen) as port:
        asyncio.run(work(Endpoint("meter", "127.0.0.1", port)))
    assert heard == [b"hello"]


def test_a_reset_connection_is_lost() -> None:
    def reset(connection: socket.socket) -> None:
        linger_for_no_time = b"\1\0\0\0\0\0\0\0"
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_for_no_time)

    with tcp_meter(reset) as port:
        assert _fails(Endpoint("meter", "127.0.0.1", port)) == os.strerror(errno.ECONNRESET)


def test_an_unreachable_tcp_port_is_a_link_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for host in ("127.0.0.1", "localhost"):
        assert _fails(Endpoint("meter", host, port)) == os.strerror(errno.ECONNREFUSED)
    assert _fails(Endpoint("meter", "no.such.host.invalid", 1))


def test_connecting_times_out(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*args: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio, "open_connection", hang)
    monkeypatch.setattr(endpoint_module, "_CONNECT_S", 0.05)
    assert _fails(Endpoint("meter", "127.0.0.1", 1)) == "no answer within 0.05 s"


def test_keepalive_is_enabled_on_tcp_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    keep_alive = endpoint_module._keep_alive

    def spy(connection: socket.socket) -> None:
        keep_alive(connection)
        kept.append(connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

    def speak(connection: socket.socket) -> None:
        connection.sendall(b"hello")

    monkeypatch.setattr(endpoint_module, "_keep_alive", spy)
    with tcp_meter(speak) as port:
        asyncio.run(_read(Endpoint("meter", "127.0.0.1", port), 5))
    assert kept == [1]
