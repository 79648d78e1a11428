"""Formats that Spark knows by name, such as Kafka and tables, as sources and sinks."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl

from streamer.errors import UsageError
from streamer.fleet.spark.failures import explained
from streamer.fleet.spark.locations import FORMATS
from streamer.plugins import import_object

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming import DataStreamWriter

Use = Literal["source", "sink"]

KAFKA = "kafka"
_TABLE = "table:"
_SERVERS = "kafka.bootstrap.servers"
_TOPIC = {"source": "subscribe", "sink": "topic"}
_DEFAULTS = {"startingOffsets": "earliest", "maxOffsetsPerTrigger": "1000000"}
"""Without them, Spark begins at the end of a topic, and takes all that is in it as one batch, of
which a worker holds its shards' part in memory."""

_KAFKA_OPTIONS = {
    "source": "assign failOnDataLoss fetchOffset.numRetries fetchOffset.retryIntervalMs "
    "groupIdPrefix includeHeaders kafkaConsumer.pollTimeoutMs maxOffsetsPerTrigger "
    "maxRecordsPerPartition maxTriggerDelay minOffsetsPerTrigger minPartitions startingOffsets "
    "startingOffsetsByTimestamp startingOffsetsByTimestampStrategy startingTimestamp subscribe "
    "subscribePattern",
    "sink": "includeHeaders topic",
}
"""Options of Spark's connector beside those that begin with `kafka.`; it ignores all others."""

_FORMER = frozenset({"config", "connector", "maxrecords", "timeout"})
"""Options of the connector that was part of streamer."""


@dataclass(frozen=True)
class StreamFormat:
    """A source or a sink other than a folder of files.

    Attributes:
        name: Spark's name of the format; None for that of an existing table.
        path: path, or name of a table; empty for a format without any.
        options: options of the format, some of which may be secret.
        is_table: whether the path is the name of a table in a catalogue.
    """

    name: str | None
    path: str = ""
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_table: bool = False

    @property
    def shown(self) -> str:
        """The place without options, which may be secret."""
        topic = self.options.get("subscribe") or self.options.get("topic")
        if not self.path and topic and _SERVERS in self.options:
            return f"{KAFKA}://{self.options[_SERVERS]}/{topic}"
        return self.path or str(self.name)

    @property
    def folder(self) -> str:
        """The path, if it may be one of a folder; otherwise empty."""
        return "" if self.is_table else self.path

    @property
    def has_messages(self) -> bool:
        """Whether a row is a message with a key and a value, as in Kafka."""
        return self.name is not None and self.name.lower().endswith(KAFKA)


def parse_stream(
    place: str, use: Use, name: str | None = None, options: Sequence[str] = ()
) -> StreamFormat | None:
    """Parse a place of another kind than a folder of files.

    Args:
        place: a path; `kafka://host:9092,host2:9092/topic?option=value`; or `table:` and the name
            of a table.
        use: whether it is a source or a sink.
        name: Spark's name of the format; None for the one that follows from the place.
        options: options of the format, each as `key=value`.

    Returns:
        None for a folder, or the terminal.

    Raises:
        UsageError: the place or an option is malformed or unknown.

    >>> parse_stream("kafka://localhost:9092/readings", "source").shown
    'kafka://localhost:9092/readings'
    >>> parse_stream("readings/", "source") is None
    True
    """
    given = _parse_options(options, use)
    if place.lower().startswith(f"{KAFKA}:"):
        stream = StreamFormat(name or KAFKA, "", _parse_url(place, use) | given)
    elif place.startswith(_TABLE):
        stream = StreamFormat(name, place.removeprefix(_TABLE), given, is_table=True)
    elif name is None:
        if options:
            raise UsageError(f"--{use}-option needs --{use}-format")
        if not place:
            raise UsageError(f"--{use} is missing: give a folder, kafka://…, or --{use}-format")
        return None
    else:
        stream = StreamFormat(name, place, given)
    if use == "source" and name in FORMATS:
        raise UsageError(f"--source-format {name}: for files, give --source FOLDER --format {name}")
    if stream.is_table and not stream.path:
        raise UsageError(f"{place}: write it like {_TABLE}catalog.schema.name")
    if stream.name == KAFKA:
        _check_kafka(stream, use)
    if use == "sink" or not stream.has_messages:
        return stream
    names = {name.lower() for name in stream.options}
    ours = {name: value for name, value in _DEFAULTS.items() if name.lower() not in names}
    return replace(stream, options={**ours, **stream.options})


def _parse_options(options: Sequence[str], use: Use) -> dict[str, str]:
    found = {}
    for option in options:
        key, equals, value = option.partition("=")
        if not equals or not re.fullmatch(r"\S+", key):
            # It is not shown, because it might be a secret.
            raise UsageError(f"--{use}-option: write each like key=value")
        found[key] = _from_environment(key, value)
    return found


def _from_environment(key: str, value: str) -> str:
    """A value, which for `${NAME}` is that of an environment variable."""
    found = re.fullmatch(r"\$\{(\w+)\}", value)
    if found is None:
        return value
    if found[1] not in os.environ:
        raise UsageError(f"option {key}: the environment variable {found[1]} is not set")
    return os.environ[found[1]]


def _parse_url(url: str, use: Use) -> dict[str, str]:
    """Options of Spark's connector in a `kafka://` URL."""
    # Not by urlsplit, which from Python 3.13.2 on rejects a list of hosts with an IPv6 address.
    place, _, query = url.partition("?")
    netloc, _, path = place[len(KAFKA) + 1 :].removeprefix("//").partition("/")
    topic = path.strip("/")
    servers = [server for server in netloc.split(",") if server]
    if not servers or not re.fullmatch(r"[\w.-]+", topic) or "#" in place:
        raise UsageError(f"{place}: write it like kafka://localhost:9092/topic")
    for server in servers:
        if not re.fullmatch(r"([\w.-]+|\[[0-9a-fA-F:]+\]):\d{1,5}", server):
            raise UsageError(f"{place}: {server!r} is not a host and port, such as localhost:9092")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if options.get("connector") == "spark":
        del options["connector"]  # how Spark's connector was once asked for
    options = {key: _from_environment(key, value) for key, value in options.items()}
    return {_SERVERS: ",".join(servers), _TOPIC[use]: topic, **options}


def _check_kafka(stream: StreamFormat, use: Use) -> None:
    known = _KAFKA_OPTIONS[use].split()
    names = {name.lower() for name in known}
    for option in stream.options:
        if option.lower() in names or option.startswith("kafka."):
            continue
        if option.lower() in _FORMER:
            raise UsageError(
                f"{stream.shown}: option {option} is one of the connector that was part of "
                "streamer: give the options of Spark's own, or use the example "
                "docs/examples/kafka_source, which continues the same checkpoint"
            )
        raise UsageError(
            f"{stream.shown}: a {use} has no option {option}: known options are "
            f"{', '.join(known)}, and Kafka's own with kafka. before their names"
        )
    if _SERVERS not in stream.options:
        raise UsageError(f"--{use}-format kafka needs --{use}-option {_SERVERS}=HOST:PORT")


def load_data_sources(
    names: Sequence[str], streams: Sequence[StreamFormat | None]
) -> list[type[Any]]:
    """Import data sources in Python.

    Args:
        names: the data sources, each as `module:Class`.
        streams: the source and the sink.

    Raises:
        UsageError: one cannot be imported, is not a data source, or is not used.
    """
    used = {stream.name for stream in streams if stream is not None}
    found = []
    for name in names:
        from pyspark.sql.datasource import DataSource

        kind: Any = import_object("data source", name)
        is_one = isinstance(kind, type) and issubclass(kind, DataSource)
        if not is_one:
            raise UsageError(f"--data-source {name} is not a subclass of pyspark's DataSource")
        if kind.name() not in used:
            raise UsageError(
                f"--data-source {name} is not used: give --source-format {kind.name()}, or "
                f"--sink-format {kind.name()}"
            )
        found.append(kind)
    return found


def read_stream(session: SparkSession, stream: StreamFormat, names: Sequence[str]) -> DataFrame:
    """Rows with columns of these names, if they exist; those of messages are members of JSON.

    Raises:
        UsageError: Spark does not know the format.
        SparkError: Spark cannot open the source.
    """
    from pyspark.sql import functions as fn

    with explained(stream.shown):
        reader = session.readStream.options(**stream.options)
        if stream.name is not None:
            reader = reader.format(stream.name)
        rows = reader.table(stream.path) if stream.is_table else reader.load(stream.path or None)
        if not stream.has_messages:
            return rows
        schema = ", ".join(f"{quoted(name)} string" for name in names)
        members = fn.from_json(rows["value"].cast("string"), schema)
        return rows.select(members.alias("it")).select("it.*")


def write_stream(rows: DataFrame, stream: StreamFormat) -> DataStreamWriter:
    """The writer of rows; those of messages are JSON, with the meter as key."""
    from pyspark.sql import functions as fn

    if stream.has_messages:
        value = fn.to_json(fn.struct("*"), {"ignoreNullFields": "false"})
        rows = rows.select(rows["meter"].alias("key"), value.alias("value"))
    writer = rows.writeStream.options(**stream.options)
    if stream.folder:
        writer = writer.option("path", stream.folder)
    return writer if stream.name is None else writer.format(stream.name)


def quoted(name: str) -> str:
    """The name of a column in Spark's SQL."""
    return f"`{name.replace('`', '``')}`"
