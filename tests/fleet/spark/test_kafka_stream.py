"""Tests of the Kafka source and sink in Spark, including a restart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyspark.errors import StreamingQueryException
from pyspark.sql import DataFrame, SparkSession

from streamer.fleet.spark.kafka.datasource import FORMAT, register
from tests.fleet.spark.kafkabroker import NEEDS_BROKER, KafkaBroker

pytestmark = [NEEDS_BROKER, pytest.mark.slow, pytest.mark.xdist_group("spark")]

_SECONDS = 120


def _source(spark: SparkSession, broker: KafkaBroker, **options: str) -> DataFrame:
    return (
        spark.readStream.format(FORMAT)
        .options(servers=broker.servers, topic="readings", timeout="15", **options)
        .load()
    )


def _copy(source: DataFrame, broker: KafkaBroker, checkpoint: Path) -> list[int]:
    """Copy all available records to another topic; return the offsets at each batch's end."""
    query = (
        source.selectExpr("key", "upper(CAST(value AS STRING)) AS value")
        .writeStream.format(FORMAT)
        .options(servers=broker.servers, topic="copied", timeout="15")
        .option("checkpointLocation", str(checkpoint))
        .trigger(availableNow=True)
        .start()
    )
    try:
        assert query.awaitTermination(_SECONDS)
        progress = [json.loads(it.json) for it in query.recentProgress]
    finally:
        query.stop()
    return [sum(it["sources"][0]["endOffset"]["readings"].values()) for it in progress]


def test_every_record_is_copied_once_over_a_restart(
    spark: SparkSession, broker: KafkaBroker, tmp_path: Path
) -> None:
    register(spark)
    broker.create("readings", 2)
    broker.create("copied")
    checkpoint = tmp_path / "checkpoint"
    for partition in (0, 1):
        broker.produce("readings", [f"a{partition}-{n}" for n in range(300)], partition)

    source = _source(spark, broker, maxrecords="400")
    assert source.schema.simpleString() == (
        "struct<key:binary,value:binary,topic:string,partition:int,offset:bigint,"
        "timestamp:timestamp,timestampType:int>"
    )
    assert _copy(source, broker, checkpoint)[:2] == [400, 600]
    broker.grow("readings", 3)
    for partition in (1, 2):
        broker.produce("readings", [f"b{partition}-{n}" for n in range(50)], partition)
    _copy(_source(spark, broker), broker, checkpoint)

    sent = [f"{batch}-{n}" for batch in ("a0", "a1") for n in range(300)]
    sent += [f"{batch}-{n}" for batch in ("b1", "b2") for n in range(50)]
    copied = broker.consume("copied", 700)
    assert sorted(copied) == sorted((it.encode(), it.upper().encode()) for it in sent)
    offsets = (checkpoint / "offsets" / "1").read_text().splitlines()
    assert json.loads(offsets[-1]) == {"readings": {"0": 300, "1": 300}}


def test_an_error_of_the_source_is_in_the_message_of_the_query(
    spark: SparkSession, broker: KafkaBroker, tmp_path: Path
) -> None:
    register(spark)
    broker.create("readings")
    broker.create("copied")
    broker.produce("readings", ["a", "b", "c"])
    _copy(_source(spark, broker), broker, tmp_path / "checkpoint")
    broker.produce("readings", ["d", "e"])
    broker.truncate("readings", 0, 4)

    with pytest.raises(StreamingQueryException) as caught:
        _copy(_source(spark, broker), broker, tmp_path / "checkpoint")

    assert (
        "streamer.errors.SourceError: Kafka topic readings, partition 0: "
        "offset 3 is lost, the earliest one left is 4; "
    ) in str(caught.value)
