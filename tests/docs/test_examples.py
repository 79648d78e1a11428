"""The examples of the documentation that other programs read: plug-in, configuration, service."""

from __future__ import annotations

import configparser
import http.server
import re
import sys
import threading
import tomllib
from pathlib import Path
from typing import Any

import pytest

from streamer.commands.config import COMMON, TABLE
from streamer.feeds import FeedKind
from streamer.feeds.address import Address
from streamer.testing import check_forecaster, check_sink, check_source
from tests.commandline import streamer
from tests.docs.pages import block


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"grid_w": -250}')

    def log_message(self, *args: Any) -> None:
        pass


def test_the_example_of_a_plug_in_keeps_to_the_protocol() -> None:
    code = block("python", "FeedKind").text
    assert len([line for line in code.splitlines() if line.strip()]) <= 20
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - that is the test
    kind: FeedKind = names["KIND"]
    server = http.server.HTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = Address.parse(f"inverter://127.0.0.1:{server.server_port}?every=0.1")
        address.check_options(kind.options)
        samples = check_source(kind.open(address), samples=3)
    finally:
        server.shutdown()
        server.server_close()
    assert [sample.kw for sample in samples] == [-0.25] * 3


def test_the_example_of_a_forecaster_keeps_to_the_protocol_and_beats_persistence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = block("python", "class Reverting").text
    assert len([line for line in code.splitlines() if line.strip()]) <= 15
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - that is the test
    check_forecaster(names["Reverting"])
    (tmp_path / "reverting_example.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    done = streamer("replay", "--model", "reverting_example:Reverting", "-q", "--no-adapt", "-v")
    assert done.returncode == 0, done.stderr
    assert "reverting_example:Reverting" in done.stderr
    errors = dict(re.findall(r"^(\w+) +MSE ([\d.]+)", done.stderr, re.MULTILINE))
    assert 0.0 < float(errors["mean"]) < float(errors["persistence"])


def test_the_example_of_a_sink_keeps_to_the_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = block("python", "class Spikes").text
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - that is the test
    check_sink(names["Spikes"]())
    (tmp_path / "spikes_example.py").write_text(code, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    done = streamer("replay", "--sink", "spikes_example:Spikes", "-q", "--limit", "3000")
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"(\d\d:\d\d \d+\.\d kW\n)+", done.stdout)


@pytest.mark.parametrize("heading", [f"\n[{TABLE}]", f"\n[{COMMON}]"])
def test_the_examples_of_a_configuration_are_right(
    heading: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from streamer.cli import main

    text = block("toml", heading).text
    assert tomllib.loads(text)
    home = tmp_path / "home"
    (home / ".config" / "streamer").mkdir(parents=True)
    (home / ".config" / "streamer" / "password").write_text("swordfish")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    (home / ".config" / "streamer" / "streamer.toml").write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        main(["config", "--check"])
    out, error = capsys.readouterr()
    assert not end.value.code, error
    assert out.endswith("streamer.toml: all right\n")


def test_the_example_of_a_service_never_gives_up() -> None:
    script = block("sh", "StartLimitIntervalSec").text
    text = re.search(r"<<'END'\n(.*?)END\n", script, re.DOTALL)
    assert text is not None
    unit = configparser.ConfigParser(interpolation=None)
    unit.read_string(text[1])
    # systemd stops starting what has failed five times in ten seconds, unless told otherwise.
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"
    assert unit["Service"]["Restart"] == "always"
    assert int(unit["Service"]["RestartSec"]) >= 10
