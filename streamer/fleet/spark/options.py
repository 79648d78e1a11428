"""Options of a run of a fleet, and their checks without Spark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from streamer.errors import UsageError
from streamer.fleet.spark.checkpoint import (
    CheckpointConfig,
    CheckpointOptions,
    check_given,
    read_config,
)
from streamer.fleet.spark.formats import StreamFormat, load_data_sources, parse_stream
from streamer.fleet.spark.locations import Columns, check_utf_8, parse_delimiter
from streamer.fleet.spark.needs import check_jar
from streamer.fleet.spark.preview import check_apart, check_source, check_state
from streamer.fleet.spark.reports import seconds_of
from streamer.fleet.spark.session import SparkSettings
from streamer.fleet.spark.sinks import CONSOLE, SinkQuery
from streamer.fleet.spark.sources import DELETE, KEEP
from streamer.fleet.spark.storage import LocalFolder, Opener, last_batch

QUERY = "fleet"
REJECTED, ALARMS = "rejected", "alarms"
"""Names of the queries of the unusable rows and of the alarms, and of their checkpoints below that
of the fleet."""


@dataclass(frozen=True)
class JobOptions:
    """Options of a run of `streamer fleet run`.

    Attributes:
        source: a folder, a pattern of files, or another place that `parse_stream` knows.
        sink: a folder, `console`, or such a place.
        checkpoint: folder of the query's state.
        given: the given `CheckpointOptions` by name; the others are those of the checkpoint.
        format: format of the source's files; None for the one of their names' endings.
        max_files: largest number of files in a batch; None for a limit of about 32 MB.
        every: interval from one batch to the next, in Spark's notation.
        once: whether to end when all available readings are processed.
        rejected: a folder, or a place that `parse_stream` knows, for the unusable rows; None to
            drop them.
        alarms: a folder, `console`, or such a place, for the rows with alarms; None for none.
        max_unusable: largest share of unusable rows in the first batch, 0 to 1.
        consumed: what becomes of a file after the batch that it was in: `keep`, `delete`, or a
            folder that it is moved to.
        source_format: Spark's name of the format of a source other than files.
        source_option: options of that format, each as `key=value`.
        sink_format: Spark's name of the format of a sink other than a folder.
        sink_option: options of that format.
        data_source: data sources in Python to register with Spark, each as `module:Class`.
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
    source_format: str | None = None
    source_option: Sequence[str] = field(default=(), repr=False)
    sink_format: str | None = None
    sink_option: Sequence[str] = field(default=(), repr=False)
    data_source: Sequence[str] = ()
    like: str | None = None

    @cached_property
    def reads(self) -> StreamFormat | None:
        """The source, if it is not files."""
        return parse_stream(self.source, "source", self.source_format, self.source_option)

    @cached_property
    def writes(self) -> StreamFormat | None:
        """The sink, if it is neither a folder nor the terminal."""
        return parse_stream(self.sink, "sink", self.sink_format, self.sink_option)

    @cached_property
    def data_sources(self) -> list[type[Any]]:
        """The data sources in Python."""
        return load_data_sources(self.data_source, [self.reads, self.writes])

    @cached_property
    def sinks(self) -> dict[str, SinkQuery]:
        """The sinks by the names of their queries."""
        found = {QUERY: SinkQuery(QUERY, self.sink, self.checkpoint, self.writes)}
        for name, place, files in (
            (REJECTED, self.rejected, "json"),
            (ALARMS, self.alarms, "parquet"),
        ):
            if place is not None:
                checkpoint, stream = f"{self.checkpoint}/{name}", parse_stream(place, "sink")
                found[name] = SinkQuery(name, place, checkpoint, stream, files)
        return found

    def check(self) -> None:
        """Check everything that does not need Spark, which is slow to start.

        Raises:
            UsageError: an option is malformed, or the model or a data source does not exist.
        """
        from streamer.models import find_model

        given = self._given()
        check_utf_8({it.name: getattr(self, it.name) for it in fields(self)} | given)
        choices = replace(CheckpointOptions(), **given)
        _ = choices.fleet, self.data_sources
        find_model(choices.model)
        if seconds_of(self.every) is None:
            raise UsageError(f"--every {self.every!r}: write it like '30 seconds' or '1 minute'")
        places = {"--source": self.source if self.reads is None else self.reads.folder}
        for name, it in self.sinks.items():
            option = "--sink" if name == QUERY else f"--{name}"
            places[option] = it.place if it.stream is None else it.stream.folder
        places["--consumed"] = "" if self.consumed in (KEEP, DELETE) else self.consumed
        check_apart({**places, "--checkpoint": self.checkpoint})
        if self.alarms is not None and not self.sinks[QUERY].folder:
            raise UsageError(
                "--alarms needs a --sink that is a folder, whose rows it reads; from another sink, "
                "select the rows in which alarms is not null"
            )
        if self.rejected == CONSOLE:
            raise UsageError(f"--rejected {self.rejected}: give a folder, kafka://… or table:NAME")
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
        for stream in (self.reads, *(it.stream for it in self.sinks.values())):
            if stream is not None and stream.name not in ours:
                check_jar(stream.name, spark.conf)
        here = {place for place in self._folders if spark.is_on_this_machine(place)}
        if self.checkpoint not in here:
            return  # it has the names of the columns
        check_state(self.checkpoint)
        _, choices = self._stored(LocalFolder)
        if self.source in here:
            columns = Columns.parse(choices.columns)
            check_source(self.source, columns, self.format, choices.delimiter)
        for sink in self.sinks.values():
            if sink.folder in here:
                sink.check(LocalFolder)

    @property
    def _folders(self) -> list[str]:
        """The folders among the source, the sinks and the checkpoint."""
        source = self.source if self.reads is None else ""
        places = (source, self.checkpoint, *(it.folder for it in self.sinks.values()))
        return [place for place in places if place]

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

    @property
    def _counts_meters(self) -> bool:
        """Whether the number of shards of a new checkpoint follows from the meters."""
        return "shards" not in self.given and self.like is None

    def _given(self) -> dict[str, Any]:
        """The given `CheckpointOptions` in the form in which they are stored."""
        given = dict(self.given)
        if "columns" in given:
            given["columns"] = str(Columns.parse(given["columns"]))
        if "delimiter" in given:
            given["delimiter"] = parse_delimiter(given["delimiter"])
        if "model" in given and (path := Path(given["model"])).exists():
            # Executors, later runs and the status have other working directories.
            given["model"] = str(path.absolute())
        return given
