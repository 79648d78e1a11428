"""Tests of the settings of the Spark session, and of the errors without one."""

from __future__ import annotations

import signal
import socket
import sys

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as fn

from streamer.errors import SparkError, UsageError
from streamer.fleet.spark.session import check_master, is_local, parse_conf


@pytest.mark.parametrize("setting", ["", "spark.ui.port", "ui.port=1", "=1", "spark. x=1"])
def test_malformed_settings_are_rejected(setting: str) -> None:
    with pytest.raises(UsageError, match="write it like"):
        parse_conf([setting])


def test_the_last_of_several_settings_counts_and_values_are_arbitrary() -> None:
    assert parse_conf(["spark.a=1", "spark.a=x=y z"]) == {"spark.a": "x=y z"}


@pytest.mark.parametrize("master", [None, "local", "local[*]", "local-cluster[2,1,1024]"])
def test_local_masters_are_recognised(master: str | None) -> None:
    assert is_local(master)


@pytest.mark.parametrize(
    "master", ["yarn", "k8s://https://host", "spark://10.0.0.1:7077", "localx"]
)
def test_remote_masters_are_recognised(master: str) -> None:
    assert not is_local(master)


def test_a_master_that_does_not_answer_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        check_master(f"spark://127.0.0.1:{port}")
        # One answer of several masters is enough.
        check_master(f"spark://127.0.0.1:1,127.0.0.1:{port}")
    with pytest.raises(SparkError, match=rf"^spark://127\.0\.0\.1:{port} does not answer"):
        check_master(f"spark://127.0.0.1:{port}")


@pytest.mark.parametrize("master", ["spark://", "spark://host", "spark://127.0.0.1:x"])
def test_a_master_without_a_valid_address_is_an_error(master: str) -> None:
    with pytest.raises(SparkError, match="does not answer"):
        check_master(master)


@pytest.mark.xdist_group("spark")
def test_the_session_has_our_defaults_below_the_given_settings(spark: SparkSession) -> None:
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert "RocksDB" in str(spark.conf.get("spark.sql.streaming.stateStore.providerClass"))
    # Given settings take precedence over our defaults.
    assert spark.conf.get("spark.driver.memory") == "1g"
    assert spark.conf.get("spark.executor.memory") == "900m"


@pytest.mark.slow
@pytest.mark.xdist_group("spark")
def test_workers_use_this_python_and_one_thread(spark: SparkSession) -> None:
    @fn.udf("string")
    def worker(_):  # type: ignore[no-untyped-def]
        import os
        import sys

        return f"{sys.executable} {os.environ['OPENBLAS_NUM_THREADS']}"

    rows = spark.range(1).select(worker("id").alias("answer")).collect()
    assert [row.answer for row in rows] == [f"{sys.executable} 1"]


@pytest.mark.xdist_group("spark")
@pytest.mark.usefixtures("spark")
def test_ctrl_c_does_not_raise_in_the_middle_of_a_call() -> None:
    assert "pyspark" not in getattr(signal.getsignal(signal.SIGINT), "__module__", "")


@pytest.mark.xdist_group("spark")
def test_the_application_has_our_name_and_no_progress_bar(spark: SparkSession) -> None:
    conf = spark.sparkContext.getConf()
    assert conf.get("spark.app.name") == "streamer fleet"
    assert conf.get("spark.ui.showConsoleProgress") == "false"
