"""`streamer fleet run` under observation: its processes, its batches, and what it should write."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import SparkSession

from streamer.fleet import Shard
from streamer.fleet.columns import COLUMNS, Outcome
from streamer.fleet.simulate import SimulatedReadings, Simulation
from streamer.fleet.spark.checkpoint import NAME, CheckpointConfig
from streamer.models import load_model

DEADLINE_S = 300
LOOK_S = 0.02

DRIVER, JVM, EXECUTOR, DAEMON, WORKER = "driver", "JVM", "executor", "daemon", "worker"
KINDS = (DRIVER, JVM, EXECUTOR, DAEMON, WORKER)
"""Kinds of processes: Python and its JVM; an executor, the Python that starts its workers, and one
of these."""


class FleetProcess:
    """A run of `streamer fleet run --once`, one file a batch; a context manager that kills it.

    Args:
        folder: folder with `in`, and for `out`, `ck` and `log`.
        options: more options of the command.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        places = [f"--{name}={folder / at}" for name, at in PLACES.items()]
        self._known: dict[int, str] = {}
        command = [sys.executable, "-m", "streamer", "fleet", "run", "--once", "--max-files", "1"]
        with (folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *places, *options], stdout=log, stderr=log, start_new_session=True
            )

    def __enter__(self) -> FleetProcess:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            for pid in self.pids():
                kill(pid)
            self.process.wait(DEADLINE_S)

    def pids(self) -> dict[int, str]:
        """Its living processes by their kinds; others are left out."""
        kinds = {self.process.pid: DRIVER} if self.process.poll() is None else {}
        parents = _parents()
        below = [self.process.pid]
        while below:
            below = [pid for pid, parent in parents.items() if parent in below]
            for pid in below:
                kind = _kind(_command(pid), kinds.get(parents[pid]))
                if kind is not None:
                    kinds[pid] = kind
        self._known |= kinds
        return kinds

    def of(self, kind: str) -> list[int]:
        """Its processes of a kind."""
        return sorted(pid for pid, its in self.pids().items() if its == kind)

    def end(self, look: Callable[[], None]) -> int:
        """Wait until it has ended, and all processes that it had started; its exit code.

        A JVM without its driver ends by itself, but in a local cluster it first replaces each
        executor that it ends. So it is killed as well, as a service manager would do.

        Args:
            look: called meanwhile, since such a JVM may still complete batches.
        """

        def is_over() -> bool:
            if self.process.poll() is None:
                return False
            for pid, kind in self._known.items():
                if kind == JVM and _command(pid):
                    kill(pid)
            over = not any(map(_command, self._known))
            look()
            return over

        wait_for(is_over, "the end of its processes")
        return self.process.wait()


PLACES = {"source": "in", "sink": "out", "checkpoint": "ck"}


def kill(pid: int) -> None:
    """Kill a process at once, if it still runs."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def wait_for(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(LOOK_S)


@dataclass
class Batches:
    """The batches of a checkpoint, as they are seen while it is used; Spark removes old ones.

    A driver that is killed after recording a batch's file, but before the batch itself, adds the
    next file to the same batch when it is restarted, regardless of the limit. Readings that are
    late by a file are then in time.

    Attributes:
        folder: folder with `ck` and `out`.
        files: position of each file in the source's record, by its name.
        ends: position of the last file of each batch, by its number.
    """

    folder: Path
    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    ends: dict[int, int] = field(default_factory=dict)

    def number(self, log: str) -> int:
        """Number of the last batch in one of Spark's logs; -1 if there is none."""
        return max(_entries(self.folder / log), default=-1)

    def look(self) -> None:
        """Take in what is new."""
        with suppress(FileNotFoundError, ValueError):  # removed meanwhile, or being replaced
            for number, path in _entries(self.folder / "ck/offsets").items():
                if number not in self.ends:
                    last = path.read_text().splitlines()[-1]
                    self.ends[number] = json.loads(last)["logOffset"]
        for number, path in _entries(self.folder / "ck/sources/0").items():
            with suppress(FileNotFoundError, ValueError):
                if any(at[0] == number for at in self.files.values()):
                    continue
                for line in path.read_text().splitlines()[1:]:
                    entry = json.loads(line)
                    name = entry["path"].rpartition("/")[2]
                    self.files[name] = (entry["batchId"], entry["timestamp"])

    def planned(self) -> list[list[str]]:
        """The names of the files of each batch."""
        self.look()
        assert sorted(self.ends) == list(range(len(self.ends))), "a batch was not seen"
        files = sorted(self.files, key=self.files.__getitem__)
        batches, last = [], -1
        for number in range(len(self.ends)):
            end = self.ends[number]
            batches.append([name for name in files if last < self.files[name][0] <= end])
            last = end
        return batches


def expected(
    folder: Path,
    simulation: Simulation,
    written: Mapping[str, SimulatedReadings],
    batches: Iterable[Sequence[str]],
    shard_of: np.ndarray,
) -> pd.DataFrame:
    """The rows of shards in this process, for the same batches.

    Args:
        folder: folder with the checkpoint `ck`, for its settings.
        simulation: has the names of the meters.
        written: the readings of each file by its name.
        batches: names of the files of each batch.
        shard_of: (meters,) shard of each meter.
    """
    choices = CheckpointConfig.parse((folder / "ck" / NAME).read_text(), "ck").choices
    model = load_model(choices.model, threads=1)
    shards = [Shard(model, choices.fleet) for _ in range(int(shard_of.max()) + 1)]
    parts = []
    for names in batches:
        readings = SimulatedReadings.together([written[name] for name in names])
        of = shard_of[readings.meter]
        for number in np.unique(of):
            shard, mine = shards[number], readings.where(of == number)
            parts.append(shard.push(simulation.names[mine.meter], mine.minute, mine.kw))
            assert shard.latest is not None
            parts.append(shard.silent(shard.latest))
    return _in_order(pd.DataFrame(Outcome.joined(parts).columns))


def shard_of(spark: SparkSession, simulation: Simulation, shards: int) -> np.ndarray:
    """(meters,) shard of each meter, by Spark's hash."""
    from pyspark.sql import functions as fn

    names = spark.createDataFrame(pd.DataFrame({"meter": simulation.names}))
    found = names.select(fn.pmod(fn.hash("meter"), fn.lit(shards)).alias("shard"))
    return np.asarray(found.toPandas()["shard"])


def output(spark: SparkSession, folder: Path) -> pd.DataFrame:
    """The rows in the output that count, in the columns of a shard."""
    rows = spark.read.parquet(str(folder / "out")).toPandas()
    rows["alarms"] = [None if it is None else ",".join(it) for it in rows["alarms"]]
    for name, kind in COLUMNS.items():
        if kind == "timestamp":
            rows[name] = rows[name].astype("datetime64[us]")
    return _in_order(rows)


def compare(came: pd.DataFrame, right: pd.DataFrame) -> None:
    """Check that all rows are there, none twice, and equal to the last bit."""
    assert not came.duplicated(["meter", "minute", "alarms"]).any(), "a row was written twice"
    assert len(came) == len(right), f"{len(came)} rows instead of {len(right)}"
    for name in COLUMNS:
        np.testing.assert_array_equal(
            came[name].to_numpy(right[name].dtype), right[name].to_numpy(), err_msg=name
        )


def _in_order(rows: pd.DataFrame) -> pd.DataFrame:
    rows = rows.assign(no_reading=rows["actual_kw"].isna())
    return rows.sort_values(["meter", "minute", "no_reading"], ignore_index=True)


def _entries(log: Path) -> dict[int, Path]:
    """Entries of one of Spark's logs by number, the last one merged with its predecessors too."""
    if not log.exists():
        return {}
    found = ((path.name.removesuffix(".compact"), path) for path in log.iterdir())
    return {int(name): path for name, path in found if name.isdecimal()}


def _kind(command: str, parent: str | None) -> str | None:
    program = command.split("\0")[0].rpartition("/")[2]
    if program == "java":
        return EXECUTOR if "CoarseGrainedExecutorBackend" in command else JVM
    if "pyspark.daemon" in command:
        return WORKER if parent == DAEMON else DAEMON
    return None


def _command(pid: int) -> str:
    """Command line of a process; empty if it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _parents() -> dict[int, int]:
    """The parent of each process, according to the kernel."""
    parents = {}
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has already ended
            parents[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
    return parents
