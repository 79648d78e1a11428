"""Kafka as a source and a sink of Spark's streams, in Python and without a jar.

::

    from kafka_source import KafkaDataSource

    spark.dataSource.register(KafkaDataSource)
    options = {"kafka.bootstrap.servers": "kafka-1:9092", "subscribe": "readings"}
    spark.readStream.format("python-kafka").options(**options).load()

Columns, options and offsets are those of Spark's own connector, so that either can continue the
checkpoint of the other. It needs confluent-kafka, on every machine of the cluster.

========================  ==============================================================
option                    meaning
========================  ==============================================================
``kafka.…``               properties of librdkafka, such as ``kafka.bootstrap.servers``
``subscribe``             source: the topic, which must exist
``topic``                 sink: the topic
``startingOffsets``       source, for a new checkpoint: ``earliest`` (default), ``latest``
``maxOffsetsPerTrigger``  source: largest number of offsets in a batch: 1000000
``failOnDataLoss``        source: whether lost records are an error: true
``timeout``               seconds without an answer or a record before an error: 20
========================  ==============================================================

The source is exactly once: a batch is a range of offsets in Spark's checkpoint, and nothing is
committed to a consumer group. Records of open and aborted transactions are not read. The sink is
at least once: a batch that is run again is written again.
"""

from __future__ import annotations

from pyspark.sql.datasource import DataSource
from pyspark.sql.types import StructType

from kafka_source.options import Options
from kafka_source.reading import KafkaReader
from kafka_source.writing import KafkaWriter

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


class KafkaDataSource(DataSource):
    """The format `python-kafka`."""

    @classmethod
    def name(cls) -> str:
        """Name of the format."""
        return "python-kafka"

    def schema(self) -> StructType:
        """The columns of the source.

        Raises:
            ValueError: an option is wrong; Spark does not report errors of `streamReader`.
        """
        Options.parse(self.options, "subscribe")
        return SCHEMA

    def streamReader(self, schema: StructType) -> KafkaReader:  # noqa: ARG002
        """The source."""
        return KafkaReader(Options.parse(self.options, "subscribe"))

    def streamWriter(self, schema: StructType, overwrite: bool) -> KafkaWriter:  # noqa: ARG002
        """The sink, of columns value and, if there is one, key.

        Raises:
            ValueError: an option or a column is wrong.
        """
        columns = {field.name: field.dataType.simpleString() for field in schema.fields}
        is_message = "value" in columns and columns.keys() <= {"key", "value"}
        if not is_message or not set(columns.values()) <= {"binary", "string"}:
            raise ValueError(f"python-kafka needs columns value and key, not {', '.join(columns)}")
        return KafkaWriter(Options.parse(self.options, "topic"))
