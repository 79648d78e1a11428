"""Feed of a P1 port, on a serial device and over TCP."""

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
from tests.feeds.fakemeters import (
    listening_port,
    pty_meter,
    running_socat,
    tcp_meter,
    until_hung_up,
    wait_for,
    wait_for_cable,
)
from tests.feeds.telegrams import AUSTRIA, CET, LUXEMBOURG, V2_2, V5

AT = datetime(2017, 1, 2, 19, 20, 2, tzinfo=CET)
BROKEN = V5.replace(b"00.244", b"00.245")


def _samples(items: Sequence[object]) -> list[float]:
    return [item.kw for item in items if isinstance(item, Sample)]


def _notices(items: Sequence[object]) -> list[str]:
    return [item.text.partition(": ")[2] for item in items if isinstance(item, Notice)]


def test_a_serial_device_is_read_until_it_is_unplugged() -> None:
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


def test_an_unknown_choice_of_time_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="time='mine': give meter or arrival"):
        open_feed(Address.parse("dsmr://host:2001?time=mine"))


@pytest.mark.socat
def test_a_device_of_socat_with_damaged_telegrams_is_read_and_reopened(tmp_path: Path) -> None:
    pytest.importorskip("serial")
    device, meter = tmp_path / "ttyUSB0", tmp_path / "meter"
    cable = (f"pty,raw,echo=0,link={device}", f"pty,raw,echo=0,link={meter}")
    with closing(open_feed(Address.parse(f"dsmr://{device}"))) as feed:
        with pytest.raises(LinkError, match="the device does not exist; is it plugged in"):
            feed.read()
        for _ in range(2):
            with running_socat(*cable) as log:
                wait_for_cable(log)
                wait_for(device)
                assert feed.read() == [Link(Link.UP, "meter")]
                for telegrams in (V5 + V5[:400], V5 + V5, BROKEN + V5):
                    wait_for(meter).write_bytes(telegrams)
                items = read_feed(feed, 4)
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
        assert feed.read() == [Link(Link.UP, "meter")]
        wait_for(meter).write_bytes(V5[300:] + V5 + BROKEN + AUSTRIA)
        items = read_feed(feed, 2)
        assert _samples(items) == [0.244, 0.286]
        assert len(_notices(items)) == 1
    with pytest.raises(LinkError, match=r"closed the connection|reset"):
        read_feed(feed, 1)
    with pytest.raises(LinkError, match="Connection refused"):
        feed.read()
    with running_socat(f"tcp-listen:{port},bind=127.0.0.1,reuseaddr", forwarded) as log:
        assert listening_port(log) == port
        assert feed.read() == [Link(Link.UP, "meter")]
        wait_for(meter).write_bytes(V5)
        assert _samples(read_feed(feed, 1)) == [0.244]
    feed.close()
