"""The source's part on the driver: which offsets there are, and which make a batch."""

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
    ANEW,
    KafkaRange,
    gone,
    read_range,
    say_lost,
)
from streamer.fleet.spark.kafka.topic import Topic

if TYPE_CHECKING:
    import pyarrow as pa


class KafkaReader(DataSourceStreamReader, SupportsTriggerAvailableNow):  # type: ignore[misc]
    """Plans batches as ranges of offsets; a task reads one range.

    The partitions are looked up for each batch; one that is new is read from its start.

    Args:
        options: what the source was told.
    """

    def __init__(self, options: SourceOptions) -> None:
        self._options = options
        self._topic = Topic(options)
        self._initial: OffsetJson | None = None
        self._newest: Offsets | None = None
        self._target: Offsets | None = None

    def initialOffset(self) -> OffsetJson:
        """Where a new checkpoint begins.

        Raises:
            LinkError: the brokers do not answer, or refuse.
        """
        if not self._options.latest:
            return to_json(self._options.topic, self._topic.starts())
        self._initial = to_json(self._options.topic, self._topic.ends())
        return self._initial

    def latestOffset(self, start: OffsetJson, limit: ReadLimit) -> OffsetJson:
        """Where the batch that begins at `start` ends.

        Raises:
            SourceError: records are gone that were to be read.
            LinkError: the brokers do not answer, or refuse.
        """
        if self._initial == start:
            # An empty batch, so that the checkpoint has where it all began: Spark asks again
            # for the first offset if it dies in the first batch, and "latest" would be later.
            self._initial = None
            return start
        ends = self._newest = self._topic.ends()
        begins = from_json(self._options.topic, start)
        for at in sorted(begins.keys() - ends.keys()):
            say_lost(self._options, f"partition {at} is not there any more; {ANEW}")
        begins = {at: begins.get(at, 0) for at in ends}
        positions = self._positions(begins, ends)
        # One that goes back does it in a batch of its own, in which it has nothing to read.
        lags = {
            at: max(0, self._until(at, end) - positions[at]) if begins[at] <= end else 0
            for at, end in ends.items()
        }
        taken = shares(lags, limit.max_rows) if isinstance(limit, ReadMaxRows) else lags
        return to_json(self._options.topic, {at: positions[at] + taken[at] for at in ends})

    def getDefaultReadLimit(self) -> ReadLimit:
        """Of a batch, as the option `maxrecords` says."""
        return ReadMaxRows(self._options.max_records)

    def reportLatestOffset(self) -> OffsetJson | None:
        """The topic's end when it was last looked at, for the progress report."""
        return None if self._newest is None else to_json(self._options.topic, self._newest)

    def prepareForTriggerAvailableNow(self) -> None:
        """Take what is there now as all there will be.

        Raises:
            LinkError: the brokers do not answer, or refuse.
        """
        self._target = self._topic.ends()

    def partitions(self, start: OffsetJson, end: OffsetJson) -> Sequence[KafkaRange]:
        """The ranges of a batch, of those partitions that have any."""
        begins, ends = (from_json(self._options.topic, it) for it in (start, end))
        ranges = (KafkaRange(at, begins.get(at, 0), until) for at, until in ends.items())
        return [it for it in ranges if it.start < it.end]

    def read(self, partition: KafkaRange) -> Iterator[pa.RecordBatch]:
        """Read one range; called on an executor.

        Raises:
            SourceError: records are gone that were to be read.
            LinkError: the broker does not answer, or refuses.
        """
        return read_range(self._options, partition)

    def stop(self) -> None:
        """The query has ended."""
        self._topic.close()

    def _positions(self, begins: Offsets, ends: Offsets) -> Offsets:
        """Where to read on: where the last batch ended, if that is still there."""
        starts = self._topic.starts([at for at in ends if begins[at] != ends[at]])
        for at, first in starts.items():
            if begins[at] > ends[at]:
                text = f"partition {at} ends at offset {ends[at]}, and {begins[at]} was to be next"
                say_lost(self._options, f"{text}; {ANEW}")
            elif begins[at] < first:
                say_lost(self._options, gone(at, begins[at], first))
            else:
                starts[at] = begins[at]
        return begins | starts

    def _until(self, partition: int, end: int) -> int:
        return end if self._target is None else min(end, self._target.get(partition, 0))
