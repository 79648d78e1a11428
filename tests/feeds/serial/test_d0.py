"""Requests to D0 meters: modes A to C, on a device and over TCP."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import closing

import pytest

from streamer.errors import LinkError, UsageError
from streamer.feeds import Pace
from streamer.feeds.address import Address
from streamer.feeds.registry import open_feed
from streamer.feeds.serial import d0, dsmr
from streamer.feeds.serial.d0 import request_data
from streamer.feeds.serial.endpoint import Endpoint
from streamer.feeds.serial.line import Line
from streamer.feeds.session import AsyncFeed
from streamer.readings import Link, Sample
from streamer.testing import read_feed
from tests.feeds.fakemeters import pty_meter, tcp_meter, when_opened
from tests.feeds.telegrams import MT174, readout

REQUEST = b"/?!\r\n"


class Meter:
    """A D0 meter at the other end of a line, which answers a request with its name.

    Args:
        name: its identification.
        echo: whether the optical head returns what is sent.
    """

    def __init__(self, name: bytes, *, echo: bool = False) -> None:
        self.heard: list[object] = []
        self._name = name
        self._echo = echo
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()

    def line(self, *, has_baud: bool = True) -> Line:
        set_baud = self.heard.append if has_baud else None
        return Line("meter", 0.0, self._answers.get, self._take, set_baud)

    def _take(self, data: bytes) -> None:
        self.heard.append(data)
        if self._echo:
            self._answers.put_nowait(data)
        if data == REQUEST:
            for byte in self._name:
                self._answers.put_nowait(bytes([byte]))


def _request(name: bytes, baud: int = 300, *, has_baud: bool = True, echo: bool = False) -> Meter:
    meter = Meter(name, echo=echo)
    answer = asyncio.run(request_data(meter.line(has_baud=has_baud), baud))
    assert answer == name
    return meter


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(d0, "_BITS_PER_BYTE", 0)
    monkeypatch.setattr(d0, "_SETTLE_S", 0.0)


@pytest.mark.parametrize("echo", [False, True])
@pytest.mark.parametrize(
    ("name", "heard"),
    [
        # Mode C: the speed is confirmed; mode B: it changes at once; mode A: it stays.
        (b"/ISk5MT174-0001\r\n", [300, REQUEST, b"\x06050\r\n", 9600]),
        (b"/EMH0\\@01\r\n", [300, REQUEST, b"\x06000\r\n", 300]),
        (b"/LGZ4ZMD\r\n", [300, REQUEST, b"\x06040\r\n", 4800]),
        (b"/ABCA1234\r\n", [300, REQUEST, 600]),
        (b"/ABCF1234\r\n", [300, REQUEST, 19200]),
        (b"/ABC 1234\r\n", [300, REQUEST, 300]),
    ],
)
def test_the_meter_proposes_the_speed(name: bytes, heard: list[object], echo: bool) -> None:
    assert _request(name, echo=echo).heard == heard


@pytest.mark.parametrize(
    ("baud", "acknowledgement"), [(300, b"\x06000\r\n"), (9600, b"\x06050\r\n")]
)
def test_the_speed_behind_a_tcp_port_stays(baud: int, acknowledgement: bytes) -> None:
    meter = _request(b"/ISk5MT174-0001\r\n", baud, has_baud=False)
    assert meter.heard == [REQUEST, acknowledgement]


def test_a_silent_or_foreign_meter_is_a_link_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(d0, "_ANSWER_S", 0.01)
    for name in (b"", b"x" * 1000):
        with pytest.raises(LinkError, match=r"^meter: no answer to the request of D0; check baud"):
            _request(name)


def _serve(answers: int, read: Callable[[], bytes], write: Callable[[bytes], object]) -> None:
    """Answer a number of requests as a meter in mode C."""
    for _ in range(answers):
        assert read() == REQUEST
        write(MT174[: MT174.index(b"\x02")])
        assert read() == b"\x06050\r\n"
        write(MT174[MT174.index(b"\x02") :])


def test_a_device_is_asked_at_its_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("serial")
    with pty_meter() as meter:
        serving = threading.Thread(target=_serve, args=(2, meter.receive, meter.send))
        when_opened(monkeypatch, serving.start)
        feed = open_feed(Address.parse(f"dsmr://{meter.path}?request=d0&mode=8N1&every=0.5"))
        assert isinstance(feed, AsyncFeed)
        assert feed.pace == Pace(0.5)
        with closing(feed):
            items = read_feed(feed, 2)
        serving.join(10)
    assert items == [Link(Link.UP, "meter"), Sample(0.45), Sample(0.45)]


def test_a_speed_that_the_device_refuses_is_a_link_error(monkeypatch: pytest.MonkeyPatch) -> None:
    serial = pytest.importorskip("serial")

    async def set_speed(endpoint: Endpoint) -> None:
        async with endpoint.connect() as line:
            monkeypatch.setattr(serial.Serial, "baudrate", property(lambda port: 300, refuse))
            assert line.set_baud is not None
            line.set_baud(19200)

    def refuse(port: object, baud: int) -> None:
        raise ValueError("Not a valid baudrate")

    with pty_meter() as meter, pytest.raises(LinkError) as caught:
        asyncio.run(set_speed(Endpoint("meter", device=meter.path, baud=300)))
    assert str(caught.value) == "meter: cannot set 19200 baud: Not a valid baudrate"


def test_a_meter_behind_a_tcp_port_is_asked() -> None:
    def script(connection: socket.socket) -> None:
        assert connection.recv(99) == b"/?00339188!\r\n"
        connection.sendall(MT174[: MT174.index(b"\x02")])
        assert connection.recv(99) == b"\x06060\r\n"
        connection.sendall(MT174[MT174.index(b"\x02") :])

    with tcp_meter(script) as port:
        options = "request=d0&baud=19200&number=00339188"
        feed = open_feed(Address.parse(f"dsmr://127.0.0.1:{port}?{options}"))
        with closing(feed):
            assert read_feed(feed, 1)[-1] == Sample(0.45)


def test_an_answer_without_an_end_is_a_link_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dsmr, "_READOUT_S", 0.05)
    endless = readout("1.7.0(1*kW)")[:-4]

    def script(connection: socket.socket) -> None:
        connection.sendall(endless)
        heard = b""
        while data := connection.recv(99):
            heard += data
        assert heard.startswith(REQUEST)

    with tcp_meter(script) as port:
        feed = open_feed(Address.parse(f"dsmr://127.0.0.1:{port}?request=d0"))
        with closing(feed), pytest.raises(LinkError, match="the answer of the meter has no end"):
            feed.read()


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ("request=d1", "request='d1': give d0"),
        ("request=d0&every=0.1", "every='0.1': give a number at least 0.5"),
        ("request=d0&number=1!", "number='1!': give up to 32 digits and letters"),
        ("number=1", "number='1': add request=d0, or leave it out"),
        ("baud=300", "baud='300': leave it out: the server"),
    ],
)
def test_wrong_options_are_usage_errors(options: str, why: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_feed(Address.parse(f"dsmr://host:2001?{options}"))
    assert why in str(caught.value)
