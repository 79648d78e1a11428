"""The command `fleet simulate`: a folder of files with a fleet simulated from one recording."""

from __future__ import annotations

import math
import shlex
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from rich.progress import MofNCompleteColumn, TextColumn, TimeElapsedColumn

from streamer.clock import SystemClock, WallClock
from streamer.commands.files import FileOptions
from streamer.display.lines import one_line
from streamer.display.numbers import plural
from streamer.display.progress import progress_bar
from streamer.errors import UsageError
from streamer.fleet.files import ReadingFiles
from streamer.fleet.series import series_of
from streamer.fleet.simulate import Block, Faults, Simulation
from streamer.sinks.notes import NoteSink
from streamer.stream.pacing import Pacer

DEFAULT_START = datetime(2026, 1, 1)

PAST_DAYS = 30
"""Days before now at which an endless live simulation faster than the clock begins."""

_MIN_MINUTES, _MAX_ROWS, _MAX_FILES = 10, 1_000_000, 200

_MAX_READINGS = 50_000_000
"""Readings in one file: they are held in memory, where more than this take gigabytes."""


def minutes_of_a_file(meters: int, minutes: int | None) -> int:
    """Default number of minutes per file.

    Ten; more where that would give hundreds of files; fewer where a file would hold more than
    a million readings.

    >>> minutes_of_a_file(1_000, 120), minutes_of_a_file(100, 10_080)
    (10, 51)
    >>> minutes_of_a_file(100_000, 60), minutes_of_a_file(2_000_000, 60)
    (10, 1)
    """
    wanted = max(_MIN_MINUTES, math.ceil((minutes or 0) / _MAX_FILES))
    return max(1, min(wanted, _MAX_ROWS // meters))


@dataclass(frozen=True)
class SimulateJob:
    """A fleet to simulate, and the folder for its files.

    Attributes:
        folder: folder for the files.
        file: path of the recording that the readings are derived from.
        options: options for reading it.
        meters: number of meters.
        minutes: number of minutes; None for no end, which needs `speed`.
        every: minutes per file; None for a default by size.
        format: `parquet`, `csv` or `json`.
        start: the first minute, UTC. None for `DEFAULT_START`, or with a `speed` of 1 for the
            minute that has just ended; with a higher one for `minutes` before now, or
            `PAST_DAYS` without an end.
        seed: seed of the random numbers.
        faults: rates of lost, late and duplicate readings.
        speed: of a live simulation, event time per wall time; None to write all files at once.
    """

    folder: Path
    file: str
    options: FileOptions
    meters: int
    minutes: int | None
    every: int | None
    format: str
    start: datetime | None
    seed: int
    faults: Faults
    speed: float | None


def simulate(job: SimulateJob, *, clock: WallClock | None = None) -> None:
    """Write a fleet's files, and print on standard output a summary of what was written.

    Args:
        job: the fleet and the folder.
        clock: clock of a live simulation; the machine's by default.

    Raises:
        UsageError: the request cannot be met.
        SourceError: the file cannot be read.
        OSError: the folder cannot be written to.
    """
    clock = SystemClock() if clock is None else clock
    every = _every(job)
    files = ReadingFiles(job.folder, job.format)
    series = series_of(job.options.open(job.file), on_notice=NoteSink(sys.stderr).write)
    simulation = Simulation(
        series,
        meters=job.meters,
        minutes=job.minutes,
        start=_start(job, clock),
        seed=job.seed,
        faults=job.faults,
    )
    written = _Written(job)
    pacer = None if job.speed is None else Pacer(job.speed, clock=clock)
    try:
        _write(simulation, every, files, pacer, written)
    except KeyboardInterrupt:
        # The normal end of a live simulation; the files written so far are usable.
        written.report()
        raise
    written.report()


class _Written:
    """Counts of the files and readings written."""

    def __init__(self, job: SimulateJob) -> None:
        self._job = job
        self._files = self._readings = self._late = self._doubled = 0

    def add(self, block: Block) -> None:
        self._files += 1
        self._readings += len(block.readings)
        self._late += block.late
        self._doubled += block.doubled

    def report(self) -> None:
        if not self._files:
            print("No files were written")
            return
        folder = one_line(shlex.quote(str(self._job.folder)))
        print(
            f"Written to {folder}: {plural(self._files, 'file')}, "
            f"{plural(self._readings, 'reading')} of {plural(self._job.meters, 'meter')}, "
            f"{self._late:,} of them late, {self._doubled:,} duplicates; try it: "
            f"streamer fleet run --source {folder} --sink console --checkpoint DIR"
        )


def _start(job: SimulateJob, clock: WallClock) -> datetime:
    if job.start is not None:
        return job.start
    if job.speed is None:
        return DEFAULT_START
    now = datetime.fromtimestamp(clock.wall() // 60 * 60, UTC)
    # A meter sends the reading of a minute when the minute has ended.
    minutes = 1
    if job.speed > 1:
        # The fleet must not overtake the clock: readings from the future are rejected.
        minutes = PAST_DAYS * 24 * 60 if job.minutes is None else job.minutes
    try:
        return now - timedelta(minutes=minutes)
    except OverflowError:
        raise UsageError(
            f"{plural(minutes, 'minute')} before now is out of range: give fewer, or --start"
        ) from None


def _every(job: SimulateJob) -> int:
    """Minutes per file."""
    if job.every is None:
        live = job.speed is not None
        return 1 if live else minutes_of_a_file(job.meters, job.minutes)
    minutes = job.every if job.minutes is None else min(job.every, job.minutes)
    if minutes * job.meters > _MAX_READINGS:
        raise UsageError(
            f"{plural(minutes, 'minute')} of {plural(job.meters, 'meter')} are too many for one "
            f"file: give --every {max(1, _MAX_ROWS // job.meters)}"
        )
    return job.every


def _write(
    simulation: Simulation, every: int, files: ReadingFiles, pacer: Pacer | None, written: _Written
) -> None:
    with progress_bar(MofNCompleteColumn(), TextColumn("minutes"), TimeElapsedColumn()) as bar:
        task = bar.add_task("simulating" if pacer else "writing", total=simulation.minutes)
        for block in simulation.blocks(every):
            if pacer is not None:
                # Minute by minute, because a pacer treats a longer step as a gap.
                for index in range(max(1, block.minutes)):
                    pacer.hold((block.start + np.timedelta64(index, "m")).astype(datetime))
            files.write(block.start, block.readings, simulation.names)
            written.add(block)
            bar.advance(task, block.minutes)
