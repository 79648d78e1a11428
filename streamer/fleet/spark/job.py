"""A run of a fleet: the configuration of its checkpoint, and its queries."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from streamer.display.numbers import plural
from streamer.fleet.spark.alarms import alarm_rows, interval
from streamer.fleet.spark.checkpoint import (
    NAME,
    CheckpointConfig,
    changes,
    read_config,
)
from streamer.fleet.spark.failures import explained
from streamer.fleet.spark.firstbatch import check_first_batch
from streamer.fleet.spark.keys import shards_for
from streamer.fleet.spark.locations import Columns
from streamer.fleet.spark.options import ALARMS, QUERY, REJECTED, JobOptions
from streamer.fleet.spark.progress import FOLDER, ProgressLog
from streamer.fleet.spark.query import forecast
from streamer.fleet.spark.reports import Run, seconds_of
from streamer.fleet.spark.reshard import undone
from streamer.fleet.spark.session import LOCAL_FILE_MANAGER
from streamer.fleet.spark.sources import ReadingSource
from streamer.fleet.spark.storage import Storage, last_batch
from streamer.fleet.spark.stored import read_summaries
from streamer.fleet.spark.values import rejected

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.streaming import StreamingQuery


@dataclass(frozen=True)
class FleetJob(JobOptions):
    """A run of `streamer fleet run`: its queries, started on a session."""

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

    def start(self, session: SparkSession) -> list[StreamingQuery]:
        """Start the queries, as what `prepare` returns does."""
        return self.prepare(session)()

    def prepare(
        self,
        session: SparkSession,
        note: Callable[[str], None] = lambda _: None,
        resume: Callable[[int | None, str, Callable[[int], Any]], None] = lambda *_: None,
    ) -> Callable[[], list[StreamingQuery]]:
        """Check the job, and make its queries.

        Args:
            session: the Spark session.
            note: called with a line about what was chosen for a new checkpoint, or is changed.
            resume: called before the queries start, with the number of the last completed
                batch, what the states are made with, and what reads the summaries of the shards.

        Returns:
            What starts the query, and after it those of the unusable rows and of the alarms. With
            `once`, that of the alarms is to be started by `follow`. When they have been stopped, it
            starts them again with the schema, the model and the clock of silence that they had:
            the folder of the source may be empty by then.

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
        for sink in self.sinks.values():
            sink.check(partial(Storage, session))
        meters = None
        commits = Storage(session, f"{self.checkpoint}/commits")
        if last_batch(commits) is None:
            meters = check_first_batch(session, source, choices.notation, self.max_unusable)
        config = self.configure(session, meters)
        if former is None and meters is not None and self._counts_meters:
            note(
                f"about {plural(meters, 'meter')} in the first batch: "
                f"{plural(config.choices.shards, 'shard')}; for many more later, give --shards"
            )
        for change in () if former is None else changes(former, config):
            note(change)
        self._set_up(session, config)
        with explained("the query cannot be built"):
            planned = {QUERY: forecast(readings, config)}
        if self.rejected is not None:
            with explained(self.rejected):
                planned[REJECTED] = rejected(source.open(session), config.choices.notation)
        # Before the first batch: the state of a shard names its model, so it is converted whenever
        # it is loaded next, and converted back if the former model is given again.
        if config != former:
            storage.write(NAME, config.to_text())
        made_with = f"{config.choices.shards}/{config.partitions}/{config.weights[:12]}"
        summaries = partial(read_summaries, session, self.checkpoint, config)

        def start() -> list[StreamingQuery]:
            resume(last_batch(commits), made_with, summaries)
            queries = [self._started(name, rows) for name, rows in planned.items()]
            return queries if self.once else [*queries, *self.follow(session)]

        return start

    def _set_up(self, session: SparkSession, config: CheckpointConfig) -> None:
        """Set what the session has to know of the job."""
        session.conf.set("spark.sql.shuffle.partitions", config.partitions)
        # Batches without readings only serve the timers. With --once they would never end.
        has_timers = not self.once and config.choices.silent_after > 0
        session.conf.set("spark.sql.streaming.noDataMicroBatches.enabled", has_timers)
        manager, local = LOCAL_FILE_MANAGER
        is_local = all(Storage(session, folder).is_local for folder in self._folders)
        if is_local and session.conf.get(manager, None) is None:
            session.conf.set(manager, local)

    def follow(self, session: SparkSession) -> list[StreamingQuery]:
        """Start the query of the alarms, if they have a sink.

        With `once`, it ends at the rows that are in the sink now.

        Raises:
            SparkError: Spark cannot start the query.
        """
        if self.alarms is None:
            return []
        every = interval(seconds_of(self.every) or 0.0)
        return [self._started(ALARMS, alarm_rows(session, self.sink), every)]

    def _started(self, name: str, rows: DataFrame, every: str | None = None) -> StreamingQuery:
        return self.sinks[name].start(rows, None if self.once else every or self.every)

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
