"""Sink: the rows of a task, written to a topic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyspark.sql.datasource import DataSourceStreamArrowWriter, WriterCommitMessage

from streamer.fleet.spark.kafka.client import KafkaErrors, import_kafka, open_producer
from streamer.fleet.spark.kafka.options import SinkOptions

if TYPE_CHECKING:
    import pyarrow as pa
    from confluent_kafka import KafkaError, Message

_STEP_S = 0.5


@dataclass(frozen=True)
class Written(WriterCommitMessage):  # type: ignore[misc]
    """Result of a task for its part of a batch.

    Attributes:
        records: number of records acknowledged by the brokers.
    """

    records: int


class KafkaWriter(DataSourceStreamArrowWriter):  # type: ignore[misc]
    """Writes the columns `value` and `key`; a task ends when the brokers have acknowledged all.

    At least once: a batch that is run again is written again, and so is the part of a task that
    failed.

    Args:
        options: options of the sink.
    """

    def __init__(self, options: SinkOptions) -> None:
        self._options = options

    def write(self, iterator: Iterator[pa.RecordBatch]) -> Written:
        """Write a task's rows; called on an executor.

        Raises:
            RefusedError: a record was refused.
            LinkError: the brokers do not accept the records in time.
        """
        delivery = _Delivery(self._options)
        for batch in iterator:
            delivery.put(batch)
        return Written(delivery.finish())


class _Delivery:
    """A producer at work; a failed delivery is raised by this or the next call."""

    def __init__(self, options: SinkOptions) -> None:
        self._options = options
        self._errors = KafkaErrors(options)
        self._kafka = import_kafka()
        self._producer = open_producer(options, self._errors)
        self._put = 0
        self._failed: KafkaError | None = None

    def put(self, batch: pa.RecordBatch) -> None:
        columns = {name: batch.column(name).to_pylist() for name in batch.schema.names}
        values: list[Any] = columns["value"]
        keys: list[Any] = columns.get("key", [None] * len(values))
        try:
            for key, value in zip(keys, values, strict=True):
                self._produce(key, value)
        except self._kafka.KafkaException as error:
            self._failed = error.args[0]
        self._put += len(values)
        self._producer.poll(0)
        self._check()

    def finish(self) -> int:
        while self._producer.flush(_STEP_S):
            self._check()
        self._check()
        return self._put

    def _produce(self, key: str | bytes | None, value: str | bytes | None) -> None:
        while True:
            try:
                self._producer.produce(self._options.topic, value, key, on_delivery=self._note)
                return
            except BufferError:
                # The queue is full; records that stay too long fail, so this ends.
                self._producer.poll(_STEP_S)
                self._check()

    def _note(self, error: KafkaError | None, _message: Message) -> None:
        if error is not None and self._failed is None:
            self._failed = error

    def _check(self) -> None:
        if self._failed is not None:
            self._errors.note(self._failed)
        if self._failed is not None or self._errors.is_final:
            # The task and its batch fail, so records not yet sent must not be sent later.
            self._producer.purge()
            self._producer.flush(_STEP_S)
            raise self._errors.to_error("records cannot be written")
