"""Signature of `streamer fleet status`."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from streamer.cli.fleet.options import ConfOption, MasterOption, VerboseOption
from streamer.errors import UsageError

if TYPE_CHECKING:
    from streamer.fleet.spark.session import SparkSettings
    from streamer.fleet.spark.status import FleetStatus


class StatusFormat(StrEnum):
    """Output format of a status."""

    TABLE = "table"
    JSON = "json"


def status(
    checkpoint: Annotated[
        str,
        typer.Option(metavar="DIR", help="The checkpoint folder of the run.", show_default=False),
    ],
    worst: Annotated[
        int, typer.Option(metavar="N", min=0, help="Number of meters to list in each ranking.")
    ] = 5,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="Path of the model, if it has moved since the run.",
            show_default=False,
        ),
    ] = None,
    format: Annotated[
        StatusFormat, typer.Option(help="json is one object with all values.")
    ] = StatusFormat.TABLE,
    meters: Annotated[
        bool,
        typer.Option(
            "--meters/--no-meters",
            help="Read the states of the meters, for which Spark is started, or show the query and "
            "its batches alone, at once.",
        ),
    ] = True,
    master: MasterOption = None,
    conf: ConfOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Show the status of a fleet: its query, its scores, its worst and its silent meters.

    Reads the checkpoint with a Spark session of its own, whether the query is running or not,
    and does not change it. Batches and times are as of the query's last batch; the scores
    cover all minutes since the checkpoint was created.

    \b
    The object of --format json has
      checkpoint  the folder
      at, lag_s   time of this status, and its distance from the newest minute
      fixed       options that the checkpoint was created with
      run         state (running; done, stopped or failed; died or overdue),
                  cause, source, sink, began, heard, every_s, host, pid
      batch       number of the last completed batch
      last, hour  the last batch, and those of the hour before its end: batches,
                  number, began, ended, seconds, longest_s, parts_s,
                  readings_per_s, read, unusable, readings, late, doubled,
                  invalid, rows, silent, alarms, behind
      fleet       meters, shards, newest, oldest, late, doubled, invalid, scores,
                  silent, soon_silent (silent as long, but not reported yet); and
                  lists: longest_silent, lowest_skill, largest_mse
    Scores are settled, mse_kw2, mae_kw, persistence_mse_kw2, frozen_mse_kw2,
    skill, frozen_skill and coverage; a meter has them, and meter, minute,
    last_kw, silent. Times are UTC, durations in seconds; missing values are
    null.

    \b
    Examples:
      streamer fleet status --checkpoint ck/
      streamer fleet status --checkpoint ck/ --worst 3
      streamer fleet status --checkpoint hdfs:///ck --master yarn --format json
    """
    from streamer.fleet.spark.needs import check_packages
    from streamer.fleet.spark.preview import check_state
    from streamer.fleet.spark.session import SparkSettings, parse_conf
    from streamer.fleet.spark.status import recorded_status
    from streamer.fleet.spark.storage import LocalFolder

    if not checkpoint.strip():
        raise UsageError("--checkpoint is empty: give the checkpoint folder of the run")
    check_packages()
    # A session this short needs no web interface.
    spark = SparkSettings(
        master, {"spark.ui.enabled": "false", **parse_conf(conf or [])}, verbose=verbose
    )
    found = None
    if spark.is_on_this_machine(checkpoint):
        found = recorded_status(LocalFolder, checkpoint, model=model)
        check_state(checkpoint)
    if found is None or (meters and found.batch is not None):
        found = _with_spark(spark, checkpoint, worst, model)
    _show(found, format)


def _with_spark(
    spark: SparkSettings, checkpoint: str, worst: int, model: str | None
) -> FleetStatus:
    from streamer.fleet.spark.session import check_spark, spark_session
    from streamer.fleet.spark.status import fleet_status

    check_spark(spark)
    if sys.stderr.isatty():
        print("starting Spark, which takes a few seconds", file=sys.stderr, flush=True)
    with spark_session(spark) as session:
        return fleet_status(session, checkpoint, worst=worst, model=model)


def _show(found: FleetStatus, format: StatusFormat) -> None:
    if format is StatusFormat.JSON:
        print(json.dumps(found.to_json(), indent=2, allow_nan=False))
        return
    from streamer.display.console import PlainConsole
    from streamer.fleet.spark.statusview import status_tables

    PlainConsole().print(status_tables(found))
