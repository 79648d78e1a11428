"""Signature of `streamer fleet run`."""

from __future__ import annotations

from typing import Annotated

import typer

from streamer.cli.fleet.options import ConfOption, FileFormat, MasterOption, VerboseOption
from streamer.cli.options import Gaps, PowerUnit, parse_confidence

_KEPT = "Kept with the checkpoint"


def run(
    source: Annotated[
        str,
        typer.Option(
            metavar="SOURCE",
            help="A folder of Parquet, CSV or JSON-lines files, or a pattern of them such as "
            "'in/*.csv', watched for new ones; or kafka://HOST:PORT,…/TOPIC, of JSON objects.",
            show_default=False,
        ),
    ],
    sink: Annotated[
        str,
        typer.Option(
            metavar="SINK",
            help="A folder for Parquet files (exactly once; read it with Spark), "
            "kafka://HOST:PORT,…/TOPIC (at least once: duplicates have the same meter and "
            "minute), or console.",
            show_default=False,
        ),
    ],
    checkpoint: Annotated[
        str,
        typer.Option(
            metavar="DIR",
            help="Folder for the fleet's state; a run with the same folder resumes where the "
            "last one ended. On a cluster, one that all machines can reach.",
            show_default=False,
        ),
    ],
    master: MasterOption = None,
    shards: Annotated[
        int | None,
        typer.Option(
            metavar="S",
            min=1,
            max=100_000,
            help="Number of shards that the meters are distributed over, about one per thousand "
            f"meters. {_KEPT}; 16 at first.",
            show_default=False,
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help=f"Names of the source's columns, as in meter=id,minute=time,kw=power. {_KEPT}.",
            show_default=False,
        ),
    ] = None,
    unit: Annotated[
        PowerUnit | None,
        typer.Option(help=f"Unit of the source's power. {_KEPT}; kW at first.", show_default=False),
    ] = None,
    format: Annotated[
        FileFormat | None,
        typer.Option(
            help="Format of the source's files; by default by the ending of their names.",
            show_default=False,
        ),
    ] = None,
    max_files: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Maximum number of files in a batch, except after a crash. By default about "
            "32 MB.",
            show_default=False,
        ),
    ] = None,
    every: Annotated[
        str, typer.Option(metavar="TIME", help="Interval from one batch to the next.")
    ] = "1 minute",
    once: Annotated[
        bool, typer.Option("--once", help="Process all available readings, in batches, and end.")
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL",
            help="As for `streamer replay`; must exist on every machine. "
            f"{_KEPT}; sceaux at first.",
            show_default=False,
        ),
    ] = None,
    adapt: Annotated[
        bool | None,
        typer.Option(
            "--adapt/--no-adapt",
            help="Correct the forecasts by what is learnt of each meter, or leave them as the "
            f"network makes them. {_KEPT}; corrected at first.",
            show_default=False,
        ),
    ] = None,
    confidence: Annotated[
        float | None,
        typer.Option(
            parser=parse_confidence,
            metavar="SHARE",
            help=f"Share of the readings that should lie inside the band. {_KEPT}; 0.9 at first.",
            show_default=False,
        ),
    ] = None,
    gaps: Annotated[
        Gaps | None,
        typer.Option(help=f"As for `streamer replay`. {_KEPT}; skip at first.", show_default=False),
    ] = None,
    max_gap: Annotated[
        int | None,
        typer.Option(
            metavar="MINUTES",
            min=0,
            help=f"Longest gap at which reset keeps the buffer. {_KEPT}; 10 at first.",
            show_default=False,
        ),
    ] = None,
    silent_after: Annotated[
        int | None,
        typer.Option(
            metavar="MINUTES",
            min=0,
            help="Report a meter after longer without a reading, 0 for never. "
            f"{_KEPT}; 15 at first.",
            show_default=False,
        ),
    ] = None,
    conf: ConfOption = None,
    packages: Annotated[
        str | None,
        typer.Option(
            metavar="COORDINATES",
            help="Jars for Spark to fetch, as comma-separated Maven coordinates.",
            show_default=False,
        ),
    ] = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print no lines about the batches.")
    ] = False,
    verbose: VerboseOption = False,
) -> None:
    """Forecast a fleet of meters, minute by minute, until Ctrl-C.

    Needs Java 17 or newer. The output has the columns meter, minute, actual_kw, the forecast for
    that minute and for the next, with their bands, the meter's running scores, and alarms. A
    line about each batch goes to standard error.

    \b
    Examples:
      streamer fleet simulate in/ --meters 1000
      streamer fleet run --source in/ --sink out/ --checkpoint ck/ --once
      streamer fleet run --source 'in/*.csv' --sink console --checkpoint ck/ \\
        --columns meter=id,minute=time,kw=power_w --unit W --every '10 seconds'
      streamer fleet run --source kafka://localhost:9092/readings \\
        --sink kafka://localhost:9092/forecasts --checkpoint ck/ --shards 100
      streamer fleet run --master spark://host:7077 --source hdfs:///readings \\
        --sink hdfs:///forecasts --checkpoint hdfs:///fleet
    """
    from streamer.fleet.spark.job import FleetJob, run_fleet
    from streamer.fleet.spark.session import SparkSettings, parse_conf

    given = {
        "shards": shards,
        "model": model,
        "columns": columns,
        "unit": None if unit is None else unit.value,
        "adapt": adapt,
        "confidence": confidence,
        "gaps": None if gaps is None else gaps.value,
        "max_gap": max_gap,
        "silent_after": silent_after,
    }
    job = FleetJob(
        source=source,
        sink=sink,
        checkpoint=checkpoint,
        given={name: value for name, value in given.items() if value is not None},
        format=None if format is None else format.value,
        max_files=max_files,
        every=every,
        once=once,
    )
    spark = SparkSettings(master, parse_conf(conf or []), packages, verbose)
    raise typer.Exit(run_fleet(job, spark, quiet=quiet))
