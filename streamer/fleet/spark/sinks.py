"""Sinks of a fleet's forecasts: a folder of Parquet files, the terminal, or a format of Spark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streamer.display.numbers import number, percent
from streamer.errors import UsageError
from streamer.fleet.spark.failures import explained
from streamer.fleet.spark.formats import StreamFormat, write_stream
from streamer.fleet.spark.storage import Opener, last_batch

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row
    from pyspark.sql.streaming import StreamingQuery
    from rich.table import Table

CONSOLE = "console"
COMMITTED = "_spark_metadata"
"""Spark's record, in an output folder, of the files that are complete."""

_MAX_SHOWN = 12


@dataclass(frozen=True)
class SinkQuery:
    """A sink, and the query that writes to it.

    Attributes:
        name: name of the query.
        place: a folder, `console`, or the place of `stream`.
        checkpoint: the query's checkpoint; may be new.
        stream: the format of a sink other than a folder and the terminal.
        files: format of the files of a folder.
    """

    name: str
    place: str
    checkpoint: str
    stream: StreamFormat | None = None
    files: str = "parquet"

    @property
    def folder(self) -> str:
        """The folder of files; empty for another sink."""
        return "" if self.stream is not None or self.place == CONSOLE else self.place

    def check(self, open_folder: Opener) -> None:
        """Check that a folder fits the checkpoint.

        Args:
            open_folder: opens the folders.

        Raises:
            UsageError: the sink is a file, or contains the output of another checkpoint.
        """
        if not self.folder:
            return
        if open_folder(self.folder).is_file():
            raise UsageError(f"{self.folder} is a file: give a folder, which need not exist")
        there, begun = (
            last_batch(open_folder(f"{folder}/{name}"))
            for folder, name in ((self.folder, COMMITTED), (self.checkpoint, "offsets"))
        )
        if there is not None and (begun is None or there > begun):
            # Spark would take the next batches for those already in it, and not write them.
            raise UsageError(
                f"{self.folder} contains the output of another checkpoint: give a new --sink, or "
                "the --checkpoint that belongs to it"
            )

    def start(self, rows: DataFrame, every: str | None) -> StreamingQuery:
        """Start the query.

        Args:
            rows: the rows.
            every: interval from one batch to the next, in Spark's notation; None to end when all
                available rows are written.

        Raises:
            UsageError: Spark does not know the format.
            SparkError: Spark cannot start the query.
        """
        stream = self.stream or StreamFormat(self.files, self.place)
        with explained(f"{stream.shown}: the query does not start"):
            if self.stream is None and self.place == CONSOLE:
                writer = rows.writeStream.foreachBatch(show_batch)
            else:
                writer = write_stream(rows, stream)
            writer = writer.queryName(self.name).option("checkpointLocation", self.checkpoint)
            trigger = {"availableNow": True} if every is None else {"processingTime": every}
            writer = writer.trigger(**trigger)
            return writer.toTable(stream.path) if stream.is_table else writer.start()


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
