"""Feed of a P1 port, on a serial device and over TCP."""

from __future__ import annotations

import math
import socket
import threading
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from streamer.errors import LinkError, UsageError
from streamer.feeds.address import Address
from streamer.feeds.registry import open_feed
from streamer.feeds.serial import dsmr
from streamer.feeds.serial.dsmr import KIND
from streamer.readings import CounterSample, Link, Notice, Sample
from streamer.testing import check_source, read_feed
from tests.feeds.fakemeters import (
    listening_port,
    pty_meter,
    running_socat,
    tcp_meter,
    until_hung_up,
    wait_for,
    wait_for_cable,
    when_opened,
)
from tests.feeds.telegrams import AUSTRIA, CET, LUXEMBOURG, Q3D_303, V2_2, V5, telegram

AT = datetime(2017, 1, 2, 19, 20, 2, tzinfo=CET)
BROKEN = V5.replace(b"00.244", b"00.245")


def _samples(items: Sequence[object]) -> list[float]:
    return [item.kw for item in items if isinstance(item, Sample)]


def _notices(items: Sequence[object]) -> list[str]:
    return [item.text.partition(": ")[2] for item in items if isinstance(item, Notice)]


def test_a_serial_device_is_read_until_it_is_unplugged(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("serial")
    with pty_meter() as meter:
        when_opened(monkeypatch, lambda: meter.send(V2_2[200:] + V2_2 + V5 + LUXEMBOURG))
        feed = open_feed(Address.parse(f"dsmr://{meter.path}?baud=9600&mode=7E1"))
        assert feed.name == f"dsmr://{meter.path}"
        items = read_feed(feed, 3)
        assert items[:3] == [Link(Link.UP, "meter"), Sample(1.01), Sample(0.244, AT)]
        assert _samples(items) == [1.01, 0.244, -0.897]
        meter.unplug()
        with pytest.raises(LinkError, match=r"^dsmr:///dev/.*: lost the device"):
            read_feed(feed, 1)
        with pytest.raises(LinkError, match="the device does not exist"):
            feed.read()
        feed.close()


def test_conforms_to_the_feed_protocol_over_tcp() -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(V5[:300] + V5 + AUSTRIA)
        until_hung_up(connection)

    with tcp_meter(script) as port:
        samples = check_source(KIND.open(Address.parse(f"dsmr://localhost:{port}")), samples=2)
    assert [sample.kw for sample in samples] == [0.244, 0.286]


def test_a_lost_connection_is_reopened_by_the_next_read() -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(V5 + V5[:300])

    with tcp_meter(script, script) as port:
        feed = open_feed(Address.parse(f"dsmr://127.0.0.1:{port}"))
        for _ in range(2):
            items = read_feed(feed, 1)
            assert items[0] == Link(Link.UP, "meter")
            # The half telegram before the loss is not joined to the bytes that follow.
            assert items[1:] == [Sample(0.244, AT)]
            with pytest.raises(LinkError, match="the other end closed the connection"):
                read_feed(feed, 1)
        feed.close()


def test_the_time_of_arrival_can_be_chosen() -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(V5)
        until_hung_up(connection)

    with tcp_meter(script) as port:
        feed = open_feed(Address.parse(f"dsmr://127.0.0.1:{port}?time=arrival"))
        assert read_feed(feed, 1)[-1] == Sample(0.244)
        feed.close()


def _session(*texts: bytes, options: str = "") -> list[object]:
    """Items of a feed whose meter sends some telegrams and closes the connection."""

    def script(connection: socket.socket) -> None:
        connection.sendall(b"".join(texts))

    items: list[object] = []
    with tcp_meter(script) as port:
        feed = open_feed(Address.parse(f"dsmr://127.0.0.1:{port}?{options}"))
        with closing(feed):
            try:
                while True:
                    items += feed.read()
            except LinkError as error:
                items.append(str(error).partition(f"{port}: ")[2])
    return items


def test_a_port_that_closes_without_a_value_is_never_up() -> None:
    message = b"Device open failure: No such file or directory\r\n"
    assert _session(message) == [
        "the other end closed the connection after 'Device open failure: No such file or directory'"
    ]
    broken, ended = _session(BROKEN)
    assert isinstance(broken, Notice)
    assert str(ended).startswith("the other end closed the connection after '/ISk5")


def test_a_meter_without_power_is_named_once_and_ends_the_value() -> None:
    without = telegram("1-0:1.8.0(000123.456*kWh)")
    up, value, unknown, advice, _ = _session(V2_2, *[without] * 9)
    assert up == Link(Link.UP, "meter")
    assert value == Sample(1.01)
    assert isinstance(unknown, Sample)
    assert math.isnan(unknown.kw)
    assert isinstance(advice, Notice)
    assert advice.kind == Notice.WARNING
    assert advice.text.endswith(
        "the meter sends its energy, but no power; add counter=yes to take the mean power from "
        "the energy"
    )
    assert _session(without, without, V2_2, without)[:2] == [up, value]


def test_the_energy_is_delivered_if_it_is_wanted() -> None:
    fine, whole = telegram("1-0:1.8.0(000123.456*kWh)"), telegram("1-0:1.8.0(000123*kWh)")
    assert _session(fine, V2_2, options="counter=yes")[:3] == [
        Link(Link.UP, "meter"),
        CounterSample(123.456),
        Sample(1.01),
    ]
    # Once it has been fine, the register may stay at a whole number.
    items = _session(fine, *[whole] * 5, options="counter=yes")
    assert items[1:-1] == [CounterSample(123.456), *[CounterSample(123.0)] * 5]
    advice, _ = _session(*[whole] * 5, options="counter=yes")
    assert isinstance(advice, Notice)
    assert advice.text.endswith(
        "the meter sends its energy in whole kWh, and no power; read another meter, or ask the "
        "grid operator"
    )


def test_options_say_what_telegrams_leave_open() -> None:
    bare, absolute = telegram("1-0:1.7.0(000250)"), telegram("1-0:15.7.0(0.5*kW)")
    assert _session(bare, options="unit=W")[1] == Sample(0.25)
    assert _session(absolute, options="sign=import")[1] == Sample(0.5)
    assert _notices(_session(bare, absolute)) == [
        "1-0:1.7.0(000250) has no unit; add unit=W or unit=kW; skipped",
        "15.7.0 is a power without a direction; add sign=import for a house that never feeds in, "
        "sign=export for a meter of the feed-in alone; skipped",
    ]


def test_parity_bits_are_removed_if_they_are_named() -> None:
    text = bytes(byte | byte.bit_count() % 2 << 7 for byte in Q3D_303)
    assert _session(text, options="mode=7E1")[1] == Sample(0.24737)
    assert _notices(_session(text)) == ["a telegram with parity bits; add mode=7E1; skipped"]


def test_a_silent_meter_is_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dsmr, "SILENT_S", 0.01)

    warned = threading.Event()

    def script(connection: socket.socket) -> None:
        warned.wait(10)
        connection.sendall(V2_2)

    with tcp_meter(script) as port:
        feed = open_feed(Address.parse(f"dsmr://127.0.0.1:{port}"))
        with closing(feed):
            (warning,) = feed.read()
            warned.set()
            up, sample = read_feed(feed, 1)
    assert isinstance(warning, Notice)
    assert warning.text.endswith("a D0 meter that does not send by itself needs request=d0")
    assert (up, sample) == (Link(Link.UP, "meter"), Sample(1.01))


def test_an_interval_needs_a_request() -> None:
    with pytest.raises(UsageError, match="every='5': add request=d0, or leave it out"):
        open_feed(Address.parse("dsmr://host:2001?every=5"))


def test_an_unknown_choice_of_time_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="time='mine': give meter or arrival"):
        open_feed(Address.parse("dsmr://host:2001?time=mine"))


def _write_later(meter: Path, data: bytes) -> None:
    """Write to a terminal that may not exist yet, and whose other end may not be read yet."""
    threading.Thread(target=lambda: wait_for(meter).write_bytes(data), daemon=True).start()


@pytest.mark.socat
def test_a_device_of_socat_with_damaged_telegrams_is_read_and_reopened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("serial")
    device, meter = tmp_path / "ttyUSB0", tmp_path / "meter"
    cable = (f"pty,raw,echo=0,link={device}", f"pty,raw,echo=0,link={meter}")
    sent = V5 + V5[:400] + V5 + V5 + BROKEN + V5
    when_opened(monkeypatch, lambda: _write_later(meter, sent))
    with closing(open_feed(Address.parse(f"dsmr://{device}"))) as feed:
        with pytest.raises(LinkError, match="the device does not exist; is it plugged in"):
            feed.read()
        for _ in range(2):
            with running_socat(*cable) as log:
                wait_for_cable(log)
                wait_for(device)
                wait_for(meter)
                items = read_feed(feed, 4)
                assert items[0] == Link(Link.UP, "meter")
                assert _samples(items) == [0.244] * 4
                assert _notices(items) == [
                    f"{why}; skipped"
                    for why in ("an incomplete telegram", "a telegram with a wrong CRC")
                ]
            with pytest.raises(LinkError, match="lost the device"):
                read_feed(feed, 1)


@pytest.mark.socat
def test_a_port_forwarded_by_socat_is_read_and_reopened(tmp_path: Path) -> None:
    meter = tmp_path / "meter"
    forwarded = f"pty,raw,echo=0,link={meter}"
    with running_socat("tcp-listen:0,bind=127.0.0.1,reuseaddr", forwarded) as log:
        port = listening_port(log)
        feed = open_feed(Address.parse(f"dsmr://127.0.0.1:{port}"))
        _write_later(meter, V5[300:] + V5 + BROKEN + AUSTRIA)
        items = read_feed(feed, 2)
        assert _samples(items) == [0.244, 0.286]
        assert len(_notices(items)) == 1
    with pytest.raises(LinkError, match=r"closed the connection|reset"):
        read_feed(feed, 1)
    with pytest.raises(LinkError, match="Connection refused"):
        feed.read()
    with running_socat(f"tcp-listen:{port},bind=127.0.0.1,reuseaddr", forwarded) as log:
        assert listening_port(log) == port
        _write_later(meter, V5)
        assert _samples(read_feed(feed, 1)) == [0.244]
    feed.close()
