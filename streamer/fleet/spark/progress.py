"""What a running query leaves beside its checkpoint, for another process to see how it is."""

from __future__ import annotations

import json
import os
import platform
import re
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from types import TracebackType
from typing import Any, Protocol, Self

from streamer.errors import SparkError
from streamer.fleet.spark.reports import (
    FAILED,
    VERSION,
    WORD_S,
    Batch,
    Run,
    line_of,
    made,
    object_of,
)
from streamer.fleet.spark.waiting import Report

FOLDER = "streamer-progress"
"""Where, in the checkpoint: a file for each batch, of which the newest two are left."""

_MOST = 400
"""Batches in a file: more than an hour of those of ten seconds."""

_TRIES = 3
_SUFFIX = ".jsonl"


class Folder(Protocol):
    """What is asked of a `streamer.fleet.spark.storage.Storage`."""

    def names(self) -> list[str]:
        """The names in it; none if it is not there."""

    def read(self, name: str) -> str:
        """The text of an entry."""

    def write(self, name: str, text: str) -> None:
        """Write an entry that is not there yet, as a whole."""

    def remove(self, name: str) -> None:
        """Take an entry away, if it is there."""


@dataclass(frozen=True)
class Progress:
    """What is found beside a checkpoint.

    Attributes:
        run: the last run that there was; None if nothing is known of one.
        batches: the last ones, of earlier runs too, the newest last.
    """

    run: Run | None = None
    batches: tuple[Batch, ...] = ()

    def over(self, seconds: float) -> tuple[Batch, ...]:
        """The batches that ended in the time before the end of the newest."""
        if not self.batches:
            return ()
        since = self.batches[-1].ended - seconds
        return tuple(batch for batch in self.batches if batch.ended > since)


class ProgressLog:
    """Keeps the last batches and what has become of the run; a context manager.

    Each time it writes a new file, and then takes away those before the last: so there is
    always one that is whole, on any file system. What cannot be written is said once and is
    no reason for the query to end.

    Args:
        folder: where to.
        run: what is known of the run at its beginning.
        complain: is told if it cannot be kept.
        now: says the time, in seconds since 1970.

    Attributes:
        run: what is known of the run by now.
        before: the run before, once entered; None if nothing is known of one.
    """

    def __init__(
        self,
        folder: Folder,
        run: Run,
        complain: Callable[[str], None],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self.run = replace(run, host=platform.node(), pid=os.getpid())
        self._complain = complain
        self._now = now
        self.before: Run | None = None
        self._batches: deque[str] = deque(maxlen=_MOST)
        self._names: list[str] = []
        self._has_complained = False

    def __enter__(self) -> Self:
        try:
            self._names = _ours(self._folder.names())
            known = read_progress(self._folder)
            self.before = known.run
            self._batches.extend(map(line_of, known.batches))
        except (SparkError, OSError) as error:
            self._give_up(error)
        self._write()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self.end(FAILED, str(error) or type(error).__name__)

    def add(self, report: Report) -> None:
        """Keep what Spark says of a batch."""
        self._batches.append(line_of(Batch.of(report)))
        self._write()

    def beat(self) -> None:
        """Say that the run is going on, if nothing has been said for a while."""
        if self._now() - self.run.said >= WORD_S:
            self._write()

    def end(self, state: str, cause: str | None = None) -> None:
        """Say how the run has ended.

        Args:
            state: `done`, `stopped` or `failed`.
            cause: what it failed of.
        """
        self.run = replace(self.run, state=state, cause=cause)
        self._write()

    def _write(self) -> None:
        self.run = replace(self.run, said=self._now())
        head = json.dumps({"version": VERSION, **asdict(self.run)})
        name = f"{_number(self._names[-1]) + 1 if self._names else 0:012d}{_SUFFIX}"
        try:
            self._folder.write(name, "\n".join([head, *self._batches, ""]))
            self._names.append(name)
            while len(self._names) > 2:
                self._folder.remove(self._names[0])
                del self._names[0]
        except (SparkError, OSError) as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        if not self._has_complained:
            self._has_complained = True
            self._complain(f"what `streamer fleet status` would show cannot be kept: {error}")


def read_progress(folder: Folder) -> Progress:
    """What is there of a run's progress: the newest file that can be read.

    Lines that are torn or damaged are left out.
    """
    for _ in range(_TRIES):
        names = _ours(folder.names())
        for name in reversed(names):
            try:
                return parse_progress(folder.read(name))
            except (SparkError, OSError, ValueError):
                continue  # taken away meanwhile, or damaged: there is one before it
        if not names:
            break
    return Progress()


def parse_progress(text: str) -> Progress:
    """Read what a `ProgressLog` has written.

    Raises:
        ValueError: not even the first line is as it has to be.
    """
    head, *lines = text.split("\n")[: _MOST + 1]
    run: dict[str, Any] = object_of(head)
    if run.pop("version", None) != VERSION:
        raise ValueError("another version")
    batches = []
    for line in lines:
        try:
            batches.append(made(Batch, object_of(line)))
        except ValueError:
            continue
    return Progress(made(Run, run), tuple(batches))


def _ours(names: Iterable[str]) -> list[str]:
    return sorted(name for name in names if re.fullmatch(r"\d{12}\.jsonl", name))


def _number(name: str) -> int:
    return int(name.removesuffix(_SUFFIX))
