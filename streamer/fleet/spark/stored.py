"""Summaries of shards out of their stored states."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from streamer.fleet.jsonrecords import from_json
from streamer.fleet.spark.checkpoint import CheckpointConfig
from streamer.fleet.spark.failures import explained
from streamer.fleet.summary import ShardSummary

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import SparkSession


def read_summaries(
    session: SparkSession, checkpoint: str, config: CheckpointConfig, batch: int
) -> dict[int, ShardSummary]:
    """Summaries of all shards after a batch, by key; the executors read the states.

    Args:
        session: the Spark session.
        checkpoint: the query's checkpoint.
        config: configuration of the checkpoint.
        batch: number of a completed batch.

    Raises:
        SparkError: Spark cannot read the states.
    """
    from streamer.fleet.spark.processor import restored_shard, task_of
    from streamer.fleet.spark.states import SHARD, decompressed

    task = task_of(config)

    def summarised(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        for rows in batches:
            texts = []
            for state in rows.column("state"):
                shard = restored_shard(task, decompressed(state.as_py()))
                texts.append(json.dumps(vars(shard.tally())))
            yield pa.RecordBatch.from_arrays([rows.column("key"), pa.array(texts)], ["key", "text"])

    with explained(f"{checkpoint}: the state of batch {batch}, below state/, cannot be read"):
        states = (
            session.read.format("statestore")
            .option("stateVarName", SHARD)
            .option("batchId", batch)
            .load(checkpoint)
            .select("key.key", "value.state")
        )
        found = states.mapInArrow(summarised, "key int, text string").collect()
    return {row["key"]: from_json(ShardSummary, row["text"]) for row in found}
