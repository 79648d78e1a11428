"""Benchmark of forecasters side by side: processor time of each reading.

python -m tests.benchmarks.peers --help
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from streamer.commands.plugins import is_plugin
from streamer.display.tables import plain_table
from streamer.models import load_model
from streamer.models.adapters.registry import make_forecaster
from streamer.models.plugins.single import SingleStream
from streamer.models.plugins.traits import traits_of
from streamer.pipeline import Pipeline
from streamer.readings import Reading
from streamer.sample import sample_path
from streamer.sources.files.delimited import open_replay

DAY = 1440


def read(path: Path, *, start: datetime | None, readings: int) -> list[Reading]:
    """Readings of a recording, as many as there are from a time on."""
    source = open_replay(path, start=start, limit=readings)
    found: list[Reading] = []
    while items := source.read():
        found += [item for item in items if isinstance(item, Reading)]
    source.close()
    return found


def times(name: str, readings: Sequence[Reading]) -> Iterator[float]:
    """Processor time in seconds of each reading, one by one.

    A model is run as `streamer replay` runs it: adapted, with its intervals and alarms. A plug-in
    only forecasts and learns.
    """
    if is_plugin(name):
        forecaster = make_forecaster(name)
        stream = SingleStream(forecaster, traits_of(forecaster, name))  # type: ignore[arg-type]
        for reading in readings:
            begin = time.process_time()
            stream.one(reading.at, reading.kw, reading.channels)
            yield time.process_time() - begin
        for notice in stream.gathered():
            typer.echo(notice.text, err=True)
        return
    pipeline = Pipeline(load_model(name))
    for reading in readings:
        begin = time.process_time()
        pipeline.push(reading)
        yield time.process_time() - begin


def main(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="As for replay --model.")],
    file: Annotated[Path | None, typer.Option(help="The sample by default.")] = None,
    start: Annotated[datetime | None, typer.Option(help="First time to read.")] = None,
    readings: Annotated[int, typer.Option(min=DAY + 1, help="Number of readings.")] = 2 * DAY,
) -> None:
    """Measure the processor time of forecasters, from the second day on.

    The mean includes what is done now and then, such as a fit once a day.

    \b
    Example:
      python -m tests.benchmarks.peers sceaux river:LinearRegression statsforecast:AutoETS
    """
    given = read(file or sample_path(), start=start, readings=readings)
    table = plain_table("Processor time", "median\nms", "mean\nms", "longest\nms", first_width=44)
    for name in names:
        taken = sorted(list(times(name, given))[DAY:])
        figures = taken[len(taken) // 2], sum(taken) / len(taken), taken[-1]
        table.add_row(name, *(f"{1000 * each:.3f}" for each in figures))
    Console().print(table)


if __name__ == "__main__":
    typer.run(main)
