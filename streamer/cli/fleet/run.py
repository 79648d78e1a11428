"""Signature of `streamer fleet run`.

Most options are fields of the job or of its checkpoint, to which their values go by name.
"""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from streamer.cli.demandoptions import parse_peak_alarms, parse_peak_floor
from streamer.cli.fleet.options import (
    KEPT,
    ColumnsOption,
    ConfOption,
    FormatOption,
    MasterOption,
    UnitOption,
    VerboseOption,
    given,
)
from streamer.cli.options import parse_confidence
from streamer.errors import UsageError

_CHANGEABLE = "Kept until another is given"
_FORMAT = "Spark's name of the format of the {}, if not files: kafka, delta, iceberg, …"
_OPTION = (
    "Option of the {}'s format; may be given several times. ${{NAME}} is the value of an "
    "environment variable."
)


def run(
    context: typer.Context,
    *,
    source: Annotated[
        str,
        typer.Option(
            metavar="SOURCE",
            help="A folder of Parquet, CSV or JSON-lines files, or a pattern of them such as "
            "'in/*.csv', watched for new ones; kafka://HOST:PORT,…/TOPIC, of JSON objects; or a "
            "path of --source-format, or table:NAME.",
        ),
    ] = "",
    sink: Annotated[
        str,
        typer.Option(
            metavar="SINK",
            help="A folder for Parquet files (exactly once; read it with Spark), "
            "kafka://HOST:PORT,…/TOPIC (at least once: duplicates have the same meter and "
            "minute), a path of --sink-format, table:NAME, or console.",
        ),
    ] = "",
    checkpoint: Annotated[
        str,
        typer.Option(
            metavar="DIR",
            help="Folder for the fleet's state; a run with the same folder resumes where the "
            "last one ended. On a cluster, one that all machines can reach.",
        ),
    ],
    source_format: Annotated[
        str | None, typer.Option(metavar="NAME", help=_FORMAT.format("source"))
    ] = None,
    source_option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help=_OPTION.format("source"))
    ] = None,
    sink_format: Annotated[
        str | None, typer.Option(metavar="NAME", help=_FORMAT.format("sink"))
    ] = None,
    sink_option: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help=_OPTION.format("sink"))
    ] = None,
    data_source: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE:CLASS",
            help="Data source in Python to register with Spark; may be given several times.",
        ),
    ] = None,
    master: MasterOption = None,
    shards: Annotated[
        int | None,
        typer.Option(
            metavar="S",
            min=1,
            max=100_000,
            help="Number of shards that the meters are distributed over, about one per thousand "
            f"meters. {KEPT}; at first by the meters in the first files, 16 without files.",
        ),
    ] = None,
    columns: ColumnsOption = None,
    unit: UnitOption = None,
    delimiter: Annotated[
        str | None,
        typer.Option(
            metavar="CHAR",
            help=f"Character between the fields of CSV files, or tab. {KEPT}; a comma at first.",
        ),
    ] = None,
    decimal: Annotated[
        Literal[".", ","] | None,
        typer.Option(help=f"Decimal separator of the power in text. {KEPT}; a point at first."),
    ] = None,
    time_unit: Annotated[
        Literal["auto", "s", "ms", "us", "ns"] | None,
        typer.Option(
            help="Unit of times that are numbers since 1970. "
            f"{KEPT}; at first auto, by their size: seconds to nanoseconds."
        ),
    ] = None,
    rejected: Annotated[
        str | None,
        typer.Option(
            metavar="SINK",
            help="A further sink for the unusable rows and their reasons: a folder for JSON lines "
            "(exactly once; read it with Spark), kafka://… or table:NAME.",
        ),
    ] = None,
    alarms: Annotated[
        str | None,
        typer.Option(
            metavar="SINK",
            help="A further sink for the rows with alarms, as --sink, which must be a folder.",
        ),
    ] = None,
    consumed: Annotated[
        str,
        typer.Option(
            metavar="keep|delete|FOLDER",
            help="What becomes of a file after its batch: it is kept, deleted, or moved.",
        ),
    ] = "keep",
    max_unusable: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            min=0.0,
            max=1.0,
            help="Largest share of unusable rows in the first batch of files; with more, nothing "
            "is processed.",
        ),
    ] = 0.2,
    format: FormatOption = None,
    max_files: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Maximum number of files in a batch, except after a crash. By default about "
            "32 MB.",
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
            f"{_CHANGEABLE}; homes at first.",
        ),
    ] = None,
    adapt: Annotated[
        bool | None,
        typer.Option(
            "--adapt/--no-adapt",
            help="Correct the forecasts by what is learnt of each meter, or leave them as the "
            f"network makes them. {KEPT}; corrected at first.",
        ),
    ] = None,
    horizons: Annotated[
        bool | None,
        typer.Option(
            "--horizons/--no-horizons",
            help="Forecast the mean power of the next 15 and 60 minutes too, if the model can. "
            f"{KEPT}; forecast at first.",
        ),
    ] = None,
    zone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE",
            help="Time zone of the meters' days, such as Europe/Brussels. Times of readings "
            f"remain those of UTC. {KEPT}; UTC at first.",
        ),
    ] = None,
    demand: Annotated[
        Literal["15", "60", "none"] | None,
        typer.Option(
            "--demand",
            help="Minutes of a demand interval, whose highest mean of a month a tariff may "
            f"charge; or none. {KEPT}; 15 at first.",
        ),
    ] = None,
    peak_floor: Annotated[
        float | None,
        typer.Option(
            parser=parse_peak_floor,
            metavar="KW",
            help="Lowest peak that is charged, such as 2.5 in Flanders: only intervals above it "
            f"raise the month's peak. {KEPT}; 0 at first.",
        ),
    ] = None,
    peak_alarms: Annotated[
        float | None,
        typer.Option(
            parser=parse_peak_alarms,
            metavar="NUMBER",
            help="False alarms about demand intervals that are accepted a month for each meter; "
            f"0 for no alarms. {KEPT}; 3 at first.",
        ),
    ] = None,
    confidence: Annotated[
        float | None,
        typer.Option(
            parser=parse_confidence,
            metavar="SHARE",
            help=f"Share of the readings that should lie inside the band. {KEPT}; 0.9 at first.",
        ),
    ] = None,
    gaps: Annotated[
        Literal["skip", "reset"] | None,
        typer.Option(help=f"As for `streamer replay`. {_CHANGEABLE}; skip at first."),
    ] = None,
    max_gap: Annotated[
        int | None,
        typer.Option(
            metavar="MINUTES",
            min=0,
            help=f"Longest gap at which reset keeps the buffer. {_CHANGEABLE}; 10 at first.",
        ),
    ] = None,
    silent_after: Annotated[
        int | None,
        typer.Option(
            metavar="MINUTES",
            min=0,
            help="Report a meter after longer without a reading, 0 for never. "
            f"{_CHANGEABLE}; 15 at first.",
        ),
    ] = None,
    conf: ConfOption = None,
    packages: Annotated[
        str | None,
        typer.Option(
            metavar="COORDINATES",
            help="Jars for Spark to fetch, as comma-separated Maven coordinates.",
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Serve metrics for Prometheus, such as at 127.0.0.1:9109. Needs the extra "
            "metrics.",
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
        --sink kafka://localhost:9092/forecasts --checkpoint ck/ --shards 100 \\
        --packages org.apache.spark:spark-sql-kafka-0-10_2.13:4.3.0
      streamer fleet run --master spark://host:7077 --source hdfs:///readings \\
        --sink hdfs:///forecasts --checkpoint hdfs:///fleet
    """
    from streamer.commands.serving import parse_listen
    from streamer.fleet.spark.checkpoint import CheckpointOptions
    from streamer.fleet.spark.job import FleetJob
    from streamer.fleet.spark.running import run_fleet
    from streamer.fleet.spark.session import SparkSettings, parse_conf

    job = FleetJob(**given(context, FleetJob), given=given(context, CheckpointOptions))
    jars = {} if packages is None else {"spark.jars.packages": packages}
    spark = SparkSettings(master, {**jars, **parse_conf(conf or [])}, verbose)
    try:
        listen = None if metrics is None else parse_listen(metrics)
    except ValueError as error:
        raise UsageError(f"--metrics {error}") from None
    raise typer.Exit(run_fleet(job, spark, quiet=quiet, metrics=listen))
