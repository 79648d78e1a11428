"""Signature of `streamer fleet reshard`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from streamer.cli.fleet.options import CheckpointOption, ConfOption, MasterOption, VerboseOption


def reshard(
    checkpoint: CheckpointOption,
    shards: Annotated[
        int,
        typer.Option(
            metavar="S",
            min=1,
            max=100_000,
            help="New number of shards, about one per thousand meters.",
        ),
    ],
    partitions: Annotated[
        int | None,
        typer.Option(
            metavar="P",
            min=1,
            help="New number of partitions: cores that work at a time. By default the cores of "
            "Spark, at most S.",
        ),
    ] = None,
    master: MasterOption = None,
    conf: ConfOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Change the number of shards of a stopped fleet.

    The forecasts continue unchanged: the state of each meter is moved as it is. Until the work
    is complete, the checkpoint remains as it was, also after a crash.

    \b
    Examples:
      streamer fleet reshard --checkpoint ck/ --shards 40
      streamer fleet reshard --checkpoint ck/ --shards 40 --partitions 16
    """
    from streamer.fleet.spark import reshard as work
    from streamer.fleet.spark.preview import check_state
    from streamer.fleet.spark.session import SparkSettings, check_spark, parse_conf, spark_session
    from streamer.fleet.spark.storage import LocalFolder

    settings = {"spark.ui.enabled": "false", **parse_conf(conf or [])}
    spark = SparkSettings(master, settings, verbose)
    if spark.is_on_this_machine(checkpoint):
        work.stopped(LocalFolder, checkpoint)
        check_state(checkpoint)
    check_spark(spark)

    def note(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    note("starting Spark, which takes a few seconds")
    with spark_session(spark) as session:
        work.reshard(session, checkpoint, shards=shards, partitions=partitions, note=note)
