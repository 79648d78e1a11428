from __future__ import annotations

import subprocess
import sys

import aiohttp
import pytest

from streamer.errors import LinkError, RefusedError
from streamer.feeds.http.web import Web


def test_the_libraries_are_left_to_those_who_read() -> None:
    code = (
        "import sys, streamer.feeds.http.poll, streamer.feeds.hass, streamer.feeds.modbus\n"
        "print(*{'aiohttp', 'pymodbus'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == ""


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        (TimeoutError(), LinkError, "no answer within 10 s"),
        (aiohttp.ServerTimeoutError(), LinkError, "no answer within 10 s"),
        (aiohttp.ServerDisconnectedError(), LinkError, "it broke the connection off"),
        (aiohttp.ClientPayloadError("key=swordfish"), LinkError, "it broke the connection off"),
        (ConnectionResetError(104, "key=swordfish"), LinkError, "Connection reset by peer"),
        (aiohttp.ClientError("key=swordfish"), LinkError, "no answer (ClientError)"),
        (aiohttp.InvalidURL("key=swordfish"), RefusedError, "that is no address of a web server"),
    ],
)
def test_what_errors_say(error: Exception, kind: type[LinkError], text: str) -> None:
    told = Web("http://meter/").lost(error)
    assert type(told) is kind
    assert str(told) == f"http://meter/: {text}"
