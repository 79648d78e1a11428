"""Signature of `streamer report`."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from streamer.cli.demandoptions import TariffOption
from streamer.cli.export import RecordingArgument
from streamer.cli.options import parse_moment


class Period(StrEnum):
    """Length of the period that a report covers."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


def report(
    file: RecordingArgument,
    period: Annotated[Period, typer.Option(help="Length of the period to report on.")] = Period.DAY,
    until: Annotated[
        datetime | None,
        typer.Option(
            parser=parse_moment,
            metavar="TIME",
            help="End of the period. By default the end of the recording.",
            show_default=False,
        ),
    ] = None,
    tariff: TariffOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="File to write. By default the recording's name with .html, in the working "
            "directory.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write an HTML page about the last day, week or month of a recording.

    Readings and forecasts, errors, coverage, alarms, demand and its cost, in one self-contained
    file.

    \b
    Examples:
      streamer report house.db
      streamer report house.db --period month --until 2026-11-01 --out october.html
      streamer report house.db --period month --tariff vlaanderen
    """
    from streamer.commands import report as command

    command.report(file, period=period.value, until=until, out=out, tariff=tariff)
