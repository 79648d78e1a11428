"""Benchmark of fault detection: its delay, and the rate of false alarms.

python -m tests.benchmarks.faults --help
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich import box
from rich.console import Console
from rich.table import Table

from streamer.errors import UsageError
from streamer.evaluation.stretch import Last
from streamer.models import load_model
from streamer.pipeline import Pipeline
from streamer.readings import Alarm, Reading
from streamer.readings.blocks import ReadingBlock
from streamer.sample import sample_path
from streamer.sources.files.delimited import open_replay

DAY = 1440
KINDS = (Alarm.ANOMALY, Alarm.STUCK, Alarm.UNIT, Alarm.DRIFT)

DoubleArray = NDArray[np.float64]


@dataclass(frozen=True)
class Fault:
    """Fault of a stream.

    Attributes:
        title: its name.
        within: readings within which it should be found.
        change: function from ordinary to faulty readings in kW.
    """

    title: str
    within: int
    change: Callable[[DoubleArray], DoubleArray]


@dataclass
class Findings:
    """Alarms and detection delays in one recording.

    Attributes:
        days: length of the recording, in days of 1440 readings.
        raised: number of alarms in the unchanged recording, by kind.
        delays: for each fault, the delay in readings at each place; None if it was not
            found in time.
    """

    days: float
    raised: Counter[str] = field(default_factory=Counter)
    delays: dict[str, list[int | None]] = field(default_factory=dict)


def heater(power_kw: float) -> Callable[[DoubleArray], DoubleArray]:
    """A constant power on top, as of a heater that is stuck on."""
    return lambda kw: kw + power_kw


def scaled(times: float) -> Callable[[DoubleArray], DoubleArray]:
    """A factor on all values; with -1, the opposite sign."""
    return lambda kw: kw * times


def stuck(kw: DoubleArray) -> DoubleArray:
    """The first value repeated."""
    return np.full_like(kw, kw[0])


FAULTS = (
    *(Fault(f"heater on, {power} kW", 5, heater(power)) for power in (1, 2, 3)),
    Fault("meter stuck", 15, stuck),
    Fault("scale ×10", 2, scaled(10.0)),
    Fault("sign turned", 2, scaled(-1.0)),
    Fault("W read as kW", 5, scaled(1000.0)),
    Fault("kW read as W", 5, scaled(0.001)),
    Fault("scale ×0.1", 5, scaled(0.1)),
)


def read(path: Path, *, start: datetime | None, last: Last) -> list[Reading]:
    """The readings of a recording, or of the last part of it."""
    source = open_replay(path, start=start)
    readings: list[Reading] = []
    while items := source.read():
        readings += [item for item in items if isinstance(item, Reading)]
    source.close()
    at = np.array([reading.at for reading in readings], "datetime64[us]")
    return readings[last.start(at) :]


def delay(
    pipeline: Pipeline, readings: Sequence[Reading], fault: Fault, on: frozenset[str]
) -> int | None:
    """Delay of the first alarm, in faulty readings.

    Args:
        pipeline: a pipeline that has processed everything before the place.
        readings: the readings that follow, unchanged.
        fault: the fault to apply to them.
        on: kinds of alarm that are active already, which do not count.

    Returns:
        1 for the first reading; None if no alarm is raised in time.
        1 for the first; None if nothing is raised in time.
    """
    readings = readings[: fault.within]
    faulty_kw = fault.change(np.array([reading.kw for reading in readings])).tolist()
    faulty = [replace(reading, kw=kw) for reading, kw in zip(readings, faulty_kw, strict=True)]
    for count, step in enumerate(pipeline.push_many(faulty), 1):
        if any(alarm.at == step.reading.at and alarm.kind not in on for alarm in step.alarms):
            return count
    return None


def measure(
    make: Callable[[], Pipeline], readings: Sequence[Reading], *, places: int, after: int = DAY
) -> Findings:
    """Replay a recording, and branch off with each fault at random places.

    Args:
        make: function that returns a new pipeline.
        readings: the recording.
        places: number of places; they are the same in each run.
        after: number of readings before the first place.
    """
    room = max(fault.within for fault in FAULTS)
    among = np.arange(after, len(readings) - room)
    if not len(among):
        raise typer.BadParameter(f"the recording has {len(readings)} readings: too few")
    chosen = np.random.default_rng(7).choice(among, min(places, len(among)), replace=False)
    found = Findings(len(readings) / DAY, delays={fault.title: [] for fault in FAULTS})
    pipeline, branch = make(), make()
    start = 0
    kinds_on: frozenset[str] = frozenset()
    for place in [*np.sort(chosen).tolist(), len(readings)]:
        passed = readings[start:place]
        at = np.array([reading.at for reading in passed], "datetime64[us]")
        result = pipeline.push_block(ReadingBlock(at, np.array([each.kw for each in passed])))
        found.raised.update(alarm.kind for alarm in result.alarms)
        kinds_on = frozenset(alarm.kind for alarm in result.last.alarms)
        start = place
        if place == len(readings):
            break
        state = pipeline.state()
        for fault in FAULTS:
            branch.restore(state)
            found.delays[fault.title].append(delay(branch, readings[place:], fault, kinds_on))
    return found


def of_faults(found: Findings) -> list[Table]:
    """The findings as tables."""
    ordinary = Table(title="Ordinary life", box=box.SIMPLE, title_justify="left")
    ordinary.add_column(f"over {found.days:.1f} days")
    for kind in KINDS:
        ordinary.add_column(kind, justify="right")
    for per, days in (("a day", 1.0), ("a week", 7.0)):
        rates = [found.raised[kind] * days / found.days for kind in KINDS]
        ordinary.add_row(per, *(f"{rate:.2f}" for rate in rates))
    faults = Table(title="Faults", box=box.SIMPLE, title_justify="left")
    faults.add_column("")
    for column in ("within", "places", "found", "median delay"):
        faults.add_column(column, justify="right")
    for fault in FAULTS:
        delays = found.delays[fault.title]
        hits = [each for each in delays if each is not None]
        faults.add_row(
            fault.title,
            str(fault.within),
            str(len(delays)),
            f"{len(hits) / len(delays):.1%}",
            f"{median(hits):g}" if hits else "–",
        )
    return [ordinary, faults]


def main(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...", help="Recordings to replay; the bundled sample by default."
        ),
    ] = None,
    start: Annotated[datetime | None, typer.Option(help="First time to replay.")] = None,
    last: Annotated[
        str, typer.Option(metavar="PART", help="Replay the last part only: 10% or 7d.")
    ] = "100%",
    places: Annotated[int, typer.Option(min=1, help="Number of random places per fault.")] = 200,
) -> None:
    """Measure the delay of fault detection, and the rate of alarms in ordinary life.

    The first day of the replay is for settling in, without faults.

    \b
    Examples:
      python -m tests.benchmarks.faults
      python -m tests.benchmarks.faults household_power_consumption.txt --last 10%
    """
    try:
        part = Last.parse(last)
    except UsageError as error:
        raise typer.BadParameter(str(error)) from None
    console = Console(width=100)
    forecaster = load_model()
    for path in files or [sample_path()]:
        readings = read(path, start=start, last=part)
        console.print(f"{path.name}, {len(readings):,} readings")
        found = measure(lambda: Pipeline(forecaster), readings, places=places)
        for table in of_faults(found):
            console.print(table)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(main)
    app()
