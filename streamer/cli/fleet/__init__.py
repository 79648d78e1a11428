"""Group of the commands `streamer fleet …`, for many meters at once."""

from __future__ import annotations

import typer

from streamer.cli.fleet.run import run
from streamer.cli.fleet.simulate import simulate
from streamer.cli.fleet.status import status

fleet = typer.Typer(
    help="Forecast a fleet of meters on Spark, show its status, or simulate one.",
    no_args_is_help=True,
)
fleet.command()(run)
fleet.command()(status)
fleet.command()(simulate)
