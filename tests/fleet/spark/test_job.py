"""Tests of the whole query on this machine, from files to files."""

from __future__ import annotations

import json
import os
import shutil
import socket
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from streamer.errors import UsageError
from streamer.fleet.columns import COLUMNS
from streamer.fleet.shard import Shard
from streamer.fleet.spark.checkpoint import NAME, CheckpointOptions
from streamer.fleet.spark.job import FleetJob
from streamer.fleet.spark.reports import Batch, Report
from streamer.fleet.spark.sinks import COMMITTED, SinkQuery
from streamer.fleet.spark.storage import Storage
from streamer.fleet.spark.waiting import wait_for
from streamer.models import find_model, load_model
from tests.agreement import AGREEMENT_KW

pytestmark = pytest.mark.xdist_group("spark")

METERS = [f"meter {number}" for number in range(6)]
BEGIN = np.datetime64("2026-01-01T00:00", "us")
MINUTE = np.timedelta64(1, "m")


def kw_of(meter: str, minute: int) -> float:
    return 0.2 + (minute * (3 + METERS.index(meter)) % 17) / 10.0


def write(folder: Path, name: str, readings: Iterable[tuple[str, int]]) -> None:
    """Write a file of readings, each given by a meter and the number of a minute."""
    readings = list(readings)
    table = pa.table(
        {
            "meter": [meter for meter, _ in readings],
            "minute": pa.array(BEGIN + np.array([at for _, at in readings]) * MINUTE),
            "kw": [kw_of(meter, minute) for meter, minute in readings],
        }
    )
    folder.mkdir(exist_ok=True)
    pq.write_table(table, folder / name)


def run(spark: SparkSession, job: FleetJob) -> list[Report]:
    reports: list[Report] = []
    wait_for(job.start(spark), reports.append)
    return reports


def total(reports: list[Report], what: str) -> int:
    return sum(Batch.of(report).counts[what] for report in reports)


@pytest.mark.slow
def test_two_runs_give_each_reading_once_with_the_values_of_a_shard(
    spark: SparkSession, tmp_path: Path
) -> None:
    source, sink, checkpoint = tmp_path / "in", tmp_path / "out", tmp_path / "ck"
    minutes = [(meter, minute) for minute in range(56) for meter in METERS]
    write(source, "0.parquet", minutes[: 30 * 6])
    job = FleetJob(str(source), str(sink), str(checkpoint), {"shards": 2}, once=True)
    first = run(spark, job)
    assert total(first, "rows") == 30 * 6
    # With duplicates and late readings, and without meter 5.
    again = [(meter, minute) for meter, minute in minutes[28 * 6 :] if meter != METERS[5]]
    write(source, "1.parquet", again)
    second = run(spark, FleetJob(str(source), str(sink), str(checkpoint), once=True))
    assert total(second, "readings") == len(again)
    assert total(second, "late") == 5
    assert total(second, "doubled") == 5

    rows = spark.read.parquet(str(sink))
    assert rows.columns == list(COLUMNS)
    assert dict(rows.dtypes)["alarms"] == "array<string>"
    assert dict(rows.dtypes)["minute"] == "timestamp"
    output = rows.toPandas()
    readings = output[output["actual_kw"].notna()]
    times = Counter(zip(readings["meter"], readings["minute"], strict=True))
    assert set(times.values()) == {1}
    assert len(readings) == 56 * 5 + 30
    silent = output[output["actual_kw"].isna()]
    assert silent["meter"].tolist() == [METERS[5]]
    _equal_to_a_shard(readings)


@pytest.mark.slow
def test_started_again_after_some_batches_the_rows_are_the_same_and_the_manifest_is_small(
    spark: SparkSession, tmp_path: Path
) -> None:
    source = tmp_path / "in"
    for number in range(9):
        minutes = range(7 * number, 7 * number + 7)
        write(source, f"{number}.parquet", [(it, minute) for minute in minutes for it in METERS])
        os.utime(source / f"{number}.parquet", (1e9 + number, 1e9 + number))
    sizes = {}
    for batches in (3, 99):
        sink, checkpoint = (tmp_path / f"{name}{batches}" for name in ("out", "ck"))
        job = FleetJob(
            str(source), str(sink), str(checkpoint), {"shards": 1}, max_files=1, once=True
        )
        reports: list[Report] = []
        start = job.prepare(spark)
        while wait_for(start(), reports.append, batches=batches):
            pass
        assert [report["batchId"] for report in reports] == list(range(9))
        _equal_to_a_shard(spark.read.parquet(str(sink)).toPandas())
        last = max((checkpoint / "state" / "0" / "0").glob("*.zip"), key=lambda it: int(it.stem))
        with ZipFile(last) as version:
            sizes[batches] = sum(
                it.file_size for it in version.infolist() if it.filename.startswith("MANIFEST")
            )
    assert 0 < sizes[3] < sizes[99]


@pytest.mark.slow
def test_a_job_is_started_again_after_its_files_are_consumed(
    spark: SparkSession, tmp_path: Path
) -> None:
    source, sink = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    job = FleetJob(str(source), str(sink), str(tmp_path / "ck"), {"shards": 1}, once=True)
    (source / "0.csv").write_text("meter,minute,kw\na,2026-01-01T00:00:00,1\n")
    start = job.prepare(spark)
    wait_for(start())
    (source / "0.csv").unlink()
    wait_for(start())
    (source / "1.csv").write_text("kw,meter,minute\n2,a,2026-01-01T00:01:00\n")
    wait_for(start())
    rows = spark.read.parquet(str(sink)).orderBy("minute").collect()
    assert [row["actual_kw"] for row in rows] == [1.0, 2.0]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/net/tcp6").exists(), reason="needs Linux")
def test_strangers_who_connect_to_its_ports_do_not_stop_the_query(
    spark: SparkSession, tmp_path: Path
) -> None:
    source, sink = tmp_path / "in", tmp_path / "out"
    for number in range(4):
        write(source, f"{number}.parquet", [(meter, number) for meter in METERS])
        os.utime(source / f"{number}.parquet", (1e9 + number, 1e9 + number))
    given = {"shards": 2}
    job = FleetJob(str(source), str(sink), str(tmp_path / "ck"), given, max_files=1, once=True)
    jvm = spark.sparkContext._gateway.proc.pid
    known = _listening(jvm)
    (query,) = job.start(spark)
    until = time.monotonic() + 120
    while not query.awaitTermination(0.001):
        assert time.monotonic() < until, "the query does not end"
        for port in _listening(jvm) - known:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as stranger:
                stranger.sendall(b"GET / HTTP/1.0\r\n\r\n")
    assert spark.read.parquet(str(sink)).count() == 4 * len(METERS)


def _listening(pid: int) -> set[int]:
    """TCP ports on which a process listens."""
    links = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            links.add(str(descriptor.readlink()))
    sockets = [
        line.split()
        for name in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    return {
        int(it[1].rpartition(":")[2], 16)
        for it in sockets
        if it[3] == "0A" and f"socket:[{it[9]}]" in links
    }


@pytest.mark.slow
def test_rows_with_alarms_come_once_also_if_a_batch_is_repeated(
    spark: SparkSession, tmp_path: Path
) -> None:
    source, sink, checkpoint, alarms = (tmp_path / it for it in ("in", "out", "ck", "alarms"))
    job = FleetJob(
        str(source), str(sink), str(checkpoint), {"shards": 1}, once=True, alarms=str(alarms)
    )

    def step() -> None:
        run(spark, job)
        wait_for(job.follow(spark))
        expected, found = (
            sorted(map(tuple, rows.select("meter", "minute", "alarms").collect()))
            for rows in (
                spark.read.parquet(str(sink)).where("alarms is not null"),
                spark.read.parquet(str(alarms)),
            )
        )
        assert found == expected
        names.append([row[0] for row in found])

    names: list[list[str]] = []
    write(source, "0.parquet", [(meter, minute) for minute in range(3) for meter in METERS])
    write(source, "1.parquet", [(meter, 30) for meter in METERS[:4]])
    step()
    write(source, "2.parquet", [(meter, 60) for meter in METERS[:2]])
    step()
    # As after a kill between the writing of a batch and its record.
    for log in (checkpoint / "alarms" / "commits", checkpoint / "commits"):
        last = max((path for path in log.iterdir() if path.name.isdigit()), key=lambda it: it.name)
        last.unlink()
        (log / f".{last.name}.crc").unlink()
    step()
    assert names[0] == METERS
    assert names[1] == names[2] == sorted([*METERS, *METERS[:4]])


@pytest.mark.slow
def test_rejected_rows_are_written_once_and_shards_follow_from_the_meters(
    spark: SparkSession, tmp_path: Path
) -> None:
    source, checkpoint, rejects = (tmp_path / name for name in ("in", "ck", "rejected"))
    source.mkdir()
    job = FleetJob(
        str(source), str(tmp_path / "out"), str(checkpoint), once=True, rejected=str(rejects)
    )
    for number in range(2):
        rows = [f"a,2026-01-01T00:0{number}:00,1", f"b{number},never,1", "c,2026-01-01,?"]
        (source / f"{number}.csv").write_text("\n".join(["meter,minute,kw", *rows]))
        assert total(run(spark, job), "unusable") == 2
    found = spark.read.json(str(rejects)).toPandas().sort_values(["meter", "file"])
    assert found["meter"].tolist() == ["b0", "b1", "c", "c"]
    assert found["minute"].tolist() == ["never", "never", "2026-01-01", "2026-01-01"]
    assert [Path(file).name for file in found["file"]] == ["0.csv", "1.csv"] * 2
    assert json.loads((checkpoint / NAME).read_text())["choices"]["shards"] == 1


@pytest.mark.slow
def test_forecasts_are_written_to_a_table_and_read_from_it(
    spark: SparkSession, tmp_path: Path
) -> None:
    source, sink = tmp_path / "in", tmp_path / "out"
    write(source, "0.parquet", [(meter, 0) for meter in METERS])
    table = "forecasts_of_a_test"
    job = FleetJob(
        str(source),
        f"table:{table}",
        str(tmp_path / "ck"),
        {"shards": 1},
        once=True,
        sink_format="parquet",
        sink_option=[f"path={tmp_path / 'table'}", "compression=gzip"],
    )
    try:
        assert total(run(spark, job), "rows") == len(METERS)
        assert list((tmp_path / "table").glob("*.gz.parquet"))
        given = {"shards": 1, "columns": "kw=actual_kw"}
        again = FleetJob(f"table:{table}", str(sink), str(tmp_path / "ck2"), given, once=True)
        assert total(run(spark, again), "readings") == len(METERS)
    finally:
        spark.sql(f"DROP TABLE IF EXISTS {table}")


@pytest.mark.slow
def test_invalid_utf_8_in_names_and_old_modification_times_are_accepted(
    spark: SparkSession, tmp_path: Path
) -> None:
    source, sink = tmp_path / "in", tmp_path / "out"
    job = FleetJob(str(source), str(sink), str(tmp_path / "ck"), {"shards": 1}, once=True)
    source.mkdir()
    for number, (name, days) in enumerate(((b"\xff\xfe", 0), ("Zähler".encode(), 30))):
        path = source / f"{number}.parquet"
        minute = pa.array([BEGIN])
        pq.write_table(
            pa.table({"meter": pa.array([name], pa.binary()), "minute": minute, "kw": [1.0]}), path
        )
        at = time.time() - days * 86_400
        os.utime(path, (at, at))
        assert total(run(spark, job), "readings") == 1
    meters = [row["meter"] for row in spark.read.parquet(str(sink)).collect()]
    assert sorted(meters) == ["Zähler", "\ufffd\ufffd"]


@pytest.mark.slow
def test_the_name_of_a_folder_may_look_like_a_pattern(spark: SparkSession, tmp_path: Path) -> None:
    write(tmp_path / "in [1]", "0.parquet", [(METERS[0], 0)])
    (tmp_path / "in {a}").mkdir()
    (tmp_path / "in {a}" / "0.csv").write_text("meter,minute,kw\na,2026-01-01,0.5\n")
    for name in ("in [1]", "in {a}"):
        source, sink, checkpoint = (
            str(tmp_path / it) for it in (name, f"{name} out", f"{name} ck")
        )
        job = FleetJob(source, sink, checkpoint, {"shards": 1}, once=True)
        assert total(run(spark, job), "readings") == 1


@pytest.mark.slow
def test_the_path_of_a_model_is_stored_as_absolute(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(find_model("homes").parent, tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    configs = [
        FleetJob("in", "out", str(tmp_path / "ck"), given).configure(spark)
        for given in ({"model": "mine"}, {"model": "homes"}, {})
    ]
    assert [it.choices.model for it in configs] == [str(tmp_path / "mine"), "homes", "homes"]
    assert len({it.weights for it in configs}) == 1


@pytest.mark.parametrize("ahead", ["2", "9.compact"])
def test_a_sink_with_later_batches_of_another_checkpoint_is_rejected(
    spark: SparkSession, tmp_path: Path, ahead: str
) -> None:
    sink, checkpoint = tmp_path / "out", tmp_path / "ck"
    for log in (sink / COMMITTED, checkpoint / "offsets"):
        log.mkdir(parents=True)
        for batch in "01":
            (log / batch).touch()
    query = SinkQuery("fleet", str(sink), str(checkpoint))
    query.check(partial(Storage, spark))
    (sink / COMMITTED / ahead).touch()
    with pytest.raises(UsageError, match="out contains the output of another checkpoint"):
        query.check(partial(Storage, spark))


def _equal_to_a_shard(rows: Any) -> None:
    shard = Shard(load_model(CheckpointOptions().model))
    expected = shard.push(
        rows["meter"].to_numpy(),
        rows["minute"].to_numpy().astype("datetime64[us]"),
        rows["actual_kw"].to_numpy(),
    ).columns
    order = np.lexsort((expected["minute"], expected["meter"]))
    rows = rows.sort_values(["meter", "minute"])
    assert rows["meter"].tolist() == expected["meter"][order].tolist()
    assert np.isfinite(rows["forecast_kw"]).sum() > 0
    for name, kind in COLUMNS.items():
        if kind == "double":
            np.testing.assert_allclose(
                rows[name],
                expected[name][order].astype(float),
                rtol=0.0,
                atol=AGREEMENT_KW,
                err_msg=name,
            )
        elif kind in ("int", "long"):
            assert rows[name].tolist() == expected[name][order].tolist()


@pytest.mark.slow
def test_a_checkpoint_keeps_its_shards_and_a_sink_its_checkpoint(
    spark: SparkSession, tmp_path: Path
) -> None:
    source, sink, checkpoint = tmp_path / "in", tmp_path / "out", tmp_path / "ck"
    write(source, "0.parquet", [(METERS[0], 0)])
    given = {"shards": 1, "columns": "kw=kw"}
    run(spark, FleetJob(str(source), str(sink), str(checkpoint), given, once=True))
    given = {"columns": " minute=minute, meter = meter"}
    job = FleetJob(str(source), str(sink), str(checkpoint), given, once=True)
    assert run(spark, job) == []
    assert json.loads((checkpoint / NAME).read_text())["choices"]["shards"] == 1
    with pytest.raises(UsageError, match=r"has 1 shard, not 12"):
        FleetJob(str(source), str(sink), str(checkpoint), {"shards": 12}).prepare(spark)
    with pytest.raises(UsageError, match="contains the output of another checkpoint"):
        FleetJob(str(source), str(sink), str(tmp_path / "new")).prepare(spark)
    assert not (tmp_path / "new").exists()


@pytest.mark.slow
@pytest.mark.parametrize("consumed", ["delete", "folder"])
def test_files_are_cleared_away_after_their_batch(
    spark: SparkSession, tmp_path: Path, consumed: str
) -> None:
    source, sink, checkpoint = tmp_path / "in", tmp_path / "out", tmp_path / "ck"
    for number in range(3):
        write(source, f"{number}.parquet", [(meter, number) for meter in METERS])
        os.utime(source / f"{number}.parquet", (1e9 + number, 1e9 + number))
    moved = tmp_path / "consumed"
    job = FleetJob(
        str(source),
        str(sink),
        str(checkpoint),
        {"shards": 1},
        max_files=1,
        once=True,
        consumed="delete" if consumed == "delete" else str(moved),
    )
    run(spark, job)
    assert spark.read.parquet(str(sink)).count() == 3 * len(METERS)
    # Those of the last batch are cleared away after the next.
    assert [path.name for path in source.glob("*.parquet")] == ["2.parquet"]
    expected = [] if consumed == "delete" else ["0.parquet", "1.parquet"]
    assert sorted(path.name for path in moved.rglob("*.parquet")) == expected
