"""Bytes on disk of a fleet over many batches, by kind.

`python -m tests.endurance.fleetdisk` simulates a month of hourly batches; by hand, some minutes.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from streamer.fleet.files import ReadingFiles
from streamer.fleet.series import series_of
from streamer.fleet.simulate import Simulation
from streamer.fleet.spark.job import FleetJob
from streamer.fleet.spark.reports import Report
from streamer.fleet.spark.running import RENEWED_AFTER
from streamer.fleet.spark.session import SparkSettings, parse_conf, spark_session
from streamer.fleet.spark.waiting import wait_for
from streamer.sample import sample_path
from streamer.sources.files.delimited import open_replay

QUICKENED = {
    "spark.sql.streaming.stateStore.maintenanceInterval": "500ms",
    "spark.sql.streaming.fileSource.log.cleanupDelay": "5s",
    "spark.sql.streaming.fileSink.log.cleanupDelay": "5s",
}
"""A batch takes a second or two instead of an hour, and what is periodic is as much faster."""


@dataclass(frozen=True)
class Sample:
    """Bytes on disk after a batch.

    Attributes:
        batch: number of the batch.
        kinds: bytes by kind; the sink's begin with "sink".
        files: number of files.
    """

    batch: int
    kinds: Counter[str]
    files: int

    @property
    def checkpoint(self) -> int:
        """Bytes of the checkpoint."""
        return sum(size for kind, size in self.kinds.items() if not kind.startswith("sink"))


def sample(batch: int, checkpoint: Path, sink: Path) -> Sample:
    """Bytes on disk now."""
    kinds: Counter[str] = Counter()
    files = 0
    for root, prefix in ((checkpoint, ""), (sink, "sink ")):
        for path in root.rglob("*"):
            try:
                if not path.is_file():
                    continue
                size = path.stat().st_size
            except FileNotFoundError:
                continue  # cleaned up meanwhile
            files += 1
            kinds[prefix + _kind(path.relative_to(root))] += size
    return Sample(batch, kinds, files)


def _kind(path: Path) -> str:
    if path.suffix == ".crc":
        return "checksums"
    if path.parts[0] == "state":
        return {".zip": "snapshots", ".changelog": "changelogs", ".sst": "tables"}.get(
            path.suffix, "state's rest"
        )
    return "rows" if path.suffix == ".parquet" else path.parts[0]


def run(
    folder: Path,
    seen: Callable[[Sample], None],
    *,
    meters: int,
    batches: int,
    minutes: int,
    conf: dict[str, str],
    every: int,
) -> None:
    """Run a fleet on a folder of simulated readings, one file a batch.

    Args:
        folder: an empty folder.
        seen: called with each sample.
        meters: number of meters.
        batches: number of batches.
        minutes: minutes in each.
        conf: Spark's own settings.
        every: number of batches from one sample to the next.
    """
    simulation = Simulation(series_of(open_replay(sample_path())), meters=meters, minutes=None)
    files = ReadingFiles(folder / "in", "parquet")
    blocks = simulation.blocks(minutes)
    for _ in range(batches):
        block = next(blocks)
        files.write(block.start, block.readings, simulation.names)
    checkpoint, sink = folder / "checkpoint", folder / "out"
    job = FleetJob(
        str(folder / "in"), str(sink), str(checkpoint), max_files=1, once=True, consumed="delete"
    )

    def look(report: Report) -> None:
        batch = report["batchId"]
        if batch % every == 0 or batch == batches - 1:
            seen(sample(batch, checkpoint, sink))

    with spark_session(SparkSettings(master="local[2]", conf=conf)) as session:
        start = job.prepare(session)
        while wait_for(start(), look, batches=RENEWED_AFTER):
            pass


def main() -> None:
    """Run, and print bytes a meter by kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meters", type=int, default=300)
    parser.add_argument("--batches", type=int, default=720)
    parser.add_argument("--minutes", type=int, default=60, help="in a batch")
    parser.add_argument("--every", type=int, default=40, help="batches from sample to sample")
    parser.add_argument("--conf", action="append", default=[], help="Spark's own setting")
    given = parser.parse_args()
    began = time.monotonic()

    def show(found: Sample) -> None:
        each = ", ".join(
            f"{kind} {size / given.meters:,.0f}" for kind, size in sorted(found.kinds.items())
        )
        print(
            f"batch {found.batch} ({time.monotonic() - began:.0f} s), bytes a meter: "
            f"{found.checkpoint / given.meters:,.0f} in {found.files} files; {each}",
            flush=True,
        )

    with tempfile.TemporaryDirectory() as folder:
        run(
            Path(folder),
            show,
            meters=given.meters,
            batches=given.batches,
            minutes=given.minutes,
            conf=QUICKENED | parse_conf(given.conf),
            every=given.every,
        )


if __name__ == "__main__":
    main()
