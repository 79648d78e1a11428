"""The Containerfile agrees with the project that it installs, and its health check works."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from shlex import split

import pytest

from tests.docs.commands import problem
from tests.docs.pages import ROOT
from tests.docs.test_install import EXTRAS

CONTAINERFILE = (ROOT / "Containerfile").read_text()


def _instructions() -> list[tuple[str, str]]:
    """Instructions and their arguments, continued lines joined."""
    lines = [line for line in CONTAINERFILE.splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    return [
        (name, arguments.strip())
        for name, _, arguments in (line.partition(" ") for line in joined.splitlines() if line)
    ]


def _last(name: str) -> str:
    return [arguments for each, arguments in _instructions() if each == name][-1]


def test_what_is_copied_exists() -> None:
    copied = [split(arguments) for name, arguments in _instructions() if name == "COPY"]
    local = [each for each in copied if not each[0].startswith("--from")]
    assert len(local) >= 3
    for *sources, _ in local:
        assert all((ROOT / source).exists() for source in sources)


def test_what_the_build_needs_is_copied() -> None:
    copied = " ".join(arguments for name, arguments in _instructions() if name == "COPY").split()
    assert {"pyproject.toml", "README.md", "LICENSE", "constraints.txt", "streamer"} <= set(copied)
    project = (ROOT / "pyproject.toml").read_text()
    for path in re.findall(r'^"(\w+)" = "streamer/\w+"$', project, re.MULTILINE):
        assert path in copied


def test_the_extras_exist_and_bring_no_tensorflow() -> None:
    found = re.search(r"'\.\[([\w,]+)\]'", CONTAINERFILE)
    assert found is not None
    extras = found[1].split(",")
    assert set(extras) <= set(EXTRAS)
    required = " ".join(each for extra in extras for each in EXTRAS[extra])
    assert not re.search("tensorflow|lightgbm|pyspark|mkdocs", required)


def test_it_runs_a_command_that_exists_as_an_ordinary_user() -> None:
    command = [*json.loads(_last("ENTRYPOINT")), *json.loads(_last("CMD"))]
    assert problem(" ".join(command)) is None
    assert re.search(rf"useradd --uid \d{{4,}} .* {_last('USER')}\b", CONTAINERFILE)
    assert _last("WORKDIR") == _last("VOLUME") == "/data"
    assert "--home-dir /data" in CONTAINERFILE


class _Health(BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), _Health) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_asks_the_server(
    monkeypatch: pytest.MonkeyPatch, port: int, status: int, healthy: bool
) -> None:
    monkeypatch.setattr(_Health, "status", status)
    _, _, command = _last("HEALTHCHECK").partition(" CMD ")
    program, *arguments = json.loads(command)
    assert program == "python3"
    done = subprocess.run(
        [sys.executable, *arguments],
        env={"STREAMER_SERVE": f"0.0.0.0:{port}"},
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode == 0) is healthy
