"""Signature of `streamer export`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from streamer.cli.options import parse_moment


class ExportFormat(StrEnum):
    """File format of an exported recording."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


RecordingArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="A recording of `streamer watch --record`.")
]


def export(
    file: RecordingArgument,
    format: Annotated[
        ExportFormat,
        typer.Option(help="json is one line per minute; parquet needs an extra."),
    ] = ExportFormat.CSV,
    means: Annotated[
        bool,
        typer.Option(
            "--means",
            help="Write the forecasts of the next minutes' mean, beside the mean that came, "
            "instead of the minutes.",
        ),
    ] = False,
    demand: Annotated[
        bool,
        typer.Option(
            "--demand",
            help="Write the demand intervals (quarter-hours or hours) with their forecasts and "
            "warnings, instead of the minutes.",
        ),
    ] = False,
    challengers: Annotated[
        bool,
        typer.Option(
            "--challengers",
            help="Write the forecasts of the challengers, beside that shown and the reading that "
            "came, instead of the minutes.",
        ),
    ] = False,
    start: Annotated[
        datetime | None,
        typer.Option("--from", parser=parse_moment, metavar="TIME", help="Begin at this time."),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option("--to", parser=parse_moment, metavar="TIME", help="End before this time."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="File to write. By default standard output.", show_default=False
        ),
    ] = None,
) -> None:
    """Write a recording as CSV, JSON lines or Parquet: reading, forecast, band, error, alarms.

    Times without a zone are in the time zone of the house. A running recording can be exported.

    \b
    Examples:
      streamer export house.db > house.csv
      streamer export house.db --format json --from 2026-11-01 --to 2026-12-01
      streamer export house.db --format parquet --out house.parquet
      streamer export house.db --means > means.csv
      streamer export house.db --demand --from 2026-11-01 > quarters.csv
      streamer export house.db --challengers > race.csv
    """
    from streamer.commands import export as command

    command.export(
        file,
        format=format.value,
        start=start,
        end=end,
        out=out,
        means=means,
        demand=demand,
        challengers=challengers,
    )
