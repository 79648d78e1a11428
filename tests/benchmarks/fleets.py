"""Benchmark of a fleet offline and on Spark, on the same readings: speed and CPU time.

`python -m tests.benchmarks.fleets MEASUREMENT ARGUMENTS` prints a line of JSON; `measure` runs
all measurements, one after the other, each in its own process, of this checkout or of another one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from streamer.fleet import Shard
from streamer.fleet.files import ReadingFiles
from streamer.fleet.series import series_of
from streamer.fleet.simulate import NO_FAULTS, SimulatedReadings, Simulation
from streamer.models import load_model
from streamer.sample import sample_path
from streamer.sources.files.delimited import open_replay
from tests.benchmarks.engines import CORES, MODEL, WINDOW

METERS = (1_000, 10_000, 100_000)
SHARD = 1_000
"""Meters per shard."""

BATCH = 10
"""Minutes per batch."""

WARM = 60
"""Minutes before the measurement: windows fill up, and the JVM compiles its code."""

_MEASURED = {1_000: 300, 10_000: 100}
_MEASURED_OF_MANY = 20
_SINGLES = 6
"""Number of batches of one minute after the others."""

_HERE = Path(__file__).resolve().parents[2]
_WINDOWS = 20_000
_POLL_S = 0.1
_TICKS_S = os.sysconf("SC_CLK_TCK")


def measure(meters: int, checkout: Path | None = None) -> dict[str, Any]:
    """The network alone, the fleet offline and on Spark, with so many meters.

    Args:
        meters: number of meters.
        checkout: folder of another version of streamer, built in place; None for this one.
    """
    found: dict[str, Any] = {"meters": meters, "checkout": checkout and str(checkout)}
    with tempfile.TemporaryDirectory() as folder:
        for what, *arguments in (
            ("network",),
            ("offline", meters),
            ("spark", meters, Path(folder) / "spark"),
        ):
            found[what] = _measured(Path(folder), checkout or _HERE, what, *arguments)
    return found


def _measured(folder: Path, checkout: Path, what: str, *arguments: object) -> dict[str, Any]:
    """One measurement of this module, in its own process."""
    # The first place from which modules are imported is the present folder.
    tests = folder / "tests"
    if not tests.exists():
        tests.symlink_to(_HERE / "tests")
    done = subprocess.run(
        [sys.executable, "-m", __name__, what, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(checkout.resolve())},
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _simulation(meters: int) -> Simulation:
    minutes = WARM + _MEASURED.get(meters, _MEASURED_OF_MANY) + _SINGLES
    series = series_of(open_replay(sample_path()))
    return Simulation(series, meters=meters, minutes=minutes, faults=NO_FAULTS)


def _batches(simulation: Simulation) -> Iterator[SimulatedReadings]:
    """The readings as measured: by ten minutes, then by one."""
    minutes = simulation.minutes or 0
    for start in range(0, minutes - _SINGLES, BATCH):
        yield SimulatedReadings.together(
            [simulation.minute(start + minute) for minute in range(BATCH)]
        )
    yield from map(simulation.minute, range(minutes - _SINGLES, minutes))


def _network() -> dict[str, float]:
    """The network alone, on windows of the sample."""
    kw = np.resize(series_of(open_replay(sample_path())), _WINDOWS + WINDOW)
    windows = np.lib.stride_tricks.sliding_window_view(np.nan_to_num(kw), WINDOW)[:_WINDOWS]
    model = load_model(MODEL)
    model.forecast(windows)
    started, cpu = time.perf_counter(), time.process_time()
    for _ in range(5):
        model.forecast(windows)
    count = 5 * _WINDOWS
    return {
        "readings_per_s": count / (time.perf_counter() - started),
        "cpu_us": 1e6 * (time.process_time() - cpu) / count,
    }


def _offline(meters: str) -> dict[str, float]:
    """All shards in one process, on all cores, from arrays to arrays."""
    simulation = _simulation(int(meters))
    model = load_model(MODEL)
    shards = [Shard(model) for _ in range(-(-int(meters) // SHARD))]
    count, seconds, cpu_seconds, single = 0, 0.0, 0.0, []
    for number, readings in enumerate(_batches(simulation)):
        of_shard = readings.meter % len(shards)
        started, cpu = time.perf_counter(), time.process_time()
        for index, shard in enumerate(shards):
            mine = readings.where(of_shard == index)
            shard.push(simulation.names[mine.meter], mine.minute, mine.kw)
        taken = time.perf_counter() - started
        if len(readings) <= simulation.meters:
            single.append(taken)
        elif number * BATCH >= WARM:
            count += len(readings)
            seconds += taken
            cpu_seconds += time.process_time() - cpu
    return {
        "readings_per_s": count / seconds,
        "cpu_us": 1e6 * cpu_seconds / count,
        "minute_s": float(np.median(single)),
        "state_bytes": sum(len(shard.state()) for shard in shards) / int(meters),
    }


def _spark(meters: str, folder: str) -> dict[str, Any]:
    """The same readings as files, through the query of `streamer fleet run`, to Parquet."""
    from streamer.fleet.spark.job import FleetJob
    from streamer.fleet.spark.session import SparkSettings, spark_session

    root = Path(folder)
    simulation = _simulation(int(meters))
    files = ReadingFiles(root / "readings", "parquet")
    minute = np.datetime64("2026-01-01T00:00", "us")
    for readings in _batches(simulation):
        files.write(minute, readings, simulation.names)
        minute = minute + np.timedelta64(timedelta(minutes=len(readings) // simulation.meters))
    warm = WARM // BATCH
    job = FleetJob(
        source=str(root / "readings"),
        sink=str(root / "forecasts"),
        checkpoint=str(root / "checkpoint"),
        given={"shards": max(CORES, -(-int(meters) // SHARD))},
        max_files=1,
        once=True,
    )
    started = time.perf_counter()
    with spark_session(SparkSettings(master=f"local[{CORES}]")) as session:
        ready = time.perf_counter()
        jvm = session.sparkContext._gateway.proc.pid
        (query,) = job.start(session)
        marks: dict[int, dict[str, float]] = {}
        state = StateFiles(root / "checkpoint" / "state")
        while not query.awaitTermination(_POLL_S):
            state.look()
            _mark(query.lastProgress, jvm, state, marks)
        reports = {report["batchId"]: report for report in query.recentProgress}
        ended = time.perf_counter()
        written = session.read.parquet(job.sink).count()
    batches = [reports[number] for number in sorted(reports) if reports[number]["numInputRows"]]
    many = [it for it in batches[warm:] if it["numInputRows"] > simulation.meters]
    single = [it for it in batches[warm:] if it["numInputRows"] <= simulation.meters]
    count = sum(it["numInputRows"] for it in many)
    last = many[-1]["batchId"]
    before, after = _marked(marks, many[0]["batchId"] - 1), _marked(marks, last)
    spent = {who: after[who] - before[who] for who in ("jvm", "forks", "python")}
    minutes = BATCH * (after["batch"] - before["batch"])
    operator = many[-1]["stateOperators"][0]
    return {
        "readings_per_s": count / sum(map(_seconds, many)),
        "cpu_us": 1e6 * sum(spent.values()) / count,
        "jvm_us": 1e6 * spent["jvm"] / count,
        "forks_us": 1e6 * spent["forks"] / count,
        "python_us": 1e6 * spent["python"] / count,
        "written_bytes": (after["state"] - before["state"]) / minutes / simulation.meters,
        "disk_bytes": _size(root / "checkpoint") / simulation.meters,
        "minute_s": float(np.median([_seconds(it) for it in single])),
        "start_s": ready - started,
        "first_batch_s": _seconds(batches[0]),
        "all_in_per_s": written / (ended - started),
        "written": written,
        "read": sum(it["numInputRows"] for it in batches),
        "parts_ms": many[-1]["durationMs"],
        "state": {"memory_bytes": operator["memoryUsedBytes"], **operator["customMetrics"]},
    }


def _seconds(report: dict[str, Any]) -> float:
    return float(report["durationMs"]["triggerExecution"]) / 1000.0


def _marked(marks: dict[int, dict[str, float]], batch: int) -> dict[str, float]:
    """CPU time spent by the end of a batch, or of the next one that was recorded in time."""
    return marks[min(number for number in marks if number >= batch)]


class StateFiles:
    """The files of a checkpoint's state, seen as they appear; Spark removes old ones.

    Attributes:
        written: number of bytes in all files so far.
    """

    def __init__(self, folder: Path) -> None:
        self.written = 0
        self._folder = folder
        self._seen: set[Path] = set()

    def look(self) -> None:
        """Count what is new; files appear under their names when they are complete."""
        for path in self._folder.rglob("[!.]*.*"):
            if path not in self._seen:
                self._seen.add(path)
                self.written += _bytes(path)


def _size(folder: Path) -> int:
    """Size of a folder's files on disk."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))


def _bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:  # already removed
        return 0


def _mark(
    report: dict[str, Any] | None, jvm: int, state: StateFiles, marks: dict[int, dict[str, float]]
) -> None:
    """Record what was spent by the end of each batch, once it is reported."""
    if report is not None and report["batchId"] not in marks:
        parents = _parents()
        below, found = {jvm}, {jvm}
        while below:
            below = {pid for pid, parent in parents.items() if parent in below}
            found |= below
        own = _cpu_seconds(jvm, children=False)
        marks[report["batchId"]] = {
            "batch": report["batchId"],
            "jvm": own,
            "forks": _cpu_seconds(jvm, children=True) - own,
            "python": sum(_cpu_seconds(pid, children=True) for pid in found - {jvm}),
            "state": state.written,
        }


def _parents() -> dict[int, int]:
    return {
        int(path.name): stat[1] for path in Path("/proc").glob("[0-9]*") if (stat := _stat(path))
    }


def _cpu_seconds(pid: int, *, children: bool) -> float:
    """CPU seconds of a process, and of the children that it has waited for."""
    stat = _stat(Path("/proc") / str(pid))
    return sum(stat[11 : 15 if children else 13]) / _TICKS_S if stat else 0.0


def _stat(path: Path) -> list[int]:
    """The fields after the name in a process's `stat`; empty if it has ended."""
    try:
        text = (path / "stat").read_text()
    except OSError:
        return []
    return [
        int(word) if word.lstrip("-").isdigit() else 0 for word in text.rpartition(")")[2].split()
    ]


if __name__ == "__main__":
    measurements = {"network": _network, "offline": _offline, "spark": _spark}
    print(json.dumps(measurements[sys.argv[1]](*sys.argv[2:])))
