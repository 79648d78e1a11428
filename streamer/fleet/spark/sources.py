"""Sources of a fleet's readings: a folder of files, or Kafka."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streamer.errors import UsageError
from streamer.fleet.spark.connectors import connected, connector_options, prepare_connector
from streamer.fleet.spark.failures import explained
from streamer.fleet.spark.kafka.options import SourceOptions
from streamer.fleet.spark.locations import (
    TIME_UNITS,
    Columns,
    Notation,
    TopicLocation,
    check_columns,
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

MAX_BYTES = 32 << 20
"""Size of a batch's files without another limit."""

_MAX_SECONDS = 1e11
"""A larger number is not a time in seconds, which would be after the year 5000."""

NO_METER = "no meter"
NO_MINUTE = "no minute"
WRONG_MINUTE = "the minute is not a time of the past"
NO_POWER = "no power"
WRONG_POWER = "the power is not a number"
REASONS = (NO_METER, NO_MINUTE, WRONG_MINUTE, NO_POWER, WRONG_POWER)
"""Reasons why a row is unusable, in the order in which they are checked."""

_MAX_AGE = "3650d"
"""Largest age of a new file relative to the newest one. Spark's default of a week is too short for
files copied with their times, which would be ignored silently."""

_DIGITS = r"^\s*\d{8,}(\.\d*)?\s*$"
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
        delimiter: the character between the fields of CSV files.
    """

    source: str
    columns: Columns = field(default_factory=Columns)
    format: str | None = None
    max_files: int | None = None
    delimiter: str = ","

    def open(self, session: SparkSession, *, with_file: bool = False) -> DataFrame:
        """The raw readings: columns meter, minute and kw, of any type.

        Args:
            session: the Spark session.
            with_file: whether to add a column ``file`` with the URL of each row's file; it is
                null for a topic.

        Raises:
            UsageError: the source does not exist, or has other columns.
            SparkError: Spark cannot open it.
        """
        topic = parse_topic(self.source)
        if topic is None:
            rows = self._files(session)
        else:
            rows = read_topic(session, topic, self.columns.names)
        return self._named(rows, is_topic=topic is not None, with_file=with_file)

    def first_batch(self, session: SparkSession) -> DataFrame | None:
        """The raw readings of the files that a new query takes first.

        Returns:
            Columns meter, minute and kw; None for a topic, or if there are no files in the folder
            itself.
        """
        if parse_topic(self.source) is not None:
            return None
        storage = Storage(session, self.source)
        urls = storage.first_files(self.max_files, MAX_BYTES)
        if not urls:
            return None
        form = self.format or format_of(data_files(storage.names()), self.source)
        with explained(self.source):
            reader = session.read.schema(self._schema(session, form, has_files=True))
            rows = reader.options(**self._options(form)).format(form).load(urls)
        return self._named(rows, is_topic=False, with_file=False)

    def _named(self, rows: DataFrame, *, is_topic: bool, with_file: bool) -> DataFrame:
        """The three columns under our names."""
        from pyspark.sql import functions as fn

        check_columns(self.source, rows.columns, self.columns)
        named = zip(_NATURAL, self.columns.names, strict=True)
        chosen = [rows[_quoted(theirs)].alias(ours) for ours, theirs in named]
        if with_file:
            file = fn.lit(None).cast("string") if is_topic else fn.col("_metadata.file_path")
            chosen.append(file.alias("file"))
        return rows.select(*chosen)

    def _options(self, form: str) -> dict[str, Any]:
        """Spark's options for a format."""
        if form != "csv":
            return {}
        # The header is compared with the schema: columns must not change their order. A quote in
        # a quoted field is doubled, by RFC 4180.
        return {"header": True, "enforceSchema": False, "sep": self.delimiter, "escape": '"'}

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
            reader = reader.options(**self._options(form))
            if self.max_files is None:
                # A worker holds its shards' part of a batch in memory.
                reader = reader.option("maxBytesPerTrigger", MAX_BYTES)
            else:
                reader = reader.option("maxFilesPerTrigger", self.max_files)
            reader = reader.option("maxFileAge", _MAX_AGE)
            return reader.format(form).load(self.source)

    def _schema(self, session: SparkSession, form: str, has_files: bool) -> StructType:
        """Schema of the files; text is read as text, so that no value can stop the query."""
        from pyspark.sql.types import StringType, StructField, StructType

        if has_files and form == "csv":
            return session.read.options(**self._options(form)).csv(self.source).schema
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


def clean(rows: DataFrame, notation: Notation) -> DataFrame:
    """Convert columns of any type to a meter's name, microseconds in UTC, and kW.

    Values that cannot be converted become null and are counted; no value can stop the query. A
    time that is a number, or consists of digits, is one since 1970. Times more than a day ahead
    of the clock are rejected.
    """
    return rows.select(*_values(rows, notation))


def rejected(rows: DataFrame, notation: Notation) -> DataFrame:
    """The rows that `clean` cannot convert, as they are.

    Args:
        rows: columns meter, minute and kw, of any type, and any others.
        notation: notation of the values.

    Returns:
        Column ``reason``, one of `REASONS`, and the columns of `rows`, as text.
    """
    reasoned = reasons(rows, notation)
    return reasoned.where(reasoned["reason"].isNotNull()).drop("name")


def reasons(rows: DataFrame, notation: Notation) -> DataFrame:
    """All rows as text, with the name of the meter and the reason why one is unusable.

    Args:
        rows: columns meter, minute and kw, of any type, and any others.
        notation: notation of the values.

    Returns:
        Columns ``reason``, null for a usable row; ``name``, null without a meter; and those of
        `rows`.
    """
    from pyspark.sql import functions as fn

    meter, minute, kw = _values(rows, notation)
    reason = fn.when(meter.isNull(), fn.lit(NO_METER))
    for value, raw, missing, wrong in (
        (minute, rows["minute"], NO_MINUTE, WRONG_MINUTE),
        (kw, rows["kw"], NO_POWER, WRONG_POWER),
    ):
        text = fn.trim(raw.cast("string"))
        empty = raw.isNull() | (text == "")
        reason = reason.when(value.isNull(), fn.when(empty, missing).otherwise(wrong))
    texts = [rows[name].cast("string").alias(name) for name in rows.columns]
    return rows.select(reason.alias("reason"), meter.alias("name"), *texts)


def _values(rows: DataFrame, notation: Notation) -> tuple[Column, Column, Column]:
    """The meter's name, the minute in microseconds and the power in kW, null if unusable."""
    from pyspark.sql import functions as fn
    from pyspark.sql.types import NumericType, StringType

    meter = fn.make_valid_utf8(rows["meter"].cast("string"))
    power = rows["kw"]
    if notation.decimal == "," and isinstance(rows.schema["kw"].dataType, StringType):
        power = fn.when(~power.contains("."), fn.replace(power, fn.lit(","), fn.lit(".")))
    kw = power.try_cast("double")
    if notation.unit == "W":
        kw = kw / fn.lit(1000.0)
    minute = rows["minute"]
    kind = rows.schema["minute"].dataType
    if isinstance(kind, NumericType):
        micros = _from_number(minute, notation.time_unit)
    elif isinstance(kind, StringType):
        micros = _from_text(minute, notation.time_unit)
    else:
        micros = fn.unix_micros(minute.try_cast("timestamp"))
    newest = fn.unix_micros(fn.current_timestamp()) + _AHEAD_US
    return (
        fn.when(meter != "", meter).alias("meter"),
        fn.when(micros.between(0, newest), micros).alias("minute"),
        fn.when(fn.abs(kw) < float("inf"), kw).alias("kw"),
    )


def _from_number(column: Column, unit: str) -> Column:
    """Microseconds since 1970 of a time in a unit, by default the one that fits its size."""
    from pyspark.sql import functions as fn

    number = column.try_cast("double")
    if unit in TIME_UNITS:
        factor = fn.lit(TIME_UNITS[unit])
    else:
        factor = fn.when(number < _MAX_SECONDS, TIME_UNITS["s"])
        factor = factor.when(number < _MAX_SECONDS * 1e3, TIME_UNITS["ms"])
        factor = factor.when(number < _MAX_SECONDS * 1e6, TIME_UNITS["us"])
        factor = factor.otherwise(TIME_UNITS["ns"])
    return fn.round(number * factor).try_cast("long")


def _from_text(column: Column, unit: str) -> Column:
    from pyspark.sql import functions as fn

    whole = fn.regexp_replace(column, _NO_SECONDS, "$1:00").try_cast("timestamp")
    return fn.when(column.rlike(_DIGITS), _from_number(column, unit)).when(
        column.rlike(_DATE), fn.unix_micros(whole)
    )


def _quoted(name: str) -> str:
    return f"`{name.replace('`', '``')}`"
