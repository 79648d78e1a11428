"""Test of a fleet on a cluster whose processes are killed: no loss, no duplicates."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from operator import itemgetter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from streamer.fleet.files import ReadingFiles
from streamer.fleet.series import series_of
from streamer.fleet.simulate import Faults, SimulatedReadings, Simulation
from streamer.models import load_model
from streamer.pipeline import Pipeline
from streamer.readings import Reading
from streamer.sample import sample_path
from streamer.sources.files.delimited import open_replay
from tests.agreement import AGREEMENT_KW

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("spark")]

METERS, MINUTES, FILE = 2000, 80, 8
DEADLINE_S = 300
EXECUTOR = "CoarseGrainedExecutorBackend"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc")
def test_kills_lose_and_duplicate_nothing(tmp_path: Path, spark: SparkSession) -> None:
    series = series_of(open_replay(sample_path()))
    faults = Faults(silent=0.01, lost=0.01, missing=0.01, late=0.01, doubled=0.01)
    simulation = Simulation(series, meters=METERS, minutes=MINUTES, seed=11, faults=faults)
    blocks = list(simulation.blocks(FILE))
    files = ReadingFiles(tmp_path / "in", "parquet")
    half = len(blocks) // 2
    written = {}
    for block in blocks[:half]:
        written[files.write(block.start, block.readings, simulation.names).name] = block.readings

    with _fleet(tmp_path) as fleet:
        _wait_for(lambda: _batches(tmp_path) >= 1, fleet, "the first batch")
        executors = _executors(fleet.pid)
        assert len(executors) == 2
        os.kill(executors[0], signal.SIGKILL)
        _wait_for(lambda: _batches(tmp_path) >= 3, fleet, "batches after an executor was killed")
        _wait_for(lambda: executors[0] not in _executors(fleet.pid), fleet, "its end")
        for block in blocks[half:]:
            path = files.write(block.start, block.readings, simulation.names)
            written[path.name] = block.readings
        _wait_for(lambda: _batches(tmp_path) >= half + 1, fleet, "the files that came later")
        # The driver is Python and the JVM that it has started.
        for pid in [fleet.pid, *_below(fleet.pid)]:
            _kill(pid)
    assert sum(map(len, _planned(tmp_path))) < len(blocks)
    with _fleet(tmp_path, "--once") as fleet:
        assert fleet.wait(DEADLINE_S) == 0

    rows = spark.read.parquet(str(tmp_path / "out")).toPandas()
    assert not rows.duplicated(["meter", "minute"]).any()
    batches = _planned(tmp_path)
    assert [name for batch in batches for name in batch] == list(written)
    taken = _taken([written[name] for name in batch] for batch in batches)
    names = simulation.names.tolist()
    spoken = rows[rows["actual_kw"].notna()].sort_values(["meter", "minute"])
    assert len(spoken) == sum(map(len, taken.values()))
    model = load_model()
    by_meter = dict(iter(spoken.groupby("meter")))
    for index, readings in taken.items():
        _compare(by_meter[names[index]], readings, Pipeline(model, adapt="light"))
    silent = rows[rows["actual_kw"].isna()]
    assert len(silent) > 0
    assert set(map(tuple, silent["alarms"])) == {("silent",)}


@contextmanager
def _fleet(folder: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """`streamer fleet run` on two executors; all its processes are killed on exit."""
    arguments = ["--source", folder / "in", "--sink", folder / "out", "--checkpoint", folder / "ck"]
    confs = ["spark.driver.memory=1g", "spark.executor.memory=900m", "spark.ui.enabled=false"]
    command = [
        *(sys.executable, "-m", "streamer", "fleet", "run", *map(str, arguments)),
        *("--master", "local-cluster[2,1,1024]", "--max-files", "1", "--every", "1 second"),
        *("--shards", "4"),
        *(word for conf in confs for word in ("--conf", conf)),
        *options,
    ]
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        for pid in [process.pid, *_below(process.pid)]:
            _kill(pid)
        process.wait(DEADLINE_S)


def _wait_for(holds: Callable[[], bool], process: subprocess.Popen[bytes], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert process.poll() is None, f"ended while waiting for {what}"
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.1)


def _batches(folder: Path) -> int:
    """Number of committed batches."""
    commits = folder / "ck" / "commits"
    return sum(path.name.isdigit() for path in commits.iterdir()) if commits.exists() else 0


def _planned(folder: Path) -> list[list[str]]:
    """The files of each batch, according to the checkpoint.

    A driver that is killed after recording a batch's file, but before the batch itself, adds the
    next file to the same batch when it is restarted, regardless of the limit. Readings that are
    late by a file are then in time.
    """
    checkpoint = folder / "ck"
    source = checkpoint / "sources" / "0"
    entries = {}
    for path in source.iterdir():
        if not path.name.startswith("."):
            _, *lines = path.read_text().splitlines()
            for entry in map(json.loads, lines):
                entries[entry["path"]] = (entry["batchId"], entry["timestamp"])
    files = sorted(entries, key=entries.__getitem__)
    numbers = sorted(
        int(path.name) for path in (checkpoint / "offsets").iterdir() if path.name.isdigit()
    )
    batches = []
    last = -1
    for number in numbers:
        text = (checkpoint / "offsets" / str(number)).read_text()
        offset = json.loads(text.splitlines()[-1])["logOffset"]
        batches.append([Path(path).name for path in files if last < entries[path][0] <= offset])
        last = offset
    return batches


def _below(pid: int) -> list[int]:
    """All descendants of a process, according to the kernel."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:  # it has already ended
            continue
    found, last = [], [pid]
    while last:
        last = [child for child, parent in parents.items() if parent in last]
        found += last
    return found


def _executors(pid: int) -> list[int]:
    found = []
    for child in _below(pid):
        try:
            command = Path(f"/proc/{child}/cmdline").read_text()
        except OSError:
            continue
        if EXECUTOR in command and command.split("\0")[0].endswith("java"):
            found.append(child)
    return sorted(found)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _taken(batches: Iterable[list[SimulatedReadings]]) -> dict[int, list[Reading]]:
    """The readings that count, of readings in batches, by a direct computation."""
    taken: dict[int, list[Reading]] = {}
    for batch in batches:
        rows = [
            row
            for part in batch
            for row in zip(part.meter.tolist(), part.minute.tolist(), part.kw.tolist(), strict=True)
        ]
        for meter, minute, kw in sorted(rows, key=itemgetter(1)):
            before = taken.setdefault(meter, [])
            if not before or minute > before[-1].at:
                before.append(Reading(minute, kw))
    return taken


def _compare(rows: pd.DataFrame, readings: list[Reading], pipeline: Pipeline) -> None:
    """Compare the rows of a meter with those of a pipeline of its own."""
    steps = pipeline.push_many(readings)
    assert [minute.to_pydatetime() for minute in rows["minute"]] == [
        reading.at for reading in readings
    ]
    expected = {
        "actual_kw": [step.reading.kw for step in steps],
        "forecast_kw": [step.settled and step.settled.kw for step in steps],
        "low_kw": [step.settled and step.settled.low_kw for step in steps],
        "high_kw": [step.settled and step.settled.high_kw for step in steps],
        "next_kw": [step.forecast and step.forecast.kw for step in steps],
        "mse_kw2": [step.scores.model.mse_kw2 for step in steps],
        "persistence_mse_kw2": [step.scores.persistence.mse_kw2 for step in steps],
        "coverage": [step.scores.band.coverage for step in steps],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(
            rows[name].to_numpy(float),
            np.array(values, float),
            rtol=0.0,
            atol=AGREEMENT_KW,
            err_msg=name,
        )
