"""Unexpected exceptions of libraries, in each kind of feed: lost connections, with a report."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import aiohttp
import aiomqtt
import pymodbus.client
import pytest
import serial
from aiohttp import web

from streamer.display.lines import one_line
from streamer.feeds import FeedItem
from streamer.feeds.address import Address, Credentials, Secret
from streamer.feeds.registry import open_feed, schemes
from streamer.readings import Link
from streamer.sources.live.feedreader import FeedReader
from tests.feeds.fakemeters import tcp_meter

ERRORS = [
    RuntimeError("session is closed"),
    ValueError("Newline or \x1b[2J in the realm"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"),
    AssertionError(),
    struct.error("unpack requires a buffer of 4 bytes"),
]

CALLS: dict[str, tuple[str, Any, str]] = {
    "dsmr": ("dsmr://127.0.0.1:9", "asyncio", "open_connection"),
    "dsmr device": ("dsmr:///dev/ttyUSB0", serial, "Serial"),
    "hass": ("hass://127.0.0.1/sensor.power", aiohttp.ClientSession, "_ws_connect"),
    "homewizard": ("homewizard://127.0.0.1", aiohttp.ClientSession, "_request"),
    "http": ("http://127.0.0.1/#unit=W", aiohttp.ClientSession, "_request"),
    "https": ("https://127.0.0.1/#unit=W", aiohttp.ClientSession, "_request"),
    "modbus": (
        "modbus://127.0.0.1?preset=sdm630",
        pymodbus.client.AsyncModbusTcpClient,
        "connect",
    ),
    "mqtt": ("mqtt://127.0.0.1/a?unit=W", aiomqtt.Client, "__aenter__"),
    "mqtts": ("mqtts://127.0.0.1/a?unit=W", aiomqtt.Client, "__aenter__"),
    "push": ("push://127.0.0.1:0?unit=W", web.Server, "__init__"),
    "shelly": ("shelly://127.0.0.1", aiohttp.ClientSession, "_request"),
    "sml": ("sml://127.0.0.1:9", "asyncio", "open_connection"),
    "stdin": ("stdin:?unit=W", select, "select"),
    "tail": ("tail:{file}?unit=W", os, "open"),
}
"""For each kind of feed: an address, and the call of its library that fails."""


def test_each_kind_of_feed_is_here() -> None:
    assert {name.partition(" ")[0] for name in CALLS} == set(schemes())


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("kind", CALLS)
def test_an_unexpected_error_of_the_library_is_a_lost_connection(
    kind: str, error: Exception, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url, owner, name = CALLS[kind]
    file = tmp_path / "log"
    file.touch()

    def fail(*arguments: object, **named: object) -> None:
        raise error

    if isinstance(owner, str):
        monkeypatch.setattr(f"{owner}.{name}", fail)
    else:
        monkeypatch.setattr(owner, name, fail)
    credentials = Credentials(token=Secret("x"))
    if kind in ("mqtt", "mqtts"):
        credentials = Credentials()
    feed = open_feed(Address.parse(url.format(file=file), credentials))
    losses = _losses(feed, 3)
    for loss in losses:
        # Those that a feed knows, such as a ValueError of pyserial, are explained by their text.
        assert type(error).__name__ in loss.text or one_line(error) in loss.text
        assert loss.text.isprintable()
        assert loss.retry_at is not None


def _losses(feed: Any, count: int) -> list[Link]:
    """The first losses of a connection, retried without a wait."""
    losses: list[Link] = []
    enough = threading.Event()
    ends: list[object] = []

    def put(items: Iterable[FeedItem]) -> None:
        losses.extend(item for item in items if isinstance(item, Link) and item.state == Link.LOST)
        if len(losses) >= count:
            enough.set()

    def end(failure: object) -> None:
        ends.append(failure)
        enough.set()

    def sleep(_seconds: float) -> None:
        return

    reader = FeedReader(feed, put, end, sleep=sleep)
    reader.start()
    assert enough.wait(10.0)
    reader.close()
    assert ends in ([], [None]), ends
    return losses


@pytest.mark.parametrize("realm", [b"a\x01b", b"\x1b[2J", b"\xff"])
def test_a_realm_that_cannot_be_sent_back_is_a_lost_connection(realm: bytes) -> None:
    def ask_for_password(connection: socket.socket) -> None:
        connection.recv(4096)
        challenge = b'WWW-Authenticate: Digest realm="%s", nonce="x"' % realm
        connection.sendall(b"HTTP/1.1 401 Who?\r\n%s\r\nContent-Length: 0\r\n\r\n" % challenge)

    with tcp_meter(*[ask_for_password] * 2) as port:
        url = f"http://127.0.0.1:{port}/#unit=W&auth=digest&every=0.5"
        feed = open_feed(Address.parse(url, Credentials("me", Secret("swordfish"))))
        for loss in _losses(feed, 2):
            assert loss.text.startswith("the feed failed: ")
            assert loss.text.isprintable()
            assert "swordfish" not in loss.text
