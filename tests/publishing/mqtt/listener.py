"""A subscriber, as another program would be."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

_WAIT_S = 20.0


@dataclass(frozen=True)
class Heard:
    """A message as it has arrived."""

    topic: str
    payload: str
    retained: bool
    at_s: float

    @property
    def json(self) -> Any:
        return json.loads(self.payload)


@dataclass
class Listener:
    """The messages that have arrived so far, in order."""

    heard: list[Heard] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def of(self, topic: str) -> list[Heard]:
        with self.changed:
            return [each for each in self.heard if each.topic == topic]

    def last(self, topic: str) -> str | None:
        found = self.of(topic)
        return found[-1].payload if found else None

    def topics(self) -> set[str]:
        with self.changed:
            return {each.topic for each in self.heard}

    def until(self, condition: Callable[[], bool], within_s: float = _WAIT_S) -> None:
        """Wait until what has arrived fulfils a condition."""
        deadline = time.monotonic() + within_s
        with self.changed:
            while not condition():
                left_s = deadline - time.monotonic()
                assert left_s > 0, sorted({each.topic for each in self.heard})
                self.changed.wait(left_s)

    def add(self, message: MQTTMessage) -> None:
        text = message.payload.decode()
        with self.changed:
            self.heard.append(Heard(message.topic, text, message.retain, time.monotonic()))
            self.changed.notify_all()


@contextmanager
def listening(
    port: int,
    *topics: str,
    user: str | None = None,
    password: str | None = None,
    cafile: Path | None = None,
) -> Iterator[Listener]:
    """A listener for the time of the block; it has subscribed when the block begins."""
    listener, subscribed = Listener(), threading.Event()
    client = Client(CallbackAPIVersion.VERSION2)
    client.on_message = lambda client, data, message: listener.add(message)
    client.on_connect = lambda client, *others: client.subscribe(
        [(topic, 1) for topic in topics or ("#",)]
    )
    client.on_subscribe = lambda *others: subscribed.set()
    client.username_pw_set(user, password)
    if cafile is not None:
        client.tls_set(str(cafile))
    client.connect("localhost", port)
    client.loop_start()
    try:
        assert subscribed.wait(10.0)
        yield listener
    finally:
        client.disconnect()
        client.loop_stop()
