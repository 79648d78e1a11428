"""Tests of the example's source without Spark: its reader with a real broker."""

from __future__ import annotations

import doctest
import logging
import pickle
import time

import kafka_source.reading
import pytest
from kafka_source import KafkaDataSource
from kafka_source.options import KafkaSourceError, Options
from kafka_source.reading import KafkaRange, KafkaReader
from pyspark.sql.streaming.datasource import ReadAllAvailable, ReadMaxRows

from tests.docs.kafka.broker import NEEDS_BROKER, KafkaBroker

pytestmark = NEEDS_BROKER

ALL = ReadAllAvailable()
TOPIC = "readings"


def _reader(broker: KafkaBroker, **options: str) -> KafkaReader:
    given = {"kafka.bootstrap.servers": broker.servers, "subscribe": TOPIC, "timeout": "15"}
    source = KafkaDataSource(given | {name.replace("_", "."): it for name, it in options.items()})
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
    assert later == {TOPIC: {"0": 10, "1": 5}}
    assert _values(reader, *reader.partitions(end, later)) == ["c"]


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
    reader = _reader(broker, maxoffsetspertrigger="50")
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


def test_transactions_leave_gaps_and_only_committed_ones_are_read(broker: KafkaBroker) -> None:
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

    with pytest.raises(KafkaSourceError, match="partition 0: offset 2 is lost; 6 is not; to"):
        reader.latestOffset({TOPIC: {"0": 2}}, ALL)
    with pytest.raises(KafkaSourceError, match="partition 0 cannot be read: offset 2 is lost"):
        _values(reader, KafkaRange(0, 2, 10))

    assert reader.initialOffset() == {TOPIC: {"0": 6}}


def test_reading_may_continue_after_lost_records(
    broker: KafkaBroker, caplog: pytest.LogCaptureFixture
) -> None:
    broker.create(TOPIC)
    broker.produce(TOPIC, _named("a", 10))
    broker.truncate(TOPIC, 0, 6)
    reader = _reader(broker, failondataloss="false", maxoffsetspertrigger="3")
    start = {TOPIC: {"0": 2}}

    with caplog.at_level(logging.WARNING):
        end = reader.latestOffset(start, reader.getDefaultReadLimit())
        values = _values(reader, *reader.partitions(start, end))

    assert end == {TOPIC: {"0": 9}}
    assert values == ["a6", "a7", "a8"]
    assert "offset 2 is lost; 6 is not; continuing" in caplog.text
    assert _values(reader, KafkaRange(0, 2, 5)) == []


def test_a_topic_that_was_created_again_is_detected(broker: KafkaBroker) -> None:
    broker.create(TOPIC, 2)
    broker.produce(TOPIC, _named("a", 10))
    before = _reader(broker).latestOffset({TOPIC: {"0": 0, "1": 0}}, ALL)
    broker.delete(TOPIC)
    broker.create(TOPIC)
    broker.produce(TOPIC, _named("b", 2))

    for start, at, offset in ((before, 0, 10), ({TOPIC: {"1": 0}}, 1, 0)):
        with pytest.raises(KafkaSourceError, match=f"partition {at}: no offset {offset}: was the"):
            _reader(broker, failondataloss="false").latestOffset(start, ALL)
    with pytest.raises(KafkaSourceError, match="the checkpoint is for topic other, not readings"):
        _reader(broker).latestOffset({"other": {"0": 0}}, ALL)


def test_a_missing_topic_is_not_created(broker: KafkaBroker) -> None:
    for _ in range(2):
        with pytest.raises(KafkaSourceError, match="Unknown topic or partition"):
            _reader(broker).initialOffset()


def test_an_unreachable_broker_is_an_error_after_the_time_out(broker: KafkaBroker) -> None:
    broker.create(TOPIC)
    broker.produce(TOPIC, ["a"])
    broker.kill()

    for attempt in (
        lambda reader: reader.initialOffset(),
        lambda reader: _values(reader, KafkaRange(0, 0, 1)),
    ):
        before = time.monotonic()
        with pytest.raises(KafkaSourceError) as caught:
            attempt(_reader(broker, timeout="0.5"))
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


GOOD = {"kafka.bootstrap.servers": "127.0.0.1:9092", "subscribe": "readings"}


def test_options_are_those_of_sparks_connector() -> None:
    ours = {"startingOffsets": "Latest", "failOnDataLoss": "FALSE", "maxOffsetsPerTrigger": "5"}
    options = Options.parse(
        GOOD | ours | {"checkpointLocation": "/x", "timeout": "2.5"}, "subscribe"
    )
    servers = {"bootstrap.servers": "127.0.0.1:9092"}
    assert options == Options("readings", servers, True, 5, False, 2.5)
    assert Options.parse(GOOD, "subscribe") == Options("readings", servers)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"subscribe": ""}, "subscribe '' is not the name of one topic"),
        ({"subscribe": "a,b"}, "subscribe 'a,b' is not the name of one topic"),
        ({"kafka.bootstrap.servers": ""}, "kafka.bootstrap.servers is missing"),
        ({"startingOffsets": "7"}, "startingoffsets '7' must be earliest or latest"),
        ({"failOnDataLoss": "no"}, "failondataloss 'no' must be true or false"),
        ({"maxOffsetsPerTrigger": "0"}, "maxoffsetspertrigger '0' must be a number above 0"),
        ({"timeout": "nan"}, "timeout 'nan' must be a number above 0"),
        ({"kafka.group.id": "x"}, "option group.id is not one of Kafka's, or must not be set"),
        ({"sasl.password": "hush"}, "option sasl.password is not one of Kafka's"),
    ],
)
def test_a_wrong_option_is_rejected(changed: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        KafkaDataSource(GOOD | changed).schema()
    assert "hush" not in str(caught.value)


def test_a_wrong_property_is_rejected_without_its_value() -> None:
    for name in ("security.protocol", "sasl.pasword"):
        source = KafkaDataSource(GOOD | {f"kafka.{name}": "hush"})
        with pytest.raises(ValueError, match=name) as caught:
            source.streamReader(source.schema()).initialOffset()
        assert "hush" not in str(caught.value)


def test_the_examples_in_the_docstrings_are_right() -> None:
    assert doctest.testmod(kafka_source.reading) == (0, 2)
