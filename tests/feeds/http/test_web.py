from __future__ import annotations

import subprocess
import sys

import aiohttp
import pytest

from streamer.errors import LinkError, RefusedError
from streamer.feeds.http.web import WebClient


def test_opening_a_feed_imports_no_http_library() -> None:
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
        (
            aiohttp.ServerDisconnectedError(),
            LinkError,
            "the server closed the connection too early",
        ),
        (
            aiohttp.ClientPayloadError("key=swordfish"),
            LinkError,
            "the server closed the connection too early",
        ),
        (ConnectionResetError(104, "key=swordfish"), LinkError, "Connection reset by peer"),
        (aiohttp.ClientError("key=swordfish"), LinkError, "no answer (ClientError)"),
        (aiohttp.InvalidURL("key=swordfish"), RefusedError, "not the address of a web server"),
    ],
)
def test_errors_are_translated_without_secrets(
    error: Exception, kind: type[LinkError], text: str
) -> None:
    lost = WebClient("http://meter/").lost(error)
    assert type(lost) is kind
    assert str(lost) == f"http://meter/: {text}"
