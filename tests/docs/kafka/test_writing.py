"""Tests of the example's sink without Spark: its writer with a real broker."""

from __future__ import annotations

import pickle
from collections.abc import Mapping

import pyarrow as pa
import pytest
from kafka_source import KafkaDataSource
from kafka_source.options import KafkaSourceError
from kafka_source.writing import Written
from pyspark.sql.streaming.datasource import ReadAllAvailable
from pyspark.sql.types import StructType

from tests.docs.kafka.broker import NEEDS_BROKER, KafkaBroker

pytestmark = NEEDS_BROKER

TOPIC = "forecasts"


def _write(
    broker: KafkaBroker, *batches: pa.RecordBatch, options: Mapping[str, str] | None = None
) -> Written:
    """Write batches like a task, with a pickled writer."""
    given = {"kafka.bootstrap.servers": broker.servers, "topic": TOPIC, "timeout": "15"} | (
        options or {}
    )
    schema = StructType()
    for name in batches[0].schema.names:
        schema.add(name, "string")
    writer = KafkaDataSource(given).streamWriter(schema, overwrite=False)
    sent = pickle.loads(pickle.dumps(writer))  # noqa: S301 - like Spark
    message = pickle.loads(pickle.dumps(sent.write(iter(batches))))  # noqa: S301 - like Spark
    assert isinstance(message, Written)
    return message


def test_all_rows_are_written_at_the_end_of_a_task(broker: KafkaBroker) -> None:
    broker.create(TOPIC, 3)
    keys, values = [f"m{count % 7}" for count in range(500)], [f"{count}" for count in range(500)]
    batches = [
        pa.record_batch({"key": keys[at : at + 100], "value": values[at : at + 100]})
        for at in range(0, 500, 100)
    ]

    written = _write(broker, *batches)

    assert written.records == 500
    found = broker.consume(TOPIC, 500)
    assert sorted(found) == sorted(
        (key.encode(), value.encode()) for key, value in zip(keys, values, strict=True)
    )


def test_rows_of_a_key_stay_in_order(broker: KafkaBroker) -> None:
    broker.create(TOPIC, 3)
    rows = pa.record_batch({"key": ["m1", "m2"] * 50, "value": [f"{n}" for n in range(100)]})

    _write(broker, rows)

    found = broker.consume(TOPIC, 100)
    for key, first in ((b"m1", 0), (b"m2", 1)):
        values = [int(value or b"") for found_key, value in found if found_key == key]
        assert values == list(range(first, 100, 2))


def test_a_key_has_the_partition_of_javas_clients(broker: KafkaBroker) -> None:
    broker.create(TOPIC, 7)
    keys = {"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536}

    _write(broker, pa.record_batch({"key": list(keys), "value": ["x"] * 3}))

    source = KafkaDataSource({"kafka.bootstrap.servers": broker.servers, "subscribe": TOPIC})
    reader = source.streamReader(source.schema())
    used = [(murmur2 & 0x7FFFFFFF) % 7 for murmur2 in keys.values()]
    offset = {f"{number}": used.count(number) for number in range(7)}
    assert reader.latestOffset(reader.initialOffset(), ReadAllAvailable()) == {TOPIC: offset}


def test_key_and_value_may_be_missing_or_binary(broker: KafkaBroker) -> None:
    broker.create(TOPIC)
    only_values = pa.record_batch({"value": pa.array([b"\x00\xff", None], pa.binary())})

    assert _write(broker, only_values).records == 2
    assert _write(broker, only_values.slice(0, 0)).records == 0
    assert broker.consume(TOPIC, 2) == [(None, b"\x00\xff"), (None, None)]


def test_a_refused_record_is_an_error(broker: KafkaBroker) -> None:
    broker.create(TOPIC)

    with pytest.raises(KafkaSourceError, match=r"records cannot be written: .*size too large"):
        _write(broker, pa.record_batch({"value": ["x", "y" * 2_000_000]}))


def test_an_unreachable_broker_is_an_error(broker: KafkaBroker) -> None:
    broker.create(TOPIC)
    broker.kill()

    with pytest.raises(KafkaSourceError) as caught:
        _write(broker, pa.record_batch({"value": ["x"]}), options={"timeout": "0.3"})

    assert f"Kafka at {broker.servers}, topic {TOPIC}: records cannot be" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_writing_waits_while_the_queue_is_full(broker: KafkaBroker) -> None:
    broker.create(TOPIC)
    small = {"kafka.queue.buffering.max.messages": "10"}
    rows = pa.record_batch({"value": [f"{count}" for count in range(40)]})

    assert _write(broker, rows, options=small).records == 40
    assert broker.consume(TOPIC, 40) == [(None, b"%d" % count) for count in range(40)]

    broker.kill()
    with pytest.raises(KafkaSourceError, match="records cannot be written"):
        _write(broker, rows, options=small | {"timeout": "0.3"})


def test_other_columns_are_rejected() -> None:
    source = KafkaDataSource({"kafka.bootstrap.servers": "127.0.0.1:1", "topic": TOPIC})
    for names in (["key"], ["value", "meter"]):
        schema = StructType()
        for name in names:
            schema.add(name, "string")
        with pytest.raises(ValueError, match="needs columns value and key"):
            source.streamWriter(schema, overwrite=False)
