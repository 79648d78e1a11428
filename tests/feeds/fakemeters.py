"""Fake meters on a pseudo-terminal, a TCP port, or socat between the two."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import pytest

from streamer.feeds.serial.endpoint import Endpoint
from tests.children import ending


class PtyMeter:
    """A meter on a serial device, simulated by a pseudo-terminal."""

    def __init__(self) -> None:
        self._meter, self._device = os.openpty()
        self._plugged = True
        self.path = os.ttyname(self._device)

    def send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._meter, data) :]

    def receive(self) -> bytes:
        """Return what the other end has sent, at least one byte."""
        return os.read(self._meter, 4096)

    def unplug(self) -> None:
        """Close both ends, once: later the descriptors may belong to other files."""
        if not self._plugged:
            return
        self._plugged = False
        for descriptor in (self._device, self._meter):
            os.close(descriptor)


@contextmanager
def pty_meter() -> Iterator[PtyMeter]:
    meter = PtyMeter()
    try:
        yield meter
    finally:
        meter.unplug()


def when_opened(monkeypatch: pytest.MonkeyPatch, send: Callable[[], object]) -> None:
    """Call `send` each time a feed has opened its device: what came before is discarded."""
    open_device = Endpoint._open_device

    def opened(endpoint: Endpoint) -> Any:
        port = open_device(endpoint)
        send()
        return port

    monkeypatch.setattr(Endpoint, "_open_device", opened)


@contextmanager
def tcp_meter(*scripts: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP port that runs one script for each connection, then closes it; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for script in scripts:
                with suppress(OSError):  # the client closed early, or never connected
                    connection, _ = server.accept()
                    with connection:
                        script(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        except BaseException:
            server.shutdown(socket.SHUT_RDWR)  # ends a waiting `accept`
            raise
        finally:
            thread.join(10)
        assert not thread.is_alive()


def until_hung_up(connection: socket.socket) -> None:
    """Wait for the other end to close the connection."""
    connection.settimeout(10)
    while connection.recv(100):
        pass


@contextmanager
def running_socat(*addresses: str) -> Iterator[IO[str]]:
    """A running socat; yields its log.

    Its links are removed at the end: a leftover link might lead to a pseudo-terminal that
    another test has opened under the same number.
    """
    if shutil.which("socat") is None:
        pytest.skip("socat is not installed")
    command = ["socat", "-d", "-d", *addresses]
    with ending(subprocess.Popen(command, stderr=subprocess.PIPE, text=True)) as process:
        assert process.stderr is not None
        try:
            yield process.stderr
        finally:
            process.terminate()


def listening_port(log: IO[str]) -> int:
    """Port that socat has chosen, from its log."""
    for line in log:
        if match := re.search(r"listening on AF=2 [0-9.]+:(\d+)", line):
            return int(match[1])
    raise AssertionError("socat does not listen")


def wait_for_cable(log: IO[str]) -> None:
    """Wait until socat passes bytes on; before, a pseudo-terminal may still alter some of them."""
    for line in log:
        if "starting data transfer loop" in line:
            return
    raise AssertionError("socat passes nothing on")


def wait_for(path: Path) -> Path:
    """Wait until the path exists."""
    deadline = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} has not come"
        time.sleep(0.01)
    return path
