"""Bytes off a serial device or a TCP port, and what is said when there are none."""

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
from streamer.feeds.serial import wire as wire_module
from streamer.feeds.serial.wire import WIRE_OPTIONS, Wire
from tests.feeds.wires import pty_meter, tcp_meter, until_hung_up


def _wire(url: str) -> Wire:
    address = Address.parse(url)
    address.check_options(WIRE_OPTIONS)
    return Wire.of(address, extra="serial", baud=115200)


async def _read(wire: Wire, size: int) -> bytes:
    data = b""
    async with wire.connect() as read:
        while len(data) < size:
            data += await read()
    return data


def _fails(wire: Wire) -> str:
    with pytest.raises(LinkError) as caught:
        asyncio.run(_read(wire, 1))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"{wire.name}: ")
    return str(caught.value).removeprefix(f"{wire.name}: ")


def test_a_device() -> None:
    pytest.importorskip("serial")
    assert _wire("dsmr:///dev/ttyUSB0?baud=9600&mode=7E1") == Wire(
        "dsmr:///dev/ttyUSB0", device="/dev/ttyUSB0", baud=9600, mode="7E1", idle_s=0.0
    )
    assert _wire("dsmr:///dev/serial/by-id/usb-FTDI%20x?idle=30") == Wire(
        "dsmr:///dev/serial/by-id/usb-FTDI x",
        device="/dev/serial/by-id/usb-FTDI x",
        baud=115200,
        idle_s=30.0,
    )


def test_a_tcp_port() -> None:
    assert _wire("dsmr://house:2001") == Wire(
        "dsmr://house:2001", "house", 2001, baud=9600, idle_s=60.0
    )
    assert _wire("dsmr://[::1]:2001/?idle=0") == Wire(
        "dsmr://[::1]:2001/", "::1", 2001, baud=9600, idle_s=0.0
    )


@pytest.mark.parametrize(
    "url", ["dsmr:", "dsmr://house", "dsmr://dev/ttyUSB0", "dsmr://house:2001/dev/ttyUSB0"]
)
def test_neither_device_nor_tcp_port(url: str) -> None:
    with pytest.raises(UsageError, match=r"give a device \(dsmr:///dev/ttyUSB0\) or host and TCP"):
        _wire(url)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("dsmr:///dev/ttyUSB0?baud=1", "option baud='1': give 300 or 1200"),
        ("dsmr:///dev/ttyUSB0?mode=9N9", "option mode='9N9': give 8N1 or 7E1"),
        ("dsmr://house:2001?idle=-1", "option idle='-1': give a number at least 0"),
        ("dsmr://house:2001?baud=9600", "option baud='9600': leave it out: the other end"),
        ("dsmr://house:2001?mode=7E1", "option mode='7E1': leave it out: the other end"),
    ],
)
def test_wrong_options(url: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        _wire(url)
    assert why in str(caught.value)


def test_a_device_without_pyserial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'streamer-forecaster\[serial\]'"):
        _wire("dsmr:///dev/ttyUSB0")
    _wire("dsmr://house:2001")


def test_bytes_of_a_device() -> None:
    pytest.importorskip("serial")

    async def read_both(meter_says: bytes) -> bytes:
        async with wire.connect() as read:
            meter.send(meter_says)
            return await read()

    with pty_meter() as meter:
        wire = Wire("meter", device=meter.path)
        everything = bytes(range(256))
        assert asyncio.run(read_both(everything)) == everything
        assert asyncio.run(read_both(b"again")) == b"again"


def test_a_device_that_is_pulled_out() -> None:
    pytest.importorskip("serial")

    async def pull() -> None:
        async with wire.connect() as read:
            meter.unplug()
            await read()

    with pty_meter() as meter:
        wire = Wire("meter", device=meter.path)
        with pytest.raises(LinkError, match=r"^meter: the device is gone; is it plugged in"):
            asyncio.run(pull())


def test_a_device_that_another_program_reads() -> None:
    serial = pytest.importorskip("serial")
    with pty_meter() as meter, serial.Serial(meter.path, exclusive=True):
        assert _fails(Wire("meter", device=meter.path)) == "another program has it open"


def test_no_device(tmp_path: Path) -> None:
    pytest.importorskip("serial")
    assert _fails(Wire("x", device=f"{tmp_path}/tty")) == "no such device; is it plugged in?"
    assert _fails(Wire("x", device="/dev/\0")) == "embedded null byte"
    file = tmp_path / "file"
    file.touch()
    for path in (file, tmp_path, Path("/dev/null")):
        with pytest.raises(RefusedError, match=r"^x: this is no serial device$"):
            asyncio.run(_read(Wire("x", device=str(path)), 1))


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.EACCES, "permission denied; put this user in the group dialout"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_a_device_that_cannot_be_opened(
    number: int, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    serial = pytest.importorskip("serial")

    def cannot(*args: object, **options: object) -> None:
        raise serial.SerialException(number, "could not open port")

    monkeypatch.setattr(serial, "Serial", cannot)
    assert _fails(Wire("x", device="/dev/ttyUSB0")).startswith(why)


def test_a_silent_device_is_left_open_unless_told_otherwise() -> None:
    pytest.importorskip("serial")
    with pty_meter() as meter:
        wire = Wire("meter", device=meter.path, idle_s=0.05)
        assert _fails(wire) == "nothing came for 0.05 s"

        async def speak_late() -> bytes:
            async with Wire("meter", device=meter.path).connect() as read:
                asyncio.get_running_loop().call_later(0.1, meter.send, b"late")
                return await read()

        assert asyncio.run(speak_late()) == b"late"


def test_bytes_of_a_tcp_port_until_it_closes() -> None:
    def speak(connection: socket.socket) -> None:
        connection.sendall(b"hello")

    with tcp_meter(speak, until_hung_up, speak) as port:
        wire = Wire("meter", "127.0.0.1", port, idle_s=10.0)
        assert asyncio.run(_read(wire, 5)) == b"hello"
        impatient = Wire("meter", "127.0.0.1", port, idle_s=0.05)
        assert _fails(impatient) == "nothing came for 0.05 s"
        with pytest.raises(LinkError, match=r"^meter: the other end has closed the connection$"):
            asyncio.run(_read(wire, 6))


def test_a_connection_that_is_reset() -> None:
    def reset(connection: socket.socket) -> None:
        linger_for_no_time = b"\1\0\0\0\0\0\0\0"
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_for_no_time)

    with tcp_meter(reset) as port:
        assert _fails(Wire("meter", "127.0.0.1", port)) == os.strerror(errno.ECONNRESET)


def test_no_tcp_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for host in ("127.0.0.1", "localhost"):
        assert _fails(Wire("meter", host, port)) == os.strerror(errno.ECONNREFUSED)
    assert _fails(Wire("meter", "no.such.host.invalid", 1))


def test_a_host_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def hang(*args: object) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(asyncio, "open_connection", hang)
    monkeypatch.setattr(wire_module, "_CONNECT_S", 0.05)
    assert _fails(Wire("meter", "127.0.0.1", 1)) == "no answer within 0.05 s"


def test_a_dead_peer_is_found_out_by_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[int] = []
    keep_alive = wire_module._keep_alive

    def spy(connection: socket.socket) -> None:
        keep_alive(connection)
        kept.append(connection.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE))

    def speak(connection: socket.socket) -> None:
        connection.sendall(b"hello")

    monkeypatch.setattr(wire_module, "_keep_alive", spy)
    with tcp_meter(speak) as port:
        asyncio.run(_read(Wire("meter", "127.0.0.1", port), 5))
    assert kept == [1]
