"""Sources of a fleet's readings: a folder of files, or Kafka."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamer.errors import UsageError
from streamer.fleet.spark.connectors import connected, connector_options, prepare_connector
from streamer.fleet.spark.failures import explained
from streamer.fleet.spark.kafka.options import SourceOptions
from streamer.fleet.spark.locations import (
    Columns,
    TopicLocation,
    data_files,
    format_of,
    is_pattern,
    parse_topic,
)
from streamer.fleet.spark.storage import Storage

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.types import StructType

_NATURAL = {"meter": "string", "minute": "timestamp", "kw": "double"}
"""Types of a Parquet file's columns, if no file exists yet."""

_AHEAD_US = 86_400_000_000
"""A day: a time further ahead of the clock is in another unit, or of a wrong clock.

If it were accepted, all later readings of its meter would be late until that time.
"""

_MAX_BYTES = 32 << 20

_MAX_AGE = "3650d"
"""Largest age of a new file relative to the newest one. Spark's default of a week is too short for
files copied with their times, which would be ignored silently."""

_SECONDS = r"^\s*\d{8,}(\.\d*)?\s*$"
_DATE = r"^\s*\d{4}-\d{1,2}-\d{1,2}([T ]|\s*$)"
_NO_SECONDS = r"^(\s*[\d-]+[T ]\d{1,2}:\d\d)(?=\s*(Z|[+-]\d\d(:?\d\d)?)\s*$)"
"""Times as text: Spark takes one without a date for today's, and needs seconds before a zone."""


@dataclass(frozen=True)
class ReadingSource:
    """A source of readings.

    Attributes:
        source: a folder, a pattern of files, or a `kafka://` URL.
        columns: names of its columns.
        format: format of a folder's files; None for the one of their names' endings.
        max_files: largest number of files in a batch; None for a limit of about 32 MB.
    """

    source: str
    columns: Columns = field(default_factory=Columns)
    format: str | None = None
    max_files: int | None = None

    def open(self, session: SparkSession) -> DataFrame:
        """The raw readings: columns meter, minute and kw, of any type.

        Raises:
            UsageError: the source does not exist, or has other columns.
            SparkError: Spark cannot open it.
        """
        topic = parse_topic(self.source)
        if topic is None:
            rows = self._files(session)
        else:
            rows = read_topic(session, topic, self.columns.names)
        missing = [name for name in self.columns.names if name not in rows.columns]
        if missing:
            raise UsageError(
                f"{self.source}: no column {missing[0]!r} among {', '.join(rows.columns)}: name "
                "them with --columns"
            )
        named = zip(_NATURAL, self.columns.names, strict=True)
        return rows.select(*[rows[_quoted(theirs)].alias(ours) for ours, theirs in named])

    def _files(self, session: SparkSession) -> DataFrame:
        storage = Storage(session, self.source)
        names = data_files(storage.names())
        if storage.is_file():
            raise UsageError(f"{self.source} is a file: give its folder, or a pattern of files")
        if not names and not is_pattern(self.source) and not storage.folder_exists():
            raise UsageError(f"{self.source}: folder not found")
        form = self.format or format_of(names, self.source)
        with explained(self.source):
            reader = session.readStream.schema(self._schema(session, form, bool(names)))
            if form == "csv":
                # The header is compared with the schema: columns must not change their order.
                reader = reader.option("header", True).option("enforceSchema", False)
            if self.max_files is None:
                # A worker holds its shards' part of a batch in memory.
                reader = reader.option("maxBytesPerTrigger", _MAX_BYTES)
            else:
                reader = reader.option("maxFilesPerTrigger", self.max_files)
            reader = reader.option("maxFileAge", _MAX_AGE)
            return reader.format(form).load(self.source)

    def _schema(self, session: SparkSession, form: str, has_files: bool) -> StructType:
        """Schema of the files; text is read as text, so that no value can stop the query."""
        from pyspark.sql.types import StringType, StructField, StructType

        if has_files and form == "csv":
            return session.read.option("header", True).csv(self.source).schema
        if has_files and form == "parquet":
            return session.read.parquet(self.source).schema
        if form == "parquet":
            named = zip(_NATURAL.values(), self.columns.names, strict=True)
            return StructType.fromDDL(", ".join(f"{_quoted(name)} {kind}" for kind, name in named))
        return StructType([StructField(name, StringType()) for name in self.columns.names])


def read_topic(session: SparkSession, topic: TopicLocation, names: tuple[str, ...]) -> DataFrame:
    """The messages of a topic, each a JSON object with members of these names.

    Raises:
        UsageError: the connector is missing.
        SparkError: Spark cannot open the topic.
    """
    from pyspark.sql import functions as fn

    with connected(topic):
        reader = session.readStream.format(prepare_connector(session, topic))
        if topic.connector == "spark":
            reader = reader.option("subscribe", topic.name)
            reader = reader.option("maxOffsetsPerTrigger", SourceOptions.max_records)
        messages = reader.options(**connector_options(topic)).load()
    with explained(topic.shown):
        schema = ", ".join(f"{_quoted(name)} string" for name in names)
        members = fn.from_json(messages["value"].cast("string"), schema)
        return messages.select(members.alias("it")).select("it.*")


def clean(rows: DataFrame, unit: str) -> DataFrame:
    """Convert columns of any type to a meter's name, microseconds in UTC, and kW.

    Values that cannot be converted become null and are counted; no value can stop the query. A
    time that is a number, or consists of digits, is in seconds since 1970. Times more than a day
    ahead of the clock are rejected.
    """
    from pyspark.sql import functions as fn
    from pyspark.sql.types import NumericType, StringType

    meter = fn.make_valid_utf8(rows["meter"].cast("string"))
    kw = rows["kw"].try_cast("double")
    if unit == "W":
        kw = kw / fn.lit(1000.0)
    minute = rows["minute"]
    kind = rows.schema["minute"].dataType
    if isinstance(kind, NumericType):
        micros = _from_seconds(minute)
    else:
        micros = fn.unix_micros(minute.try_cast("timestamp"))
        if isinstance(kind, StringType):
            micros = _from_text(minute)
    newest = fn.unix_micros(fn.current_timestamp()) + _AHEAD_US
    return rows.select(
        fn.when(meter != "", meter).alias("meter"),
        fn.when(micros.between(0, newest), micros).alias("minute"),
        fn.when(fn.abs(kw) < float("inf"), kw).alias("kw"),
    )


def _from_seconds(column: Column) -> Column:
    return (column.try_cast("double") * 1e6).try_cast("long")


def _from_text(column: Column) -> Column:
    from pyspark.sql import functions as fn

    whole = fn.regexp_replace(column, _NO_SECONDS, "$1:00").try_cast("timestamp")
    return fn.when(column.rlike(_SECONDS), _from_seconds(column)).when(
        column.rlike(_DATE), fn.unix_micros(whole)
    )


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"
