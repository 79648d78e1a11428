"""Tests of the notation of --source, --sink and --columns."""

from __future__ import annotations

import pytest

from streamer.errors import UsageError
from streamer.fleet.spark.locations import Columns, TopicLocation, format_of, parse_topic


def test_a_url_has_brokers_topic_connector_and_options() -> None:
    url = "kafka://a:9092,[::1]:9093/meter.readings?connector=spark&startingOffsets=earliest"
    expected = TopicLocation(
        "a:9092,[::1]:9093", "meter.readings", "spark", {"startingOffsets": "earliest"}
    )
    assert parse_topic(url) == expected
    assert parse_topic(url).shown == "kafka://a:9092,[::1]:9093/meter.readings"


@pytest.mark.parametrize(
    "url",
    [
        "kafka://",
        "kafka://host:9092",
        "kafka://host:9092/",
        "kafka://host/topic",
        "kafka://host:port/topic",
        "kafka://host:9092/two/parts",
        "kafka://host:9092/topic?connector=flink",
        "kafka:readings",
    ],
)
def test_a_malformed_url_is_rejected(url: str) -> None:
    with pytest.raises(UsageError) as error:
        parse_topic(url)
    assert url.partition("?")[0] in str(error.value)


@pytest.mark.parametrize("place", ["readings", "hdfs://host:9000/in", "s3a://bucket/in", "console"])
def test_other_places_are_not_topics(place: str) -> None:
    assert parse_topic(place) is None


@pytest.mark.parametrize(
    "text", ["", "id", "meter=", "meters=id", "meter=a,meter=b", "meter=a,kw=a", "meter=kw"]
)
def test_malformed_columns_are_rejected(text: str) -> None:
    with pytest.raises(UsageError, match="--columns"):
        Columns.parse(text)


def test_columns_as_text_are_parsed_to_the_same() -> None:
    columns = Columns.parse(" kw = power , minute=time")
    assert columns == Columns("meter", "time", "power")
    assert Columns.parse(str(columns)) == columns


@pytest.mark.parametrize(
    ("names", "form"),
    [
        (["a.parquet", "b.snappy.parquet"], "parquet"),
        (["a.csv", "b.csv.gz"], "csv"),
        (["a.jsonl", "b.json"], "json"),
        (["_metadata.txt", ".x.csv", "a.PARQUET"], "parquet"),
    ],
)
def test_the_format_is_found_by_the_names(names: list[str], form: str) -> None:
    assert format_of(names, "in") == form


@pytest.mark.parametrize("names", [[], ["_SUCCESS"], ["a.csv", "a.json"], ["a.xlsx"], ["day=1"]])
def test_names_without_a_single_format_are_rejected(names: list[str]) -> None:
    with pytest.raises(UsageError, match="--format"):
        format_of(names, "in")
