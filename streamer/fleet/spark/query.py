"""Forecasts of a fleet as a query of Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamer.fleet.columns import COLUMNS
from streamer.fleet.spark.checkpoint import CheckpointConfig
from streamer.fleet.spark.keys import shard_key
from streamer.fleet.spark.values import clean

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def forecast(readings: DataFrame, config: CheckpointConfig) -> DataFrame:
    """Forecasts for readings, in the columns of `streamer.fleet.columns.COLUMNS`.

    The alarms are an array of kinds.

    Args:
        readings: columns meter, minute and kw, of any type.
        config: configuration of the checkpoint.
    """
    from pyspark.sql import functions as fn

    from streamer.fleet.spark.packing import PACKED, pack
    from streamer.fleet.spark.processor import OUTPUT, ShardProcessor, task_of

    choices = config.choices
    cleaned = clean(readings, choices.notation)
    is_whole = (
        cleaned["meter"].isNotNull() & cleaned["minute"].isNotNull() & cleaned["kw"].isNotNull()
    )
    observed = cleaned.observe(
        "read", fn.count(fn.lit(1)).alias("read"), fn.count_if(~is_whole).alias("unusable")
    )
    keyed = observed.where(is_whole).select(
        shard_key(observed["meter"], choices.shards, config.partitions).alias("key"),
        "meter",
        "minute",
        "kw",
    )
    packed = keyed.mapInArrow(pack, PACKED)
    out = packed.groupBy("key").transformWithStateInPandas(
        ShardProcessor(task_of(config)), OUTPUT, "Append", "ProcessingTime"
    )
    watched = out.observe("shards", fn.collect_list(out["report"]).alias("reports"))
    columns = [
        fn.timestamp_micros(watched[name]).alias(name) if kind == "timestamp" else watched[name]
        for name, kind in COLUMNS.items()
    ]
    columns[list(COLUMNS).index("alarms")] = fn.split(watched["alarms"], ",").alias("alarms")
    return watched.where(watched["meter"].isNotNull()).select(*columns)
