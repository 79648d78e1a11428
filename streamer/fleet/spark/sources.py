"""Where a fleet's readings come from: a folder of files, or Kafka."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streamer.errors import UsageError
from streamer.fleet.spark.connectors import connected, connector_options, prepare_connector
from streamer.fleet.spark.failures import explained
from streamer.fleet.spark.kafka.options import SourceOptions
from streamer.fleet.spark.locations import (
    Columns,
    Topic,
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
"""Types of a Parquet file's columns, where there is no file yet to look at."""

_AHEAD_US = 86_400_000_000
"""A day: a time further ahead of the clock is in another unit, or of a clock that is wrong.

Taken for true, it would make all that its meter says late until that time has come.
"""

_MOST_BYTES = 32 << 20

_OLDEST = "3650d"
"""How much older than the newest file one may be that appears: Spark's week is soon over where
files are copied with their times, and the rest would be passed over without a word."""

_SECONDS = r"^\s*\d{8,}(\.\d*)?\s*$"
_DATE = r"^\s*\d{4}-\d{1,2}-\d{1,2}([T ]|\s*$)"
_NO_SECONDS = r"^(\s*[\d-]+[T ]\d{1,2}:\d\d)(?=\s*(Z|[+-]\d\d(:?\d\d)?)\s*$)"
"""Times as text: Spark takes one without a date for today's, and wants seconds before a zone."""


@dataclass(frozen=True)
class Readings:
    """A source of readings.

    Attributes:
        source: a folder, a pattern of files, or a `kafka://` URL.
        columns: what its columns are called.
        format: of a folder's files; None for what their names say.
        max_files: how many files a batch may take; None for some tens of megabytes.
    """

    source: str
    columns: Columns = field(default_factory=Columns)
    format: str | None = None
    max_files: int | None = None

    def open(self, session: SparkSession) -> DataFrame:
        """The readings as they come: columns meter, minute and kw, of any type.

        Raises:
            UsageError: there is no such source, or it has other columns.
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
            raise UsageError(
                f"{self.source} is a file: give the folder that it is in, or a pattern of files"
            )
        if not names and not is_pattern(self.source) and not storage.is_there():
            raise UsageError(f"{self.source}: there is no such folder")
        form = self.format or format_of(names, self.source)
        with explained(self.source):
            reader = session.readStream.schema(self._schema(session, form, bool(names)))
            if form == "csv":
                # The header is compared with the schema: columns may not change places.
                reader = reader.option("header", True).option("enforceSchema", False)
            if self.max_files is None:
                # A worker holds a shard's part of a batch in memory.
                reader = reader.option("maxBytesPerTrigger", _MOST_BYTES)
            else:
                reader = reader.option("maxFilesPerTrigger", self.max_files)
            reader = reader.option("maxFileAge", _OLDEST)
            return reader.format(form).load(self.source)

    def _schema(self, session: SparkSession, form: str, has_files: bool) -> StructType:
        """What is text is read as text, so that nothing in it can stop the query."""
        from pyspark.sql.types import StringType, StructField, StructType

        if has_files and form == "csv":
            return session.read.option("header", True).csv(self.source).schema
        if has_files and form == "parquet":
            return session.read.parquet(self.source).schema
        if form == "parquet":
            named = zip(_NATURAL.values(), self.columns.names, strict=True)
            return StructType.fromDDL(", ".join(f"{_quoted(name)} {kind}" for kind, name in named))
        return StructType([StructField(name, StringType()) for name in self.columns.names])


def read_topic(session: SparkSession, topic: Topic, names: tuple[str, ...]) -> DataFrame:
    """The messages of a topic, each a JSON object with members of these names.

    Raises:
        UsageError: the connector is not there.
        SparkError: Spark cannot open it.
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
    """Make of columns of any type a meter's name, microseconds of UTC, and kW.

    What cannot be had is null, to be counted: nothing in the data can stop the query. A time
    that is a number, or digits alone, is seconds since 1970. What lies more than a day ahead
    of the clock is no time.
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
