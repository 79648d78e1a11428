"""Source: batches as ranges of offsets on the driver, each read by a task into Arrow batches."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, Message, TopicPartition
from pyspark.sql.datasource import DataSourceStreamReader, InputPartition
from pyspark.sql.streaming.datasource import ReadLimit, ReadMaxRows, SupportsTriggerAvailableNow

from kafka_source.options import Errors, KafkaSourceError, Options, connect

Offsets = dict[int, int]
"""The next offset to read, by partition."""

OffsetJson = dict[str, dict[str, int]]
"""The same by topic, in the form of Spark's own connector in the checkpoint."""

SCHEMA = pa.schema(
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

_MAX_RECORDS = 4_096
_STEP_S = 0.2

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class KafkaRange(InputPartition):
    """Offsets of one partition that one task reads, from `start` to before `end`."""

    partition: int
    start: int
    end: int


class KafkaReader(DataSourceStreamReader, SupportsTriggerAvailableNow):
    """Plans batches; a partition that is new in the topic is read from its start."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._initial: OffsetJson | None = None
        self._target: Offsets | None = None

    def initialOffset(self) -> OffsetJson:
        """Offsets at which a new checkpoint begins."""
        edge = 1 if self._options.latest else 0
        self._initial = self._to_json({at: it[edge] for at, it in self._watermarks().items()})
        return self._initial

    def latestOffset(self, start: OffsetJson, limit: ReadLimit) -> OffsetJson:
        """Offsets at which the batch that begins at `start` ends.

        Raises:
            KafkaSourceError: records since `start` are lost, or the brokers do not answer.
        """
        if self._options.latest and self._initial == start:
            # An empty batch stores the beginning in the checkpoint. Otherwise, after a crash in
            # the first batch, Spark would ask again, and "latest" would be later.
            self._initial = None
            return start
        begins, marks = self._from_json(start), self._watermarks()
        positions, lags = {}, {}
        for at in sorted(begins.keys() | marks.keys()):
            first, end = marks.get(at, (0, -1))
            begin = begins.get(at, first)
            if begin > end:
                raise self._lost(at, f"no offset {begin}: was the topic created again?")
            positions[at] = begin
            if begin < first:
                positions[at] = first
                report_loss(
                    self._options, self._lost(at, f"offset {begin} is lost; {first} is not")
                )
            until = end if self._target is None else min(end, self._target.get(at, 0))
            lags[at] = max(0, until - positions[at])
        taken = shares(lags, limit.max_rows) if isinstance(limit, ReadMaxRows) else lags
        return self._to_json({at: position + taken[at] for at, position in positions.items()})

    def getDefaultReadLimit(self) -> ReadLimit:
        """Largest batch."""
        return ReadMaxRows(self._options.max_offsets)

    def prepareForTriggerAvailableNow(self) -> None:
        """Limit the query to the records that are available now."""
        self._target = {at: end for at, (_, end) in self._watermarks().items()}

    def partitions(self, start: OffsetJson, end: OffsetJson) -> Sequence[KafkaRange]:
        """The ranges of a batch, for the partitions with records in it."""
        begins = self._from_json(start)
        ranges = [KafkaRange(at, begins.get(at, 0), to) for at, to in self._from_json(end).items()]
        return [it for it in ranges if it.start < it.end]

    def read(self, partition: KafkaRange) -> Iterator[pa.RecordBatch]:
        """Read one range; called on an executor."""
        return read_range(self._options, partition)

    def _watermarks(self) -> dict[int, tuple[int, int]]:
        """The first offset and the one after the last readable record of each partition.

        Raises:
            KafkaSourceError: the brokers do not answer in time, or refuse.
        """
        errors = Errors(self._options)
        consumer = _consumer(self._options, errors)
        deadline = time.monotonic() + self._options.timeout_s
        try:
            while True:
                left_s = max(_STEP_S, deadline - time.monotonic())
                try:
                    return self._ask(consumer, min(5.0, left_s))
                except KafkaException as error:
                    errors.note(error.args[0])
                consumer.poll(_STEP_S)
                if errors.is_final or time.monotonic() >= deadline:
                    raise errors.to_error("its offsets cannot be read")
        finally:
            consumer.close()

    def _ask(self, consumer: Any, seconds: float) -> dict[int, tuple[int, int]]:
        topic = consumer.list_topics(self._options.topic, seconds).topics[self._options.topic]
        if topic.error is not None:
            raise KafkaException(topic.error)
        return {
            at: consumer.get_watermark_offsets(TopicPartition(topic.topic, at), seconds)
            for at in topic.partitions
        }

    def _to_json(self, offsets: Mapping[int, int]) -> OffsetJson:
        return {self._options.topic: {str(at): offsets[at] for at in sorted(offsets)}}

    def _from_json(self, json: OffsetJson) -> Offsets:
        if set(json) != {self._options.topic}:
            raise KafkaSourceError(
                f"the checkpoint is for topic {', '.join(json)}, not {self._options.topic}"
            )
        return {int(at): offset for at, offset in json[self._options.topic].items()}

    def _lost(self, partition: int, what: str) -> KafkaSourceError:
        return KafkaSourceError(f"topic {self._options.topic}, partition {partition}: {what}")


def shares(lags: Mapping[int, int], limit: int) -> Offsets:
    """Number of offsets to take from each partition, at most `limit` in total.

    In proportion to the lag of each, so that none gets far ahead of the others in time.

    >>> shares({0: 900, 1: 100, 2: 0}, 50)
    {0: 45, 1: 5, 2: 0}
    >>> shares({0: 3, 1: 3, 2: 3}, 4)
    {0: 2, 1: 1, 2: 1}
    """
    total = sum(lags.values())
    if total <= limit:
        return dict(lags)
    taken = {at: lag * limit // total for at, lag in lags.items()}
    by_rest = sorted(lags, key=lambda at: (-(lags[at] * limit % total), at))
    for at in by_rest[: limit - sum(taken.values())]:
        taken[at] += 1
    return taken


def report_loss(options: Options, error: KafkaSourceError) -> None:
    """Raise an error about lost records, or log it if the options allow that."""
    if options.fail_on_data_loss:
        raise KafkaSourceError(f"{error}; to continue there, give failOnDataLoss=false")
    _logger.warning("%s; continuing with the remaining records", error)


def read_range(options: Options, wanted: KafkaRange) -> Iterator[pa.RecordBatch]:
    """Read a range up to its end, some of whose offsets may be compacted away or of transactions.

    Raises:
        KafkaSourceError: records of the range are lost, or the broker does not answer.
    """
    errors = Errors(options)
    consumer = _consumer(options, errors)
    consumer.assign([TopicPartition(options.topic, wanted.partition, wanted.start)])
    position, deadline = wanted.start, time.monotonic() + options.timeout_s
    what = f"partition {wanted.partition} cannot be read"
    try:
        while position < wanted.end:
            before, records = position, []
            for message in consumer.consume(min(wanted.end - position, _MAX_RECORDS), _STEP_S):
                name = "" if message.error() is None else message.error().name()
                if not name:
                    position = max(position, message.offset() + 1)
                    if wanted.start <= message.offset() < wanted.end:
                        records.append(message)
                elif name == "_PARTITION_EOF":
                    # All records before were read; missing offsets have been compacted away.
                    position = max(position, message.offset())
                elif name == "_AUTO_OFFSET_RESET":
                    report_loss(options, errors.to_error(f"{what}: offset {position} is lost"))
                    place = TopicPartition(options.topic, wanted.partition, OFFSET_BEGINNING)
                    consumer.assign([place])
                else:
                    errors.note(message.error())
            if records:
                yield _to_batch(options.topic, wanted.partition, records)
            if position > before:
                errors.forget()
                deadline = time.monotonic() + options.timeout_s
            elif errors.is_final or time.monotonic() >= deadline:
                raise errors.to_error(f"{what} from offset {position}")
    finally:
        consumer.close()


def _consumer(options: Options, errors: Errors) -> Any:
    """A client that reads; it belongs to no group and commits nothing."""
    return connect(
        Consumer,
        options,
        errors,
        group_id="python-kafka",  # which librdkafka requires even for a client that joins none
        auto_offset_reset="error",
        enable_auto_commit=False,
        enable_auto_offset_store=False,
        enable_partition_eof=True,
        allow_auto_create_topics=False,
    )


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
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
