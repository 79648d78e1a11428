"""A real Home Assistant in a process of its own, set up by its HTTP and websocket APIs.

The steps are those of its frontend: the first user is made by ``POST /api/onboarding/users``,
which returns a code for tokens (``POST /auth/token``); a long-lived token is made over the
websocket (``auth/long_lived_access_token``). States are set by ``POST /api/states/ENTITY``.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

START_S = 120.0
"""Seconds within which it must have started; the first start takes longest."""

_CONFIGURATION = """
config:
http:
  server_host: 127.0.0.1
  server_port: {port}
api:
websocket_api:
onboarding:
template:
  - sensor:
      - name: Meter reading
        unit_of_measurement: kWh
        device_class: energy
        state_class: total_increasing
        state: "{{{{ states('sensor.pulses') | float / 1000 }}}}"
        availability: "{{{{ states('sensor.pulses') | is_number }}}}"
"""

_PACKAGES = (
    "homeassistant==2024.3.3",
    "home-assistant-frontend==20240307.0",
    "fnv-hash-fast",
    "janus",
    "josepy<2",
    "numpy==1.26.4",
    "paho-mqtt==1.6.1",
    "pillow",
    "psutil-home-assistant",
    "securetar",
    "sqlalchemy==2.0.27",
)
"""Home Assistant, and what the integrations of the configuration above need."""


def find_hass(given: str) -> Path:
    """The command `hass`: the given one, or for ``install`` one installed in the user's cache."""
    if given != "install":
        return Path(given)
    cache = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser()
    folder = cache / "streamer-tests" / _PACKAGES[0]
    complete, wanted = folder / "complete", "\n".join(_PACKAGES)
    if not complete.exists() or complete.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        subprocess.run([folder / "bin" / "pip", "install", "-q", *_PACKAGES], check=True)
        complete.write_text(wanted)
    return folder / "bin" / "hass"


class RealHomeAssistant:
    """A Home Assistant with a user and a token; made by `start`, ended by `stop`.

    Args:
        hass: the command `hass`.
        folder: a folder for its configuration and its log.
        further: further lines of its configuration.

    Attributes:
        host: its host and port.
        token: a long-lived access token, once it was started.
    """

    def __init__(self, hass: Path, folder: Path, further: str = "") -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.host = f"127.0.0.1:{port}"
        self.token = ""
        self._hass = hass
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        folder.joinpath("configuration.yaml").write_text(
            f"{_CONFIGURATION.format(port=port)}{further}\n"
        )

    def start(self) -> None:
        """Start it, and return when it has started; the first time, make user and token."""
        with self._folder.joinpath("output.txt").open("ab") as output:
            self._process = subprocess.Popen(
                [self._hass, "-c", self._folder, "--skip-pip"], stdout=output, stderr=output
            )
        self._wait_for("/api/onboarding")
        if not self.token:
            self.token = self._first_token()
        self._wait_for("/api/")

    def stop(self) -> None:
        """Stop it as a service manager does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(30.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(10.0)
            self._process = None

    def set_state(self, entity: str, state: object, *, unit: str | None = "W") -> None:
        attributes = {} if unit is None else {"unit_of_measurement": unit}
        self._ask(f"/api/states/{entity}", {"state": str(state), "attributes": attributes})

    def state(self, entity: str) -> str | None:
        """The state of an entity; None if it does not exist."""
        try:
            return str(self._ask(f"/api/states/{entity}")["state"])
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
            return None

    def attributes(self, entity: str) -> dict[str, Any]:
        """The attributes of an entity that exists."""
        found: dict[str, Any] = self._ask(f"/api/states/{entity}")["attributes"]
        return found

    def entities(self) -> dict[str, str]:
        """The states of all entities."""
        return {each["entity_id"]: each["state"] for each in self._ask("/api/states")}

    def version(self) -> tuple[int, ...]:
        """Year and month of its version."""
        return tuple(int(part) for part in self._ask("/api/config")["version"].split(".")[:2])

    def log(self) -> list[str]:
        """Lines of its log so far with a warning or an error."""
        lines = self._folder.joinpath("home-assistant.log").read_text(errors="replace")
        return [line for line in lines.splitlines() if " WARNING " in line or " ERROR " in line]

    def add_mqtt(self, port: int) -> None:
        """Set up its MQTT integration for a broker of this machine, as in its settings."""
        flows = "/api/config/config_entries/flow"
        flow = self._ask(flows, {"handler": "mqtt", "show_advanced_options": False})
        done = self._ask(f"{flows}/{flow['flow_id']}", {"broker": "127.0.0.1", "port": port})
        assert done["type"] == "create_entry", done

    def remove(self, entity: str) -> None:
        self._ask(f"/api/states/{entity}", method="DELETE")

    def _wait_for(self, path: str) -> None:
        deadline = time.monotonic() + START_S
        while True:
            assert self._process is not None
            assert self._process.poll() is None, f"it has ended: {self._output()}"
            assert time.monotonic() < deadline, f"it has not started: {self._output()}"
            try:
                self._ask(path)
            except (OSError, ValueError):
                time.sleep(0.2)
            else:
                return

    def _first_token(self) -> str:
        client = f"http://{self.host}/"
        user = {"client_id": client, "name": "Test", "username": "test", "password": "swordfish"}
        code = self._ask("/api/onboarding/users", {**user, "language": "en"})["auth_code"]
        form = {"client_id": client, "grant_type": "authorization_code", "code": code}
        access = self._ask("/auth/token", urllib.parse.urlencode(form))["access_token"]
        return asyncio.run(self._long_lived(access))

    async def _long_lived(self, access: str) -> str:
        from aiohttp import ClientSession

        async with (
            ClientSession() as session,
            session.ws_connect(f"http://{self.host}/api/websocket") as messages,
        ):
            await messages.receive_json()
            await messages.send_json({"type": "auth", "access_token": access})
            await messages.receive_json()
            kind = "auth/long_lived_access_token"
            request = {"id": 1, "type": kind, "client_name": "streamer", "lifespan": 1}
            await messages.send_json(request)
            answer = await messages.receive_json()
            return str(answer["result"])

    def _ask(self, path: str, body: object = None, method: str | None = None) -> Any:
        is_form = isinstance(body, str)
        data = None if body is None else (body if is_form else json.dumps(body)).encode()
        kind = "application/x-www-form-urlencoded" if is_form else "application/json"
        request = urllib.request.Request(
            f"http://{self.host}{path}", data, {"Content-Type": kind}, method=method
        )
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        with urllib.request.urlopen(request, timeout=10.0) as answer:  # noqa: S310
            return json.load(answer)

    def _output(self) -> str:
        return self._folder.joinpath("output.txt").read_text(errors="replace")[-2000:]
