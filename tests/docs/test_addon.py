"""The app (add-on) of Home Assistant: its files keep the Supervisor's rules, and its start works.

The rules are those of the Supervisor's schema and documentation, as far as the files use them; a
key that is not listed here has to be looked up there first.
"""

from __future__ import annotations

import json
import re
import runpy
import threading
import tomllib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

import streamer as package
from tests.commandline import streamer
from tests.docs.pages import ROOT
from tests.docs.test_install import EXTRAS

ADDON = ROOT / "docs" / "addon"
FOLDER = ADDON / "streamer"
CONFIG: dict[str, Any] = yaml.safe_load((FOLDER / "config.yaml").read_text())
START: dict[str, Any] = runpy.run_path(str(FOLDER / "start.py"))

Rule = Callable[[Any], object]

_ELEMENT = re.compile(
    r"(bool|email|url|port|str(\(\d*,\d*\))?|password(\(\d*,\d*\))?|int(\(-?\d*,-?\d*\))?"
    r"|float(\([-.\d]*,[-.\d]*\))?|list\(.+\)|match\(.*\)|device(\(subsystem=[a-z]+\))?)\??"
)


def _is_schema(value: Any) -> bool:
    """Whether a value describes options: an element, a list of one kind, or a table of them."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_schema(each) for key, each in value.items())
    if isinstance(value, list):
        return len(value) == 1 and not isinstance(value[0], list) and _is_schema(value[0])
    return isinstance(value, str) and _ELEMENT.fullmatch(value) is not None


REQUIRED: dict[str, Rule] = {
    "name": lambda value: isinstance(value, str),
    "version": lambda value: isinstance(value, str),
    "slug": lambda value: re.fullmatch(r"[-_.A-Za-z0-9]+", value),
    "description": lambda value: isinstance(value, str),
    "arch": lambda value: value and set(value) <= {"aarch64", "amd64"},
}
OPTIONAL: dict[str, Rule] = {
    "init": lambda value: isinstance(value, bool),
    "startup": lambda value: value in ("initialize", "system", "services", "application", "once"),
    "services": lambda value: all(
        re.fullmatch(r"(mqtt|mysql):(provide|want|need)", each) for each in value
    ),
    "ingress": lambda value: isinstance(value, bool),
    "ingress_port": lambda value: isinstance(value, int) and 0 <= value <= 65_535,
    "panel_icon": lambda value: re.fullmatch(r"mdi:[a-z0-9-]+", value),
    "panel_title": lambda value: isinstance(value, str),
    "watchdog": lambda value: re.fullmatch(
        r"(?:https?|\[PROTO:\w+\]|tcp)://\[HOST\]:(\[PORT:\d+\]|\d+).*", value
    ),
    "uart": lambda value: isinstance(value, bool),
    "backup": lambda value: value in ("hot", "cold"),
    "timeout": lambda value: isinstance(value, int) and 10 <= value <= 300,
    "options": lambda value: isinstance(value, dict),
    "schema": _is_schema,
}


def test_the_configuration_keeps_the_rules() -> None:
    assert not REQUIRED.keys() - CONFIG.keys()
    rules = {**REQUIRED, **OPTIONAL}
    assert {key: value for key, value in CONFIG.items() if not rules[key](value)} == {}
    assert CONFIG["version"] == package.__version__


def test_each_option_has_a_schema_and_a_translation() -> None:
    assert set(CONFIG["options"]) <= set(CONFIG["schema"])
    text = yaml.safe_load((FOLDER / "translations" / "en.yaml").read_text())
    translated = text["configuration"]
    assert set(translated) == set(CONFIG["schema"])
    assert set(translated["meters"]["fields"]) == set(CONFIG["schema"]["meters"][0])
    fields = [*translated.values(), *translated["meters"]["fields"].values()]
    assert all(set(each) <= {"name", "description", "fields"} and each["name"] for each in fields)


def test_the_repository_has_a_name() -> None:
    repository = yaml.safe_load((ADDON / "repository.yaml").read_text())
    assert set(repository) <= {"name", "url", "maintainer"}
    assert repository["name"]


def test_the_image_has_what_it_copies_and_installs() -> None:
    text = (FOLDER / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (\S+) ", text, re.MULTILINE)
    assert copied == ["start.py"]
    assert (FOLDER / copied[0]).exists()
    extras = re.search(r"streamer-forecaster\[([\w,]+)\]==\$\{BUILD_VERSION\}", text)
    assert extras is not None
    assert set(extras[1].split(",")) <= set(EXTRAS)
    assert f'"/{copied[0]}"' in text


def test_the_port_is_the_one_that_home_assistant_opens() -> None:
    assert START["INGRESS_PORT"] == CONFIG["ingress_port"]
    assert CONFIG["watchdog"].endswith(f":{CONFIG['ingress_port']}")


BROKER = {
    "host": "core-mosquitto",
    "port": 1883,
    "username": "addons",
    "password": 'pa"ss\\word',
    "ssl": False,
    "protocol": "3.1.1",
}
METERS = [
    {"name": "Grid", "url": "homewizard://192.168.1.20"},
    {"name": "Solar Roof", "url": "hass://homeassistant:8123/sensor.pv", "token": "s3cret"},
    {"name": "House", "derive": "grid + solar_roof"},
]


def test_options_become_settings() -> None:
    options = {"meters": METERS, "tariff": "vlaanderen", "peak_limit": None}
    assert tomllib.loads(START["settings"](options, BROKER)) == {
        "all": {"tariff": "vlaanderen"},
        "watch": [
            {**METERS[0], "record": "grid.db"},
            {**METERS[1], "record": "solar_roof.db"},
            {**METERS[2], "record": "house.db"},
        ],
        "publish": {
            "url": "mqtt://addons@core-mosquitto:1883/streamer",
            "password": 'pa"ss\\word',
        },
        "serve": {"listen": "0.0.0.0:8099", "trusted": ["172.30.32.2"]},
    }


def test_streamer_accepts_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "streamer.toml"
    file.write_text(START["settings"]({"meters": METERS, "peak_limit": 5.5}, BROKER))
    file.chmod(0o600)
    done = streamer("config", "--check", "--config", file)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_broker_with_tls_and_without_users() -> None:
    broker = {"host": "10.0.0.2", "port": 8883, "ssl": True}
    publish = tomllib.loads(START["settings"]({"meters": METERS}, broker))["publish"]
    assert publish == {"url": "mqtts://10.0.0.2:8883/streamer"}


def test_without_a_meter_it_says_what_to_do() -> None:
    with pytest.raises(SystemExit, match="no meter yet; add one in the configuration"):
        START["settings"](CONFIG["options"], BROKER)


class _Supervisor(BaseHTTPRequestHandler):
    """The Supervisor's interface to the MQTT service."""

    answer: tuple[int, dict[str, Any]] = 200, {"result": "ok", "data": BROKER}

    def do_GET(self) -> None:
        known = self.headers.get("Authorization") == "Bearer token"
        status, document = self.answer if known else (401, {})
        self.send_response(status if self.path == "/services/mqtt" else 404)
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def supervisor() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), _Supervisor) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_supervisor_names_the_broker(supervisor: str) -> None:
    assert START["broker"](supervisor, "token") == BROKER


@pytest.mark.parametrize(
    "answer", [(400, {"result": "error", "message": "Service not enabled"}), (200, {})]
)
def test_without_a_broker_it_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, supervisor: str, answer: tuple[int, dict[str, Any]]
) -> None:
    monkeypatch.setattr(_Supervisor, "answer", answer)
    with pytest.raises(SystemExit, match="install the app Mosquitto broker first"):
        START["broker"](supervisor, "token")


def test_the_settings_are_written_for_this_app_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, supervisor: str
) -> None:
    started: list[Any] = []
    names = START["main"].__globals__
    monkeypatch.setitem(names, "DATA", tmp_path)
    monkeypatch.setitem(names, "SUPERVISOR", supervisor)
    monkeypatch.setattr("os.execv", lambda program, arguments: started.append(arguments))
    monkeypatch.setenv("SUPERVISOR_TOKEN", "token")
    (tmp_path / "options.json").write_text(json.dumps({"meters": METERS}))
    names["main"]()
    file = tmp_path / "streamer.toml"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "s3cret" in file.read_text()
    program, *arguments = started[0]
    assert Path(program).name == "streamer"
    assert arguments == ["watch", "--quiet", "--config", str(file)]
