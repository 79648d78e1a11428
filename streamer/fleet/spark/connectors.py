"""Connectors to Kafka: that of streamer, and that of Spark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from streamer.errors import SparkError, UsageError
from streamer.fleet.spark.failures import explained
from streamer.fleet.spark.kafka.options import SinkOptions, SourceOptions, known_options
from streamer.fleet.spark.locations import TopicLocation

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SPARK_FORMAT = "kafka"
_JAR = "org.apache.spark:spark-sql-kafka-0-10_2.13"


_OF_THE_URL = frozenset({"servers", "topic"})
"""Options that are parts of the URL itself."""


def check_topic(topic: TopicLocation | None, use: Literal["source", "sink"]) -> None:
    """Check the options in a topic's URL for streamer's connector, without Spark.

    Args:
        topic: the topic; None is accepted.
        use: whether it is a source or a sink.

    Raises:
        UsageError: an option is wrong or unknown, or the file of properties is wrong.
    """
    if topic is None or topic.connector == "spark":
        return
    kind = SourceOptions if use == "source" else SinkOptions
    names = kind.NAMES - _OF_THE_URL
    for name in topic.options:
        if name.lower() not in names:
            raise UsageError(
                f"{topic.shown}: a {use} has no option {name}: "
                f"{known_options(name.lower(), names | {'connector'})}"
            )
    kind.parse(connector_options(topic)).properties()


def prepare_connector(session: SparkSession, topic: TopicLocation) -> str:
    """Register a topic's connector with Spark and return the name of its format.

    Raises:
        MissingExtraError: confluent-kafka is not installed.
    """
    if topic.connector == "spark":
        return SPARK_FORMAT
    from streamer.fleet.spark.kafka.datasource import FORMAT, register

    register(session)
    return FORMAT


def connector_options(topic: TopicLocation) -> dict[str, str]:
    """Options for the connector; the topic's name only if sources and sinks name it alike."""
    if topic.connector == "spark":
        return {"kafka.bootstrap.servers": topic.servers, **topic.options}
    return {"servers": topic.servers, "topic": topic.name, **topic.options}


@contextmanager
def connected(topic: TopicLocation) -> Iterator[None]:
    """Replace Spark's error for a missing connector by one with the remedy.

    Raises:
        UsageError: Spark's connector is missing.
        SparkError: any other error of Spark.
    """
    try:
        with explained(topic.shown):
            yield
    except SparkError as error:
        if topic.connector == "spark" and "Failed to find data source" in str(error):
            from pyspark import __version__

            raise UsageError(
                f"{topic.shown}: this Spark has no connector for Kafka: give --packages "
                f"{_JAR}:{__version__}, or leave out connector=spark"
            ) from None
        raise
