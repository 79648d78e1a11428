"""Progress of a query, recorded beside its checkpoint for other processes to read."""

from __future__ import annotations

import json
import os
import platform
import re
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from streamer.errors import SparkError
from streamer.fleet.jsonrecords import from_json
from streamer.fleet.spark.reports import (
    FAILED,
    HEARTBEAT_S,
    Batch,
    Count,
    Report,
    Run,
    shard_reports,
)
from streamer.fleet.summary import ShardSummary

if TYPE_CHECKING:
    from streamer.fleet.spark.storage import ReadableFolder, Storage

FOLDER = "streamer-progress"
"""Folder in the checkpoint, with one file per batch, of which the newest two are kept."""

_VERSION = 1
_MAX_BATCHES = 400
"""Batches in a file: more than an hour at one batch per ten seconds."""

_TRIES = 3


@dataclass(frozen=True)
class RunProgress:
    """Progress of a run, as it is recorded.

    Attributes:
        run: the run.
        batches: the last batches, of earlier runs too, newest last.
        shards: the last summary of each shard, by key.
        after: number of the batch after which the summaries were complete; None if they are not.
        made_with: number of shards and partitions, and model, as text.
    """

    run: Run
    batches: tuple[Batch, ...] = ()
    shards: Mapping[int, ShardSummary] = field(default_factory=dict)
    after: int | None = None
    made_with: str = ""

    def over(self, seconds: float) -> tuple[Batch, ...]:
        """The batches that ended in the last seconds before the end of the newest."""
        if not self.batches:
            return ()
        since = self.batches[-1].ended - seconds
        return tuple(batch for batch in self.batches if batch.ended > since)

    def to_text(self) -> str:
        """The text of a file: a line about the run, and one for each shard and batch."""
        head = _Head(_VERSION, len(self.shards), self.after, self.made_with)
        shards = ({"key": key} | vars(shard) for key, shard in self.shards.items())
        lines = [vars(head) | vars(self.run), *shards, *map(vars, self.batches)]
        return "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse the text of a file. Damaged lines of batches are left out.

        Raises:
            ValueError: the first line or a shard is damaged, or the version is another.
        """
        first, *lines = text.split("\n")
        head = from_json(_Head, first)
        if head.version != _VERSION:
            raise ValueError("another version")
        if head.shards > len(lines):
            raise ValueError("the file is truncated")
        shards = {
            from_json(_Key, line).key: from_json(ShardSummary, line)
            for line in lines[: head.shards]
        }
        batches = []
        for line in lines[head.shards :][:_MAX_BATCHES]:
            with suppress(ValueError):
                batches.append(from_json(Batch, line))
        return cls(from_json(Run, first), tuple(batches), shards, head.after, head.made_with)


@dataclass(frozen=True)
class _Head:
    """Members of the first line of a file, before those of the run."""

    version: int
    shards: Count = 0
    after: int | None = None
    made_with: str = ""


@dataclass(frozen=True)
class _Key:
    """Member of the line of a shard, before those of its summary."""

    key: int


class ProgressLog:
    """Records the last batches, the shards and the state of the run; a context manager.

    A shard's summary is that of the last batch that had readings or a timer for it. Together they
    equal a scan of the states, as long as no batch is missing: one is if the driver is killed
    after Spark has recorded the batch, and before this log has. Then `after` is not the last
    batch, and the next run reads all states (`fill`).

    Each time it writes a new file and then removes all but the last two, so that a complete one
    exists at any time, on any file system. A failure to write is reported once and does not end
    the query.

    Args:
        folder: folder for the files.
        run: description of the run at its beginning.
        complain: called with a message if the progress cannot be written.
        now: returns the time in seconds since 1970.

    Attributes:
        before: the run before; None if none is recorded.
        progress: what is recorded now.
    """

    def __init__(
        self,
        folder: Storage,
        run: Run,
        complain: Callable[[str], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._complain = complain
        self._now = now
        self._has_complained = False
        self._names: list[str] = []
        known = None
        try:
            self._names = _ours(folder.names())
            known = read_progress(folder)
        except (SparkError, OSError) as error:
            self._give_up(error)
        run = replace(run, host=platform.node(), pid=os.getpid())
        self.before = None if known is None else known.run
        self.progress = RunProgress(run) if known is None else replace(known, run=run)

    def fill(
        self, batch: int | None, made_with: str, read: Callable[[int], dict[int, ShardSummary]]
    ) -> None:
        """Read the summaries out of the states, unless those recorded are of the last batch.

        Args:
            batch: number of the last completed batch; None before the first.
            made_with: number of shards and partitions, and model, as text.
            read: returns the summaries after a batch, by key.
        """
        shards, after = self.progress.shards, self.progress.after
        try:
            if batch is None:
                shards, after = {}, -1
            elif (after, self.progress.made_with) != (batch, made_with):
                shards, after = read(batch), batch
        except SparkError as error:
            after = None
            self._complain(f"`streamer fleet status` has no meters without new readings: {error}")
        self.progress = replace(self.progress, shards=shards, after=after, made_with=made_with)

    def __enter__(self) -> Self:
        self._write()
        return self

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if error is not None:
            # The error itself is reported; that of a JVM that has died would be reported twice.
            self._has_complained = True
            self.end(FAILED, str(error) or type(error).__name__)

    def add(self, report: Report) -> Batch:
        """Record Spark's report on a batch."""
        batch, known = Batch.of(report), self.progress
        self.progress = replace(
            known,
            batches=(*known.batches, batch)[-_MAX_BATCHES:],
            shards={**known.shards, **{it.key: it.shard for it in shard_reports(report)}},
            after=batch.number if known.after == batch.number - 1 else None,
        )
        self._write()
        return batch

    def heartbeat(self) -> None:
        """Record that the run is alive, if nothing was recorded for `HEARTBEAT_S`."""
        if self._now() - self.progress.run.said >= HEARTBEAT_S:
            self._write()

    def end(self, state: str, cause: str | None = None) -> None:
        """Record the end of the run.

        Args:
            state: `done`, `stopped` or `failed`.
            cause: cause of a failure.
        """
        self._write(state=state, cause=cause)

    def _write(self, **about_run: Any) -> None:
        run = replace(self.progress.run, said=self._now(), **about_run)
        self.progress = replace(self.progress, run=run)
        number = int(self._names[-1].partition(".")[0]) + 1 if self._names else 0
        name = f"{number:012d}.jsonl"
        try:
            self._folder.write(name, self.progress.to_text())
            self._names.append(name)
            for former in self._names[:-2]:
                self._folder.remove(former)
            self._names = self._names[-2:]
        except (SparkError, OSError) as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        if not self._has_complained:
            self._has_complained = True
            self._complain(f"progress for `streamer fleet status` cannot be written: {error}")


def read_progress(folder: ReadableFolder) -> RunProgress | None:
    """Read the newest progress file that can be read; None without any.

    Truncated or damaged lines are left out.
    """
    for _ in range(_TRIES):
        names = _ours(folder.names())
        for name in reversed(names):
            try:
                return RunProgress.parse(folder.read(name))
            except (SparkError, OSError, ValueError):
                continue  # removed in the meantime, or damaged: try the one before it
        if not names:
            break
    return None


def _ours(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if re.fullmatch(r"\d{12}\.jsonl", name))
