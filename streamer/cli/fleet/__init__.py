"""Group of the commands `streamer fleet …`, for many meters at once."""

from __future__ import annotations

import typer

from streamer.cli.fleet.backfill import backfill
from streamer.cli.fleet.reshard import reshard
from streamer.cli.fleet.run import run
from streamer.cli.fleet.simulate import simulate
from streamer.cli.fleet.status import status
from streamer.errors import install_hint

fleet = typer.Typer(
    help="Forecast a fleet of meters on Spark, show its status, change it, or simulate one.",
    no_args_is_help=True,
)
_NEEDS_SPARK = f"Needs an extra: {install_hint('spark')}"

fleet.command(epilog=_NEEDS_SPARK)(run)
fleet.command(epilog=_NEEDS_SPARK)(status)
fleet.command(epilog=_NEEDS_SPARK)(reshard)
fleet.command(epilog=_NEEDS_SPARK)(backfill)
fleet.command()(simulate)
