"""One range of a partition's offsets, read by a task into Arrow batches."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyspark.sql.datasource import InputPartition

from streamer.errors import SourceError
from streamer.fleet.spark.kafka.client import Trouble, import_kafka, open_consumer
from streamer.fleet.spark.kafka.options import SourceOptions

if TYPE_CHECKING:
    from confluent_kafka import Message

ARROW_SCHEMA = pa.schema(
    {
        "key": pa.binary(),
        "value": pa.binary(),
        "topic": pa.string(),
        "partition": pa.int32(),
        "offset": pa.int64(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "timestampType": pa.int32(),
    }
)
"""Of the batches; Spark checks it against the source's columns."""

ANEW = "was the topic deleted and made anew?"

_MOST_RECORDS = 4_096
_STEP_S = 0.2

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class KafkaRange(InputPartition):  # type: ignore[misc]
    """Offsets of one partition that one task reads: from `start` to before `end`."""

    partition: int
    start: int
    end: int


def say_lost(options: SourceOptions, what: str) -> None:
    """Say that records are gone before they were read.

    Raises:
        SourceError: that is not to be borne.
    """
    text = f"Kafka topic {options.topic}, {what}"
    if options.fail_on_data_loss:
        raise SourceError(
            f"{text}; to go on with what there is: failondataloss=false, or a new checkpoint"
        )
    _logger.warning("%s; reading goes on with what there is", text)


def gone(partition: int, wanted: int, earliest: int) -> str:
    """That the first of the wanted records are no longer kept."""
    return (
        f"partition {partition}: offset {wanted} was wanted, but the earliest there is {earliest}"
    )


def read_range(options: SourceOptions, wanted: KafkaRange) -> Iterator[pa.RecordBatch]:
    """Read a range.

    Its end is known by position and not by count: of the offsets in it, some may have been
    compacted away, or be those of transactions.

    Raises:
        SourceError: records are gone that were to be read.
        LinkError: the broker does not answer, or refuses.
    """
    reading = _Reading(options, wanted)
    try:
        while not reading.is_done:
            messages = reading.some()
            if messages:
                yield _to_batch(options.topic, wanted.partition, messages)
    finally:
        reading.close()


class _Reading:
    """A consumer at work on a range."""

    def __init__(self, options: SourceOptions, wanted: KafkaRange) -> None:
        self._options = options
        self._wanted = wanted
        self._trouble = Trouble(options)
        self._kafka = import_kafka()
        self._consumer = open_consumer(options, self._trouble)
        self._position = wanted.start
        self._deadline = 0.0
        self._go_on_at(wanted.start)

    @property
    def is_done(self) -> bool:
        return self._position >= self._wanted.end

    def close(self) -> None:
        self._consumer.close()

    def some(self) -> list[Message]:
        """The next records of the range; perhaps none."""
        left = self._wanted.end - self._position
        messages = self._consumer.consume(min(left, _MOST_RECORDS), _STEP_S)
        records = [message for message in messages if message.error() is None]
        if records:
            self._has_come(records[-1].offset() + 1)
            if self._position > self._wanted.end:
                records = [it for it in records if it.offset() < self._wanted.end]
        if len(records) < len(messages):
            for message in messages:
                if message.error() is not None:
                    self._take_error(message)
        if not self.is_done and (self._trouble.is_final or time.monotonic() >= self._deadline):
            seconds = f"{self._options.timeout_s:g} s"
            raise self._trouble.told(
                f"partition {self._wanted.partition} cannot be read from offset {self._position}"
                + ("" if self._trouble.is_final else f"; nothing came for {seconds}")
            )
        return records

    def _take_error(self, message: Message) -> None:
        name = message.error().name()
        if name == "_PARTITION_EOF":
            # Nothing more is there to come before it: what is missing has been compacted away.
            self._has_come(max(message.offset(), self._position))
        elif name == "_AUTO_OFFSET_RESET":
            self._find_out_of_range()
        else:
            self._trouble.note(message.error())

    def _find_out_of_range(self) -> None:
        place = self._place(self._position)
        try:
            earliest, end = self._consumer.get_watermark_offsets(place, timeout=_STEP_S * 10)
        except self._kafka.KafkaException as error:
            self._trouble.note(error.args[0])
            self._consumer.assign([place])
            return
        if earliest <= self._position <= end:
            # It has come back by now, as after a change of the leader.
            self._consumer.assign([place])
        elif earliest > self._position:
            say_lost(self._options, gone(self._wanted.partition, self._position, earliest))
            self._go_on_at(earliest)
        else:
            say_lost(
                self._options,
                f"partition {self._wanted.partition} ends at offset {end}, and {self._position} "
                f"was to be next; {ANEW}",
            )
            self._position = self._wanted.end

    def _go_on_at(self, position: int) -> None:
        self._consumer.assign([self._place(position)])
        self._has_come(position)

    def _has_come(self, position: int) -> None:
        self._position = position
        self._trouble.forget()
        self._deadline = time.monotonic() + self._options.timeout_s

    def _place(self, offset: int) -> Any:
        return self._kafka.TopicPartition(self._options.topic, self._wanted.partition, offset)


def _to_batch(topic: str, partition: int, messages: Sequence[Message]) -> pa.RecordBatch:
    number = len(messages)
    stamps = np.array([message.timestamp() for message in messages], dtype=np.int64)
    kinds, milliseconds = stamps[:, 0], stamps[:, 1]
    times = milliseconds.astype("datetime64[ms]").astype("datetime64[us]")
    columns = [
        pa.array([message.key() for message in messages], pa.binary()),
        pa.array([message.value() for message in messages], pa.binary()),
        pa.repeat(pa.scalar(topic), number),
        pa.repeat(pa.scalar(partition, pa.int32()), number),
        pa.array([message.offset() for message in messages], pa.int64()),
        pa.array(times, pa.timestamp("us", tz="UTC"), mask=kinds == 0),
        # Java counts the kinds of time from -1, "none"; librdkafka from 0.
        pa.array((kinds - 1).astype(np.int32)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=ARROW_SCHEMA)
