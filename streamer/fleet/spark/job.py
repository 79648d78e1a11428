"""A fleet's forecasts as one query of Spark: what it is made of, and how it runs."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamer.errors import UsageError
from streamer.fleet.columns import COLUMNS
from streamer.fleet.spark.checkpoint import NAME, Choices, Fixed, check_said, read_fixed
from streamer.fleet.spark.connectors import check_topic
from streamer.fleet.spark.failures import explained
from streamer.fleet.spark.keys import shard_key
from streamer.fleet.spark.locations import Columns, is_pattern, parse_topic
from streamer.fleet.spark.progress import FOLDER, ProgressLog
from streamer.fleet.spark.reports import DONE, STOPPED, Run, seconds_of
from streamer.fleet.spark.session import Engine, check_engine, spark_session
from streamer.fleet.spark.signals import heard
from streamer.fleet.spark.sinks import CONSOLE, check_sink, open_sink
from streamer.fleet.spark.sources import Readings, clean
from streamer.fleet.spark.storage import Storage
from streamer.fleet.spark.waiting import READ, WRITTEN, Report, describe, wait_for

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming import StreamingQuery

QUERY = "fleet"


@dataclass(frozen=True)
class FleetJob:
    """What `streamer fleet run` is to do.

    Attributes:
        source: a folder, a pattern of files, or a `kafka://` URL.
        sink: a folder, a `kafka://` URL, or `console`.
        checkpoint: folder of what Spark has to remember.
        said: what of `Choices` is said, by name; the rest is as the checkpoint has it.
        format: of the source's files; None for what their names say.
        max_files: how many of them a batch may take; None for some tens of megabytes.
        every: how long from one batch to the next, as Spark has it.
        once: whether to end when all that is there has been taken.
    """

    source: str
    sink: str
    checkpoint: str
    said: Mapping[str, Any] = field(default_factory=dict)
    format: str | None = None
    max_files: int | None = None
    every: str = "1 minute"
    once: bool = False

    def check(self) -> None:
        """See to what can be seen without Spark, which takes a while to start.

        Raises:
            UsageError: something is not written as it has to be, or there is no such model.
        """
        from streamer.models import find_model

        choices = replace(Choices(), **self._said())
        find_model(choices.model)
        check_topic(parse_topic(self.source), "source")
        check_topic(parse_topic(self.sink), "sink")
        if seconds_of(self.every) is None:
            raise UsageError(f"--every {self.every!r}: write it like '30 seconds' or '1 minute'")
        _check_apart(self.source, self.sink, self.checkpoint)
        if parse_topic(self.source) is not None:
            for option, value in (("--format", self.format), ("--max-files", self.max_files)):
                if value is not None:
                    raise UsageError(f"{option} is for files: it does not go with {self.source}")

    def fix(self, session: SparkSession) -> Fixed:
        """Find what the checkpoint was begun with, or begin it.

        Raises:
            UsageError: something else is said, or there is no such model.
            StateError: the checkpoint is damaged, or not one of ours.
        """
        from streamer.models import find_model
        from streamer.models.artefact import sha256_of

        storage = Storage(session, self.checkpoint)
        fixed = read_fixed(storage, self.checkpoint)
        was = Choices() if fixed is None else fixed.choices
        said = self._said()
        choices = replace(was, **said)
        weights = sha256_of(find_model(choices.model))
        if fixed is not None:
            check_said(fixed, said, weights, self.checkpoint)
            return replace(fixed, choices=choices)
        cores = session.sparkContext.defaultParallelism
        return Fixed(choices, weights, partitions=min(choices.shards, cores))

    def _said(self) -> dict[str, Any]:
        """What of `Choices` is said, written as it is kept."""
        said = dict(self.said)
        if "columns" in said:
            said["columns"] = str(Columns.parse(said["columns"]))
        if "model" in said and (path := Path(said["model"])).exists():
            # Executors, and whoever goes on with it or asks for its status, are elsewhere.
            said["model"] = str(path.absolute())
        return said

    def start(self, session: SparkSession) -> StreamingQuery:
        """Start the query.

        Raises:
            UsageError: a part of it cannot be as it is said.
            StateError: the checkpoint is damaged, or not one of ours.
            SparkError: Spark does not start it.
        """
        storage = Storage(session, self.checkpoint)
        is_new = not storage.exists(NAME)
        fixed = self.fix(session)
        columns = Columns.parse(fixed.choices.columns)
        readings = Readings(self.source, columns, self.format, self.max_files).open(session)
        check_sink(session, self.sink, self.checkpoint)
        session.conf.set("spark.sql.shuffle.partitions", fixed.partitions)
        # A batch without readings is for the timers alone. With --once it would have no end.
        has_timers = not self.once and fixed.choices.silent_after > 0
        session.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", has_timers)
        with explained("the query cannot be made"):
            rows = forecast(readings, fixed)
        writer = open_sink(session, rows, self.sink)
        writer = writer.option("checkpointLocation", self.checkpoint).queryName(QUERY)
        writer = (
            writer.trigger(availableNow=True)
            if self.once
            else writer.trigger(processingTime=self.every)
        )
        if is_new:
            storage.write(NAME, fixed.to_text())
        with explained("the query does not start"):
            return writer.outputMode("append").start()

    def progress(self, session: SparkSession, warn: Callable[[str], None]) -> ProgressLog:
        """Where a run of it leaves word of itself.

        Args:
            session: the session.
            warn: is told if it cannot.
        """
        source, sink = (
            place if (topic := parse_topic(place)) is None else topic.shown
            for place in (self.source, self.sink)
        )
        every_s = 0.0 if self.once else seconds_of(self.every) or 0.0
        run = Run(began=time.time(), source=source, sink=sink, every_s=every_s)
        return ProgressLog(Storage(session, f"{self.checkpoint}/{FOLDER}"), run, warn)


def run_fleet(job: FleetJob, engine: Engine, *, quiet: bool = False) -> int:
    """Run a job until it is done or somebody ends it.

    Args:
        job: what is to be done.
        engine: where and how.
        quiet: whether to leave out the lines on the batches.

    Returns:
        The exit code: 0, or 128 and the signal that has come.

    Raises:
        StreamerError: it cannot be done, or has failed.
    """
    job.check()
    check_engine(engine)

    def say(line: str | None) -> None:
        if line is not None and not quiet:
            print(line, file=sys.stderr, flush=True)

    def warn(line: str) -> None:
        print(f"warning: {line}", file=sys.stderr, flush=True)

    # Where the JVM has gone, Py4J logs a traceback for each call; we say it in a line.
    logging.getLogger().addHandler(logging.NullHandler())
    say("starting Spark, which takes a while, and its first batch longer than those after it")
    with spark_session(engine) as session, heard() as signals:
        query = job.start(session)
        page = session.sparkContext.uiWebUrl
        say(None if page is None else f"Spark's page: {page}")
        with job.progress(session, warn) as log:
            for change in _changes(log):
                warn(change)
            told = []

            def show(report: Report) -> None:
                log.add(report)
                line = describe(report)
                told.append(line)
                say(line)

            wait_for(query, show, signals=signals, beat=log.beat)
            log.end(STOPPED if signals else DONE)
            if job.once and not any(told):
                say("nothing new at the source")
    return 128 + signals[0] if signals else 0


def _changes(log: ProgressLog) -> Iterator[str]:
    """What is other than in the run before, and what that means."""
    before, run = log.before, log.run
    if before is not None and before.sink != run.sink:
        yield f"what came out before went to {before.sink}, and stays there"
    if before is not None and before.source != run.source:
        yield (
            f"the readings came from {before.source} before: if the query fails, say the same "
            "again, or give another --checkpoint"
        )


def _check_apart(*places: str) -> None:
    """See that source, sink and checkpoint are not in each other.

    Raises:
        UsageError: two of them are.
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
                f"{one} {folders[one]} is {other}'s folder or inside of it: give each its own"
            )


def forecast(readings: DataFrame, fixed: Fixed) -> DataFrame:
    """Columns as `streamer.fleet.columns.COLUMNS` has them, alarms as an array, of readings.

    Args:
        readings: columns meter, minute and kw, of any type.
        fixed: what the checkpoint was begun with.
    """
    from pyspark.sql import functions as fn

    from streamer.fleet.spark.packing import PACKED, pack
    from streamer.fleet.spark.processor import OUTPUT, TALLY, ShardProcessor, ShardTask

    choices = fixed.choices
    task = ShardTask(choices.model, choices.fleet, started_ms=int(time.time() * 1000))
    cleaned = clean(readings, choices.unit)
    is_whole = (
        cleaned["meter"].isNotNull() & cleaned["minute"].isNotNull() & cleaned["kw"].isNotNull()
    )
    observed = cleaned.observe(
        READ, fn.count(fn.lit(1)).alias("rows"), fn.count_if(~is_whole).alias("unusable")
    )
    keyed = observed.where(is_whole).select(
        shard_key(observed["meter"], choices.shards, fixed.partitions).alias("key"),
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
