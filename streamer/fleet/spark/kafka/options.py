"""What the source and the sink can be told, and the file of properties."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from streamer.errors import UsageError

Properties = dict[str, str]

# Spark hands its own on along with ours.
_SPARKS = frozenset({"checkpointlocation", "path", "queryname"})

_OURS = frozenset(
    {
        "auto.offset.reset",
        "delivery.timeout.ms",
        "enable.auto.commit",
        "enable.auto.offset.store",
        "enable.idempotence",
        "enable.partition.eof",
        "message.timeout.ms",
        "transactional.id",
    }
)
"""Properties that reading and writing rest upon."""

_LONGEST_S = 86_400.0


@dataclass(frozen=True)
class KafkaOptions:
    """What the source and the sink have in common.

    Attributes:
        topic: the topic.
        servers: the brokers to ask first; empty if the file of properties says them.
        config: path of the file of properties; empty for none.
        timeout_s: seconds without an answer until it is an error.
    """

    NAMES: ClassVar[frozenset[str]] = frozenset({"servers", "topic", "config", "timeout"})

    topic: str
    servers: str = ""
    config: str = ""
    timeout_s: float = 20.0

    @classmethod
    def parse(cls, options: Mapping[str, str]) -> Self:
        """From what Spark was given by `.option()`; upper and lower case are the same.

        Raises:
            UsageError: one is missing, wrong, or not known.
        """
        given = {name.lower(): str(value).strip() for name, value in options.items()}
        for name in given:
            if name not in cls.NAMES | _SPARKS:
                raise UsageError(f"Kafka has no option {name}: {there_are(name, cls.NAMES)}")
        return cls(**cls._fields(given))

    @classmethod
    def _fields(cls, given: Mapping[str, str]) -> dict[str, Any]:
        topic, config = given.get("topic", ""), given.get("config", "")
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", topic):
            raise UsageError(
                f"Kafka: topic {topic!r} is not a topic's name: letters, digits, '.', '_' and '-'"
                if topic
                else "Kafka: no topic was given: say topic=NAME"
            )
        servers = [server.strip() for server in given.get("servers", "").split(",")]
        servers = [server for server in servers if server]
        if not servers and not config:
            raise UsageError("Kafka: no broker was given: say servers=HOST:PORT")
        for server in servers:
            if not re.fullmatch(r"[^\s@]+:\d{1,5}", server):
                raise UsageError(f"Kafka: servers has {server!r}, which is not HOST:PORT")
        return {
            "topic": topic,
            "servers": ",".join(servers),
            "config": config,
            "timeout_s": _number("timeout", given.get("timeout", str(cls.timeout_s)), _LONGEST_S),
        }

    def properties(self) -> Properties:
        """For librdkafka: the file's, if there is one, with the brokers.

        Raises:
            UsageError: the file cannot be read or is wrong, or there are no brokers.
        """
        properties = read_properties(Path(self.config)) if self.config else {}
        if self.servers:
            properties["bootstrap.servers"] = self.servers
        if not properties.get("bootstrap.servers"):
            raise UsageError(
                f"{self.config}: no broker was given: say servers=HOST:PORT, or "
                "bootstrap.servers in the file"
            )
        return properties


@dataclass(frozen=True)
class SourceOptions(KafkaOptions):
    """What the source can be told.

    Attributes:
        latest: whether a new checkpoint begins with what comes from now on.
        max_records: most offsets in a batch, which a worker has its share of in memory.
        fail_on_data_loss: whether records that are gone are an error.
    """

    NAMES: ClassVar[frozenset[str]] = KafkaOptions.NAMES | {
        "failondataloss",
        "maxrecords",
        "startingoffsets",
    }

    latest: bool = False
    max_records: int = 1_000_000
    fail_on_data_loss: bool = True

    @classmethod
    def _fields(cls, given: Mapping[str, str]) -> dict[str, Any]:
        start = given.get("startingoffsets", "earliest").lower()
        if start not in ("earliest", "latest"):
            raise UsageError(f"Kafka: startingoffsets {start!r} must be earliest or latest")
        loss = given.get("failondataloss", "true").lower()
        if loss not in ("true", "false"):
            raise UsageError(f"Kafka: failondataloss {loss!r} must be true or false")
        most = given.get("maxrecords", str(cls.max_records))
        if not re.fullmatch(r"0*[1-9]\d{0,17}", most):
            raise UsageError(f"Kafka: maxrecords {most!r} must be a whole number above 0")
        return super()._fields(given) | {
            "latest": start == "latest",
            "max_records": int(most),
            "fail_on_data_loss": loss == "true",
        }


@dataclass(frozen=True)
class SinkOptions(KafkaOptions):
    """What the sink can be told."""


def there_are(name: str, names: Iterable[str]) -> str:
    """What there is instead of an option that is not known.

    >>> there_are("sasl.password", {"timeout", "config"})
    'there are config, timeout; properties of Kafka belong in the file that config names'
    """
    hint = "; properties of Kafka belong in the file that config names"
    is_property = "." in name or "password" in name
    return f"there are {', '.join(sorted(names))}{hint if is_property else ''}"


def read_properties(path: Path) -> Properties:
    """The properties in a file: `name=value` a line, `#` before a comment.

    Raises:
        UsageError: it cannot be read, or a line is wrong; values are not shown.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(
            f"{path}: Kafka's properties cannot be read: {reason}; the file is needed on every "
            "machine that reads or writes"
        ) from None
    properties = {}
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = (part.strip() for part in text.partition("="))
        where = f"{path}:{number}"
        if not equals or not re.fullmatch(r"[a-z0-9_.]+", name):
            raise UsageError(f"{where}: this is not name=value, as in security.protocol=ssl")
        if name in _OURS:
            raise UsageError(f"{where}: {name} is not to be set: leave it out")
        properties[name] = _from_environment(where, value)
    return properties


def _from_environment(where: str, value: str) -> str:
    found = re.fullmatch(r"\$\{(\w+)\}", value)
    if found is None:
        return value
    try:
        return os.environ[found[1]]
    except KeyError:
        raise UsageError(f"{where}: the environment variable {found[1]} is not set") from None


def _number(name: str, text: str, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= most:
        raise UsageError(f"Kafka: {name} {text!r} must be a number above 0, at most {most:g}")
    return value
