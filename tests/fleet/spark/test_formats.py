"""Tests of formats that Spark knows by name: their notation, and their checks without Spark."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import PluginError, UsageError
from streamer.fleet.spark.formats import (
    StreamFormat,
    Use,
    load_data_sources,
    parse_stream,
)

HOST = "kafka://127.0.0.1:1/readings"
SERVERS = "kafka.bootstrap.servers"


def test_a_url_gives_the_options_of_sparks_connector() -> None:
    url = "kafka://a:9092,[::1]:9093/meter.readings?startingoffsets=latest&kafka.security.protocol=SSL"
    stream = parse_stream(url, "source")
    expected = {
        SERVERS: "a:9092,[::1]:9093",
        "subscribe": "meter.readings",
        "startingoffsets": "latest",
        "kafka.security.protocol": "SSL",
        "maxOffsetsPerTrigger": "1000000",
    }
    assert stream == StreamFormat("kafka", "", expected)
    assert stream is not None
    assert stream.shown == "kafka://a:9092,[::1]:9093/meter.readings"


def test_a_sink_has_a_topic_and_no_default() -> None:
    stream = parse_stream(f"{HOST}?connector=spark", "sink")
    assert stream == StreamFormat("kafka", "", {SERVERS: "127.0.0.1:1", "topic": "readings"})


def test_a_format_has_a_path_or_a_table_and_options() -> None:
    assert parse_stream("/t", "sink", "delta", ["mergeSchema=true", "empty="]) == StreamFormat(
        "delta", "/t", {"mergeSchema": "true", "empty": ""}
    )
    assert parse_stream("table:db.t", "source") == StreamFormat(None, "db.t", {}, is_table=True)
    other = parse_stream(HOST, "source", "my-kafka", ["anything=1"])
    assert other is not None
    assert (other.name, other.has_messages, other.options["anything"]) == ("my-kafka", True, "1")


@pytest.mark.parametrize("place", ["readings", "hdfs://host:9000/in", "s3a://bucket/in", "console"])
def test_other_places_are_files(place: str) -> None:
    assert parse_stream(place, "source") is None


def test_secrets_come_from_the_environment_and_are_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KAFKA_JAAS", "hush")
    for stream in (
        parse_stream(HOST, "source", None, ["kafka.sasl.jaas.config=${KAFKA_JAAS}"]),
        parse_stream(f"{HOST}?kafka.sasl.jaas.config=${{KAFKA_JAAS}}", "source"),
    ):
        assert stream is not None
        assert stream.options["kafka.sasl.jaas.config"] == "hush"
        assert "hush" not in repr(stream) + stream.shown
    with pytest.raises(UsageError, match="the environment variable NONE is not set"):
        parse_stream(HOST, "source", None, ["kafka.sasl.jaas.config=${NONE}"])
    with pytest.raises(UsageError) as caught:
        parse_stream("t", "sink", "delta", ["hush hush"])
    assert str(caught.value) == "--sink-option: write each like key=value"


FORMER = "is one of the connector that was part of streamer"


@pytest.mark.parametrize(
    ("place", "use", "name", "message"),
    [
        ("kafka://", "source", None, "kafka://: write it like kafka://localhost:9092/topic"),
        ("kafka://host:9092/", "source", None, "write it like"),
        ("kafka://host/topic", "source", None, "'host' is not a host and port"),
        ("kafka://host:port/topic", "sink", None, "'host:port' is not a host and port"),
        ("kafka://host:1/two/parts?secret=hush", "sink", None, "kafka://host:1/two/parts: write"),
        ("kafka:readings", "source", None, "write it like"),
        (f"{HOST}?startingOfsets=latest", "source", None, "a source has no option startingOfsets"),
        (f"{HOST}?startingOffsets=latest", "sink", None, "a sink has no option startingOffsets"),
        (f"{HOST}?sasl.password=hush", "sink", None, "Kafka's own with kafka. before their names"),
        (f"{HOST}?maxRecords=9", "source", None, f"option maxRecords {FORMER}"),
        (f"{HOST}?connector=streamer", "sink", None, "docs/examples/kafka_source"),
        ("", "source", "kafka", "--source-format kafka needs --source-option kafka.bootstrap"),
        ("table:", "sink", None, "write it like table:catalog.schema.name"),
        ("", "sink", None, "--sink is missing: give a folder, kafka://…, or --sink-format"),
    ],
)
def test_malformed_places_and_unknown_options_are_rejected(
    place: str, use: Use, name: str | None, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        parse_stream(place, use, name)
    assert message in str(caught.value)
    assert "hush" not in str(caught.value)


@given(st.text(max_size=40).map("kafka:".__add__), st.sampled_from(["source", "sink"]))
def test_a_url_is_parsed_or_rejected(url: str, use: Use) -> None:
    try:
        stream = parse_stream(url, use)
    except UsageError:
        return
    assert stream is not None
    assert stream.options[SERVERS]


def test_a_data_source_is_imported_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lamps.py").write_text(
        "from pyspark.sql.datasource import DataSource\nclass Lamps(DataSource):\n    pass\n"
    )
    (tmp_path / "broken_lamps.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    (kind,) = load_data_sources(["lamps:Lamps"], [None, StreamFormat("Lamps")])
    assert kind.name() == "Lamps"
    for name, error, message in (
        ("lamps:Lamps", UsageError, "is not used: give --source-format Lamps, or --sink-format"),
        ("lamps:Bulbs", UsageError, "lamps has no Bulbs"),
        ("no_lamps:Lamps", UsageError, "there is no module no_lamps here or among the installed"),
        ("lamps", UsageError, "no data source 'lamps': give module:object"),
        ("broken_lamps:X", PluginError, "ZeroDivisionError: division by zero"),
        ("json:loads", UsageError, "json:loads is not a subclass of pyspark's DataSource"),
    ):
        with pytest.raises(error, match=message):
            load_data_sources([name], [])


def test_parsing_imports_neither_spark_nor_kafka() -> None:
    code = (
        "import sys\n"
        "from streamer.fleet.spark.formats import load_data_sources, parse_stream\n"
        f"load_data_sources([], [parse_stream('{HOST}', 'source')])\n"
        "print(sys.modules.keys() & {'pyspark', 'confluent_kafka', 'pandas', 'pyarrow'})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("set()\n", "")
