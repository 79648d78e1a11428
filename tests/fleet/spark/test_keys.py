"""Tests of the assignment of meters to shards, and of shards to partitions."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as fn

from streamer.fleet.spark.keys import murmur3, shard_key, shard_keys

NUMBERS = [0, 1, -1, 42, 2**31 - 1, -(2**31), *range(-50, 50, 7)]


@settings(max_examples=30)
@given(st.integers(1, 200), st.integers(1, 40))
def test_each_shard_has_its_own_key_in_its_partition(shards: int, partitions: int) -> None:
    keys = shard_keys(shards, partitions)
    assert len(set(keys)) == shards
    assert [murmur3(key) % partitions for key in keys] == [i % partitions for i in range(shards)]


@pytest.mark.xdist_group("spark")
def test_the_hash_equals_that_of_spark(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(number,) for number in NUMBERS], "number int")
    theirs = {
        row.number: row.hash
        for row in rows.select("number", fn.hash("number").alias("hash")).collect()
    }
    assert theirs == {number: murmur3(number) for number in NUMBERS}


@pytest.mark.xdist_group("spark")
def test_shards_are_distributed_evenly(spark: SparkSession) -> None:
    meters = spark.range(2000).select(fn.format_string("meter-%05d", "id").alias("meter"))
    keyed = meters.select("meter", shard_key(meters["meter"], 10, 4).alias("key"))
    spread = keyed.repartition(4, "key").select("key", fn.spark_partition_id().alias("at"))
    places = {(row.key, row.at) for row in spread.distinct().collect()}
    assert places == {(key, i % 4) for i, key in enumerate(shard_keys(10, 4))}
    sizes = Counter(row.key for row in keyed.collect())
    assert min(sizes.values()) > 100
