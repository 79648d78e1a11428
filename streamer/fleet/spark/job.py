"""A run of a fleet: its options, their checks, and its queries."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streamer.display.numbers import plural
from streamer.errors import UsageError
from streamer.fleet.spark.checkpoint import (
    NAME,
    CheckpointConfig,
    CheckpointOptions,
    check_given,
    read_config,
)
from streamer.fleet.spark.connectors import check_topic
from streamer.fleet.spark.failures import explained
from streamer.fleet.spark.firstbatch import check_first_batch
from streamer.fleet.spark.keys import shards_for
from streamer.fleet.spark.locations import Columns, is_pattern, parse_topic
from streamer.fleet.spark.preview import check_source, check_state
from streamer.fleet.spark.progress import FOLDER, ProgressLog
from streamer.fleet.spark.query import forecast
from streamer.fleet.spark.reports import Run, seconds_of
from streamer.fleet.spark.session import LOCAL_FILE_MANAGER, SparkSettings
from streamer.fleet.spark.sinks import CONSOLE, check_sink, open_sink
from streamer.fleet.spark.sources import ReadingSource
from streamer.fleet.spark.storage import LocalFolder, Opener, Storage, last_batch
from streamer.fleet.spark.values import rejected

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from pyspark.sql.streaming import DataStreamWriter, StreamingQuery

QUERY = "fleet"
REJECTED = "rejected"
"""Name of the query of the unusable rows, and of its checkpoint below that of the fleet."""


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
        rejected: folder for the unusable rows; None to drop them.
        max_unusable: largest share of unusable rows in the first batch, 0 to 1.
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
    max_unusable: float = 0.2

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
        _check_apart(self.source, self.sink, self.checkpoint, self.rejected)
        if self.rejected is not None and (
            self.rejected == CONSOLE or parse_topic(self.rejected) is not None
        ):
            raise UsageError(f"--rejected {self.rejected}: give a folder")
        if choices.delimiter == choices.decimal:
            raise UsageError("--decimal , needs another --delimiter, such as ';'")
        if parse_topic(self.source) is not None:
            for option, value in (
                ("--format", self.format),
                ("--max-files", self.max_files),
                ("--delimiter", self.given.get("delimiter")),
            ):
                if value is not None:
                    raise UsageError(f"{option} is for files: it does not apply to {self.source}")

    def check_places(self, spark: SparkSettings) -> None:
        """Check the files of this machine, without Spark.

        Args:
            spark: settings of Spark, which decide where a path without a scheme is.

        Raises:
            UsageError: a folder is missing, has other columns, or contradicts the checkpoint.
            StateError: the checkpoint is damaged, or not one of `streamer fleet`.
            SparkError: a file of the source is damaged.
        """
        here = {place for place in self._folders if spark.is_on_this_machine(place)}
        if self.checkpoint not in here:
            return  # it has the names of the columns
        check_state(self.checkpoint)
        _, choices = self._stored(LocalFolder)
        if self.source in here:
            columns = Columns.parse(choices.columns)
            check_source(self.source, columns, self.format, choices.delimiter)
        for place in (self.sink, self.rejected):
            if place in here:
                check_sink(LocalFolder, place, self._checkpoint_of(place))

    @property
    def _folders(self) -> list[str]:
        """The folders among the source, the sink, the checkpoint and the rejected rows."""
        places = (self.source, self.sink, self.checkpoint, self.rejected)
        return [it for it in places if it not in (None, CONSOLE) and parse_topic(it) is None]

    def _checkpoint_of(self, sink: str) -> str:
        return self.checkpoint if sink == self.sink else f"{self.checkpoint}/{REJECTED}"

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
        choices = replace(CheckpointOptions() if config is None else config.choices, **given)
        if config is not None:
            weights = sha256_of(find_model(choices.model))
            check_given(config, given, weights, self.checkpoint)
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
            return replace(config, choices=choices)
        cores = session.sparkContext.defaultParallelism
        if meters is not None and "shards" not in self.given:
            choices = replace(choices, shards=shards_for(meters, cores))
        weights = sha256_of(find_model(choices.model))
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

    def start(
        self, session: SparkSession, note: Callable[[str], None] = lambda _: None
    ) -> list[StreamingQuery]:
        """Start the query, and with `rejected` that of the unusable rows after it.

        Args:
            session: the Spark session.
            note: called with a line about what was chosen for a new checkpoint.

        Raises:
            UsageError: an option is wrong or contradicts the checkpoint, or too many rows of the
                first batch are unusable.
            StateError: the checkpoint is damaged, or not one of `streamer fleet`.
            SparkError: Spark cannot start the query.
        """
        storage = Storage(session, self.checkpoint)
        is_new = not storage.exists(NAME)
        _, choices = self._stored(partial(Storage, session))
        columns = Columns.parse(choices.columns)
        source = ReadingSource(self.source, columns, self.format, self.max_files, choices.delimiter)
        readings = source.open(session)
        check_sink(partial(Storage, session), self.sink, self.checkpoint)
        meters = None
        if last_batch(Storage(session, f"{self.checkpoint}/commits")) is None:
            meters = check_first_batch(session, source, choices.notation, self.max_unusable)
        config = self.configure(session, meters)
        if is_new and meters is not None and "shards" not in self.given:
            note(
                f"{plural(meters, 'meter')} in the first batch: "
                f"{plural(config.choices.shards, 'shard')}; for many more later, give --shards"
            )
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
        writer = open_sink(session, rows, self.sink)
        if is_new:
            storage.write(NAME, config.to_text())
        queries = [self._started(writer.queryName(QUERY), self.checkpoint)]
        if self.rejected is not None:
            check_sink(partial(Storage, session), self.rejected, self._checkpoint_of(self.rejected))
            with explained(self.rejected):
                rows = rejected(source.open(session, with_file=True), config.choices.notation)
            writer = rows.writeStream.format("json").option("path", self.rejected)
            writer = writer.queryName(REJECTED)
            queries.append(self._started(writer, self._checkpoint_of(self.rejected)))
        return queries

    def _started(self, writer: DataStreamWriter, checkpoint: str) -> StreamingQuery:
        writer = writer.option("checkpointLocation", checkpoint).outputMode("append")
        writer = (
            writer.trigger(availableNow=True)
            if self.once
            else writer.trigger(processingTime=self.every)
        )
        with explained("the query does not start"):
            return writer.start()

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


def _check_apart(*places: str | None) -> None:
    """Check that source, sink, checkpoint and rejected rows are not inside each other.

    Raises:
        UsageError: one of them is inside another.
    """
    folders = {
        name: place.removeprefix("file://").rstrip("/")
        for name, place in zip(
            ("--source", "--sink", "--checkpoint", "--rejected"), places, strict=True
        )
        if place is not None
        and place != CONSOLE
        and parse_topic(place) is None
        and not is_pattern(place)
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
