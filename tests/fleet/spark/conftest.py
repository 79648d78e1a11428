"""Shared Spark session, because starting it takes longer than most of the tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from streamer.errors import UsageError
from streamer.fleet.spark.needs import check_java
from streamer.fleet.spark.session import SparkSettings, spark_session

QUIET = {"spark.driver.memory": "1g", "spark.ui.port": "0"}


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """A session on two cores, like that of `streamer fleet run`."""
    try:
        check_java()
    except UsageError as error:
        pytest.skip(str(error))
    with spark_session(SparkSettings(master="local[2]", conf=QUIET)) as session:
        yield session
