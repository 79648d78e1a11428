"""Range of a partition's offsets, read by a task into Arrow batches."""

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
from streamer.fleet.spark.kafka.client import KafkaErrors, import_kafka, open_consumer
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
"""Schema of the batches; Spark compares it with the source's columns."""

RECREATED = "was the topic deleted and created again?"

_MAX_RECORDS = 4_096
_STEP_S = 0.2

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class KafkaRange(InputPartition):  # type: ignore[misc]
    """Offsets of one partition that one task reads, from `start` to before `end`."""

    partition: int
    start: int
    end: int


def report_loss(options: SourceOptions, what: str) -> None:
    """Report that records were lost before they were read.

    Raises:
        SourceError: the option `failondataloss` is set; otherwise a warning is logged.
    """
    text = f"Kafka topic {options.topic}, {what}"
    if options.fail_on_data_loss:
        raise SourceError(
            f"{text}; to continue with the remaining records: failondataloss=false, or a new "
            "checkpoint"
        )
    _logger.warning("%s; continuing with the remaining records", text)


def loss_text(partition: int, wanted: int, earliest: int) -> str:
    """Message for records that the broker no longer keeps."""
    return f"partition {partition}: offset {wanted} is lost, the earliest one left is {earliest}"


def read_range(options: SourceOptions, wanted: KafkaRange) -> Iterator[pa.RecordBatch]:
    """Read a range.

    Its end is determined by position and not by count, because some of its offsets may have been
    compacted away, or belong to transactions.

    Raises:
        SourceError: records of the range are lost.
        LinkError: the broker does not answer, or refuses.
    """
    reading = _RangeReader(options, wanted)
    try:
        while not reading.is_done:
            messages = reading.next_records()
            if messages:
                yield _to_batch(options.topic, wanted.partition, messages)
    finally:
        reading.close()


class _RangeReader:
    """A consumer that reads a range."""

    def __init__(self, options: SourceOptions, wanted: KafkaRange) -> None:
        self._options = options
        self._wanted = wanted
        self._errors = KafkaErrors(options)
        self._kafka = import_kafka()
        self._consumer = open_consumer(options, self._errors)
        self._position = wanted.start
        self._deadline = 0.0
        self._seek(wanted.start)

    @property
    def is_done(self) -> bool:
        return self._position >= self._wanted.end

    def close(self) -> None:
        self._consumer.close()

    def next_records(self) -> list[Message]:
        """The next records of the range; may be empty."""
        left = self._wanted.end - self._position
        messages = self._consumer.consume(min(left, _MAX_RECORDS), _STEP_S)
        records = [message for message in messages if message.error() is None]
        if records:
            self._advance(records[-1].offset() + 1)
            if self._position > self._wanted.end:
                records = [it for it in records if it.offset() < self._wanted.end]
        if len(records) < len(messages):
            for message in messages:
                if message.error() is not None:
                    self._take_error(message)
        if not self.is_done and (self._errors.is_final or time.monotonic() >= self._deadline):
            seconds = f"{self._options.timeout_s:g} s"
            raise self._errors.to_error(
                f"partition {self._wanted.partition} cannot be read from offset {self._position}"
                + ("" if self._errors.is_final else f"; no record for {seconds}")
            )
        return records

    def _take_error(self, message: Message) -> None:
        name = message.error().name()
        if name == "_PARTITION_EOF":
            # All records before the end were read; missing offsets have been compacted away.
            self._advance(max(message.offset(), self._position))
        elif name == "_AUTO_OFFSET_RESET":
            self._find_out_of_range()
        else:
            self._errors.note(message.error())

    def _find_out_of_range(self) -> None:
        place = self._place(self._position)
        try:
            earliest, end = self._consumer.get_watermark_offsets(place, timeout=_STEP_S * 10)
        except self._kafka.KafkaException as error:
            self._errors.note(error.args[0])
            self._consumer.assign([place])
            return
        if earliest <= self._position <= end:
            # The offset is available again, as after a change of the leader.
            self._consumer.assign([place])
        elif earliest > self._position:
            report_loss(self._options, loss_text(self._wanted.partition, self._position, earliest))
            self._seek(earliest)
        else:
            report_loss(
                self._options,
                f"partition {self._wanted.partition} ends at offset {end}, before the next one, "
                f"{self._position}; {RECREATED}",
            )
            self._position = self._wanted.end

    def _seek(self, position: int) -> None:
        self._consumer.assign([self._place(position)])
        self._advance(position)

    def _advance(self, position: int) -> None:
        self._position = position
        self._errors.forget()
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
        # Java numbers the kinds of timestamps from -1, "none"; librdkafka from 0.
        pa.array((kinds - 1).astype(np.int32)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=ARROW_SCHEMA)
