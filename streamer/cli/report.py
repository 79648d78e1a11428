"""`streamer report`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from streamer.cli.export import RecordingArgument
from streamer.cli.options import parse_moment


class Period(StrEnum):
    """How much a report is of."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def report(
    file: RecordingArgument,
    period: Annotated[Period, typer.Option(help="How much to report on.")] = Period.DAY,
    until: Annotated[
        datetime | None,
        typer.Option(
            parser=parse_moment,
            metavar="TIME",
            help="End of the period. By default that of the recording.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Where to. By default the recording's name with .html, in the working directory.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a page on the last day, week or month of a recording, for a browser.

    Readings and forecasts, errors, coverage and alarms, in one file that loads nothing else.

    \b
    Examples:
      streamer report house.db
      streamer report house.db --period month --until 2026-11-01 --out october.html
    """
    from streamer.commands import report as command

    command.report(file, period=period.value, until=until, out=out)
