"""Kafka without a jar: a source and a sink for Spark's streams, over confluent-kafka.

::

    register(spark)
    spark.readStream.format("streamer-kafka")
        .options(servers="kafka-1:9092,kafka-2:9092", topic="readings").load()

The columns are those of Spark's own connector, so one can stand for the other. The executors
need `streamer[kafka]` as the driver does.

==================  ==================================================================
option              meaning
==================  ==================================================================
``servers``         the brokers to ask first, ``host:port`` with commas between them
``topic``           the topic; for the source, it has to be there
``config``          path of a file of librdkafka properties, see below
``timeout``         seconds without an answer or a record until it is an error: 60
``startingoffsets`` source: ``earliest`` or ``latest``, for a new checkpoint: earliest
``maxrecords``      source: most offsets to take in a batch; all there are if not given
``failondataloss``  source: whether records that are gone are an error: true
==================  ==================================================================

Passwords, certificates and whatever else a broker asks for are in the file ``config``::

    # kafka.properties
    security.protocol=sasl_ssl
    sasl.mechanism=PLAIN
    sasl.username=fleet
    sasl.password=${KAFKA_PASSWORD}

A value that is ``${NAME}`` as a whole is taken from the environment. The file is read where
the connection is made: on the driver and on every executor, so the path must be right on all
of them. Only the path travels: no secret comes into a task, a plan, an event log or the
checkpoint. With TLS, certificates and host names are checked against the system's
authorities, or those in ``ssl.ca.location``.

Offsets are in Spark's checkpoint alone; nothing is committed to a consumer group. Only
records of committed transactions are read, unless the file says otherwise.

The sink writes the columns ``value`` and, if there is one, ``key``. It is **at least once**: a
batch that Spark runs again is written again. Of its rows, meter and minute are the key by
which to drop what has come twice.
"""

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

__all__ = ["FORMAT", "KafkaDataSource", "SinkOptions", "SourceOptions", "register"]

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
"""Of the source, as Spark's own connector has it; a record without a time has none here."""


def register(spark: SparkSession) -> None:
    """Make the format known to a session.

    Raises:
        MissingExtraError: confluent-kafka is not installed.
    """
    import_kafka()
    spark.dataSource.register(KafkaDataSource)


class KafkaDataSource(DataSource):  # type: ignore[misc]
    """The format `streamer-kafka`; see the package."""

    @classmethod
    def name(cls) -> str:
        """What `format` is called with."""
        return FORMAT

    def schema(self) -> StructType:
        """The source's columns.

        Raises:
            UsageError: an option is wrong. Spark asks for the columns first, and what
                `streamReader` raises it does not pass on.
        """
        SourceOptions.parse(self.options)
        return SCHEMA

    def streamReader(self, schema: StructType) -> DataSourceStreamReader:  # noqa: ARG002, N802
        """The source.

        Raises:
            UsageError: an option is wrong.
        """
        return KafkaReader(SourceOptions.parse(self.options))

    def streamWriter(  # noqa: N802
        self,
        schema: StructType,
        overwrite: bool,
    ) -> DataSourceStreamArrowWriter:
        """The sink.

        Raises:
            UsageError: an option or a column is wrong, or the output mode is complete.
        """
        if overwrite:
            raise UsageError(f"{FORMAT} cannot take back what it has written: use append mode")
        columns = {field.name: field.dataType.simpleString() for field in schema.fields}
        fits = "value" in columns and columns.keys() <= {"key", "value"}
        if not fits or not set(columns.values()) <= {"binary", "string"}:
            raise UsageError(
                f"{FORMAT} writes a column value and perhaps a key, each string or binary; "
                f"it was given {', '.join(f'{name} {kind}' for name, kind in columns.items())}"
            )
        return KafkaWriter(SinkOptions.parse(self.options))
