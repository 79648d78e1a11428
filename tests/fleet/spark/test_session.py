"""How Spark is set up, and what is said where it cannot be."""

from __future__ import annotations

import socket
import sys

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as fn

from streamer.errors import SparkError, UsageError
from streamer.fleet.spark.session import check_master, is_here, parse_conf


@pytest.mark.parametrize("setting", ["", "spark.ui.port", "ui.port=1", "=1", "spark. x=1"])
def test_settings_that_are_none(setting: str) -> None:
    with pytest.raises(UsageError, match="write it like"):
        parse_conf([setting])


def test_the_last_word_counts_and_values_may_have_anything_in_them() -> None:
    assert parse_conf(["spark.a=1", "spark.a=x=y z"]) == {"spark.a": "x=y z"}


@pytest.mark.parametrize("master", [None, "local", "local[*]", "local-cluster[2,1,1024]"])
def test_masters_that_are_here(master: str | None) -> None:
    assert is_here(master)


@pytest.mark.parametrize(
    "master", ["yarn", "k8s://https://host", "spark://10.0.0.1:7077", "localx"]
)
def test_masters_that_are_elsewhere(master: str) -> None:
    assert not is_here(master)


def test_a_master_that_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        check_master(f"spark://127.0.0.1:{port}")
        # One of several is enough.
        check_master(f"spark://127.0.0.1:1,127.0.0.1:{port}")
    with pytest.raises(SparkError, match=rf"^spark://127\.0\.0\.1:{port} does not answer"):
        check_master(f"spark://127.0.0.1:{port}")


@pytest.mark.parametrize("master", ["spark://", "spark://host", "spark://127.0.0.1:x"])
def test_a_master_that_is_no_address(master: str) -> None:
    with pytest.raises(SparkError, match="does not answer"):
        check_master(master)


@pytest.mark.xdist_group("spark")
def test_it_is_set_up_for_fleets(spark: SparkSession) -> None:
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert "RocksDB" in str(spark.conf.get("spark.sql.streaming.stateStore.providerClass"))
    # What the user says goes before what we would.
    assert spark.conf.get("spark.driver.memory") == "1g"
    assert spark.conf.get("spark.executor.memory") == "900m"


@pytest.mark.xdist_group("spark")
def test_workers_are_this_python_on_one_thread(spark: SparkSession) -> None:
    @fn.udf("string")
    def worker(_):  # type: ignore[no-untyped-def]
        import os
        import sys

        return f"{sys.executable} {os.environ['OPENBLAS_NUM_THREADS']}"

    rows = spark.range(1).select(worker("id").alias("said")).collect()
    assert [row.said for row in rows] == [f"{sys.executable} 1"]


@pytest.mark.xdist_group("spark")
def test_the_page_of_spark_is_called_ours_and_no_bar_is_drawn(spark: SparkSession) -> None:
    conf = spark.sparkContext.getConf()
    assert conf.get("spark.app.name") == "streamer fleet"
    assert conf.get("spark.ui.showConsoleProgress") == "false"
