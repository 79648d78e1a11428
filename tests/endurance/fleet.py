"""Soak of `streamer fleet run`: a simulated week with faults and kills, in hourly batches.

    python -m tests.endurance.fleet FOLDER

It can be interrupted, and continues with the same folder. At the end, all rows are compared with
those of shards in one process, to the last bit.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from itertools import cycle
from pathlib import Path

from rich.console import Console
from rich.table import Table

from streamer.fleet.files import ReadingFiles
from streamer.fleet.series import series_of
from streamer.fleet.simulate import Faults, SimulatedReadings, Simulation
from streamer.fleet.spark.session import SparkSettings, spark_session
from streamer.sample import sample_path
from streamer.sources.files.delimited import open_replay
from tests.endurance.process import Usage
from tests.fleet.spark.killing import (
    DAEMON,
    DRIVER,
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

FAULTS = Faults(silent=0.02, lost=0.02, missing=0.005, late=0.005, doubled=0.005)
OPTIONS = ("--master", "local[2,4]", "--conf", "spark.ui.enabled=false")
"""A task is retried, so that the query survives the end of a worker."""

_KINDS = (WORKER, DRIVER, DAEMON, JVM)
_ROWS = 14
_TRIES = 3


@dataclass(frozen=True)
class Sample:
    """What is used after a batch.

    Attributes:
        batch: number of the batch.
        seconds: time since the sample before, or since the start of the process.
        memory_mb: resident memory by kind of process.
        checkpoint_bytes: size of the checkpoint.
        checkpoint_files: number of files in it.
        kills: number of kills so far.
    """

    batch: int
    seconds: float
    memory_mb: dict[str, float]
    checkpoint_bytes: int
    checkpoint_files: int
    kills: int


class Soak:
    """A run of the query over a whole input, again and again killed and started.

    Args:
        folder: folder for everything; what an interrupted run has left is continued.
        simulation: the readings.
        shards: number of shards.
        minutes: minutes in a batch.
        kill_every: number of batches between kills.
    """

    def __init__(
        self, folder: Path, simulation: Simulation, shards: int, minutes: int, kill_every: int
    ) -> None:
        self._folder = folder
        self._simulation = simulation
        self._shards = shards
        self._every = kill_every
        self.written = self._write(minutes)
        self._seen = folder / "seen.json"
        self.batches, self.samples, self.kills = Batches(folder), [], 0
        if self._seen.exists():
            known = json.loads(self._seen.read_text())
            self.batches.files = {name: tuple(at) for name, at in known["files"].items()}
            self.batches.ends = {int(number): end for number, end in known["ends"].items()}
            self.samples: list[Sample] = [Sample(**it) for it in known["samples"]]
            self.kills = known["kills"]

    def _write(self, minutes: int) -> dict[str, SimulatedReadings]:
        """The readings of each file by its name; the files are written if they do not exist."""
        whole = self._folder / "written"
        files = None if whole.exists() else ReadingFiles(self._folder / "in", "parquet")
        blocks = list(self._simulation.blocks(minutes))
        if files is not None:
            names = [
                files.write(block.start, block.readings, self._simulation.names).name
                for block in blocks
            ]
            whole.write_text("\n".join(names))
        return dict(
            zip(whole.read_text().split(), (block.readings for block in blocks), strict=True)
        )

    def run(self, console: Console) -> None:
        """Run until the whole input is processed."""
        kinds = cycle(_KINDS[self.kills % len(_KINDS) :] + _KINDS[: self.kills % len(_KINDS)])
        kind = next(kinds)
        code, idle = None, 0
        while code != 0:
            last, due = self.batches.number("ck/commits"), None
            first = last
            since = time.monotonic()
            with FleetProcess(self._folder, *OPTIONS, "--shards", str(self._shards)) as fleet:
                while fleet.process.poll() is None:
                    self.batches.look()
                    now = self.batches.number("ck/commits")
                    if now > last:
                        due = due or now + self._every
                        self._sample(now, time.monotonic() - since, fleet)
                        last, since = now, time.monotonic()
                    if due is not None and now >= due and (pids := fleet.of(kind)):
                        kill(pids[0])
                        self.kills += 1
                        console.print(f"batch {now}: {kind} killed")
                        kind, due = next(kinds), now + self._every
                    time.sleep(LOOK_S)
                code = fleet.end(self.batches.look)
            idle = idle + 1 if last == first else 0
            if idle > _TRIES:
                raise SystemExit(f"the query does not continue: see {self._folder / 'log'}")

    def _sample(self, batch: int, seconds: float, fleet: FleetProcess) -> None:
        memory: dict[str, float] = {}
        for pid, kind in fleet.pids().items():
            try:
                memory[kind] = memory.get(kind, 0.0) + Usage.of(pid).rss_mb
            except (OSError, KeyError):  # it has ended
                continue
        sizes = []
        for path in (self._folder / "ck").rglob("*"):
            try:
                sizes.append(path.lstat().st_blocks * 512)
            except OSError:  # removed meanwhile
                continue
        self.samples.append(Sample(batch, seconds, memory, sum(sizes), len(sizes), self.kills))
        known = {
            "files": self.batches.files,
            "ends": self.batches.ends,
            "samples": [asdict(sample) for sample in self.samples],
            "kills": self.kills,
        }
        self._seen.write_text(json.dumps(known))

    def check(self) -> int:
        """Compare all rows with those of shards in this process; their number."""
        planned = self.batches.planned()
        assert [name for batch in planned for name in batch] == list(self.written)
        with spark_session(SparkSettings("local[2]", {"spark.ui.enabled": "false"})) as spark:
            of = shard_of(spark, self._simulation, self._shards)
            came = output(spark, self._folder)
        compare(came, expected(self._folder, self._simulation, self.written, planned, of))
        return len(came)

    def table(self) -> Table:
        """Some of the samples, evenly spaced, the last one included."""
        table = Table(title="After a batch")
        for name in ("batch", "s", DRIVER, JVM, "workers, MB", "checkpoint, KB/meter", "files"):
            table.add_column(name, justify="right")
        step = -(-len(self.samples) // _ROWS)
        for sample in self.samples[::-1][::step][::-1]:
            memory = sample.memory_mb
            workers = memory.get(DAEMON, 0.0) + memory.get(WORKER, 0.0)
            size = sample.checkpoint_bytes / 1000 / self._simulation.meters
            table.add_row(
                *(str(sample.batch), f"{sample.seconds:.1f}"),
                *(f"{memory.get(kind, 0.0):.0f}" for kind in (DRIVER, JVM)),
                *(f"{workers:.0f}", f"{size:.2f}", f"{sample.checkpoint_files:,}"),
            )
        return table


def main() -> None:
    """Parse the arguments, and run the soak."""
    parser = argparse.ArgumentParser(description="Soak of streamer fleet run.")
    parser.add_argument("folder", type=Path, help="new, or left by an interrupted run")
    for name, value in (("meters", 100), ("days", 7), ("shards", 2), ("seed", 27)):
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--minutes", type=int, default=60, help="minutes in a batch")
    parser.add_argument("--kill-every", type=int, default=16, help="batches between kills")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    simulation = Simulation(
        series_of(open_replay(sample_path())),
        meters=given.meters,
        minutes=given.days * 1440,
        seed=given.seed,
        faults=FAULTS,
    )
    console = Console(width=100)
    began = time.monotonic()
    soak = Soak(given.folder, simulation, given.shards, given.minutes, given.kill_every)
    soak.run(console)
    console.print(soak.table())
    rows = soak.check()
    count = sum(map(len, soak.written.values()))
    console.print(
        f"{count:,} readings in {len(soak.written)} files, {soak.kills} kills, "
        f"{time.monotonic() - began:.0f} s: {rows:,} rows, each as without kills"
    )


if __name__ == "__main__":
    main()
