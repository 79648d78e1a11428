"""Who carries readings and forecasts from and to Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from streamer.errors import SparkError, UsageError
from streamer.fleet.spark.failures import explained
from streamer.fleet.spark.kafka.options import SinkOptions, SourceOptions, there_are
from streamer.fleet.spark.locations import Topic

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SPARKS = "kafka"
_JAR = "org.apache.spark:spark-sql-kafka-0-10_2.13"


_OF_THE_URL = frozenset({"servers", "topic"})
"""Options that are the URL's own parts."""


def check_topic(topic: Topic | None, use: Literal["source", "sink"]) -> None:
    """See to the options of a topic's URL, as far as they are ours; this needs no Spark.

    Args:
        topic: the topic; None, for what is none, is well.
        use: what it is for.

    Raises:
        UsageError: an option is wrong or not known, or the file of properties is wrong.
    """
    if topic is None or topic.connector == "spark":
        return
    kind = SourceOptions if use == "source" else SinkOptions
    names = kind.NAMES - _OF_THE_URL
    for name in topic.options:
        if name.lower() not in names:
            raise UsageError(
                f"{topic.shown}: a {use} has no option {name}: "
                f"{there_are(name.lower(), names | {'connector'})}"
            )
    kind.parse(connector_options(topic)).properties()


def prepare_connector(session: SparkSession, topic: Topic) -> str:
    """The format by which Spark knows a topic's connector, made known to it.

    Raises:
        MissingExtraError: confluent-kafka is not installed.
    """
    if topic.connector == "spark":
        return SPARKS
    from streamer.fleet.spark.kafka.datasource import FORMAT, register

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
