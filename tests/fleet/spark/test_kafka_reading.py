"""Tests of the Kafka source without Spark: its reader with a real broker."""

from __future__ import annotations

import logging
import pickle
import threading
import time
from pathlib import Path

import pytest
from pyspark.sql.streaming.datasource import ReadAllAvailable, ReadMaxRows

from streamer.errors import LinkError, RefusedError, SourceError, UsageError
from streamer.fleet.spark.kafka.datasource import KafkaDataSource
from streamer.fleet.spark.kafka.ranges import KafkaRange
from streamer.fleet.spark.kafka.reading import KafkaReader
from tests.fleet.spark.kafkabroker import NEEDS_BROKER, KafkaBroker

pytestmark = NEEDS_BROKER

ALL = ReadAllAvailable()
TOPIC = "readings"


def _reader(broker: KafkaBroker, **options: str) -> KafkaReader:
    source = KafkaDataSource({"servers": broker.servers, "topic": TOPIC, "timeout": "15"} | options)
    reader = source.streamReader(source.schema())
    assert isinstance(reader, KafkaReader)
    return reader


def _values(reader: KafkaReader, *ranges: KafkaRange) -> list[str]:
    """Values read by tasks, each with a pickled reader and range."""
    values: list[str] = []
    for it in ranges:
        sent_reader, sent = pickle.loads(pickle.dumps((reader, it)))  # noqa: S301 - like Spark
        for batch in sent_reader.read(sent):
            values += [value.decode() for value in batch.column("value").to_pylist()]
    return values


def _named(prefix: str, number: int) -> list[str]:
    return [f"{prefix}{count}" for count in range(number)]


def test_batches_are_contiguous(broker: KafkaBroker) -> None:
    broker.create(TOPIC, 2)
    broker.produce(TOPIC, _named("a", 10), 0)
    broker.produce(TOPIC, _named("b", 4), 1)
    reader = _reader(broker)

    start = reader.initialOffset()
    end = reader.latestOffset(start, reader.getDefaultReadLimit())
    ranges = reader.partitions(start, end)

    assert start == {TOPIC: {"0": 0, "1": 0}}
    assert end == {TOPIC: {"0": 10, "1": 4}}
    assert ranges == [KafkaRange(0, 0, 10), KafkaRange(1, 0, 4)]
    assert _values(reader, *ranges) == _named("a", 10) + _named("b", 4)
    assert reader.latestOffset(end, ALL) == end
    assert reader.partitions(end, end) == []
    broker.produce(TOPIC, ["c"], 1)
    later = reader.latestOffset(end, ALL)
    assert reader.reportLatestOffset() == later == {TOPIC: {"0": 10, "1": 5}}
    assert _values(reader, *reader.partitions(end, later)) == ["c"]
    reader.stop()


def test_the_columns_are_those_of_sparks_connector(broker: KafkaBroker) -> None:
    broker.create(TOPIC)
    before = time.time()
    broker.produce(TOPIC, ["a"])

    (batch,) = _reader(broker).read(KafkaRange(0, 0, 1))

    (row,) = batch.to_pylist()
    stamp = row.pop("timestamp").timestamp()
    assert before - 1 <= stamp <= time.time() + 1
    assert row == {
        "key": b"a",
        "value": b"a",
        "topic": TOPIC,
        "partition": 0,
        "offset": 0,
        "timestampType": 0,
    }


def test_a_batch_may_be_limited(broker: KafkaBroker) -> None:
    broker.create(TOPIC, 2)
    broker.produce(TOPIC, _named("a", 90), 0)
    broker.produce(TOPIC, _named("b", 10), 1)
    reader = _reader(broker, maxrecords="50")
    offset = reader.initialOffset()

    assert reader.getDefaultReadLimit() == ReadMaxRows(50)
    seen: list[str] = []
    while (end := reader.latestOffset(offset, reader.getDefaultReadLimit())) != offset:
        ranges = reader.partitions(offset, end)
        assert [(it.partition, it.end - it.start) for it in ranges] == [(0, 45), (1, 5)]
        seen += _values(reader, *ranges)
        offset = end

    assert sorted(seen) == sorted(_named("a", 90) + _named("b", 10))
    assert reader.latestOffset(reader.initialOffset(), ALL) == offset


def test_a_new_partition_is_read_from_its_start(broker: KafkaBroker) -> None:
    broker.create(TOPIC)
    broker.produce(TOPIC, ["a"])
    reader = _reader(broker, startingoffsets="latest")
    start = reader.initialOffset()
    assert reader.latestOffset(start, ALL) == start == {TOPIC: {"0": 1}}

    broker.grow(TOPIC, 3)
    broker.produce(TOPIC, ["b", "c"], 2)
    end = reader.latestOffset(start, ALL)

    assert end == {TOPIC: {"0": 1, "1": 0, "2": 2}}
    assert _values(reader, *reader.partitions(start, end)) == ["b", "c"]


def test_latest_begins_with_an_empty_batch_that_stores_the_offsets(broker: KafkaBroker) -> None:
    broker.create(TOPIC)
    broker.produce(TOPIC, _named("old", 3))
    reader = _reader(broker, startingoffsets="latest")

    start = reader.initialOffset()
    broker.produce(TOPIC, ["new"])
    first = reader.latestOffset(start, ALL)
    again = _reader(broker, startingoffsets="latest")
    # As after a crash in the first batch: its end is known, its start is requested again.
    assert again.partitions(again.initialOffset(), first) == []

    end = again.latestOffset(first, ALL)
    assert start == first == {TOPIC: {"0": 3}}
    assert _values(again, *again.partitions(first, end)) == ["new"]


def test_available_now_reads_only_existing_records(broker: KafkaBroker) -> None:
    broker.create(TOPIC)
    broker.produce(TOPIC, _named("a", 3))
    reader = _reader(broker)
    start = reader.initialOffset()

    reader.prepareForTriggerAvailableNow()
    broker.produce(TOPIC, ["later"])
    broker.grow(TOPIC, 2)
    broker.produce(TOPIC, ["later"], 1)
    end = reader.latestOffset(start, ALL)

    assert _values(reader, *reader.partitions(start, end)) == _named("a", 3)
    assert reader.latestOffset(end, ALL) == end


def test_transactions_leave_gaps_and_only_committed_ones_are_read(
    broker: KafkaBroker, tmp_path: Path
) -> None:
    config = tmp_path / "kafka.properties"
    config.write_text("isolation.level=read_uncommitted\n")
    broker.create(TOPIC)
    with broker.transaction("committed", TOPIC, ["a", "b"]) as producer:
        producer.commit_transaction()
    with broker.transaction("aborted", TOPIC, ["never"]) as producer:
        producer.abort_transaction()
    broker.produce(TOPIC, ["c"])
    reader = _reader(broker)
    start = reader.initialOffset()

    with broker.transaction("open", TOPIC, ["open"]) as producer:
        end = reader.latestOffset(start, ALL)
        # a, b, the marker of a commit, the aborted record and its marker, c
        assert end == {TOPIC: {"0": 6}}
        assert _values(reader, *reader.partitions(start, end)) == ["a", "b", "c"]
        hasty = _reader(broker, config=str(config))
        assert hasty.latestOffset(start, ALL) == {TOPIC: {"0": 7}}
        assert _values(hasty, KafkaRange(0, 0, 7)) == ["a", "b", "never", "c", "open"]
        producer.commit_transaction()
    last = reader.latestOffset(end, ALL)
    assert last == {TOPIC: {"0": 8}}
    assert _values(reader, KafkaRange(0, 6, 8)) == ["open"]
    assert _values(reader, KafkaRange(0, 7, 8)) == []
    assert _values(reader, KafkaRange(0, 2, 4)) == []


def test_lost_records_are_an_error(broker: KafkaBroker) -> None:
    broker.create(TOPIC)
    broker.produce(TOPIC, _named("a", 10))
    broker.truncate(TOPIC, 0, 6)
    reader = _reader(broker)
    start = {TOPIC: {"0": 2}}
    message = "topic readings, partition 0: offset 2 is lost, the earliest one left is 6; "

    with pytest.raises(SourceError) as planned:
        reader.latestOffset(start, ALL)
    with pytest.raises(SourceError) as read:
        _values(reader, KafkaRange(0, 2, 10))

    for caught in (planned, read):
        assert message in str(caught.value)
        assert "failondataloss=false" in str(caught.value)
    assert reader.initialOffset() == {TOPIC: {"0": 6}}


def test_reading_may_continue_after_lost_records(
    broker: KafkaBroker, caplog: pytest.LogCaptureFixture
) -> None:
    broker.create(TOPIC)
    broker.produce(TOPIC, _named("a", 10))
    broker.truncate(TOPIC, 0, 6)
    reader = _reader(broker, failondataloss="false", maxrecords="3")
    start = {TOPIC: {"0": 2}}

    with caplog.at_level(logging.WARNING):
        end = reader.latestOffset(start, reader.getDefaultReadLimit())
        values = _values(reader, *reader.partitions(start, end))

    assert end == {TOPIC: {"0": 9}}
    assert values == ["a6", "a7", "a8"]
    assert "offset 2 is lost, the earliest one left is 6; continuing" in caplog.text
    assert _values(reader, KafkaRange(0, 2, 5)) == []


def test_a_topic_that_was_created_again_is_detected(
    broker: KafkaBroker, caplog: pytest.LogCaptureFixture
) -> None:
    broker.create(TOPIC, 2)
    broker.produce(TOPIC, _named("a", 10))
    before = _reader(broker).latestOffset({TOPIC: {"0": 0, "1": 0}}, ALL)
    broker.delete(TOPIC)
    broker.create(TOPIC)
    broker.produce(TOPIC, _named("b", 2))

    with pytest.raises(SourceError, match="partition 1 no longer exists; was the topic"):
        _reader(broker).latestOffset(before, ALL)
    with pytest.raises(SourceError, match="partition 0 ends at offset 2, before the next one, 10"):
        _reader(broker).latestOffset({TOPIC: {"0": 10}}, ALL)
    with pytest.raises(SourceError, match="partition 0 ends at offset 2, before the next one, 5"):
        _values(_reader(broker), KafkaRange(0, 5, 10))

    reader = _reader(broker, failondataloss="false")
    back = reader.latestOffset(before, ALL)
    assert reader.partitions(before, back) == []
    end = reader.latestOffset(back, ALL)
    assert _values(reader, *reader.partitions(back, end)) == ["b0", "b1"]
    assert _values(reader, KafkaRange(0, 5, 10)) == []
    assert "before the next one, 10" in caplog.text


def test_a_missing_topic_is_not_created(broker: KafkaBroker) -> None:
    for _ in range(2):
        with pytest.raises(RefusedError, match=r"Unknown topic or partition; create the topic"):
            _reader(broker).initialOffset()


def test_an_unreachable_broker_is_an_error_after_the_time_out(broker: KafkaBroker) -> None:
    broker.create(TOPIC)
    broker.produce(TOPIC, ["a"])
    reader = _reader(broker, timeout="1")
    offset = reader.initialOffset()
    broker.kill()

    for attempt in (
        lambda: reader.latestOffset(offset, ALL),
        lambda: _reader(broker, timeout="1").initialOffset(),
        lambda: _values(reader, KafkaRange(0, 0, 1)),
    ):
        before = time.monotonic()
        with pytest.raises(LinkError) as caught:
            attempt()
        assert time.monotonic() - before < 10
        assert "Connection refused" in str(caught.value)
        assert f"Kafka at {broker.servers}, topic readings: " in str(caught.value)
        assert "\n" not in str(caught.value)


def test_reading_continues_after_a_broker_was_killed(broker: KafkaBroker) -> None:
    broker.create(TOPIC)
    broker.produce(TOPIC, _named("a", 100))
    reader = _reader(broker)
    start = reader.initialOffset()
    end = reader.latestOffset(start, ALL)

    broker.wait_until_saved(TOPIC, 100)
    broker.kill()
    broker.start()
    broker.produce(TOPIC, ["b"])

    assert reader.latestOffset(start, ALL) == {TOPIC: {"0": 101}}
    assert _values(reader, *reader.partitions(start, end)) == _named("a", 100)
    assert _values(reader, KafkaRange(0, 100, 101)) == ["b"]


def test_a_broker_that_returns_in_time_is_waited_for(broker: KafkaBroker) -> None:
    broker.create(TOPIC)
    broker.produce(TOPIC, _named("a", 100))
    broker.wait_until_saved(TOPIC, 100)
    reader = _reader(broker)
    end = reader.latestOffset(reader.initialOffset(), ALL)

    for wait_for in (
        lambda: reader.latestOffset(end, ALL) == end,
        lambda: _values(reader, KafkaRange(0, 0, 100)) == _named("a", 100),
    ):
        broker.kill()
        restart = threading.Timer(1.0, broker.start)
        restart.start()
        try:
            assert wait_for()
        finally:
            restart.join()


def test_properties_of_the_file_are_used(broker: KafkaBroker, tmp_path: Path) -> None:
    broker.create(TOPIC)
    broker.produce(TOPIC, ["a"])
    config = tmp_path / "kafka.properties"
    config.write_text(
        "security.protocol=sasl_plaintext\nsasl.mechanism=PLAIN\n"
        "sasl.username=fleet\nsasl.password=hush\n"
    )
    reader = _reader(broker, config=str(config), timeout="2")

    assert reader.initialOffset() == {TOPIC: {"0": 0}}
    assert _values(reader, KafkaRange(0, 0, 1)) == ["a"]

    for text, error, message in (
        ("security.protocol=hush", UsageError, "security.protocol"),
        ("sasl.pasword=hush", UsageError, 'No such configuration property: "sasl.pasword"'),
        ("security.protocol=ssl", LinkError, "SSL"),
    ):
        config.write_text(text)
        with pytest.raises(error) as caught:
            _reader(broker, config=str(config), timeout="1").initialOffset()
        assert message in str(caught.value)
        assert "hush" not in str(caught.value)
