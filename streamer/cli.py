"""The command line. Each command imports what it needs when it runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from streamer import __version__
from streamer.errors import StreamerError
from streamer.options import (
    FILE_HELP,
    Column,
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

app = typer.Typer(
    name="streamer",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def main(argv: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    try:
        arguments = None if argv is None else list(argv)
        code = app(args=arguments, prog_name="streamer", standalone_mode=False)
    except (StreamerError, typer.TyperException) as error:
        text = error.format_message() if isinstance(error, typer.TyperException) else str(error)
        # Asking for nothing is answered with the whole help, which is not an error's text.
        is_help = text.startswith("Usage:")
        _complain(text if is_help else f"streamer: error: {' '.join(text.split())}")
        code = error.exit_code
    except KeyboardInterrupt:
        code = 130
    except OSError as error:
        _complain(f"streamer: error: {error.filename or ''}: {error.strerror or error}")
        code = 1
    raise SystemExit(code or 0)


def _complain(text: str) -> None:
    print(text, file=sys.stderr)


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"streamer {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_say_version, is_eager=True, help="Say the version and exit."
        ),
    ] = False,
) -> None:
    """Forecast a household's electricity one minute ahead, live, and say how well.

    Try: streamer replay
    """


@app.command()
def replay(
    file: Annotated[
        str | None,
        typer.Argument(
            metavar="[FILE]", help=f"{FILE_HELP} By default the bundled sample.", show_default=False
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

    Lines go to standard output, notes and the summary to standard error.

    \b
    Examples:
      streamer replay
      streamer replay household_power_consumption.zip --start 2010-02-20 --speed 3600
      streamer replay meter.csv --column power_w --unit W --format json > out.jsonl
      tail -n +1 -f house.csv | streamer replay -
    """
    from streamer.replaying import Replay, show_dashboard, write_lines
    from streamer.sample import sample_path

    if format is Format.AUTO:
        full_screen = sys.stdout.isatty() and os.environ.get("TERM") != "dumb" and not quiet
        format = Format.DASHBOARD if full_screen else Format.PLAIN  # noqa: A001
    options = FileOptions(
        column, time_column, time_format, delimiter, unit, start, end, limit, strict, max_kw
    )
    job = Replay(
        file=str(sample_path()) if file is None else file,
        options=options,
        model=model,
        engine=engine.value,
        gaps=gaps.value,
        max_gap=max_gap,
    )
    if format is Format.DASHBOARD and not quiet:
        shown_at = DEMO_SPEED if speed is None else speed
        raise typer.Exit(show_dashboard(job, speed=shown_at, ascii_only=ascii))
    write_lines(job, speed=speed, format=None if quiet else format.value)


@app.command()
def train(
    file: Annotated[str, typer.Argument(metavar="FILE", help=FILE_HELP, show_default=False)],
    recipe: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="tutorial: the 2016 tutorial's, whole. sceaux: the shipped model's.",
        ),
    ] = "sceaux",
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where model.keras, card.json and first100.png go; those that are there are "
            "replaced. By default a folder named as the recipe.",
        ),
    ] = None,
    warm: Annotated[
        str | None,
        typer.Option("--from", metavar="MODEL", help="Go on from this model's weights."),
    ] = None,
    ratio: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="tutorial: how much of the whole UCI file to use."),
    ] = 0.5,
    epochs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="tutorial: rounds. By default 1.")
    ] = None,
    windows: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="sceaux: windows to learn from in all."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same weights.")] = 1234,
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
) -> None:
    """Train a model on a recording.

    Needs the extra: pip install 'streamer[train]'.

    The last tenth in time is never trained on: the scores at the end are of it. Ctrl-C
    ends the training early and keeps what was learnt.

    \b
    Examples:
      streamer train household_power_consumption.txt --recipe tutorial
      streamer train house.csv --column power_kw --windows 500000 --out my_house
      streamer train house.csv --from sceaux --windows 100000 --out my_house
    """
    from streamer.teaching import Lesson, teach

    options = FileOptions(
        column, time_column, time_format, delimiter, unit, start, end, limit, strict, max_kw
    )
    teach(
        Lesson(
            file=file,
            options=options,
            recipe=recipe,
            out=Path(recipe) if out is None else out,
            warm=warm,
            ratio=ratio,
            epochs=epochs,
            windows=windows,
            seed=seed,
        )
    )
