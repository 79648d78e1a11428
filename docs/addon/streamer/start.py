"""Start of streamer as an app (add-on) of Home Assistant: its options become settings."""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

INGRESS_PORT = 8099
"""Port of the page, as in config.yaml."""

SUPERVISOR = "http://supervisor"
INGRESS = "172.30.32.2"
"""Address from which Home Assistant's own proxy connects; it has checked who asks."""

DATA = Path("/data")


def broker(supervisor: str, token: str) -> dict[str, Any]:
    """Ask the Supervisor for the MQTT broker.

    Args:
        supervisor: base URL of its API.
        token: the token of this app.

    Raises:
        SystemExit: there is none.
    """
    request = urllib.request.Request(
        f"{supervisor}/services/mqtt", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            found: dict[str, Any] = json.load(response)["data"]
            return found
    except (OSError, ValueError, KeyError) as error:
        raise SystemExit(
            f"streamer: error: the Supervisor has no MQTT broker ({error}); install the app "
            "Mosquitto broker first"
        ) from None


def settings(options: dict[str, Any], mqtt: dict[str, Any]) -> str:
    """The settings of `streamer watch` as TOML.

    Args:
        options: the options of the app.
        mqtt: the broker.

    Raises:
        SystemExit: there is no meter.
    """
    meters = options.get("meters", [])
    if not meters:
        raise SystemExit("streamer: error: no meter yet; add one in the configuration of this app")
    common = {key: options[key] for key in ("tariff", "peak_limit") if options.get(key)}
    lines = _table("[all]", common)
    for meter in meters:
        given = {key: value for key, value in meter.items() if value}
        lines += _table("[[watch]]", {**given, "record": f"{_file_name(meter['name'])}.db"})
    scheme = "mqtts" if mqtt.get("ssl") else "mqtt"
    user = f"{quote(mqtt['username'], safe='')}@" if mqtt.get("username") else ""
    publish = {"url": f"{scheme}://{user}{mqtt['host']}:{mqtt['port']}/streamer"}
    if mqtt.get("password"):
        publish["password"] = mqtt["password"]
    lines += _table("[publish]", publish)
    lines += _table("[serve]", {"listen": f"0.0.0.0:{INGRESS_PORT}", "trusted": [INGRESS]})
    return "\n".join(lines)


def main() -> None:
    """Write the settings where only this app can read them, and start."""
    options = json.loads((DATA / "options.json").read_text())
    file = DATA / "streamer.toml"
    file.touch(mode=0o600)
    file.write_text(settings(options, broker(SUPERVISOR, os.environ["SUPERVISOR_TOKEN"])))
    program = str(Path(sys.executable).with_name("streamer"))
    os.execv(program, [program, "watch", "--quiet", "--config", str(file)])


def _table(heading: str, values: dict[str, Any]) -> list[str]:
    # A text or a list of texts in JSON is the same in TOML.
    return [heading, *(f"{key} = {json.dumps(value)}" for key, value in values.items()), ""]


def _file_name(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "meter"


if __name__ == "__main__":
    main()
