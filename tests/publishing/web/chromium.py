"""A headless Chromium, driven by the DevTools protocol, in the sizes of a phone and a tablet."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse

CHROMIUM = shutil.which("chromium")

PHONE, TABLET = (390, 844), (1280, 800)

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)


class Tab:
    """A tab of the browser.

    Attributes:
        events: what it has reported so far: method and parameters.
    """

    def __init__(self, socket: ClientWebSocketResponse) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._socket = socket
        self._session: str | None = None
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._changed = asyncio.Event()

    async def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The result of a command."""
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": parameters}
        if self._session is not None:
            message["sessionId"] = self._session
        await self._socket.send_json(message)
        return await answer

    async def listen(self) -> None:
        """Take what the browser sends."""
        async for message in self._socket:
            found = json.loads(message.data)
            if "id" in found:
                assert "error" not in found, found
                self._answers.pop(found["id"]).set_result(found["result"])
            else:
                self.events.append((found["method"], found.get("params", {})))
                self._changed.set()

    async def attach(self) -> None:
        """Open the tab, and report what happens in it."""
        target = (await self.send("Target.createTarget", url="about:blank"))["targetId"]
        attached = await self.send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.send(f"{domain}.enable")

    async def show(self, size: tuple[int, int], scheme: str) -> None:
        """Set size and colours: `dark` or `light`."""
        width, height = size
        await self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        await self.send(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )

    async def open(self, url: str) -> None:
        """Open a page, and wait until it has been loaded."""
        self.events.clear()
        await self.send("Page.navigate", url=url)
        await self.event("Page.loadEventFired")

    async def event(self, method: str) -> dict[str, Any]:
        """The first event of a kind since the page was opened."""
        while True:
            for name, parameters in self.events:
                if name == method:
                    return parameters
            self._changed.clear()
            await self._changed.wait()

    async def value(self, expression: str) -> Any:
        """The value of an expression in the page; a promise is awaited."""
        found = await self.send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until an expression is true, which is looked at after each change of the page."""
        await self.value(
            "new Promise((done) => {"
            f"const look = () => {{ if ({expression}) {{ watch.disconnect(); done(); }} }};"
            "const watch = new MutationObserver(look);"
            "watch.observe(document, {subtree: true, childList: true, attributes: true,"
            " characterData: true}); look(); })"
        )

    async def picture(self, **options: Any) -> bytes:
        """A picture of what is visible."""
        found = await self.send("Page.captureScreenshot", **options)
        return base64.b64decode(found["data"])

    def problems(self) -> list[str]:
        """Errors and warnings on the console so far."""
        found = [
            str(parameters)
            for method, parameters in self.events
            if method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled")
        ]
        logged = (p["entry"] for method, p in self.events if method == "Log.entryAdded")
        return found + [entry["text"] for entry in logged if entry["level"] != "verbose"]

    def requested(self) -> list[str]:
        """URLs of all requests so far."""
        return [
            parameters["request"]["url"]
            for method, parameters in self.events
            if method == "Network.requestWillBeSent"
        ]


@asynccontextmanager
async def browsing(profile: Path) -> AsyncIterator[Tab]:
    """A tab of a browser that runs for the time of the context."""
    process = await asyncio.create_subprocess_exec(
        str(CHROMIUM),
        *_FLAGS,
        f"--user-data-dir={profile}",
        stderr=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    assert process.stderr is not None
    try:
        url = ""
        while not url.startswith("ws://"):
            line = (await process.stderr.readline()).decode()
            assert line, "the browser has ended"
            url = line.removeprefix("DevTools listening on ").strip()
        drain = asyncio.create_task(process.stderr.read())
        async with ClientSession() as client, client.ws_connect(url, max_msg_size=0) as socket:
            tab = Tab(socket)
            listening = asyncio.create_task(tab.listen())
            await tab.attach()
            yield tab
            listening.cancel()
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()
        await drain
