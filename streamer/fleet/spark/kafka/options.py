"""Options of the source and the sink, and the file of properties."""

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

# Spark passes on its own options together with ours.
_SPARK_OPTIONS = frozenset({"checkpointlocation", "path", "queryname"})

_RESERVED = frozenset(
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
"""Properties that reading and writing depend on, and that the file must not set."""

_MAX_TIMEOUT_S = 86_400.0


@dataclass(frozen=True)
class KafkaOptions:
    """Options shared by the source and the sink.

    Attributes:
        topic: name of the topic.
        servers: the brokers to ask first; empty if they are in the file of properties.
        config: path of the file of properties; empty for none.
        timeout_s: seconds without an answer before an error.
    """

    NAMES: ClassVar[frozenset[str]] = frozenset({"servers", "topic", "config", "timeout"})

    topic: str
    servers: str = ""
    config: str = ""
    timeout_s: float = 20.0

    @classmethod
    def parse(cls, options: Mapping[str, str]) -> Self:
        """Parse the options that Spark was given by `.option()`; names are case-insensitive.

        Raises:
            UsageError: an option is missing, wrong, or unknown.
        """
        given = {name.lower(): str(value).strip() for name, value in options.items()}
        for name in given:
            if name not in cls.NAMES | _SPARK_OPTIONS:
                raise UsageError(f"Kafka has no option {name}: {known_options(name, cls.NAMES)}")
        return cls(**cls._fields(given))

    @classmethod
    def _fields(cls, given: Mapping[str, str]) -> dict[str, Any]:
        topic, config = given.get("topic", ""), given.get("config", "")
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", topic):
            raise UsageError(
                f"Kafka: topic {topic!r} is not a topic's name: letters, digits, '.', '_' and '-'"
                if topic
                else "Kafka: no topic was given: give topic=NAME"
            )
        servers = [server.strip() for server in given.get("servers", "").split(",")]
        servers = [server for server in servers if server]
        if not servers and not config:
            raise UsageError("Kafka: no broker was given: give servers=HOST:PORT")
        for server in servers:
            if not re.fullmatch(r"[^\s@]+:\d{1,5}", server):
                raise UsageError(f"Kafka: servers has {server!r}, which is not HOST:PORT")
        return {
            "topic": topic,
            "servers": ",".join(servers),
            "config": config,
            "timeout_s": _number(
                "timeout", given.get("timeout", str(cls.timeout_s)), _MAX_TIMEOUT_S
            ),
        }

    def properties(self) -> Properties:
        """Properties for librdkafka: those of the file, if given, and the brokers.

        Raises:
            UsageError: the file cannot be read or is wrong, or no broker is given.
        """
        properties = read_properties(Path(self.config)) if self.config else {}
        if self.servers:
            properties["bootstrap.servers"] = self.servers
        if not properties.get("bootstrap.servers"):
            raise UsageError(
                f"{self.config}: no broker was given: give servers=HOST:PORT, or "
                "bootstrap.servers in the file"
            )
        return properties


@dataclass(frozen=True)
class SourceOptions(KafkaOptions):
    """Options of the source.

    Attributes:
        latest: whether a new checkpoint begins with new records only.
        max_records: largest number of offsets in a batch, of which a worker holds its share in
            memory.
        fail_on_data_loss: whether lost records are an error.
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
        limit = given.get("maxrecords", str(cls.max_records))
        if not re.fullmatch(r"0*[1-9]\d{0,17}", limit):
            raise UsageError(f"Kafka: maxrecords {limit!r} must be a whole number above 0")
        return super()._fields(given) | {
            "latest": start == "latest",
            "max_records": int(limit),
            "fail_on_data_loss": loss == "true",
        }


@dataclass(frozen=True)
class SinkOptions(KafkaOptions):
    """Options of the sink."""


def known_options(name: str, names: Iterable[str]) -> str:
    """Hint to the known options, for the error about an unknown one.

    >>> known_options("sasl.password", {"timeout", "config"})
    'known options are config, timeout; properties of Kafka belong in the file given by config'
    """
    hint = "; properties of Kafka belong in the file given by config"
    is_property = "." in name or "password" in name
    return f"known options are {', '.join(sorted(names))}{hint if is_property else ''}"


def read_properties(path: Path) -> Properties:
    """Read a file of properties: one `name=value` per line, and comments after `#`.

    Raises:
        UsageError: the file cannot be read, or a line is wrong; values are not shown.
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
            raise UsageError(f"{where}: not of the form name=value, as in security.protocol=ssl")
        if name in _RESERVED:
            raise UsageError(f"{where}: {name} must not be set: leave it out")
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


def _number(name: str, text: str, maximum: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= maximum:
        raise UsageError(f"Kafka: {name} {text!r} must be a number above 0, at most {maximum:g}")
    return value
