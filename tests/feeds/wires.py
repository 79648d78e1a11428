"""Meters at the other end of a wire: a pseudo-terminal, a TCP port, or socat between the two."""

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
from typing import IO

import pytest

from tests.children import ending


class PtyMeter:
    """A meter at a serial device, by way of a pseudo-terminal."""

    def __init__(self) -> None:
        self._meter, self._device = os.openpty()
        self._plugged = True
        self.path = os.ttyname(self._device)

    def send(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._meter, data) :]

    def unplug(self) -> None:
        """Close both ends; the second time they would be somebody else's."""
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


@contextmanager
def tcp_meter(*scripts: Callable[[socket.socket], None]) -> Iterator[int]:
    """A TCP port that serves one script a connection, and then hangs up; gives the port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for script in scripts:
                with suppress(OSError):  # of who hangs up early, or does not come at all
                    connection, _ = server.accept()
                    with connection:
                        script(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        except BaseException:
            server.shutdown(socket.SHUT_RDWR)  # who has not come by now will not
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
    """A running socat; gives what it has to say.

    In the end it takes its links with it: one that is left may by then lead to a
    pseudo-terminal that another test has opened, which had the number next.
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


def listening_port(says: IO[str]) -> int:
    """The port that socat has chosen."""
    for line in says:
        if match := re.search(r"listening on AF=2 [0-9.]+:(\d+)", line):
            return int(match[1])
    raise AssertionError("socat does not listen")


def wait_for(path: Path) -> Path:
    """Wait until there is such a path."""
    deadline = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} has not come"
        time.sleep(0.01)
    return path
