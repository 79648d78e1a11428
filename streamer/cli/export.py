"""`streamer export`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from streamer.cli.options import parse_moment


class Table(StrEnum):
    """What a recording can be written as."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


RecordingArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="A recording of `streamer watch --record`.")
]


def export(
    file: RecordingArgument,
    format: Annotated[
        Table, typer.Option(help="json is a line for each minute; parquet needs its extra.")
    ] = Table.CSV,
    start: Annotated[
        datetime | None,
        typer.Option(
            "--from", parser=parse_moment, metavar="TIME", help="Leave out what is before this."
        ),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option(
            "--to", parser=parse_moment, metavar="TIME", help="Stop at this time, without it."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Where to. By default standard output.", show_default=False
        ),
    ] = None,
) -> None:
    """Write a recording as CSV, JSON lines or Parquet: reading, forecast, band, error, alarms.

    Times without a zone are on the house's own clock. It may be recorded meanwhile.

    \b
    Examples:
      streamer export house.db > house.csv
      streamer export house.db --format json --from 2026-11-01 --to 2026-12-01
      streamer export house.db --format parquet --out house.parquet
    """
    from streamer.commands import export as command

    command.export(file, format=format.value, start=start, end=end, out=out)
