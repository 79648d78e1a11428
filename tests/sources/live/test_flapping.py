"""Connections that come and go, over TCP, with simulated time."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest

from streamer.feeds import FeedItem
from streamer.feeds.address import Address
from streamer.feeds.serial.dsmr import KIND
from streamer.readings import Link, Reading
from streamer.sinks.watch import OutageWatch
from streamer.sources.live.feedreader import FeedReader
from streamer.sources.live.processor import LiveItem, SampleProcessor
from streamer.sources.live.rules import LiveRules
from streamer.testing import ManualClock
from tests.feeds.fakemeters import tcp_meter
from tests.feeds.telegrams import BELGIUM

DATE = 1_774_745_940.0
HOUR_S = 3600.0


def _watch(script: Callable[[socket.socket], None], attempts: int) -> tuple[list[float], list]:
    """Waits between the attempts, and the items of a live source."""
    clock = ManualClock(wall=DATE)
    processor = SampleProcessor("house", LiveRules(), clock.now(), clock.wall())
    given: list[LiveItem] = []
    waits: list[float] = []
    enough, closing = threading.Event(), threading.Event()

    def put(items: Sequence[FeedItem]) -> None:
        processor.set_time(clock.now(), clock.wall())
        processor.take(items, clock.now())
        processor.update()
        given.extend(processor.take_output())

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        until = clock.now() + seconds
        while clock.now() < until:
            due = processor.wait_s(clock.now())
            clock.advance(min(until - clock.now(), max(due or 0.0, 0.01)))
            put([])
        if len(waits) == attempts:
            enough.set()
            closing.wait(10.0)

    with tcp_meter(*[script] * attempts) as port:
        feed = KIND.open(Address.parse(f"dsmr://127.0.0.1:{port}?time=arrival"))
        reader = FeedReader(feed, put, lambda error: None, clock=clock, sleep=sleep)
        reader.start()
        assert enough.wait(30.0)
        threading.Timer(0.05, closing.set).start()
        reader.close()
    return waits, given


@pytest.mark.parametrize(
    "sent", [b"", b"Device open failure: No such file or directory\r\n"], ids=["nothing", "text"]
)
def test_a_port_that_accepts_and_closes_is_away_once(sent: bytes) -> None:
    """As ser2net does if its device is unplugged."""
    waits, given = _watch(lambda connection: connection.sendall(sent), 80)
    assert all(low <= high for low, high in pairwise(waits[:6]))
    assert min(waits[6:]) >= 59
    assert sum(waits) > HOUR_S
    links = [item for item in given if isinstance(item, Link)]
    assert {link.state for link in links} == {Link.LOST}
    outages = OutageWatch()
    assert len([change for link in links for change in outages.see(link)]) == 1
    assert not [item for item in given if isinstance(item, Reading)]


def test_a_port_that_sends_one_value_and_closes_makes_few_events() -> None:
    waits, given = _watch(lambda connection: connection.sendall(BELGIUM), 80)
    assert min(waits[6:]) >= 59
    states = [item.state for item in given if isinstance(item, Link)]
    changes = [after for before, after in pairwise(states) if before != after]
    assert len(changes) <= 7
    assert states[-1] == Link.LOST
