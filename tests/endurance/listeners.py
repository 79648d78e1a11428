"""Counterparts of a publication: a subscriber of MQTT, a live page, and Prometheus."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tests.feeds.broker import free_port

if TYPE_CHECKING:
    from paho.mqtt.client import Client, MQTTMessage

PROMETHEUS = shutil.which("prometheus")

_TIMEOUT_S = 30.0
_LOOK_S = 0.01


def until(condition: Callable[[], bool], what: str, *, within_s: float = _TIMEOUT_S) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, f"waited for {what} in vain"
        time.sleep(_LOOK_S)


class Subscriber:
    """A subscriber of the minutes of a meter, who connects again after an outage.

    Attributes:
        minutes: number of messages about each minute.
        powers: power of each minute in kW.
        order: the minutes in the order of their first messages.
    """

    def __init__(self, port: int, topic: str) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.minutes: Counter[str] = Counter()
        self.powers: dict[str, float] = {}
        self.order: list[str] = []
        self.sessions = 0
        self._topic = topic
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._connected
        self._client.on_subscribe = self._subscribed
        self._client.on_message = self._heard
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        until(lambda: self.sessions == 1, "the subscription")

    def close(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, client: Client, *_rest: Any) -> None:
        client.subscribe(self._topic, qos=1)

    def _subscribed(self, *_rest: Any) -> None:
        self.sessions += 1

    def _heard(self, client: Client, data: Any, message: MQTTMessage) -> None:
        minute = json.loads(message.payload)
        at = minute["at"]
        if not self.minutes[at]:
            self.order.append(at)
        self.minutes[at] += 1
        self.powers[at] = minute["actual_kw"]


class LivePage:
    """A browser's connection to a live page: it takes the changes as they come.

    Attributes:
        minutes: minutes that the page has shown, as local times like ``14:15``, in order.
        events: number of changes.

    Args:
        port: port of the server.
        path: path of the changes.
        part: name of the part that has the latest minute.
        latest: finds that minute in it.
    """

    def __init__(self, port: int, path: str, part: str, latest: re.Pattern[str]) -> None:
        self.minutes: list[str] = []
        self.events = 0
        self._part, self._latest = part, latest
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
        until(self._connected, f"a server at port {port}")
        self._connection.request("GET", path)
        self._response = self._connection.getresponse()
        assert self._response.status == 200
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _connected(self) -> bool:
        try:
            self._connection.connect()
        except ConnectionError:
            return False
        return True

    def close(self) -> None:
        """Wait for the end of the server."""
        self._thread.join(_TIMEOUT_S)
        self._connection.close()

    def _read(self) -> None:
        with suppress(OSError, http.client.HTTPException):
            kind = ""
            for line in iter(self._response.readline, b""):
                field, _, value = line.decode().rstrip("\n").partition(": ")
                if field == "event":
                    kind = value
                elif field == "data" and kind == "parts":
                    self.events += 1
                    found = self._latest.search(json.loads(value).get(self._part, ""))
                    if found is not None and found[1] not in self.minutes[-1:]:
                        self.minutes.append(found[1])


class Prometheus:
    """A Prometheus that scrapes a server each second.

    Args:
        folder: folder for its files.
        port: port of the server.
    """

    def __init__(self, folder: Path, port: int) -> None:
        assert PROMETHEUS is not None
        self._port = free_port()
        config = folder / "prometheus.yml"
        config.write_text(
            "global: {scrape_interval: 1s}\n"
            "scrape_configs:\n"
            "  - job_name: streamer\n"
            f"    static_configs: [{{targets: ['127.0.0.1:{port}']}}]\n"
        )
        self._process = subprocess.Popen(
            [
                PROMETHEUS,
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'prometheus'}",
                f"--web.listen-address=127.0.0.1:{self._port}",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def value(self, query: str) -> float | None:
        """The value of a query at present; None if it has none."""
        url = f"http://127.0.0.1:{self._port}/api/v1/query?query={quote(query)}"
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as response:
                found = json.load(response)["data"]["result"]
        except OSError:  # it does not listen yet
            return None
        return float(found[0]["value"][1]) if found else None

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(_TIMEOUT_S)


@contextmanager
def scraping(folder: Path, port: int) -> Iterator[Prometheus | None]:
    """A Prometheus, for the time of the context; None if it is not installed."""
    if PROMETHEUS is None:
        yield None
        return
    prometheus = Prometheus(folder, port)
    try:
        yield prometheus
    finally:
        prometheus.close()
