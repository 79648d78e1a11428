"""The feed of a P1 port, off a serial device and over TCP; p1.py has its own tests."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from streamer.errors import LinkError, UsageError
from streamer.feeds.address import Address
from streamer.feeds.registry import open_feed
from streamer.feeds.serial.dsmr import KIND
from streamer.readings import Link, Notice, Sample
from streamer.testing import check_source, read_feed
from tests.feeds.telegrams import AUSTRIA, CET, LUXEMBOURG, V2_2, V5
from tests.feeds.wires import (
    listening_port,
    pty_meter,
    running_socat,
    tcp_meter,
    until_hung_up,
    wait_for,
)

AT = datetime(2017, 1, 2, 19, 20, 2, tzinfo=CET)
BROKEN = V5.replace(b"00.244", b"00.245")


def _samples(items: Sequence[object]) -> list[float]:
    return [item.kw for item in items if isinstance(item, Sample)]


def _notices(items: Sequence[object]) -> list[str]:
    return [item.text.partition(": ")[2] for item in items if isinstance(item, Notice)]


def test_off_a_serial_device_unplugged_in_the_end() -> None:
    pytest.importorskip("serial")
    with pty_meter() as meter:
        feed = open_feed(Address.parse(f"dsmr://{meter.path}?baud=9600&mode=7E1"))
        assert feed.name == f"dsmr://{meter.path}"
        assert feed.read() == [Link(Link.UP, "meter")]
        meter.send(V2_2[200:] + V2_2 + V5 + LUXEMBOURG)
        items = read_feed(feed, 3)
        assert items[:2] == [Sample(1.01), Sample(0.244, AT)]
        assert _samples(items) == [1.01, 0.244, -0.897]
        meter.unplug()
        with pytest.raises(LinkError, match=r"^dsmr:///dev/.*: the device is gone"):
            read_feed(feed, 1)
        with pytest.raises(LinkError, match="no such device"):
            feed.read()
        feed.close()


def test_over_tcp_it_keeps_to_the_protocol_of_feeds() -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(V5[:300] + V5 + AUSTRIA)
        until_hung_up(connection)

    with tcp_meter(script) as port:
        samples = check_source(KIND.open(Address.parse(f"dsmr://localhost:{port}")), samples=2)
    assert [sample.kw for sample in samples] == [0.244, 0.286]


def test_a_connection_that_is_lost_is_made_anew_by_the_next_read() -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(V5 + V5[:300])

    with tcp_meter(script, script) as port:
        feed = open_feed(Address.parse(f"dsmr://127.0.0.1:{port}"))
        for _ in range(2):
            items = read_feed(feed, 1)
            assert items[0] == Link(Link.UP, "meter")
            # The half telegram before the loss is not joined to what comes after it.
            assert items[1:] == [Sample(0.244, AT)]
            with pytest.raises(LinkError, match="the other end has closed the connection"):
                read_feed(feed, 1)
        feed.close()


def test_the_time_of_arrival_instead_of_the_meters() -> None:
    def script(connection: socket.socket) -> None:
        connection.sendall(V5)
        until_hung_up(connection)

    with tcp_meter(script) as port:
        feed = open_feed(Address.parse(f"dsmr://127.0.0.1:{port}?time=arrival"))
        assert read_feed(feed, 1)[-1] == Sample(0.244)
        feed.close()


def test_an_unknown_time_is_refused() -> None:
    with pytest.raises(UsageError, match="time='mine': give meter or arrival"):
        open_feed(Address.parse("dsmr://host:2001?time=mine"))


@pytest.mark.socat
def test_a_serial_device_of_socat_cut_doubled_broken_unplugged_and_back(tmp_path: Path) -> None:
    pytest.importorskip("serial")
    device, meter = tmp_path / "ttyUSB0", tmp_path / "meter"
    cable = (f"pty,raw,echo=0,link={device}", f"pty,raw,echo=0,link={meter}")
    with closing(open_feed(Address.parse(f"dsmr://{device}"))) as feed:
        with pytest.raises(LinkError, match="no such device; is it plugged in"):
            feed.read()
        for _ in range(2):
            with running_socat(*cable):
                wait_for(device)
                assert feed.read() == [Link(Link.UP, "meter")]
                for telegrams in (V5 + V5[:400], V5 + V5, BROKEN + V5):
                    wait_for(meter).write_bytes(telegrams)
                items = read_feed(feed, 4)
                assert _samples(items) == [0.244] * 4
                assert _notices(items) == [
                    f"{why}; skipped"
                    for why in ("a telegram cut short", "a telegram whose CRC is wrong")
                ]
            with pytest.raises(LinkError, match="the device is gone"):
                read_feed(feed, 1)


@pytest.mark.socat
def test_a_port_that_socat_passes_on_lost_and_back(tmp_path: Path) -> None:
    meter = tmp_path / "meter"
    passed_on = f"pty,raw,echo=0,link={meter}"
    with running_socat("tcp-listen:0,bind=127.0.0.1,reuseaddr", passed_on) as says:
        port = listening_port(says)
        feed = open_feed(Address.parse(f"dsmr://127.0.0.1:{port}"))
        assert feed.read() == [Link(Link.UP, "meter")]
        wait_for(meter).write_bytes(V5[300:] + V5 + BROKEN + AUSTRIA)
        items = read_feed(feed, 2)
        assert _samples(items) == [0.244, 0.286]
        assert len(_notices(items)) == 1
    with pytest.raises(LinkError, match=r"closed the connection|reset"):
        read_feed(feed, 1)
    with pytest.raises(LinkError, match="Connection refused"):
        feed.read()
    with running_socat(f"tcp-listen:{port},bind=127.0.0.1,reuseaddr", passed_on) as says:
        assert listening_port(says) == port
        assert feed.read() == [Link(Link.UP, "meter")]
        wait_for(meter).write_bytes(V5)
        assert _samples(read_feed(feed, 1)) == [0.244]
    feed.close()
