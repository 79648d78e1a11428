"""Registration of the source and the sink as a format of Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql.datasource import DataSource, DataSourceStreamArrowWriter, DataSourceStreamReader
from pyspark.sql.types import StructType

from streamer.errors import UsageError
from streamer.fleet.spark.kafka.client import import_kafka
from streamer.fleet.spark.kafka.options import SinkOptions, SourceOptions
from streamer.fleet.spark.kafka.reading import KafkaReader
from streamer.fleet.spark.kafka.writing import KafkaWriter

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

FORMAT = "streamer-kafka"

SCHEMA = (
    StructType()
    .add("key", "binary")
    .add("value", "binary")
    .add("topic", "string")
    .add("partition", "integer")
    .add("offset", "long")
    .add("timestamp", "timestamp")
    .add("timestampType", "integer")
)
"""Schema of the source, as in Spark's own connector; `timestamp` may be null."""


def register(spark: SparkSession) -> None:
    """Register the format with a session.

    Raises:
        MissingExtraError: confluent-kafka is not installed.
    """
    import_kafka()
    spark.dataSource.register(KafkaDataSource)


class KafkaDataSource(DataSource):  # type: ignore[misc]
    """The format `streamer-kafka`; see `streamer.fleet.spark.kafka`."""

    @classmethod
    def name(cls) -> str:
        """Name of the format."""
        return FORMAT

    def schema(self) -> StructType:
        """The source's columns.

        Raises:
            UsageError: an option is wrong. The options are checked here because Spark does not
                report errors of `streamReader`.
        """
        SourceOptions.parse(self.options)
        return SCHEMA

    def streamReader(self, schema: StructType) -> DataSourceStreamReader:  # noqa: ARG002
        """The source.

        Raises:
            UsageError: an option is wrong.
        """
        return KafkaReader(SourceOptions.parse(self.options))

    def streamWriter(
        self,
        schema: StructType,
        overwrite: bool,
    ) -> DataSourceStreamArrowWriter:
        """The sink.

        Raises:
            UsageError: an option or a column is wrong, or the output mode is complete.
        """
        if overwrite:
            raise UsageError(f"{FORMAT} cannot remove what it has written: use append mode")
        columns = {field.name: field.dataType.simpleString() for field in schema.fields}
        fits = "value" in columns and columns.keys() <= {"key", "value"}
        if not fits or not set(columns.values()) <= {"binary", "string"}:
            raise UsageError(
                f"{FORMAT} needs a column value, and optionally key, each string or binary; "
                f"the columns are {', '.join(f'{name} {kind}' for name, kind in columns.items())}"
            )
        return KafkaWriter(SinkOptions.parse(self.options))
