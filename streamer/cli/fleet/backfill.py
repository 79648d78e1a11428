"""Signature of `streamer fleet backfill`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from streamer.cli.fleet.options import (
    CheckpointOption,
    ColumnsOption,
    ConfOption,
    FormatOption,
    MasterOption,
    UnitOption,
    VerboseOption,
    given,
)
from streamer.display.lines import one_line


def backfill(
    context: typer.Context,
    checkpoint: CheckpointOption,
    source: Annotated[
        str,
        typer.Option(metavar="SOURCE", help="A folder of old readings, or a pattern of its files."),
    ],
    sink: Annotated[
        str,
        typer.Option(
            metavar="SINK",
            help="Another folder for Parquet files than that of the run; or kafka://HOST:PORT/"
            "TOPIC, or console.",
        ),
    ],
    columns: ColumnsOption = None,
    unit: UnitOption = None,
    format: FormatOption = None,
    master: MasterOption = None,
    conf: ConfOption = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print no lines about the batches.")
    ] = False,
    verbose: VerboseOption = False,
) -> None:
    """Forecast old readings with the options of a fleet.

    The state of the fleet is not touched. A backfill begins with empty windows, for known and for
    new meters, and ends when all readings of the source are processed. The run of the fleet may
    continue meanwhile. Given again with the same sink, it continues where it ended, from a
    checkpoint of its own in the folder backfill of the other; options given later than at first,
    or changed by the run meanwhile, do not apply.

    \b
    Example:
      streamer fleet backfill --checkpoint ck/ --source old/ --sink old-forecasts/
    """
    from streamer.fleet.spark.backfill import backfill_job
    from streamer.fleet.spark.checkpoint import CheckpointOptions
    from streamer.fleet.spark.running import run_fleet
    from streamer.fleet.spark.session import SparkSettings, parse_conf

    changed = given(context, CheckpointOptions)
    job = backfill_job(checkpoint, source=source, sink=sink, given=changed, format=format)
    if not quiet:
        print(f"checkpoint of this backfill: {one_line(job.checkpoint)}", file=sys.stderr)
    spark = SparkSettings(master, parse_conf(conf or []), verbose)
    raise typer.Exit(run_fleet(job, spark, quiet=quiet))
