"""Tests of the options of the Kafka source and sink, and of offsets."""

from __future__ import annotations

import builtins
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql.types import StructType

from streamer.errors import MissingExtraError, SourceError, UsageError
from streamer.fleet.spark.kafka.datasource import KafkaDataSource, register
from streamer.fleet.spark.kafka.offsets import from_json, shares, to_json
from streamer.fleet.spark.kafka.options import SinkOptions, SourceOptions, read_properties

GOOD = {"servers": "127.0.0.1:9092", "topic": "readings"}


def test_options_have_defaults() -> None:
    options = SourceOptions.parse(GOOD)

    assert options == SourceOptions(topic="readings", servers="127.0.0.1:9092")
    assert not options.latest
    assert options.fail_on_data_loss
    assert options.max_records == 1_000_000


def test_option_names_are_case_insensitive() -> None:
    options = SourceOptions.parse(
        {
            "servers": " a:1 , b:2,",
            "topic": "readings",
            "startingOffsets": "Latest",
            "failOnDataLoss": "FALSE",
            "maxRecords": "5000",
            "timeout": "2.5",
            "checkpointLocation": "/anywhere",
        }
    )

    assert options == SourceOptions(
        topic="readings",
        servers="a:1,b:2",
        latest=True,
        fail_on_data_loss=False,
        max_records=5000,
        timeout_s=2.5,
    )


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"topic": ""}, "no topic was given"),
        ({"topic": "a,b"}, "'a,b' is not a topic's name"),
        ({"servers": ""}, "no broker was given"),
        ({"servers": "host"}, "servers has 'host', which is not HOST:PORT"),
        ({"startingoffsets": "7"}, "startingoffsets '7' must be earliest or latest"),
        ({"failondataloss": "no"}, "failondataloss 'no' must be true or false"),
        ({"maxrecords": "0"}, "maxrecords '0' must be a whole number above 0"),
        ({"timeout": "nan"}, "timeout 'nan' must be a number above 0"),
        ({"timeout": "0"}, "timeout '0' must be"),
        ({"subscribe": "x"}, "no option subscribe: known options are config, failondataloss"),
        ({"kafka.sasl.password": "hush"}, "belong in the file given by config"),
    ],
)
def test_a_wrong_option_is_rejected_in_one_line(changed: Mapping[str, str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        SourceOptions.parse(GOOD | dict(changed))

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "hush" not in str(caught.value)


def test_the_sink_rejects_options_of_the_source() -> None:
    with pytest.raises(UsageError, match="no option startingoffsets"):
        SinkOptions.parse(GOOD | {"startingoffsets": "latest"})


def test_properties_are_read_when_they_are_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kafka.properties"
    options = SourceOptions.parse(GOOD | {"config": str(path)})
    path.write_text(
        "# a comment\n\nbootstrap.servers=other:1\n"
        "sasl.username = fleet\nsasl.password=${KAFKA_PASSWORD}\nssl.key.password=a=${b}\n"
    )
    monkeypatch.setenv("KAFKA_PASSWORD", "hush")

    assert options.properties() == {
        "bootstrap.servers": "127.0.0.1:9092",
        "sasl.username": "fleet",
        "sasl.password": "hush",
        "ssl.key.password": "a=${b}",
    }
    assert b"hush" not in pickle.dumps(KafkaDataSource(GOOD | {"config": str(path)}))
    assert b"hush" not in pickle.dumps(options)


def test_brokers_may_be_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "kafka.properties"
    path.write_text("bootstrap.servers=other:1\n")
    options = SourceOptions.parse({"topic": "readings", "config": str(path)})

    assert options.properties() == {"bootstrap.servers": "other:1"}
    path.write_text("")
    with pytest.raises(UsageError, match="no broker was given"):
        options.properties()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("security.protocol", ":1: not of the form name=value"),
        ("\nSASL Password: hush", ":2: not of the form name=value"),
        ("enable.auto.commit=true", ":1: enable.auto.commit must not be set"),
        ("sasl.password=${STREAMER_NOT_SET}", ":1: the environment variable STREAMER_NOT_SET"),
        (b"\xff\xfe", "it is not UTF-8 text"),
        (None, "No such file or directory"),
    ],
)
def test_wrong_properties_are_rejected(
    tmp_path: Path, text: str | bytes | None, message: str
) -> None:
    path = tmp_path / "kafka.properties"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    with pytest.raises(UsageError) as caught:
        read_properties(path)

    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "hush" not in str(caught.value)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    true_import = builtins.__import__

    def no_kafka(name: str, *args: Any) -> Any:
        if name.startswith("confluent_kafka"):
            raise ImportError(name)
        return true_import(name, *args)

    monkeypatch.setattr(builtins, "__import__", no_kafka)
    source = KafkaDataSource(GOOD)
    reader = source.streamReader(source.schema())

    for use in (reader.initialOffset, lambda: register(None)):  # type: ignore[arg-type]
        with pytest.raises(MissingExtraError, match=r"pip install 'streamer-forecaster\[kafka\]'"):
            use()


def test_a_wrong_option_is_reported_with_the_schema() -> None:
    with pytest.raises(UsageError, match="no option topik"):
        KafkaDataSource(GOOD | {"topik": "x"}).schema()


@pytest.mark.parametrize(
    "columns",
    [{"key": "string"}, {"value": "long"}, {"value": "string", "meter": "string"}],
)
def test_the_sink_rejects_other_columns(columns: Mapping[str, str]) -> None:
    schema = StructType()
    for name, kind in columns.items():
        schema.add(name, kind)

    with pytest.raises(UsageError, match="needs a column value, and optionally key"):
        KafkaDataSource(GOOD).streamWriter(schema, overwrite=False)


def test_the_sink_rejects_complete_mode() -> None:
    with pytest.raises(UsageError, match="use append mode"):
        KafkaDataSource(GOOD).streamWriter(StructType().add("value", "string"), overwrite=True)


@given(st.dictionaries(st.integers(0, 300), st.integers(0, 2**62), max_size=20))
def test_offsets_survive_the_checkpoint(offsets: dict[int, int]) -> None:
    json = to_json("readings", offsets)

    assert from_json("readings", json) == offsets
    assert str(to_json("readings", dict(reversed(offsets.items())))) == str(json)


def test_offsets_of_another_topic_are_rejected() -> None:
    with pytest.raises(SourceError, match="checkpoint is for topic old, but the source is topic"):
        from_json("new", {"old": {"0": 3}})


@given(
    st.dictionaries(st.integers(0, 50), st.integers(0, 2**40), max_size=20), st.integers(1, 2**41)
)
def test_shares_use_the_limit_without_exceeding_the_lags(lags: dict[int, int], most: int) -> None:
    taken = shares(lags, most)

    assert taken.keys() == lags.keys()
    assert all(0 <= taken[partition] <= lag for partition, lag in lags.items())
    assert sum(taken.values()) == min(most, sum(lags.values()))
