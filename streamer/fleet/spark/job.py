"""A run of a fleet: its options, their checks, and its queries."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamer.display.numbers import plural
from streamer.errors import UsageError
from streamer.fleet.spark.alarms import alarm_rows, interval
from streamer.fleet.spark.checkpoint import (
    NAME,
    CheckpointConfig,
    CheckpointOptions,
    changes,
    check_given,
    read_config,
)
from streamer.fleet.spark.failures import explained
from streamer.fleet.spark.firstbatch import check_first_batch
from streamer.fleet.spark.formats import StreamFormat, parse_stream
from streamer.fleet.spark.keys import shards_for
from streamer.fleet.spark.locations import Columns
from streamer.fleet.spark.needs import check_jar
from streamer.fleet.spark.preview import check_apart, check_source, check_state
from streamer.fleet.spark.progress import FOLDER, ProgressLog
from streamer.fleet.spark.query import forecast
from streamer.fleet.spark.reports import Run, seconds_of
from streamer.fleet.spark.reshard import undone
from streamer.fleet.spark.session import LOCAL_FILE_MANAGER, SparkSettings
from streamer.fleet.spark.sinks import CONSOLE, check_sink, open_sink
from streamer.fleet.spark.sources import DELETE, KEEP, ReadingSource
from streamer.fleet.spark.storage import LocalFolder, Opener, Storage, last_batch
from streamer.fleet.spark.stored import read_summaries
from streamer.fleet.spark.values import rejected

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming import DataStreamWriter, StreamingQuery

QUERY = "fleet"
REJECTED, ALARMS = "rejected", "alarms"
"""Names of the queries of the unusable rows and of the alarms, and of their checkpoints below that
of the fleet."""


@dataclass(frozen=True)
class FleetJob:
    """A run of `streamer fleet run`.

    Attributes:
        source: a folder, a pattern of files, or the place of `reads`.
        sink: a folder, `console`, or the place of `writes`.
        checkpoint: folder of the query's state.
        given: the given `CheckpointOptions` by name; the others are those of the checkpoint.
        format: format of the source's files; None for the one of their names' endings.
        max_files: largest number of files in a batch; None for a limit of about 32 MB.
        every: interval from one batch to the next, in Spark's notation.
        once: whether to end when all available readings are processed.
        rejected: folder for the unusable rows; None to drop them.
        alarms: a folder, `console`, or a place that `parse_stream` knows, for the rows with alarms;
            None for none.
        max_unusable: largest share of unusable rows in the first batch, 0 to 1.
        consumed: what becomes of a file after the batch that it was in: `keep`, `delete`, or a
            folder that it is moved to.
        reads: a source other than files.
        writes: a sink other than a folder and the terminal.
        data_sources: data sources in Python to register with Spark.
        like: a checkpoint whose options a new one begins with; None for the defaults.
    """

    source: str
    sink: str
    checkpoint: str
    given: Mapping[str, Any] = field(default_factory=dict)
    format: str | None = None
    max_files: int | None = None
    every: str = "1 minute"
    once: bool = False
    rejected: str | None = None
    alarms: str | None = None
    max_unusable: float = 0.2
    consumed: str = KEEP
    reads: StreamFormat | None = None
    writes: StreamFormat | None = None
    data_sources: Sequence[type[Any]] = ()
    like: str | None = None

    @cached_property
    def warns(self) -> StreamFormat | None:
        """The format of the sink of the alarms; None for a folder of Parquet, and the terminal."""
        return None if self.alarms is None else parse_stream(self.alarms, "sink")

    def check(self) -> None:
        """Check everything that does not need Spark, which is slow to start.

        Raises:
            UsageError: an option is malformed, or the model does not exist.
        """
        from streamer.models import find_model

        choices = replace(CheckpointOptions(), **self._given())
        _ = choices.fleet
        find_model(choices.model)
        if seconds_of(self.every) is None:
            raise UsageError(f"--every {self.every!r}: write it like '30 seconds' or '1 minute'")
        check_apart(
            {
                "--source": self.source if self.reads is None else self.reads.folder,
                "--sink": self.sink if self.writes is None else self.writes.folder,
                "--checkpoint": self.checkpoint,
                "--rejected": self.rejected,
                "--consumed": None if self.consumed in (KEEP, DELETE) else self.consumed,
                "--alarms": self.alarms if self.warns is None else self.warns.folder,
            }
        )
        if self.alarms is not None and self.sink not in self._folders:
            raise UsageError(
                "--alarms needs a --sink that is a folder, whose rows it reads; from another sink, "
                "select the rows in which alarms is not null"
            )
        if self.rejected is not None and (
            self.rejected == CONSOLE or parse_stream(self.rejected, "sink") is not None
        ):
            raise UsageError(f"--rejected {self.rejected}: give a folder")
        if self.rejected is not None and self.consumed != KEEP:
            raise UsageError(
                "--consumed does not apply with --rejected, whose query reads the files a second "
                "time and may be behind: give one of them"
            )
        if choices.delimiter == choices.decimal:
            raise UsageError("--decimal , needs another --delimiter, such as ';'")
        if self.reads is not None:
            for option, value in (
                ("--format", self.format),
                ("--max-files", self.max_files),
                ("--consumed", None if self.consumed == KEEP else self.consumed),
                ("--delimiter", self.given.get("delimiter")),
            ):
                if value is not None:
                    raise UsageError(
                        f"{option} is for files: it does not apply to {self.reads.shown}"
                    )

    def check_places(self, spark: SparkSettings) -> None:
        """Check the files of this machine, without Spark.

        Args:
            spark: settings of Spark, which decide where a path without a scheme is.

        Raises:
            UsageError: a folder is missing, has other columns, or contradicts the checkpoint.
            StateError: the checkpoint is damaged, or not one of `streamer fleet`.
            SparkError: a file of the source is damaged.
        """
        ours = {kind.name() for kind in self.data_sources}
        packages = {} if spark.packages is None else {"spark.jars.packages": spark.packages}
        for stream in (self.reads, self.writes, self.warns):
            if stream is not None and stream.name not in ours:
                check_jar(stream.name, {**spark.conf, **packages})
        here = {place for place in self._folders if spark.is_on_this_machine(place)}
        if self.checkpoint not in here:
            return  # it has the names of the columns
        check_state(self.checkpoint)
        _, choices = self._stored(LocalFolder)
        if self.source in here:
            columns = Columns.parse(choices.columns)
            check_source(self.source, columns, self.format, choices.delimiter)
        for place in (self.sink, self.rejected, self.alarms):
            if place in here:
                check_sink(LocalFolder, place, self._checkpoint_of(place))

    @property
    def _folders(self) -> list[str]:
        """The folders among the source, the sinks and the checkpoint."""
        source = self.source if self.reads is None else None
        sink = self.sink if self.writes is None and self.sink != CONSOLE else None
        alarms = self.alarms if self.warns is None and self.alarms != CONSOLE else None
        places = (source, sink, self.checkpoint, self.rejected, alarms)
        return [place for place in places if place is not None]

    def _checkpoint_of(self, sink: str) -> str:
        names = {self.alarms: f"/{ALARMS}", self.rejected: f"/{REJECTED}", self.sink: ""}
        return f"{self.checkpoint}{names[sink]}"

    def _stored(self, open_folder: Opener) -> tuple[CheckpointConfig | None, CheckpointOptions]:
        """The configuration of the checkpoint, None for a new one, and the options that apply.

        Raises:
            UsageError: a given option differs, or the model does not exist.
            StateError: the checkpoint is damaged, or not one of `streamer fleet`.
        """
        from streamer.models import find_model
        from streamer.models.artefact import sha256_of

        config = read_config(open_folder(self.checkpoint), self.checkpoint)
        given = self._given()
        begun = config
        if begun is None and self.like is not None:
            begun = read_config(open_folder(self.like), self.like)
            if begun is None:
                raise UsageError(f"{self.like} has no fleet: give the checkpoint folder of a run")
        choices = replace(CheckpointOptions() if begun is None else begun.choices, **given)
        if config is not None:
            check_given(config, given, self.checkpoint)
            weights = sha256_of(find_model(choices.model))
            last = last_batch(open_folder(f"{self.checkpoint}/commits"))
            config = config.continued(choices, weights, 0 if last is None else last + 1)
        return config, choices

    def configure(self, session: SparkSession, meters: int | None = None) -> CheckpointConfig:
        """Read the configuration of the checkpoint, or make that of a new one.

        Args:
            session: the Spark session.
            meters: number of meters in the first batch; None if it is unknown.

        Raises:
            UsageError: a given option differs, or the model does not exist.
            StateError: the checkpoint is damaged, or not one of `streamer fleet`.
        """
        from streamer.models import find_model
        from streamer.models.artefact import sha256_of

        config, choices = self._stored(partial(Storage, session))
        if config is not None:
            return config
        cores = session.sparkContext.defaultParallelism
        if meters is not None and self._counts_meters:
            choices = replace(choices, shards=shards_for(meters, cores))
        weights = sha256_of(find_model(choices.model))
        return CheckpointConfig(choices, weights, partitions=min(choices.shards, cores))

    @property
    def _counts_meters(self) -> bool:
        """Whether the number of shards of a new checkpoint follows from the meters."""
        return "shards" not in self.given and self.like is None

    def _given(self) -> dict[str, Any]:
        """The given `CheckpointOptions` in the form in which they are stored."""
        given = dict(self.given)
        if "columns" in given:
            given["columns"] = str(Columns.parse(given["columns"]))
        if "model" in given and (path := Path(given["model"])).exists():
            # Executors, later runs and the status have other working directories.
            given["model"] = str(path.absolute())
        return given

    def start(
        self,
        session: SparkSession,
        note: Callable[[str], None] = lambda _: None,
        resume: Callable[[int | None, str, Callable[[int], Any]], None] = lambda *_: None,
    ) -> list[StreamingQuery]:
        """Start the query, and after it those of the unusable rows and of the alarms.

        With `once`, that of the alarms is to be started by `follow`.

        Args:
            session: the Spark session.
            note: called with a line about what was chosen for a new checkpoint, or is changed.
            resume: called before the queries start, with the number of the last completed
                batch, what the states are made with, and what reads the summaries of the shards.

        Raises:
            UsageError: an option is wrong or contradicts the checkpoint, or too many rows of the
                first batch are unusable.
            StateError: the checkpoint is damaged, or not one of `streamer fleet`.
            SparkError: Spark cannot start the query.
        """
        storage = Storage(session, self.checkpoint)
        former = read_config(storage, self.checkpoint)
        if former is not None:
            former = undone(storage, former)
        _, choices = self._stored(partial(Storage, session))
        columns = Columns.parse(choices.columns)
        for kind in self.data_sources:
            session.dataSource.register(kind)
        name = self.source if self.reads is None else self.reads.shown
        source = ReadingSource(
            name,
            columns,
            self.format,
            self.max_files,
            choices.delimiter,
            self.reads,
            self.consumed,
        )
        readings = source.open(session)
        if self.sink in self._folders:
            check_sink(partial(Storage, session), self.sink, self.checkpoint)
        meters = None
        last = last_batch(Storage(session, f"{self.checkpoint}/commits"))
        if last is None:
            meters = check_first_batch(session, source, choices.notation, self.max_unusable)
        config = self.configure(session, meters)
        if former is None and meters is not None and self._counts_meters:
            note(
                f"{plural(meters, 'meter')} in the first batch: "
                f"{plural(config.choices.shards, 'shard')}; for many more later, give --shards"
            )
        for change in () if former is None else changes(former, config):
            note(change)
        session.conf.set("spark.sql.shuffle.partitions", config.partitions)
        # Batches without readings only serve the timers. With --once they would never end.
        has_timers = not self.once and config.choices.silent_after > 0
        session.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", has_timers)
        manager, local = LOCAL_FILE_MANAGER
        is_local = all(Storage(session, folder).is_local for folder in self._folders)
        if is_local and session.conf.get(manager, None) is None:
            session.conf.set(manager, local)
        with explained("the query cannot be built"):
            rows = forecast(readings, config)
        writer = open_sink(rows, self.sink, self.writes)
        # Before the first batch: the state of a shard names its model, so it is converted whenever
        # it is loaded next, and converted back if the former model is given again.
        if config != former:
            storage.write(NAME, config.to_text())
        made_with = f"{config.choices.shards}/{config.partitions}/{config.weights[:12]}"
        resume(last, made_with, partial(read_summaries, session, self.checkpoint, config))
        queries = [self._started(writer.queryName(QUERY), self.checkpoint, self.writes)]
        if self.rejected is not None:
            check_sink(partial(Storage, session), self.rejected, self._checkpoint_of(self.rejected))
            with explained(self.rejected):
                rows = rejected(source.open(session), config.choices.notation)
            writer = rows.writeStream.format("json").option("path", self.rejected)
            writer = writer.queryName(REJECTED)
            queries.append(self._started(writer, self._checkpoint_of(self.rejected)))
        return queries if self.once else [*queries, *self.follow(session)]

    def follow(self, session: SparkSession) -> list[StreamingQuery]:
        """Start the query of the alarms, if they have a sink.

        With `once`, it ends at the rows that are in the sink now.

        Raises:
            UsageError: the sink is a file, or contains the output of another checkpoint.
            SparkError: Spark cannot start the query.
        """
        if self.alarms is None:
            return []
        checkpoint = self._checkpoint_of(self.alarms)
        if self.alarms in self._folders:
            check_sink(partial(Storage, session), self.alarms, checkpoint)
        writer = open_sink(alarm_rows(session, self.sink), self.alarms, self.warns)
        every = interval(seconds_of(self.every) or 0.0)
        return [self._started(writer.queryName(ALARMS), checkpoint, self.warns, every)]

    def _started(
        self,
        writer: DataStreamWriter,
        checkpoint: str,
        stream: StreamFormat | None = None,
        every: str | None = None,
    ) -> StreamingQuery:
        writer = writer.option("checkpointLocation", checkpoint).outputMode("append")
        writer = (
            writer.trigger(availableNow=True)
            if self.once
            else writer.trigger(processingTime=every or self.every)
        )
        with explained("the query does not start"):
            if stream is not None and stream.is_table:
                return writer.toTable(stream.path)
            return writer.start()

    def progress(self, session: SparkSession, warn: Callable[[str], None]) -> ProgressLog:
        """The log in which a run records its progress.

        Args:
            session: the Spark session.
            warn: called with a message if the log cannot be written.
        """
        source, sink = (
            place if stream is None else stream.shown
            for place, stream in ((self.source, self.reads), (self.sink, self.writes))
        )
        every_s = 0.0 if self.once else seconds_of(self.every) or 0.0
        run = Run(began=time.time(), source=source, sink=sink, every_s=every_s)
        return ProgressLog(Storage(session, f"{self.checkpoint}/{FOLDER}"), run, warn)
