"""The command `fleet simulate`: a file, a made-up fleet, a folder of files for Spark."""

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
"""How far back a live one begins that is faster than the clock, and has no end."""

_FEWEST_MINUTES, _MOST_ROWS, _MOST_FILES = 10, 1_000_000, 200

_MOST_AT_ONCE = 50_000_000
"""Readings that a file may hold: they are in memory, and more than this are some gigabytes."""


def minutes_of_a_file(meters: int, minutes: int | None) -> int:
    """How many minutes a file is for, if nobody says it.

    Ten; more where there would be hundreds of files; fewer where there would be more than a
    million readings in one.

    >>> minutes_of_a_file(1_000, 120), minutes_of_a_file(100, 10_080)
    (10, 51)
    >>> minutes_of_a_file(100_000, 60), minutes_of_a_file(2_000_000, 60)
    (10, 1)
    """
    wanted = max(_FEWEST_MINUTES, math.ceil((minutes or 0) / _MOST_FILES))
    return max(1, min(wanted, _MOST_ROWS // meters))


@dataclass(frozen=True)
class Order:
    """What to simulate, and where to.

    Attributes:
        folder: where the files go.
        file: the recording that the readings are made from.
        options: how to read it.
        meters: how many meters.
        minutes: how many minutes each; None for no end, which only a live one can do.
        every: minutes that a file is for; None for what suits.
        format: `parquet`, `csv` or `json`.
        start: the first minute; None for `DEFAULT_START`, or live for the minute just over;
            faster than the clock, that many minutes before, or `PAST_DAYS`.
        seed: what all is drawn from.
        faults: what goes wrong.
        speed: of a live one, minutes a minute; None to write all at once.
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


def simulate(order: Order, *, clock: WallClock | None = None) -> None:
    """Write a fleet's files, and say on standard output what has been written.

    Args:
        order: what is wanted.
        clock: for a live one; the machine's by default.

    Raises:
        UsageError: the request cannot be met.
        SourceError: the file cannot be read.
        OSError: the folder cannot be written to.
    """
    clock = SystemClock() if clock is None else clock
    every = _every(order)
    files = ReadingFiles(order.folder, order.format)
    series = series_of(order.options.open(order.file), on_notice=NoteSink(sys.stderr).write)
    simulation = Simulation(
        series,
        meters=order.meters,
        minutes=order.minutes,
        start=_start(order, clock),
        seed=order.seed,
        faults=order.faults,
    )
    tally = _Tally(order)
    pacer = None if order.speed is None else Pacer(order.speed, clock=clock)
    try:
        _write(simulation, every, files, pacer, tally)
    except KeyboardInterrupt:
        # What has been written is there to be used: this is how a live one ends.
        tally.report()
        raise
    tally.report()


class _Tally:
    """What has been written."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._files = self._readings = self._late = self._doubled = 0

    def add(self, block: Block) -> None:
        self._files += 1
        self._readings += len(block.readings)
        self._late += block.late
        self._doubled += block.doubled

    def report(self) -> None:
        if not self._files:
            print("Nothing has been written")
            return
        folder = shlex.quote(str(self._order.folder))
        print(
            f"Written to {folder}: {plural(self._files, 'file')}, "
            f"{plural(self._readings, 'reading')} of {plural(self._order.meters, 'meter')}, "
            f"{self._late:,} of them late, {self._doubled:,} doubled; try it: "
            f"streamer fleet run --source {folder} --sink console --checkpoint DIR"
        )


def _start(order: Order, clock: WallClock) -> datetime:
    if order.start is not None:
        return order.start
    if order.speed is None:
        return DEFAULT_START
    now = datetime.fromtimestamp(clock.wall() // 60 * 60, UTC)
    # A meter gives a minute's reading when the minute is over.
    minutes = 1
    if order.speed > 1:
        # So that it does not overtake the clock: readings of days to come are not taken.
        minutes = PAST_DAYS * 24 * 60 if order.minutes is None else order.minutes
    try:
        return now - timedelta(minutes=minutes)
    except OverflowError:
        raise UsageError(
            f"{plural(minutes, 'minute')} are more than any calendar has: give fewer, or --start"
        ) from None


def _every(order: Order) -> int:
    """Minutes that a file is for."""
    if order.every is None:
        live = order.speed is not None
        return 1 if live else minutes_of_a_file(order.meters, order.minutes)
    minutes = order.every if order.minutes is None else min(order.every, order.minutes)
    if minutes * order.meters > _MOST_AT_ONCE:
        raise UsageError(
            f"{plural(minutes, 'minute')} of {plural(order.meters, 'meter')} are too much for a "
            f"file: give --every {max(1, _MOST_ROWS // order.meters)}"
        )
    return order.every


def _write(
    simulation: Simulation, every: int, files: ReadingFiles, pacer: Pacer | None, tally: _Tally
) -> None:
    with progress_bar(MofNCompleteColumn(), TextColumn("minutes"), TimeElapsedColumn()) as bar:
        task = bar.add_task("simulating" if pacer else "writing", total=simulation.minutes)
        for block in simulation.blocks(every):
            if pacer is not None:
                # Minute by minute, since a pacer takes a longer step for a gap.
                for index in range(max(1, block.minutes)):
                    pacer.hold((block.start + np.timedelta64(index, "m")).astype(datetime))
            files.write(block.start, block.readings, simulation.names)
            tally.add(block)
            bar.advance(task, block.minutes)
