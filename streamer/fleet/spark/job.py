"""A fleet's forecasts as one query of Spark: its construction and its run."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamer.display.lines import one_line
from streamer.errors import UsageError
from streamer.fleet.columns import COLUMNS
from streamer.fleet.spark.checkpoint import (
    NAME,
    CheckpointConfig,
    CheckpointOptions,
    check_given,
    read_config,
)
from streamer.fleet.spark.connectors import check_topic
from streamer.fleet.spark.failures import explained
from streamer.fleet.spark.keys import shard_key
from streamer.fleet.spark.locations import Columns, is_pattern, parse_topic
from streamer.fleet.spark.progress import FOLDER, ProgressLog
from streamer.fleet.spark.reports import DONE, STOPPED, Run, seconds_of
from streamer.fleet.spark.session import SparkSettings, check_spark, spark_session
from streamer.fleet.spark.signals import noted_signals
from streamer.fleet.spark.sinks import CONSOLE, check_sink, open_sink
from streamer.fleet.spark.sources import ReadingSource, clean
from streamer.fleet.spark.storage import Storage
from streamer.fleet.spark.waiting import READ, WRITTEN, Report, describe, wait_for

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming import StreamingQuery

QUERY = "fleet"


@dataclass(frozen=True)
class FleetJob:
    """A run of `streamer fleet run`.

    Attributes:
        source: a folder, a pattern of files, or a `kafka://` URL.
        sink: a folder, a `kafka://` URL, or `console`.
        checkpoint: folder of the query's state.
        given: the given `CheckpointOptions` by name; the others are those of the checkpoint.
        format: format of the source's files; None for the one of their names' endings.
        max_files: largest number of files in a batch; None for a limit of about 32 MB.
        every: interval from one batch to the next, in Spark's notation.
        once: whether to end when all available readings are processed.
    """

    source: str
    sink: str
    checkpoint: str
    given: Mapping[str, Any] = field(default_factory=dict)
    format: str | None = None
    max_files: int | None = None
    every: str = "1 minute"
    once: bool = False

    def check(self) -> None:
        """Check everything that does not need Spark, which is slow to start.

        Raises:
            UsageError: an option is malformed, or the model does not exist.
        """
        from streamer.models import find_model

        choices = replace(CheckpointOptions(), **self._given())
        find_model(choices.model)
        check_topic(parse_topic(self.source), "source")
        check_topic(parse_topic(self.sink), "sink")
        if seconds_of(self.every) is None:
            raise UsageError(f"--every {self.every!r}: write it like '30 seconds' or '1 minute'")
        _check_apart(self.source, self.sink, self.checkpoint)
        if parse_topic(self.source) is not None:
            for option, value in (("--format", self.format), ("--max-files", self.max_files)):
                if value is not None:
                    raise UsageError(f"{option} is for files: it does not apply to {self.source}")

    def configure(self, session: SparkSession) -> CheckpointConfig:
        """Read the configuration of the checkpoint, or make that of a new one.

        Raises:
            UsageError: a given option differs, or the model does not exist.
            StateError: the checkpoint is damaged, or not one of `streamer fleet`.
        """
        from streamer.models import find_model
        from streamer.models.artefact import sha256_of

        storage = Storage(session, self.checkpoint)
        config = read_config(storage, self.checkpoint)
        stored = CheckpointOptions() if config is None else config.choices
        given = self._given()
        choices = replace(stored, **given)
        weights = sha256_of(find_model(choices.model))
        if config is not None:
            check_given(config, given, weights, self.checkpoint)
            return replace(config, choices=choices)
        cores = session.sparkContext.defaultParallelism
        return CheckpointConfig(choices, weights, partitions=min(choices.shards, cores))

    def _given(self) -> dict[str, Any]:
        """The given `CheckpointOptions` in the form in which they are stored."""
        given = dict(self.given)
        if "columns" in given:
            given["columns"] = str(Columns.parse(given["columns"]))
        if "model" in given and (path := Path(given["model"])).exists():
            # Executors, later runs and the status have other working directories.
            given["model"] = str(path.absolute())
        return given

    def start(self, session: SparkSession) -> StreamingQuery:
        """Start the query.

        Raises:
            UsageError: an option is wrong or contradicts the checkpoint.
            StateError: the checkpoint is damaged, or not one of `streamer fleet`.
            SparkError: Spark cannot start the query.
        """
        storage = Storage(session, self.checkpoint)
        is_new = not storage.exists(NAME)
        config = self.configure(session)
        columns = Columns.parse(config.choices.columns)
        readings = ReadingSource(self.source, columns, self.format, self.max_files).open(session)
        check_sink(session, self.sink, self.checkpoint)
        session.conf.set("spark.sql.shuffle.partitions", config.partitions)
        # Batches without readings only serve the timers. With --once they would never end.
        has_timers = not self.once and config.choices.silent_after > 0
        session.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", has_timers)
        with explained("the query cannot be built"):
            rows = forecast(readings, config)
        writer = open_sink(session, rows, self.sink)
        writer = writer.option("checkpointLocation", self.checkpoint).queryName(QUERY)
        writer = (
            writer.trigger(availableNow=True)
            if self.once
            else writer.trigger(processingTime=self.every)
        )
        if is_new:
            storage.write(NAME, config.to_text())
        with explained("the query does not start"):
            return writer.outputMode("append").start()

    def progress(self, session: SparkSession, warn: Callable[[str], None]) -> ProgressLog:
        """The log in which a run records its progress.

        Args:
            session: the Spark session.
            warn: called with a message if the log cannot be written.
        """
        source, sink = (
            place if (topic := parse_topic(place)) is None else topic.shown
            for place in (self.source, self.sink)
        )
        every_s = 0.0 if self.once else seconds_of(self.every) or 0.0
        run = Run(began=time.time(), source=source, sink=sink, every_s=every_s)
        return ProgressLog(Storage(session, f"{self.checkpoint}/{FOLDER}"), run, warn)


def run_fleet(job: FleetJob, spark: SparkSettings, *, quiet: bool = False) -> int:
    """Run a job until it is done or stopped by a signal.

    Args:
        job: source, sink, checkpoint and options.
        spark: settings of Spark.
        quiet: whether to leave out the lines about the batches.

    Returns:
        The exit code: 0, or 128 plus the number of the signal.

    Raises:
        StreamerError: the job cannot be started, or has failed.
    """
    job.check()
    check_spark(spark)

    def note(line: str | None) -> None:
        if line is not None and not quiet:
            print(one_line(line), file=sys.stderr, flush=True)

    def warn(line: str) -> None:
        print(f"warning: {one_line(line)}", file=sys.stderr, flush=True)

    # Without the JVM, Py4J logs a traceback for each call; the error is reported in one line.
    logging.getLogger().addHandler(logging.NullHandler())
    note("starting Spark, which takes a few seconds; the first batch takes longer than the others")
    with spark_session(spark) as session, noted_signals() as signals:
        query = job.start(session)
        page = session.sparkContext.uiWebUrl
        note(None if page is None else f"Spark's web interface: {page}")
        with job.progress(session, warn) as log:
            for change in _changes(log):
                warn(change)
            lines = []

            def show(report: Report) -> None:
                log.add(report)
                line = describe(report)
                lines.append(line)
                note(line)

            wait_for(query, show, signals=signals, heartbeat=log.heartbeat)
            log.end(STOPPED if signals else DONE)
            if job.once and not any(lines):
                note("nothing new at the source")
    return 128 + signals[0] if signals else 0


def _changes(log: ProgressLog) -> Iterator[str]:
    """Warnings about a source or a sink that differs from the run before."""
    before, run = log.before, log.run
    if before is not None and before.sink != run.sink:
        yield f"the sink was {before.sink} before; its earlier output stays there"
    if before is not None and before.source != run.source:
        yield (
            f"the source was {before.source} before: if the query fails, give that again, or "
            "another --checkpoint"
        )


def _check_apart(*places: str) -> None:
    """Check that source, sink and checkpoint are not inside each other.

    Raises:
        UsageError: one of them is inside another.
    """
    folders = {
        name: place.removeprefix("file://").rstrip("/")
        for name, place in zip(("--source", "--sink", "--checkpoint"), places, strict=True)
        if place != CONSOLE and parse_topic(place) is None and not is_pattern(place)
    }
    whole = {
        name: folder if "://" in folder else str(Path(folder).resolve())
        for name, folder in folders.items()
    }
    for one, other in permutations(whole, 2):
        if f"{whole[one]}/".startswith(f"{whole[other]}/"):
            raise UsageError(
                f"{one} {folders[one]} is the folder of {other} or inside it: give each its own"
            )


def forecast(readings: DataFrame, config: CheckpointConfig) -> DataFrame:
    """Forecasts for readings, in the columns of `streamer.fleet.columns.COLUMNS`.

    The alarms are an array of kinds.

    Args:
        readings: columns meter, minute and kw, of any type.
        config: configuration of the checkpoint.
    """
    from pyspark.sql import functions as fn

    from streamer.fleet.spark.packing import PACKED, pack
    from streamer.fleet.spark.processor import OUTPUT, TALLY, ShardProcessor, ShardTask

    choices = config.choices
    task = ShardTask(choices.model, choices.fleet, started_ms=int(time.time() * 1000))
    cleaned = clean(readings, choices.unit)
    is_whole = (
        cleaned["meter"].isNotNull() & cleaned["minute"].isNotNull() & cleaned["kw"].isNotNull()
    )
    observed = cleaned.observe(
        READ, fn.count(fn.lit(1)).alias("rows"), fn.count_if(~is_whole).alias("unusable")
    )
    keyed = observed.where(is_whole).select(
        shard_key(observed["meter"], choices.shards, config.partitions).alias("key"),
        "meter",
        "minute",
        "kw",
    )
    packed = keyed.mapInArrow(pack, PACKED)
    out = packed.groupBy("key").transformWithStateInPandas(
        ShardProcessor(task), OUTPUT, "Append", "ProcessingTime"
    )
    counted = [
        fn.coalesce(fn.sum(out["tally"][at]), fn.lit(0)).alias(name)
        for at, name in enumerate(TALLY)
    ]
    watched = out.observe(
        WRITTEN,
        fn.count(out["meter"]).alias("rows"),
        fn.count(out["alarms"]).alias("alarms"),
        fn.max(fn.when(out["actual_kw"].isNotNull(), out["minute"])).alias("latest_us"),
        *counted,
    )
    columns = [watched[name] for name in COLUMNS]
    at = list(COLUMNS)
    columns[at.index("minute")] = fn.timestamp_micros(watched["minute"]).alias("minute")
    columns[at.index("alarms")] = fn.split(watched["alarms"], ",").alias("alarms")
    return watched.where(watched["meter"].isNotNull()).select(*columns)
