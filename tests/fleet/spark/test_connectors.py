"""Tests of the checks of a topic's URL before Spark is started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest

from streamer.errors import UsageError
from streamer.fleet.spark.connectors import check_topic
from streamer.fleet.spark.locations import parse_topic

HOST = "kafka://127.0.0.1:1/readings"


@pytest.mark.parametrize(
    ("query", "use"),
    [
        ("", "source"),
        ("?startingOffsets=latest&maxRecords=9&failOnDataLoss=false&timeout=5", "source"),
        ("?timeout=5", "sink"),
        ("?connector=streamer", "sink"),
        ("?connector=spark&kafka.security.protocol=SSL&anything=1", "source"),
    ],
)
def test_valid_options_are_accepted(query: str, use: Literal["source", "sink"]) -> None:
    check_topic(parse_topic(HOST + query), use)


def test_a_place_that_is_not_a_topic_is_accepted() -> None:
    check_topic(parse_topic("readings/"), "source")


@pytest.mark.parametrize(
    ("query", "use", "message"),
    [
        (
            "startingOfsets=latest",
            "source",
            f"{HOST}: a source has no option startingOfsets: known options are config, connector, "
            "failondataloss, maxrecords, startingoffsets, timeout",
        ),
        (
            "startingOffsets=latest",
            "sink",
            f"{HOST}: a sink has no option startingOffsets: known options are config, connector, "
            "timeout",
        ),
        (
            "sasl.password=hush",
            "sink",
            f"{HOST}: a sink has no option sasl.password: known options are config, connector, "
            "timeout; properties of Kafka belong in the file given by config",
        ),
        (
            "topic=other",
            "sink",
            f"{HOST}: a sink has no option topic: known options are config, connector, timeout",
        ),
        ("maxRecords=0", "source", "Kafka: maxrecords '0' must be a whole number above 0"),
        ("startingOffsets=7", "source", "Kafka: startingoffsets '7' must be earliest or latest"),
        ("timeout=", "sink", "Kafka: timeout '' must be a number above 0, at most 86400"),
    ],
)
def test_wrong_options_are_rejected(
    query: str, use: Literal["source", "sink"], message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        check_topic(parse_topic(f"{HOST}?{query}"), use)

    assert str(caught.value) == message


def test_the_file_of_properties_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "kafka.properties"
    topic = parse_topic(f"{HOST}?config={path}")
    with pytest.raises(UsageError, match="Kafka's properties cannot be read: No such file"):
        check_topic(topic, "sink")
    path.write_text("security.protocol=ssl\n")
    check_topic(topic, "sink")


def test_checking_a_topic_imports_neither_spark_nor_kafka() -> None:
    code = (
        "import sys\n"
        "from streamer.fleet.spark.connectors import check_topic\n"
        "from streamer.fleet.spark.locations import parse_topic\n"
        f"check_topic(parse_topic('{HOST}?timeout=5'), 'source')\n"
        "print(sys.modules.keys() & {'pyspark', 'confluent_kafka', 'pandas', 'pyarrow'})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("set()\n", "")
