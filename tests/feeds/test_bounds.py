"""Bounds of what the other end of a feed may send: time, size, depth."""

from __future__ import annotations

import gzip
import json
import socket
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

import pytest
from aiohttp import web

from streamer.errors import LinkError
from streamer.feeds.address import Address, Credentials, Secret
from streamer.feeds.hass.states import Entity
from streamer.feeds.lines.reader import SampleReader
from streamer.feeds.lines.sides import Records
from streamer.feeds.registry import open_feed
from streamer.feeds.values import MalformedError, parse_json
from streamer.readings import Notice
from streamer.testing import read_feed
from tests.feeds.fakemeters import tcp_meter
from tests.feeds.serving import WebServer

TOKEN = Credentials(token=Secret("swordfish"))

HTTP = "http://127.0.0.1:{port}/#unit=W&timeout=0.5&every=0.5"
HASS = "hass://127.0.0.1:{port}/sensor.power?timeout=0.5"


def _error(url: str) -> str:
    with closing(open_feed(Address.parse(url, TOKEN))) as feed:
        with pytest.raises(LinkError) as caught:
            read_feed(feed, 1)
        return str(caught.value)


@contextmanager
def _peak() -> Iterator[Callable[[], int]]:
    """Largest size in bytes of what Python has allocated since."""
    tracemalloc.start()
    try:
        yield lambda: tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def _dripping(head: bytes) -> Callable[[socket.socket], None]:
    """A server that sends the beginning of a response, and then a byte now and then."""

    def drip(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(head)
        with suppress(OSError):
            while True:
                connection.sendall(b"x")
                time.sleep(0.02)

    return drip


@pytest.mark.parametrize("url", [HTTP, HASS], ids=["http", "hass"])
@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 ", b"HTTP/1.1 101 Switching Protocols\r\nX: "],
    ids=["status line", "header"],
)
def test_a_response_that_drips_times_out(url: str, head: bytes) -> None:
    with tcp_meter(_dripping(head)) as port:
        started = time.monotonic()
        assert "no answer within 0.5 s" in _error(url.format(port=port))
        assert time.monotonic() - started < 60.0  # on a busy machine; without a bound, for ever


def test_a_body_that_drips_times_out() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n"
    with tcp_meter(_dripping(head)) as port:
        assert "no answer within 0.5 s" in _error(HTTP.format(port=port))


@pytest.mark.parametrize("url", [HTTP, HASS], ids=["http", "hass"])
def test_headers_without_end_are_a_lost_connection(url: str) -> None:
    def flood(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        with suppress(OSError):
            for _ in range(1000):
                connection.sendall(b"x" * 65536)

    with tcp_meter(flood) as port, _peak() as peak:
        assert "the response is not valid HTTP" in _error(url.format(port=port))
        assert peak() < 20e6


@pytest.mark.parametrize("kind", ["gzip", "deflate"])
def test_a_compressed_body_is_bounded_as_it_is_decompressed(kind: str) -> None:
    zeros = b" " * 30_000_000
    bomb = gzip.compress(zeros, 9, mtime=0) if kind == "gzip" else zlib.compress(zeros, 9)
    del zeros

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(body=bomb, headers={"Content-Encoding": kind})

    with WebServer(answer) as server, _peak() as peak:
        assert "larger than 1 MB" in _error(HTTP.format(port=server.port))
        assert peak() < 15e6


DEEP = ["[" * 100_000, '{"a":' * 100_000, "[" * 900 + "1" + "]" * 900]


@pytest.mark.parametrize("text", DEEP, ids=["lists", "objects", "complete"])
def test_deep_json_is_malformed(text: str) -> None:
    with suppress(MalformedError):
        document = parse_json(text)
        # What can be parsed can be described, as errors do.
        assert len(repr(json.dumps(document))) > 0
    records = Records.of(Address.parse("stdin:?unit=W&path=a"))
    items = SampleReader("stdin", records).feed(text.encode()[: 1 << 15] + b"\n")
    assert [item.kind for item in items if isinstance(item, Notice)] == [Notice.MALFORMED]


def test_a_deep_state_of_home_assistant_is_malformed() -> None:
    state: object = "x"
    for _ in range(900):
        state = [state]
    entity = Entity("sensor.power")
    entity.apply({"a": {"sensor.power": {"s": state, "a": {"unit_of_measurement": "W"}}}})
    with pytest.raises(MalformedError) as caught:
        entity.sample()
    assert len(str(caught.value)) < 200
