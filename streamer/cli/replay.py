"""`streamer replay`."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from streamer.errors import UsageError
from streamer.options import (
    FILE_HELP,
    AdaptOption,
    Column,
    ConfidenceOption,
    Delimiter,
    End,
    Engine,
    FileOptions,
    Format,
    Gaps,
    Limit,
    MaxKw,
    Start,
    Strict,
    TimeColumn,
    TimeFormat,
    UnitOption,
    parse_speed,
)

DEMO_SPEED = 600.0
"""Ten minutes a second: slow enough to follow, fast enough to see something happen."""


def replay(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE", help=f"{FILE_HELP} By default the bundled sample.", show_default=False
        ),
    ] = None,
    column: Column = None,
    time_column: TimeColumn = None,
    time_format: TimeFormat = None,
    delimiter: Delimiter = None,
    unit: UnitOption = None,
    max_kw: MaxKw = 100.0,
    start: Start = None,
    end: End = None,
    limit: Limit = None,
    strict: Strict = False,
    speed: Annotated[
        float | None,
        typer.Option(
            parser=parse_speed,
            metavar="SPEED",
            help="1 is real time, 60 an hour a minute, max as fast as it goes. "
            f"By default {DEMO_SPEED:.0f} on the dashboard, max elsewhere.",
        ),
    ] = None,
    gaps: Annotated[
        Gaps,
        typer.Option(
            help="At a gap, go on with the buffer as it is (skip), or empty it if the gap "
            "is longer than --max-gap (reset)."
        ),
    ] = Gaps.SKIP,
    max_gap: Annotated[
        int,
        typer.Option(metavar="MINUTES", min=0, help="The longest gap that reset goes on over."),
    ] = 10,
    model: Annotated[
        str,
        typer.Option(
            metavar="MODEL",
            help="A shipped model's name, a folder that `streamer train` has written, "
            "or a .keras file of stacked LSTM layers and a Dense head.",
        ),
    ] = "sceaux",
    engine: Annotated[
        Engine, typer.Option(help="What computes the network; tensorflow needs streamer[train].")
    ] = Engine.NUMPY,
    adapt: AdaptOption = True,
    confidence: ConfidenceOption = 0.9,
    format: Annotated[  # noqa: A002 - as the option is called
        Format,
        typer.Option(help="auto is the dashboard on a terminal and plain lines elsewhere."),
    ] = Format.AUTO,
    ascii: Annotated[  # noqa: A002
        bool, typer.Option("--ascii", help="Draw the dashboard in ASCII alone.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print the summary and nothing else.")
    ] = False,
) -> None:
    """Replay a recording, forecasting each minute.

    Lines go to standard output, notes and the summary to standard error. At speed max a
    terminal that shows neither dashboard nor lines, as with -q, shows a progress bar.

    \b
    Examples:
      streamer replay
      streamer replay household_power_consumption.zip --start 2010-02-20 --speed 3600
      streamer replay meter.csv --column power_w --unit W --format json > out.jsonl
      streamer replay house.csv --no-adapt --confidence 0.8 --quiet
      tail -n +1 -f house.csv | streamer replay -
    """
    from streamer.fetching import find_recording
    from streamer.replaying import Replay, show_dashboard, write_lines
    from streamer.sample import sample_path

    if format is Format.AUTO:
        full_screen = sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not quiet
        format = Format.DASHBOARD if full_screen else Format.PLAIN  # noqa: A001
    elif format is Format.DASHBOARD and not sys.stdout.isatty():
        raise UsageError("--format dashboard needs a terminal; give plain, json or csv")
    options = FileOptions(
        column, time_column, time_format, delimiter, unit, start, end, limit, strict, max_kw
    )
    job = Replay(
        file=str(sample_path()) if file is None else find_recording(file),
        options=options,
        model=model,
        engine=engine.value,
        gaps=gaps.value,
        max_gap=max_gap,
        adapt=adapt,
        confidence=confidence,
    )
    if format is Format.DASHBOARD and not quiet:
        shown_at = DEMO_SPEED if speed is None else speed
        raise typer.Exit(show_dashboard(job, speed=shown_at, ascii_only=ascii))
    write_lines(job, speed=speed, format=None if quiet else format.value)
