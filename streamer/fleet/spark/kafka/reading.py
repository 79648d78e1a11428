"""Source on the driver: available offsets, and their division into batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pyspark.sql.datasource import DataSourceStreamReader
from pyspark.sql.streaming.datasource import (
    ReadLimit,
    ReadMaxRows,
    SupportsTriggerAvailableNow,
)

from streamer.fleet.spark.kafka.offsets import OffsetJson, Offsets, from_json, shares, to_json
from streamer.fleet.spark.kafka.options import SourceOptions
from streamer.fleet.spark.kafka.ranges import (
    RECREATED,
    KafkaRange,
    loss_text,
    read_range,
    report_loss,
)
from streamer.fleet.spark.kafka.topic import Topic

if TYPE_CHECKING:
    import pyarrow as pa


class KafkaReader(DataSourceStreamReader, SupportsTriggerAvailableNow):  # type: ignore[misc]
    """Plans batches as ranges of offsets, each of which is read by a task.

    The partitions are looked up for each batch; a new partition is read from its start.

    Args:
        options: options of the source.
    """

    def __init__(self, options: SourceOptions) -> None:
        self._options = options
        self._topic = Topic(options)
        self._initial: OffsetJson | None = None
        self._newest: Offsets | None = None
        self._target: Offsets | None = None

    def initialOffset(self) -> OffsetJson:
        """Offsets at which a new checkpoint begins.

        Raises:
            LinkError: the brokers do not answer, or refuse.
        """
        if not self._options.latest:
            return to_json(self._options.topic, self._topic.starts())
        self._initial = to_json(self._options.topic, self._topic.ends())
        return self._initial

    def latestOffset(self, start: OffsetJson, limit: ReadLimit) -> OffsetJson:
        """Offsets at which the batch that begins at `start` ends.

        Raises:
            SourceError: records since `start` are lost.
            LinkError: the brokers do not answer, or refuse.
        """
        if self._initial == start:
            # An empty batch stores the beginning in the checkpoint. Otherwise, after a crash in
            # the first batch, Spark would ask again, and "latest" would be later.
            self._initial = None
            return start
        ends = self._newest = self._topic.ends()
        begins = from_json(self._options.topic, start)
        for at in sorted(begins.keys() - ends.keys()):
            report_loss(self._options, f"partition {at} no longer exists; {RECREATED}")
        begins = {at: begins.get(at, 0) for at in ends}
        positions = self._positions(begins, ends)
        # A partition whose position moves back does so in a batch without records of it.
        lags = {
            at: max(0, self._until(at, end) - positions[at]) if begins[at] <= end else 0
            for at, end in ends.items()
        }
        taken = shares(lags, limit.max_rows) if isinstance(limit, ReadMaxRows) else lags
        return to_json(self._options.topic, {at: positions[at] + taken[at] for at in ends})

    def getDefaultReadLimit(self) -> ReadLimit:
        """Largest batch, by the option `maxrecords`."""
        return ReadMaxRows(self._options.max_records)

    def reportLatestOffset(self) -> OffsetJson | None:
        """The topic's end when it was last looked up, for the progress report."""
        return None if self._newest is None else to_json(self._options.topic, self._newest)

    def prepareForTriggerAvailableNow(self) -> None:
        """Limit the query to the records available now.

        Raises:
            LinkError: the brokers do not answer, or refuse.
        """
        self._target = self._topic.ends()

    def partitions(self, start: OffsetJson, end: OffsetJson) -> Sequence[KafkaRange]:
        """The ranges of a batch, for the partitions with records in it."""
        begins, ends = (from_json(self._options.topic, it) for it in (start, end))
        ranges = (KafkaRange(at, begins.get(at, 0), until) for at, until in ends.items())
        return [it for it in ranges if it.start < it.end]

    def read(self, partition: KafkaRange) -> Iterator[pa.RecordBatch]:
        """Read one range; called on an executor.

        Raises:
            SourceError: records of the range are lost.
            LinkError: the broker does not answer, or refuses.
        """
        return read_range(self._options, partition)

    def stop(self) -> None:
        """Close the connection at the end of the query."""
        self._topic.close()

    def _positions(self, begins: Offsets, ends: Offsets) -> Offsets:
        """Offsets to continue at: the end of the last batch, if those records still exist."""
        starts = self._topic.starts([at for at in ends if begins[at] != ends[at]])
        for at, first in starts.items():
            if begins[at] > ends[at]:
                text = (
                    f"partition {at} ends at offset {ends[at]}, before the next one, {begins[at]}"
                )
                report_loss(self._options, f"{text}; {RECREATED}")
            elif begins[at] < first:
                report_loss(self._options, loss_text(at, begins[at], first))
            else:
                starts[at] = begins[at]
        return begins | starts

    def _until(self, partition: int, end: int) -> int:
        return end if self._target is None else min(end, self._target.get(partition, 0))
