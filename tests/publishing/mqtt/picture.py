"""Picture of the entities in Home Assistant: ``python -m tests.publishing.mqtt.picture FILE``.

It needs mosquitto, chromium and a Home Assistant in STREAMER_TEST_HASS, as its tests do. The values
are minutes of the bundled sample, as if they were the last ones.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

from streamer.sample import sample_path
from tests.feeds.broker import free_port, running
from tests.feeds.hass.realhass import RealHomeAssistant, find_hass
from tests.publishing.mqtt.listener import listening
from tests.publishing.mqtt.test_command import is_connected, watching

_UNTIL = "21/3/2010;20:50"
_MINUTES = 1000
_SIZE = {"width": 1180, "height": 1300}
_CLIP = {"x": 90, "y": 100, "width": 668, "height": 1050, "scale": 0.9}
_DRAWN_S = 15.0
_HIDE_LOGOS = """(function hide(root) {
  for (const each of root.querySelectorAll("*")) {
    if (each.tagName === "IMG") each.style.visibility = "hidden";
    if (each.shadowRoot) hide(each.shadowRoot);
  }
})(document)"""
"""They would be loaded from another site."""
_BROWSER = (
    *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--hide-scrollbars"),
)


def main(picture: Path) -> None:
    """Draw the picture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = RealHomeAssistant(find_hass(os.environ["STREAMER_TEST_HASS"]), folder, "frontend:")
        with running(folder) as broker:
            try:
                home.start()
                home.add_mqtt(broker.port)
                _end_onboarding(home)
                with (
                    listening(broker.port) as heard,
                    watching(folder, "--publish", f"mqtt://localhost:{broker.port}") as child,
                ):
                    heard.until(lambda: is_connected(heard), 60.0)
                    _write(folder / "meter.log")
                    heard.until(lambda: heard.last("streamer/house/status") == "online", 60.0)
                    time.sleep(3.0)
                    picture.write_bytes(asyncio.run(_draw(home, folder / "profile")))
                    child.kill()
            finally:
                home.stop()


def _end_onboarding(home: RealHomeAssistant) -> None:
    """Take the steps of a new Home Assistant after the first user."""
    site = f"http://{home.host}/"
    client = {"client_id": site, "redirect_uri": site}
    for step, body in {"core_config": {}, "analytics": {}, "integration": client}.items():
        # They also set up integrations, whose libraries are missing here.
        with suppress(urllib.error.HTTPError):
            home._ask(f"/api/onboarding/{step}", body)


def _write(log: Path) -> None:
    """Write the last minutes before some time of the sample as the last ones before now."""
    lines = sample_path().read_text().splitlines()
    end = next(number for number, line in enumerate(lines) if line.startswith(_UNTIL))
    kw = [line.split(";")[2] for line in lines[end - _MINUTES : end + 1]]
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    with log.open("a") as file:
        for before, value in zip(range(len(kw) - 1, -1, -1), kw, strict=True):
            at = now - timedelta(minutes=before)
            file.write(json.dumps({"time": at.isoformat(), "power": value}) + "\n")


async def _draw(home: RealHomeAssistant, profile: Path) -> bytes:
    port, site = free_port(), f"http://{home.host}"
    browser = subprocess.Popen(
        [*_BROWSER, f"--user-data-dir={profile}", f"--remote-debugging-port={port}"],
        stderr=subprocess.DEVNULL,
    )
    try:
        async with ClientSession() as session:
            async with session.ws_connect(f"{site}/api/websocket") as messages:
                device = await _device(messages, home.token)
            async with session.ws_connect(await _page(session, port), max_msg_size=0) as page:
                await _call(
                    page,
                    "Emulation.setDeviceMetricsOverride",
                    **_SIZE,
                    mobile=False,
                    deviceScaleFactor=1,
                )
                await _call(page, "Page.navigate", url=f"{site}/manifest.json")
                await asyncio.sleep(1.0)
                await _call(page, "Runtime.evaluate", expression=_login(home))
                await _call(page, "Page.navigate", url=f"{site}/config/devices/device/{device}")
                await asyncio.sleep(_DRAWN_S)
                await _call(page, "Runtime.evaluate", expression=_HIDE_LOGOS)
                shot = await _call(page, "Page.captureScreenshot", format="png", clip=_CLIP)
                return base64.b64decode(shot["data"])
    finally:
        browser.kill()
        browser.wait()


def _login(home: RealHomeAssistant) -> str:
    """A script that logs the frontend in, and hides its menu."""
    site = f"http://{home.host}"
    tokens = {
        "access_token": home.token,
        "token_type": "Bearer",
        "expires_in": 3600,
        "expires": 1000 * (int(time.time()) + 3600),
        "hassUrl": site,
        "clientId": f"{site}/",
        "refresh_token": "",
    }
    stored = {"hassTokens": json.dumps(tokens), "dockedSidebar": '"always_hidden"'}
    return ";".join(
        f"localStorage.setItem({json.dumps(key)}, {json.dumps(value)})"
        for key, value in stored.items()
    )


async def _device(messages: ClientWebSocketResponse, token: str) -> str:
    await messages.receive_json()
    await messages.send_json({"type": "auth", "access_token": token})
    await messages.receive_json()
    await messages.send_json({"id": 1, "type": "config/device_registry/list"})
    devices = (await messages.receive_json())["result"]
    return next(each["id"] for each in devices if ["mqtt", "streamer_house"] in each["identifiers"])


async def _page(session: ClientSession, port: int) -> str:
    """The address of the browser's page, once it has started."""
    for _ in range(100):
        try:
            async with session.get(f"http://127.0.0.1:{port}/json") as answer:
                for tab in await answer.json(content_type=None):
                    if tab["type"] == "page":
                        return str(tab["webSocketDebuggerUrl"])
        except OSError:
            pass
        await asyncio.sleep(0.2)
    raise RuntimeError("the browser has not started")


async def _call(page: ClientWebSocketResponse, method: str, **parameters: object) -> Any:
    await page.send_json({"id": 1, "method": method, "params": parameters})
    while True:
        answer = await page.receive_json()
        if "id" in answer:
            return answer.get("result", {})


if __name__ == "__main__":
    main(Path(sys.argv[1]))
