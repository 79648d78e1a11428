"""Command line of the benchmarks; see `--help`."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from tests.benchmarks import fleets, rounds, streams, tables, training
from tests.benchmarks.machine import machine
from tests.benchmarks.recordings import write_recording
from tests.benchmarks.startup import startup

PARTS = ("engines", "streams", "startup", "training", "fleets")


def main(
    parts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PART]...", help=f"What to measure: {', '.join(PARTS)}; or all."),
    ] = None,
    recording: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The recording to replay. By default the bundled sample repeated to the "
            "length of --readings.",
        ),
    ] = None,
    readings: Annotated[
        int, typer.Option(min=10_000, help="Length of the recording to make.")
    ] = 2_000_000,
    turns: Annotated[int, typer.Option(min=1, help="Turns of each engine.")] = 5,
    meters: Annotated[
        list[int] | None,
        typer.Option(help="Number of meters in a fleet; may be repeated.", min=1),
    ] = None,
    against: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Another checkout of streamer, built in place, whose fleets are measured in turn "
            "with these.",
        ),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Also write all figures there.")
    ] = None,
) -> None:
    """Measure the speed of streamer beside its alternatives.

    Takes some ten minutes, and as many for the fleets, on an otherwise idle machine. Engines
    that are not installed are left out; fleets need Spark. To install everything:
    pip install '.[train,bench,spark]'

    \b
    Examples:
      python -m tests.benchmarks
      python -m tests.benchmarks engines startup --json figures.json
    """
    wanted = parts or PARTS
    for part in wanted:
        if part not in PARTS:
            raise typer.BadParameter(f"no part {part!r}: give one of: {', '.join(PARTS)}")
    console = Console(width=100)
    found: dict[str, Any] = {"machine": machine()}
    console.print(tables.of_machine(found["machine"]))
    if "engines" in wanted:
        found["engines"] = rounds.engines(turns, console.print)
        console.print(tables.of_engines(found["engines"]))
    if "streams" in wanted:
        with tempfile.TemporaryDirectory() as folder:
            path = recording or Path(folder) / "recording.txt"
            if recording is None:
                write_recording(path, readings)
            found["streams"] = streams.measure(path)
        console.print(tables.of_streams(found["streams"], found.get("engines")))
    if "startup" in wanted:
        found["startup"] = startup()
        console.print(tables.of_startup(found["startup"]))
    if "training" in wanted:
        found["training"] = training.compare(turns)
        console.print(tables.of_training(found["training"]))
    if "fleets" in wanted:
        found["fleets"] = [
            fleets.measure(count, checkout)
            for count in meters or fleets.METERS
            for checkout in ((against, None) if against else (None,))
        ]
        console.print(tables.of_fleets(found["fleets"]))
    if json_file is not None:
        json_file.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(main)
    app()
