"""Signature of `streamer fleet status`."""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import Annotated, Literal

import typer

from streamer.cli.fleet.options import CheckpointOption, ConfOption, MasterOption, VerboseOption
from streamer.errors import UsageError


def status(
    checkpoint: CheckpointOption,
    worst: Annotated[
        int,
        typer.Option(metavar="N", min=0, max=10, help="Number of meters to list in each ranking."),
    ] = 5,
    format: Annotated[
        Literal["table", "json"], typer.Option(help="json is one object with all values.")
    ] = "table",
    master: MasterOption = None,
    conf: ConfOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Show the status of a fleet and its query, running or not.

    It has the last batches, the scores, and the worst and the silent meters, as the query has
    recorded them beside its checkpoint; Spark is started only if that is no folder of this
    machine. All figures are as of the last recorded batch; the scores cover all minutes since
    the checkpoint was created.

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
                  invalid, rows, silent, alarms (rows with any), kinds (alarms by
                  kind), behind
      fleet       batch (the last one in these figures), meters, shards, newest,
                  oldest, late, doubled, invalid, scores (of the next minute),
                  horizons (scores of the means over more minutes, by their
                  number), silent, soon_silent (meters of shards that are as far
                  behind); and lists: longest_silent, lowest_skill, largest_mse
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
    from streamer.fleet.spark.preview import check_state
    from streamer.fleet.spark.session import SparkSettings, check_spark, parse_conf, spark_session
    from streamer.fleet.spark.status import fleet_status
    from streamer.fleet.spark.storage import LocalFolder, Storage

    if not checkpoint.strip():
        raise UsageError("--checkpoint is empty: give the checkpoint folder of the run")
    # A session this short needs no web interface.
    settings = {"spark.ui.enabled": "false", **parse_conf(conf or [])}
    spark = SparkSettings(master, settings, verbose)
    if spark.is_on_this_machine(checkpoint):
        found = fleet_status(LocalFolder, checkpoint, worst=worst)
        check_state(checkpoint)
    else:
        check_spark(spark)
        if sys.stderr.isatty():
            print("starting Spark, which takes a few seconds", file=sys.stderr, flush=True)
        with spark_session(spark) as session:
            found = fleet_status(partial(Storage, session), checkpoint, worst=worst)
    if format == "json":
        print(json.dumps(found.to_json(), indent=2, allow_nan=False))
        return
    from streamer.display.console import PlainConsole
    from streamer.fleet.spark.statusview import status_tables

    PlainConsole().print(status_tables(found))
