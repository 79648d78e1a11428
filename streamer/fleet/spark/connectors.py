"""Who carries readings and forecasts from and to Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from streamer.errors import SparkError, UsageError
from streamer.fleet.spark.failures import explained
from streamer.fleet.spark.locations import Topic

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SPARKS = "kafka"
_JAR = "org.apache.spark:spark-sql-kafka-0-10_2.13"


def prepare_connector(session: SparkSession, topic: Topic) -> str:
    """The format by which Spark knows a topic's connector, made known to it.

    Raises:
        MissingExtraError: confluent-kafka is not installed.
    """
    if topic.connector == "spark":
        return SPARKS
    from streamer.fleet.spark.kafka import FORMAT, register

    register(session)
    return FORMAT


def connector_options(topic: Topic) -> dict[str, str]:
    """What the connector is told; the topic's name only where it is one for all uses."""
    if topic.connector == "spark":
        return {"kafka.bootstrap.servers": topic.servers, **topic.options}
    return {"servers": topic.servers, "topic": topic.name, **topic.options}


@contextmanager
def connected(topic: Topic) -> Iterator[None]:
    """Say plainly that Spark's connector is not there.

    Raises:
        UsageError: it is not.
        SparkError: anything else.
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
