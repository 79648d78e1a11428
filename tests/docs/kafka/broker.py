"""Real broker for tests: noida-db, on a free port of localhost."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.feeds.broker import free_port

NEEDS_BROKER = pytest.mark.skipif(
    find_spec("noida_db") is None, reason="not installed: noida-db, a broker for tests"
)

_TIMEOUT_S = 20.0


class KafkaBroker:
    """A broker that can be killed, and restarted on the same port with its data.

    Args:
        folder: folder for its data.
    """

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def servers(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        program = str(files("noida_db") / "noida-db")
        options = ["--only", "kafka", "--data-dir", self._folder, "--kafka-port", str(self.port)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([program, "start", *options], stdout=log, stderr=log)
        deadline = time.monotonic() + _TIMEOUT_S
        while not _listens(self.port):
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < deadline, "noida-db does not listen"
            time.sleep(0.01)

    def kill(self) -> None:
        """End it at once, like a power cut."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(_TIMEOUT_S)

    def wait_until_saved(self, topic: str, records: int) -> None:
        """Wait until it has saved so many records of a topic, which it does about every second."""
        deadline = time.monotonic() + _TIMEOUT_S
        while self._saved(topic) < records:
            assert time.monotonic() < deadline, "noida-db does not save its data"
            time.sleep(0.05)

    def create(self, topic: str, partitions: int = 1) -> None:
        """Create a topic."""
        from confluent_kafka.admin import NewTopic

        self._call_admin("create_topics", [NewTopic(topic, partitions)])

    def delete(self, topic: str) -> None:
        """Delete a topic."""
        self._call_admin("delete_topics", [topic])

    def grow(self, topic: str, partitions: int) -> None:
        """Give a topic more partitions."""
        from confluent_kafka.admin import NewPartitions

        self._call_admin("create_partitions", [NewPartitions(topic, partitions)])

    def truncate(self, topic: str, partition: int, before: int) -> None:
        """Delete the records before an offset, like a retention limit."""
        from confluent_kafka import TopicPartition

        self._call_admin("delete_records", [TopicPartition(topic, partition, before)])

    def produce(self, topic: str, values: Iterable[str], partition: int = 0) -> None:
        """Send records, each with its value as its key."""
        from confluent_kafka import Producer

        producer = Producer(self._settings())
        for value in values:
            producer.produce(topic, value, value, partition)
        assert producer.flush(_TIMEOUT_S) == 0

    @contextmanager
    def transaction(self, name: str, topic: str, values: Iterable[str]) -> Iterator[Any]:
        """Send records in a transaction that is open inside the context and must be ended there.

        Each needs a unique name: when reading begins after an aborted transaction, this broker
        still hides the records of its producer.
        """
        from confluent_kafka import Producer

        producer = Producer(self._settings() | {"transactional.id": name})
        producer.init_transactions(_TIMEOUT_S)
        producer.begin_transaction()
        for value in values:
            producer.produce(topic, value, value, 0)
        assert producer.flush(_TIMEOUT_S) == 0
        yield producer

    def consume(self, topic: str, number: int) -> list[tuple[bytes | None, bytes | None]]:
        """Keys and values of a topic's first records, from all partitions."""
        from confluent_kafka import Consumer, TopicPartition

        consumer = Consumer(self._settings() | {"group.id": "tests", "enable.auto.commit": False})
        # Assigned, because joining a group takes a second.
        partitions = consumer.list_topics(topic, _TIMEOUT_S).topics[topic].partitions
        consumer.assign([TopicPartition(topic, at, 0) for at in partitions])
        found: list[tuple[bytes | None, bytes | None]] = []
        deadline = time.monotonic() + _TIMEOUT_S
        try:
            while len(found) < number:
                assert time.monotonic() < deadline, f"only {len(found)} records came"
                messages = consumer.consume(number - len(found), 0.1)
                found += [(it.key(), it.value()) for it in messages if it.error() is None]
        finally:
            consumer.close()
        return found

    def _call_admin(self, method: str, argument: Any) -> None:
        from confluent_kafka.admin import AdminClient

        admin = AdminClient(self._settings())  # which must live until it is done
        for future in getattr(admin, method)(argument).values():
            future.result(_TIMEOUT_S)

    def _saved(self, topic: str) -> int:
        try:
            topics = dict(json.loads((self._folder / "kafka.json").read_text())["topics"])
        except (FileNotFoundError, ValueError):
            return 0
        partitions = topics.get(topic, {"partitions": []})["partitions"]
        return sum(partition["high_watermark"] for _, partition in partitions)

    def _settings(self) -> dict[str, Any]:
        return {"bootstrap.servers": self.servers, "log_level": 2}


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0
