from __future__ import annotations

import math
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from pymodbus import FramerType
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from streamer.errors import LinkError, RefusedError
from streamer.feeds import Feed, FeedItem, Pace
from streamer.feeds.address import Address
from streamer.feeds.modbus import KIND
from streamer.feeds.session import AsyncFeed
from streamer.readings import CounterSample, Link, Notice, Sample
from streamer.testing import check_source, read_feed
from tests.feeds.serving import Background, fails


class Meter(Background):
    """A meter simulated by pymodbus's server, with registers that can be set.

    Args:
        framer: TCP, or RTU as through a gateway.
        first: its first register.
    """

    def __init__(self, framer: FramerType = FramerType.SOCKET, first: int = 0) -> None:
        self.port = 0
        self.first = first
        self.missing: set[int] = set()
        self.answers: ExcCodes | None = None
        self.asked: list[tuple[int, int, int]] = []
        self.words: dict[tuple[int, int], list[int]] = {}
        self._framer = framer
        self._server: ModbusTcpServer | None = None

    def __enter__(self) -> Meter:
        super().__enter__()
        self.start()
        return self

    def __exit__(self, *error: Any) -> None:
        self.stop()
        super().__exit__(*error)

    def set(self, address: int, layout: str, *values: float, function: int = 4) -> None:
        packed = struct.pack(layout, *values)
        self.words[function, address] = list(struct.unpack(f">{len(packed) // 2}H", packed))

    def start(self) -> None:
        self.call(self._start())

    def stop(self) -> None:
        if self._server is not None:
            self.call(self._server.shutdown())
            self._server = None

    async def _start(self) -> None:
        registers = [SimData(self.first, count=100, values=0, datatype=DataType.REGISTERS)]
        bits = [SimData(0, count=16, values=True, datatype=DataType.BITS)]
        device = SimDevice(1, simdata=(bits, bits, registers, registers), action=self._act)
        self._server = ModbusTcpServer(
            device, framer=self._framer, address=("127.0.0.1", self.port)
        )
        await self._server.serve_forever(background=True)
        transport: Any = self._server.transport
        self.port = transport.sockets[0].getsockname()[1]

    async def _act(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        self.asked.append((function, address, count))
        if self.missing & set(range(address, address + count)):
            return ExcCodes.ILLEGAL_ADDRESS
        for (kind, place), words in self.words.items():
            if kind == function:
                registers[place - start : place - start + len(words)] = words
        return self.answers


@pytest.fixture
def meter() -> Iterator[Meter]:
    with Meter() as meter:
        yield meter


def open_meter(port: int, options: str) -> Feed:
    address = Address.parse(f"modbus://127.0.0.1:{port}?{options}")
    address.check_options(KIND.options)
    return KIND.open(address)


def first_kw(feed: Feed) -> float:
    try:
        (sample,) = [item for item in read_feed(feed, 1) if isinstance(item, Sample)]
    finally:
        feed.close()
    return sample.kw


def until_notice(feed: Feed) -> list[FeedItem]:
    items = [*feed.read()]
    while not any(isinstance(item, Notice) for item in items):
        items += feed.read()
    return items


def test_conforms_to_the_feed_protocol(meter: Meter) -> None:
    meter.set(0x34, ">f", 1234.5)
    found = check_source(open_meter(meter.port, "preset=sdm630&every=0.5"), samples=2)
    assert [sample.kw for sample in found] == pytest.approx([1.2345, 1.2345])
    assert meter.asked[0] == (4, 0x34, 2)


@pytest.mark.parametrize(
    ("options", "function", "address", "layout", "value", "kw"),
    [
        ("preset=sdm72-v2&device=1", 4, 0x34, ">f", -500.0, -0.5),
        ("preset=sdm120", 4, 0x0C, ">f", 60.0, 0.06),
        ("preset=sdm630&sign=export", 4, 0x34, ">f", 60.0, -0.06),
        ("preset=sdm630", 4, 0x34, ">f", math.nan, math.nan),
        ("register=0x10&type=int16&unit=W&scale=10", 4, 0x10, ">h", -12, -0.12),
        ("register=16&type=uint16&unit=W&fc=3", 3, 0x10, ">H", 65534, 65.534),
        ("register=16&type=uint16&unit=W&fc=3", 3, 0x10, ">H", 65535, math.nan),
        ("register=16&type=int16&unit=W", 4, 0x10, ">h", -0x8000, math.nan),
        ("register=16&type=int32&unit=MW&scale=0.001", 4, 0x10, ">i", 5, 5.0),
        ("register=16&type=int32&unit=mW", 4, 0x10, ">i", 250_000, 0.25),
        ("register=16&type=int32&unit=kW&fc=3&scale=0.001", 3, 0x10, ">i", -1500, -1.5),
        ("register=16&type=uint32&unit=W", 4, 0x10, ">I", 70_000, 70.0),
        ("register=16&type=int64&unit=W", 4, 0x10, ">q", -70_000, -70.0),
        ("register=16&type=float64&unit=kW", 4, 0x10, ">d", 0.1, 0.1),
    ],
)
def test_registers_of_each_type_are_read(
    meter: Meter,
    options: str,
    function: int,
    address: int,
    layout: str,
    value: float,
    kw: float,
) -> None:
    meter.set(address, layout, value, function=function)
    assert first_kw(open_meter(meter.port, options)) == pytest.approx(kw, nan_ok=True)


@pytest.mark.parametrize(
    ("options", "kw"),
    [
        ("register=16,17,18&type=int16&unit=W", 0.85),
        ("register=16,0x12&minus=17&type=int16&unit=W", 0.15),
        ("register=16&minus=17,18&type=int16&unit=W&sign=export", 0.35),
    ],
)
def test_several_registers_are_one_reading_from_one_request(
    meter: Meter, options: str, kw: float
) -> None:
    meter.set(16, ">3h", 250, 350, 250)
    assert first_kw(open_meter(meter.port, f"{options}&every=0.5")) == pytest.approx(kw)
    assert len(meter.asked) == 1


def test_one_unknown_part_makes_the_sum_unknown(meter: Meter) -> None:
    meter.set(16, ">3h", 250, -0x8000, 250)
    assert math.isnan(first_kw(open_meter(meter.port, "register=16,17,18&type=int16&unit=W")))


def test_registers_that_are_missing_between_ours_are_not_read(meter: Meter) -> None:
    meter.set(16, ">h", 250)
    meter.set(20, ">h", 350)
    meter.missing = {18}
    feed = open_meter(meter.port, "register=16,20&type=int16&unit=W")
    assert first_kw(feed) == pytest.approx(0.6)
    assert meter.asked == [(4, 16, 5), (4, 16, 1), (4, 20, 1)]
    meter.missing = {20}
    text = fails(open_meter(meter.port, "register=16,20&type=int16&unit=W"), RefusedError)
    assert "input register 0x0014 does not exist (illegal address)" in text


@pytest.mark.parametrize(
    ("power", "exponent", "kw"),
    [
        (12345, -1, 1.2345),
        (12, 2, 1.2),
        (-0x8000, 0, math.nan),
        (12345, -0x8000, math.nan),
    ],
)
def test_the_scale_factor_of_sunspec_is_read_with_the_value(
    power: int, exponent: int, kw: float
) -> None:
    with Meter(first=40_200) as meter:
        meter.set(40206, ">h", power, function=3)
        meter.set(40210, ">h", exponent, function=3)
        options = "register=40206&type=int16&fc=3&unit=W&scale_register=40210"
        assert first_kw(open_meter(meter.port, options)) == pytest.approx(kw, nan_ok=True)
        assert meter.asked == [(3, 40206, 5)]
        assert first_kw(open_meter(meter.port, "preset=solaredge")) == pytest.approx(
            -kw, nan_ok=True
        )


@pytest.mark.parametrize(
    ("options", "kwh"),
    [
        ("unit=kWh&scale=0.01", 250.0),
        ("unit=Wh", 25.0),
        ("unit=imp&per_kwh=1000", 25.0),
        ("unit=MWh&sign=export&scale=0.001", -25_000.0),
        ("unit=Wh&minus=18", 20.0),
    ],
)
def test_counters_are_delivered_as_energy(meter: Meter, options: str, kwh: float) -> None:
    meter.set(16, ">2I", 25_000, 5_000)
    feed = open_meter(meter.port, f"register=16&type=uint32&{options}")
    items = [*feed.read()]
    while not any(isinstance(item, CounterSample) for item in items):
        items += feed.read()
    feed.close()
    assert items == [
        Link(Link.UP, "meter"),
        CounterSample(pytest.approx(kwh), net="minus" in options),
    ]


def test_the_pace_is_the_interval_of_the_requests(meter: Meter) -> None:
    feed = open_meter(meter.port, "preset=sdm630&every=2")
    assert isinstance(feed, AsyncFeed)
    assert feed.pace == Pace(2.0)


def test_the_low_word_can_come_first(meter: Meter) -> None:
    (high, low) = struct.unpack(">2H", struct.pack(">f", 321.5))
    meter.words[4, 8] = [low, high]
    options = "register=8&unit=W&word_order=little"
    assert first_kw(open_meter(meter.port, options)) == pytest.approx(0.3215)


def test_rtu_framing_is_read_through_a_gateway() -> None:
    with Meter(FramerType.RTU) as meter:
        meter.set(0x34, ">f", 800.0)
        options = "preset=sdm630&framing=rtu&timeout=2"
        assert first_kw(open_meter(meter.port, options)) == pytest.approx(0.8)
        text = fails(open_meter(meter.port, "preset=sdm630&timeout=0.5"), LinkError)
        assert text.endswith("device 1: no answer")


def test_an_infinite_value_is_reported_as_malformed(meter: Meter) -> None:
    meter.set(0x34, ">f", math.inf)
    feed = open_meter(meter.port, "preset=sdm630&every=0.5")
    up, notice = until_notice(feed)
    assert up == Link(Link.UP, "meter")
    assert isinstance(notice, Notice)
    assert notice.kind == Notice.MALFORMED
    assert notice.text == f"{feed.name}: input register 0x0034: inf is not a power; skipped"
    meter.set(0x34, ">f", 1.0)
    assert read_feed(feed, 1) == [Sample(0.001)]
    feed.close()


def test_a_missing_register_is_refused(meter: Meter) -> None:
    text = fails(open_meter(meter.port, "register=500&unit=W"), RefusedError)
    assert text.endswith(
        "device 1: input register 0x01F4 does not exist (illegal address); "
        "check register, type, fc and device, or the preset"
    )


@pytest.mark.parametrize(
    ("code", "error", "text"),
    [
        (ExcCodes.ILLEGAL_FUNCTION, RefusedError, "(illegal function)"),
        (ExcCodes.ILLEGAL_VALUE, RefusedError, "(illegal value)"),
        (ExcCodes.DEVICE_FAILURE, LinkError, "the device has failed"),
        (ExcCodes.DEVICE_BUSY, LinkError, "the device is busy"),
        (ExcCodes.GATEWAY_NO_RESPONSE, LinkError, "the device does not answer the gateway"),
        (ExcCodes.MEMORY_PARITY_ERROR, LinkError, "exception 8"),
    ],
)
def test_modbus_exceptions_are_explained(
    meter: Meter, code: ExcCodes, error: type[LinkError], text: str
) -> None:
    meter.answers = code
    feed = open_meter(meter.port, "preset=sdm630")
    with pytest.raises(LinkError) as caught:
        feed.read()
    assert type(caught.value) is error
    assert text in str(caught.value)
    meter.answers = None
    assert first_kw(feed) == 0.0


def test_reconnects_to_a_restarted_meter(meter: Meter, capfd: pytest.CaptureFixture[str]) -> None:
    feed = open_meter(meter.port, "preset=sdm630&every=0.5&timeout=2")
    read_feed(feed, 1)
    meter.stop()
    with pytest.raises(LinkError, match="device 1: the connection was closed"):
        read_feed(feed, 9)
    with pytest.raises(LinkError, match="cannot connect: Connection refused"):
        read_feed(feed, 9)
    meter.start()
    assert first_kw(feed) == 0.0
    assert capfd.readouterr().err == ""


def _serve(listener: socket.socket, answer: bytes | None) -> None:
    """Answer every request with the same bytes, with nothing, or by closing the connection."""
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            try:
                while connection.recv(1000):
                    if answer is None:
                        break
                    connection.sendall(answer)
            except OSError:
                continue


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\xff" * 5000,
        b"\x00\x01\x00\x00\x00\x03\x01\x04\x00",
        b"\x00\x01\x00\x00\x00\x04\x01\x04\x01\x00",
        b"\x00\x01\x00\x00\x00\x06\x01\x06\x00\x34\x00\x01",
        b"\x00\x01\x00\x00\x00\x02\x01\x84",
        b"\x00\x01\x00\x00\x00\x02\x01\x00",
    ],
)
def test_other_servers_are_a_link_error(
    answer: bytes | None, capfd: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, answer))
        thread.start()
        port = listener.getsockname()[1]
        feed = open_meter(port, "preset=sdm630&timeout=0.1&every=0.5")
        items: list[FeedItem] = []
        try:
            with suppress(LinkError):
                items = until_notice(feed)
        finally:
            feed.close()
            listener.shutdown(socket.SHUT_RDWR)  # closing alone would not end `accept`
            thread.join(10)
        assert not any(isinstance(item, Sample) for item in items)
    assert capfd.readouterr().err == ""


def test_a_silent_meter_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        text = fails(open_meter(port, "preset=sdm630&timeout=0.5"), LinkError)
    assert text == f"modbus://127.0.0.1:{port}: device 1: no answer"


def test_an_unreachable_meter_is_a_link_error() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        text = fails(open_meter(port, "preset=sdm630"), LinkError)
    assert text == f"modbus://127.0.0.1:{port}: cannot connect: Connection refused"
