"""Progress of a query, recorded beside its checkpoint for other processes to read."""

from __future__ import annotations

import json
import os
import platform
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from streamer.errors import SparkError
from streamer.fleet.jsonrecords import from_json
from streamer.fleet.spark.reports import (
    FAILED,
    HEARTBEAT_S,
    VERSION,
    Batch,
    Count,
    Report,
    Run,
    summaries,
    to_line,
)
from streamer.fleet.summary import ShardSummary

if TYPE_CHECKING:
    from streamer.fleet.spark.storage import ReadableFolder, Storage

FOLDER = "streamer-progress"
"""Folder in the checkpoint, with one file per batch, of which the newest two are kept."""

_MAX_BATCHES = 400
"""Batches in a file: more than an hour at one batch per ten seconds."""

_TRIES = 3
_SUFFIX = ".jsonl"


@dataclass(frozen=True)
class RunProgress:
    """Progress recorded beside a checkpoint.

    Attributes:
        run: the last run; None if none is recorded.
        batches: the last batches, of earlier runs too, newest last.
        shards: the last summary of each shard, by key.
        after: number of the batch after which the summaries were complete; None if they are not.
        made_with: number of shards and partitions, and model, as text.
    """

    run: Run | None = None
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
        run: present description of the run.
        before: the run before, once entered; None if none is recorded.
        batch: the last batch of this run; None before it.
        shards: the last summary of each shard, by key.
        after: number of the batch after which they were complete; None if they are not.
    """

    def __init__(
        self,
        folder: Storage,
        run: Run,
        complain: Callable[[str], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self.run = replace(run, host=platform.node(), pid=os.getpid())
        self._complain = complain
        self._now = now
        self.before: Run | None = None
        self.batch: Batch | None = None
        self.shards: dict[int, ShardSummary] = {}
        self.after: int | None = None
        self._made_with = ""
        self._batches: deque[str] = deque(maxlen=_MAX_BATCHES)
        self._names: list[str] = []
        self._has_complained = self._is_loaded = False

    def fill(
        self, batch: int | None, made_with: str, read: Callable[[int], dict[int, ShardSummary]]
    ) -> None:
        """Read the summaries out of the states, unless those recorded are of the last batch.

        Args:
            batch: number of the last completed batch; None before the first.
            made_with: number of shards and partitions, and model, as text.
            read: returns the summaries after a batch, by key.
        """
        self._load()
        former, self._made_with = self._made_with, made_with
        try:
            if batch is None:
                self.shards, self.after = {}, -1
            elif self.after != batch or former != made_with:
                self.shards, self.after = read(batch), batch
        except SparkError as error:
            self.after = None
            self._complain(f"`streamer fleet status` has no meters without new readings: {error}")

    def _load(self) -> None:
        """Take over what is recorded, once."""
        if self._is_loaded:
            return
        self._is_loaded = True
        try:
            self._names = _ours(self._folder.names())
            known = read_progress(self._folder)
            self.before = known.run
            self.shards, self.after = dict(known.shards), known.after
            self._made_with = known.made_with
            self._batches.extend(map(to_line, known.batches))
        except (SparkError, OSError) as error:
            self._give_up(error)

    def __enter__(self) -> Self:
        self._load()
        self._write()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            # The error itself is reported; that of a JVM that has died would be reported twice.
            self._has_complained = True
            self.end(FAILED, str(error) or type(error).__name__)

    def add(self, report: Report) -> Batch:
        """Record Spark's report on a batch."""
        batch = self.batch = Batch.of(report)
        self._batches.append(to_line(batch))
        self.shards.update(summaries(report))
        self.after = batch.number if self.after == batch.number - 1 else None
        self._write()
        return batch

    def heartbeat(self) -> None:
        """Record that the run is alive, if nothing was recorded for `HEARTBEAT_S`."""
        if self._now() - self.run.said >= HEARTBEAT_S:
            self._write()

    def end(self, state: str, cause: str | None = None) -> None:
        """Record the end of the run.

        Args:
            state: `done`, `stopped` or `failed`.
            cause: cause of a failure.
        """
        self.run = replace(self.run, state=state, cause=cause)
        self._write()

    def _write(self) -> None:
        self.run = replace(self.run, said=self._now())
        about = {"version": VERSION, "shards": len(self.shards), "after": self.after}
        head = json.dumps({**about, "made_with": self._made_with, **asdict(self.run)})
        shards = (
            json.dumps({"key": key, **shard.to_json()}, separators=(",", ":"))
            for key, shard in self.shards.items()
        )
        name = f"{_number(self._names[-1]) + 1 if self._names else 0:012d}{_SUFFIX}"
        try:
            self._folder.write(name, "\n".join([head, *shards, *self._batches, ""]))
            self._names.append(name)
            while len(self._names) > 2:
                self._folder.remove(self._names[0])
                del self._names[0]
        except (SparkError, OSError) as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        if not self._has_complained:
            self._has_complained = True
            self._complain(f"progress for `streamer fleet status` cannot be written: {error}")


def read_progress(folder: ReadableFolder) -> RunProgress:
    """Read the newest progress file that can be read.

    Truncated or damaged lines are left out.
    """
    for _ in range(_TRIES):
        names = _ours(folder.names())
        for name in reversed(names):
            try:
                return parse_progress(folder.read(name))
            except (SparkError, OSError, ValueError):
                continue  # removed in the meantime, or damaged: try the one before it
        if not names:
            break
    return RunProgress()


def parse_progress(text: str) -> RunProgress:
    """Parse a file of a `ProgressLog`.

    Raises:
        ValueError: the first line or a shard is damaged, or the version is another.
    """
    head, *lines = text.split("\n")
    about = from_json(_About, head)
    if about.version != VERSION:
        raise ValueError("another version")
    if about.shards > len(lines):
        raise ValueError("the file is truncated")
    shards = {
        from_json(_Key, line).key: from_json(ShardSummary, line) for line in lines[: about.shards]
    }
    batches = []
    for line in lines[about.shards :][:_MAX_BATCHES]:
        with suppress(ValueError):
            batches.append(from_json(Batch, line))
    run = from_json(Run, head)
    return RunProgress(run, tuple(batches), shards, about.after, about.made_with)


@dataclass(frozen=True)
class _About:
    """Members of the first line of a file, beside those of the run."""

    version: int
    shards: Count = 0
    after: int | None = None
    made_with: str = ""


@dataclass(frozen=True)
class _Key:
    """Member of the line of a shard, beside those of its summary."""

    key: int


def _ours(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if re.fullmatch(r"\d{12}\.jsonl", name))


def _number(name: str) -> int:
    return int(name.removesuffix(_SUFFIX))
