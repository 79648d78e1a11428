"""Test of a fleet on a cluster whose processes are killed: no loss, no duplicates."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from streamer.fleet.columns import SILENT
from streamer.fleet.files import ReadingFiles
from streamer.fleet.series import series_of
from streamer.fleet.simulate import Faults, Simulation
from streamer.sample import sample_path
from streamer.sources.files.delimited import open_replay
from tests.fleet.spark.killing import (
    DAEMON,
    DRIVER,
    EXECUTOR,
    JVM,
    LOOK_S,
    WORKER,
    Batches,
    FleetProcess,
    compare,
    expected,
    kill,
    output,
    shard_of,
)

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("spark")]

METERS, MINUTES, FILE, SHARDS = 120, 176, 8, 2
OPTIONS = (
    *("--master", "local-cluster[2,1,1024]", "--shards", str(SHARDS)),
    *("--conf", "spark.driver.memory=1g", "--conf", "spark.executor.memory=900m"),
    *("--conf", "spark.ui.enabled=false"),
)

KILLS = [
    ("ck/offsets", 0, WORKER),
    ("ck/commits", 1, DAEMON),
    ("ck/offsets", 3, EXECUTOR),
    ("ck/sources/0", 5, DRIVER),
    ("ck/offsets", 7, JVM),
    ("out/_spark_metadata", 9, JVM),
    ("ck/offsets", 11, WORKER),
    ("ck/commits", 13, EXECUTOR),
    ("out/_spark_metadata", 15, DRIVER),
    ("ck/sources/0", 17, DAEMON),
]
"""Kills: the log of Spark, the number of the batch that appears in it, and what is then killed. A
batch begins in the source's log, runs after the one of offsets, and ends with those of the sink and
of commits."""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc")
def test_ten_kills_lose_and_duplicate_nothing(tmp_path: Path, spark: SparkSession) -> None:
    faults = Faults(silent=0.05, lost=0.05, missing=0.01, late=0.01, doubled=0.01)
    series = series_of(open_replay(sample_path()))
    simulation = Simulation(series, meters=METERS, minutes=MINUTES, seed=11, faults=faults)
    files = ReadingFiles(tmp_path / "in", "parquet")
    written = {
        files.write(block.start, block.readings, simulation.names).name: block.readings
        for block in simulation.blocks(FILE)
    }
    batches = Batches(tmp_path)
    left = list(KILLS)
    codes: list[int] = []
    while 0 not in codes and len(codes) <= len(KILLS):
        with FleetProcess(tmp_path, *OPTIONS) as fleet:
            while fleet.process.poll() is None:
                batches.look()
                if left and batches.number(left[0][0]) >= left[0][1]:
                    for pid in fleet.of(left[0][2])[:1]:
                        kill(pid)
                        left.pop(0)
                time.sleep(LOOK_S)
            codes.append(fleet.end(batches.look))
    assert not left, f"{len(left)} kills came too late"
    assert codes[-1] == 0
    assert codes.count(-signal.SIGKILL) == sum(kind == DRIVER for *_, kind in KILLS)

    planned = batches.planned()
    assert [name for batch in planned for name in batch] == list(written)
    came = output(spark, tmp_path)
    right = expected(tmp_path, simulation, written, planned, shard_of(spark, simulation, SHARDS))
    assert (right["alarms"] == SILENT).any()
    compare(came, right)
