"""Sink: the rows of a task, written to a topic."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
from confluent_kafka import KafkaError, KafkaException, Message, Producer
from pyspark.sql.datasource import DataSourceStreamArrowWriter, WriterCommitMessage

from kafka_source.options import Errors, Options, connect

_STEP_S = 0.5


@dataclass(frozen=True)
class Written(WriterCommitMessage):
    """Result of a task for its part of a batch: the number of acknowledged records."""

    records: int


class KafkaWriter(DataSourceStreamArrowWriter):
    """Writes the columns `value` and `key`; a task ends when the brokers have acknowledged all."""

    def __init__(self, options: Options) -> None:
        self._options = options

    def write(self, iterator: Iterator[pa.RecordBatch]) -> Written:
        """Write a task's rows; called on an executor.

        Raises:
            KafkaSourceError: a record was refused, or the brokers do not accept it in time.
        """
        delivery = _Delivery(self._options)
        return Written(sum(delivery.put(batch) for batch in iterator) + delivery.finish())


class _Delivery:
    """A producer at work; a failed delivery is raised by this or the next call."""

    def __init__(self, options: Options) -> None:
        self._topic = options.topic
        self._errors = Errors(options)
        self._has_failed = False
        # Idempotent: records resent after a network error arrive once.
        self._producer = connect(
            Producer,
            options,
            self._errors,
            enable_idempotence=True,
            linger_ms=20,
            message_timeout_ms=max(1, round(options.timeout_s * 1000)),
            partitioner="murmur2_random",  # as Java's clients, so that a key keeps its partition
        )

    def put(self, batch: pa.RecordBatch) -> int:
        columns = batch.to_pydict()
        values = columns["value"]
        for key, value in zip(columns.get("key", [None] * len(values)), values, strict=True):
            self._produce(key, value)
        return len(values)

    def finish(self) -> int:
        while self._producer.flush(_STEP_S):
            self._check()
        self._check()
        return 0

    def _produce(self, key: str | bytes | None, value: str | bytes | None) -> None:
        while True:
            try:
                self._producer.produce(self._topic, value, key, on_delivery=self._note)
                self._producer.poll(0)
                break
            except BufferError:
                # The queue is full; records that stay too long fail, so this ends.
                self._producer.poll(_STEP_S)
                self._check()
            except KafkaException as error:
                self._note(error.args[0], None)
                break
        self._check()

    def _note(self, error: KafkaError | None, _message: Message | None) -> None:
        if error is not None:
            self._has_failed = True
            self._errors.note(error)

    def _check(self) -> None:
        if self._has_failed or self._errors.is_final:
            # The task and its batch fail, so records not yet sent must not be sent later.
            self._producer.purge()
            self._producer.flush(_STEP_S)
            raise self._errors.to_error("records cannot be written")
