"""Sinks of a fleet's forecasts: a folder of Parquet files, the terminal, or a format of Spark."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamer.display.numbers import number, percent
from streamer.errors import UsageError
from streamer.fleet.spark.formats import StreamFormat, parse_stream, write_stream
from streamer.fleet.spark.storage import Opener, last_batch

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row
    from pyspark.sql.streaming import DataStreamWriter
    from rich.table import Table

CONSOLE = "console"
COMMITTED = "_spark_metadata"
"""Spark's record, in an output folder, of the files that are complete."""

_MAX_SHOWN = 12


def check_sink(open_folder: Opener, sink: str, checkpoint: str) -> None:
    """Check that a folder for a sink fits a checkpoint.

    Args:
        open_folder: opens the folders.
        sink: a folder.
        checkpoint: the query's checkpoint; may be new.

    Raises:
        UsageError: the sink is a file, or contains the output of another checkpoint.
    """
    if open_folder(sink).is_file():
        raise UsageError(f"{sink} is a file: give a folder, which need not exist")
    there, begun = (
        last_batch(open_folder(f"{folder}/{name}"))
        for folder, name in ((sink, COMMITTED), (checkpoint, "offsets"))
    )
    if there is not None and (begun is None or there > begun):
        # Spark would take the next batches for those already in it, and not write them.
        raise UsageError(
            f"{sink} contains the output of another checkpoint: give a new --sink, or the "
            "--checkpoint that belongs to it"
        )


def open_sink(rows: DataFrame, sink: str, stream: StreamFormat | None = None) -> DataStreamWriter:
    """The writer of the rows of each batch.

    Args:
        rows: the rows.
        sink: a folder, `console`, or a place that `parse_stream` knows.
        stream: the format of the sink; None for the one that follows from the place.

    Raises:
        SparkError: Spark cannot open the sink.
    """
    if sink == CONSOLE and stream is None:
        return rows.writeStream.foreachBatch(show_batch)
    stream = stream or parse_stream(sink, "sink") or StreamFormat("parquet", sink)
    return write_stream(rows, stream)


def show_batch(rows: DataFrame, batch: int) -> None:
    """Show some of a batch on the terminal, those with an alarm first."""
    from pyspark.sql import functions as fn

    from streamer.display.console import PlainConsole

    rows = rows.persist()
    try:
        # Counting processes all rows, which showing some of them would not.
        count = rows.count()
        first = rows.orderBy(fn.col("alarms").isNull(), fn.desc("minute"), "meter")
        # Minutes as text, because Spark would convert times to this machine's zone.
        texts = {"minute": fn.date_format("minute", "yyyy-MM-dd HH:mm")}
        some = first.limit(_MAX_SHOWN).withColumns(texts).collect()
    finally:
        rows.unpersist()
    if count:
        PlainConsole().print(batch_table(some, f"batch {batch}: {len(some)} of {count:,} rows"))


def batch_table(rows: list[Row], title: str) -> Table:
    """Table of some rows of a batch, for the terminal."""
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0))
    for name in ("meter", "minute"):
        table.add_column(name, no_wrap=True)
    for name in ("kW", "forecast", "band", "next", "skill"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("alarms", min_width=7)
    for row in rows:
        low, high = _cell(row["low_kw"]), _cell(row["high_kw"])
        table.add_row(
            row["meter"],
            row["minute"],
            _cell(row["actual_kw"]),
            _cell(row["forecast_kw"]),
            low if low == high else f"{low}–{high}",
            _cell(row["next_kw"]),
            percent(row["skill"]),
            ", ".join(row["alarms"] or ()),
        )
    return table


def _cell(kw: float | None) -> str:
    return number(kw, ".3f")
