"""Tests of what EMHASS plans with, by the examples of the page about it.

Those with EMHASS itself need an environment of its own, which takes a gigabyte:

    python3 -m venv /tmp/emhass && /tmp/emhass/bin/pip install emhass
    STREAMER_TEST_EMHASS=/tmp/emhass/bin/python pytest -m emhass tests/publishing
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest

from streamer.pipeline import Pipeline
from streamer.publishing import WatchedMeter
from streamer.publishing.background import Background
from streamer.publishing.state import MeterState, next_state
from streamer.publishing.web.forecast import forecast_record
from streamer.publishing.web.publisher import Listen, WebServer
from streamer.readings import MINUTE, QuarterHour, Step
from streamer.testing import FixedForecaster, readings
from tests.docs.pages import ROOT, block, read
from tests.feeds.broker import free_port
from tests.feeds.hass.realhass import find_hass
from tests.publishing.processes import Child, until
from tests.publishing.web.helpers import access

HOUSE = WatchedMeter("House", "house", late_s=65.0)
PAGE = ROOT / "docs" / "emhass.md"
SHELL = block("sh", "naive-mpc-optim").text
PYTHON = os.environ.get("STREAMER_TEST_EMHASS")

needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="jq is not installed (Debian: jq)")

_SECRETS = """
hass_url: empty
long_lived_token: empty
time_zone: Europe/Brussels
Latitude: 50.85
Longitude: 4.35
Altitude: 13.0
server_ip: 127.0.0.1
"""

_RENDER = """
import asyncio, json, sys
from homeassistant.core import HomeAssistant
from homeassistant.helpers.template import Template

async def main():
    given = json.load(sys.stdin)
    hass = HomeAssistant("/tmp")
    for entity, (state, attributes) in given["states"].items():
        hass.states.async_set(entity, state, attributes)
    variables = {"value_json": given["value_json"]}
    print(json.dumps([
        Template(text, hass).async_render(variables, parse_result=False)
        for text in given["templates"]
    ]))

asyncio.run(main())
"""


def _step(now: datetime) -> Step:
    """A step of the minute before, with two days of quarter-hours of various powers."""
    pipeline = Pipeline(FixedForecaster(0.5, window=1, horizons=(5, 15, 30, 60)))
    at = now.replace(second=0, microsecond=0) - MINUTE
    quarter = at - at.minute % 15 * MINUTE
    rows = [
        QuarterHour(quarter - n * timedelta(minutes=15), 0.1 + 0.002 * (n % 96), 0.0, 15)
        for n in range(192, 0, -1)
    ]
    return replace(pipeline.push_many(readings([0.5], start=at))[0], quarter_hours=rows)


@needs_jq
def test_the_payload_of_the_shell_has_every_step_by_its_time() -> None:
    now = datetime(2026, 3, 1, 12, 6, tzinfo=UTC)
    state = next_state(MeterState(HOUSE), _step(now), now)
    record = forecast_record(state, {"step": "30", "hours": "24"}, now)
    found = re.search(r"jq '(.*?)'", SHELL, re.DOTALL)
    assert found is not None
    done = subprocess.run(
        ["jq", found[1]], input=json.dumps(record), capture_output=True, text=True, check=True
    )
    steps = {each["start"]: each["power"] for each in record["steps"]}
    assert len(steps) == 48
    assert json.loads(done.stdout) == {
        "prediction_horizon": 48,
        "load_power_forecast": steps,
        "soc_init": 0.4,
        "soc_final": 0.4,
    }


@pytest.mark.homeassistant
@pytest.mark.skipif(
    "STREAMER_TEST_HASS" not in os.environ,
    reason="needs Home Assistant: STREAMER_TEST_HASS=/path/to/hass, or =install",
)
def test_the_templates_of_home_assistant_give_the_same() -> None:
    now = datetime(2026, 3, 1, 12, 6, tzinfo=UTC)
    state = next_state(MeterState(HOUSE), _step(now), now)
    record = forecast_record(state, {"step": "30", "hours": "24"}, now)
    page = read(PAGE)
    payload = re.search(r"payload: >-\n((?: {6}.*\n)+)", page)
    quoted = re.findall(r'(?:availability|value_template): "(.*)"', page)
    assert payload is not None
    assert len(quoted) == 3
    given = {
        "states": {
            "sensor.streamer_coming_steps": ["500", {"steps": record["steps"]}],
            "sensor.battery_soc": ["40", {}],
        },
        "value_json": record,
        "templates": [payload[1], *quoted],
    }
    done = subprocess.run(
        [find_hass(os.environ["STREAMER_TEST_HASS"]).with_name("python"), "-c", _RENDER],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    rendered, available, power, has_value = json.loads(done.stdout)
    assert json.loads(rendered) == {
        "prediction_horizon": 48,
        "load_power_forecast": {each["start"]: each["power"] for each in record["steps"]},
        "soc_init": 0.4,
        "soc_final": 0.4,
    }
    assert (available, power, has_value) == ("True", "500", "True")


class _Emhass(Child):
    """The web server of EMHASS, which knows no Home Assistant."""

    def __init__(self, folder: Path, port: int) -> None:
        assert PYTHON is not None
        (folder / "data").mkdir()
        (folder / "secrets.yaml").write_text(_SECRETS)
        (folder / "config.json").write_text('{"set_use_battery": true}')
        self.url = f"http://127.0.0.1:{port}"
        environment = {
            "DATA_PATH": str(folder / "data"),
            "CONFIG_PATH": str(folder / "config.json"),
            "OPTIONS_PATH": str(folder / "options.json"),
            "SECRETS_PATH": str(folder / "secrets.yaml"),
            "PORT": str(port),
            "PYTHONPATH": "",
        }
        command = (PYTHON, "-m", "emhass.web_server", "--no_response")
        super().__init__(folder, *command, environment=environment)

    def plan(self) -> dict[str, Any] | None:
        """The latest plan; None while the server does not answer."""
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/plan", timeout=10) as answer:  # noqa: S310
                found: dict[str, Any] = json.load(answer)
        except URLError:
            assert self.process.poll() is None, self.log.read_text()
            return None
        return found


@contextmanager
def _serving(*steps: Step) -> Iterator[str]:
    """The URL of a server that knows these steps."""
    listen = Listen("127.0.0.1", free_port())
    background = Background(lambda report: [WebServer(listen, access(), report)])
    background.start()
    try:
        sink = background.sink(HOUSE)
        for step in steps:
            sink.write(step)
        yield str(listen)
    finally:
        background.close()


def _shell(site: str, emhass: str) -> subprocess.CompletedProcess[str]:
    """Run the example of the page."""
    text = SHELL.replace("http://127.0.0.1:8090", site).replace("http://127.0.0.1:5000", emhass)
    assert site in text
    assert emhass in text
    return subprocess.run(["bash", "-c", text], capture_output=True, text=True, timeout=60)


@needs_jq
@pytest.mark.emhass
@pytest.mark.skipif(
    PYTHON is None,
    reason="needs EMHASS: STREAMER_TEST_EMHASS=/path/to/python of an environment that has it",
)
def test_emhass_plans_with_what_the_shell_passes_on(tmp_path: Path) -> None:
    with _Emhass(tmp_path, free_port()) as emhass:
        until(emhass.plan)
        with _serving() as site:
            done = _shell(site, emhass.url)
            assert done.returncode != 0
            assert (emhass.plan() or {})["status"] == "no-run"
        now = datetime.now().astimezone()
        step = _step(now)
        with _serving(step) as site:
            until(lambda: _answers(f"{site}/api/forecast/house"))
            done = _shell(site, emhass.url)
            assert done.returncode == 0, done.stderr + emhass.log.read_text()
        plan = emhass.plan() or {}
    assert plan["status"] == "ok"
    planned = {datetime.fromisoformat(row["timestamp"]): row["P_Load"] for row in plan["plan"]}
    state = next_state(MeterState(HOUSE), step, now)
    record = forecast_record(state, {"step": "30", "hours": "24"}, now)
    given = {datetime.fromisoformat(row["start"]): row["power"] for row in record["steps"]}
    # Its first step is the nearest: the running one, or the next.
    assert len(planned) == len(given) == 48
    shared = set(planned) & set(given)
    assert len(shared) >= 47
    assert len({round(given[at]) for at in shared}) > 40
    assert {at: planned[at] for at in shared} == pytest.approx({at: given[at] for at in shared})


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10):  # noqa: S310
            return True
    except URLError:
        return False
