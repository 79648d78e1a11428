"""Where readings come from and forecasts go to, as `--source` and `--sink` say it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from streamer.errors import UsageError

KAFKA = "kafka"
CONNECTORS = ("streamer", "spark")
FORMATS: Mapping[str, tuple[str, ...]] = {
    "parquet": ("parquet",),
    "csv": ("csv", "txt", "tsv"),
    "json": ("json", "jsonl", "ndjson"),
}
"""Formats of a folder's files, and what their names end in."""

_SUFFIXES = {suffix: name for name, suffixes in FORMATS.items() for suffix in suffixes}
_PACKED = {"gz", "bz2", "zst", "lz4", "snappy", "deflate"}


@dataclass(frozen=True)
class Topic:
    """A topic of Kafka.

    Attributes:
        servers: `host:port` of one or more brokers, with commas between them.
        name: of the topic.
        connector: `streamer` for ours over confluent-kafka, `spark` for the cluster's own.
        options: the connector's, as the URL has them.
    """

    servers: str
    name: str
    connector: str = CONNECTORS[0]
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """Without what may be secret."""
        return f"{KAFKA}://{self.servers}/{self.name}"


@dataclass(frozen=True)
class Columns:
    """What the columns of a source are called."""

    meter: str = "meter"
    minute: str = "minute"
    kw: str = "kw"

    @classmethod
    def parse(cls, text: str) -> Columns:
        """Read `meter=…,minute=…,kw=…`; what is not named is called what it is.

        Raises:
            UsageError: it is not written so.

        >>> Columns.parse("meter=id,kw=power")
        Columns(meter='id', minute='minute', kw='power')
        """
        named: dict[str, str] = {}
        for part in text.split(","):
            ours, equals, theirs = (it.strip() for it in part.partition("="))
            if not (equals and theirs) or ours not in ("meter", "minute", "kw") or ours in named:
                raise UsageError(
                    f"--columns {text!r}: write it like meter=id,minute=time,kw=power, each once"
                )
            named[ours] = theirs
        columns = cls(**named)
        if len(set(columns.names)) < len(columns.names):
            raise UsageError(f"--columns {text!r}: each has to be another column")
        return columns

    @property
    def names(self) -> tuple[str, str, str]:
        """Of meter, minute and power."""
        return (self.meter, self.minute, self.kw)

    def __str__(self) -> str:
        return f"meter={self.meter},minute={self.minute},kw={self.kw}"


def parse_topic(url: str) -> Topic | None:
    """Read `kafka://host:9092,host2:9092/topic?option=value`; None for what is no such URL.

    Raises:
        UsageError: it is one, but not complete.

    >>> parse_topic("kafka://localhost:9092/readings").name
    'readings'
    >>> parse_topic("readings/") is None
    True
    """
    if not url.lower().startswith(f"{KAFKA}:"):
        return None
    parts = urlsplit(url)
    name = parts.path.strip("/")
    servers = [server for server in parts.netloc.split(",") if server]
    if not servers or not re.fullmatch(r"[\w.-]+", name) or parts.fragment:
        raise UsageError(f"{url}: write it like kafka://localhost:9092/topic")
    for server in servers:
        if not re.fullmatch(r"([\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}", server):
            raise UsageError(f"{url}: {server!r} is no host and port, such as localhost:9092")
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    connector = options.pop("connector", CONNECTORS[0])
    if connector not in CONNECTORS:
        raise UsageError(f"{url}: no connector {connector!r}: give one of: {', '.join(CONNECTORS)}")
    return Topic(",".join(servers), name, connector, options)


def is_pattern(source: str) -> bool:
    """Whether a source is a pattern of files, rather than a folder.

    >>> is_pattern("readings/*.csv")
    True
    """
    return bool(re.search(r"[*?\[{]", source))


def format_of(names: Sequence[str], source: str) -> str:
    """The format of files, by what their names end in.

    Raises:
        UsageError: there is none that can be told, or more than one.

    >>> format_of(["00.csv.gz", "01.csv", "_SUCCESS", ".part"], "readings")
    'csv'
    """
    found = set()
    for name in data_files(names):
        *_, suffix = [part for part in name.lower().split(".") if part not in _PACKED]
        found.add(_SUFFIXES.get(suffix))
    if len(found) == 1 and None not in found:
        return str(found.pop())
    known = ", ".join(FORMATS)
    if not found:
        raise UsageError(f"{source} has no files yet: say what is to come with --format ({known})")
    raise UsageError(f"{source}: the files' names do not say one format: give --format ({known})")


def data_files(names: Sequence[str]) -> list[str]:
    """Those that Spark looks at: not hidden, and not its own notes."""
    return [name for name in names if not name.startswith((".", "_"))]
