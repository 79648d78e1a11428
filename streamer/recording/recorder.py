"""The sink that writes each minute to disk, and goes on watching where it cannot."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from streamer.display.numbers import plural
from streamer.errors import RecordError
from streamer.pipeline import Pipeline
from streamer.readings import Link, Notice, Step
from streamer.recording.backlog import Backlog
from streamer.recording.backoff import WriteBackoff
from streamer.recording.database import DamagedError, PassingError, explained
from streamer.recording.events import EventLog
from streamer.recording.lock import Lock
from streamer.recording.resume import PICTURE, Resumed, resume
from streamer.recording.snapshots import SnapshotPolicy
from streamer.recording.target import Target
from streamer.sinks import Item
from streamer.sinks.items import About

SNAPSHOT_EVERY = 1000
"""Minutes between two snapshots. Each costs as much as some 150 minutes do; with fewer
between, a start would not have enough readings after the older one for its picture."""

_CLOCKS_DIFFER_S = 3600.0
"""A clock may have been put back by so much, and nobody needs to hear of it."""


class Recorder:
    """Writes each step in a transaction of its own; made by `open`.

    What goes wrong with the disk or the file is said once, and again when it is over. The
    steps wait meanwhile, and a file that is damaged is set aside for a new one.

    Attributes:
        doubled: steps left out since their minute was recorded already.
    """

    def __init__(
        self,
        path: Path,
        lock: Lock,
        settings: Mapping[str, str],
        state: Callable[[], Mapping[str, Any]],
        say: Callable[[Notice], None],
        *,
        snapshot_every: int = SNAPSHOT_EVERY,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.doubled = 0
        self._lock = lock
        self._say = say
        self._wall = wall
        self._guard = threading.RLock()
        self._closed = self._writing = False
        self._backlog = Backlog()
        self._events = EventLog(self._backlog.events.append, now=now, wall=wall)
        self._snapshots = SnapshotPolicy(state, snapshot_every)
        self._target = Target(path, settings, self._snapshots, warn=self._warn, wall=wall)
        self._trouble = WriteBackoff(now)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        settings: Mapping[str, str],
        state: Callable[[], Mapping[str, Any]],
        say: Callable[[Notice], None],
        snapshot_every: int = SNAPSHOT_EVERY,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> Recorder:
        """Open a recording, or begin one.

        Args:
            path: the file. Beside it, SQLite has its log, and there is a lock.
            settings: what the pipeline's state depends on, as text. Where `source` is among
                them, that is for people: another one changes nothing.
            state: the pipeline's `state`; called within `write`.
            say: takes notices for the user; called within `write` and `close`.
            snapshot_every: minutes between two snapshots of the state.
            now: a clock in seconds, for when to try again.
            wall: the clock on the wall, as Unix seconds.

        Raises:
            RecordError: the file is something else, of a newer version, may not be written,
                or is written by another process.
        """
        path = Path(path).resolve()
        lock = Lock(path)
        self = cls(
            path, lock, settings, state, say, snapshot_every=snapshot_every, now=now, wall=wall
        )
        try:
            self._target.open(wholly=True)
        except PassingError as error:
            self._troubled(error)
        except BaseException:
            lock.release()
            raise
        return self

    def resume(self, pipeline: Pipeline, *, steps: int = PICTURE) -> Resumed:
        """Take a fresh pipeline to where the recording ends; see `streamer.recording.resume`.

        Where the recording cannot be read just now, that is said, and the pipeline stays
        fresh. What it learns is then not saved: the next start goes on from the readings.
        """
        with self._guard:
            fresh = pipeline.state()
            try:
                with explained(self._target.path):
                    resumed = self._resume(pipeline, steps)
            except DamagedError as error:
                pipeline.restore(fresh)
                self._target.begin_anew(error)
                return Resumed()
            except PassingError as error:
                pipeline.restore(fresh)
                self._snapshots.suspended = True
                self._warn(f"{error}: beginning anew; what is recorded is gone on from next time")
                return Resumed(text="beginning without what is recorded")
            if resumed.rebuilt:
                self._snapshots.save_soon()
            self._warn_of_future(resumed.last_at)
            return resumed

    def write(self, item: Item | Link) -> None:
        """Record a step, what becomes of the connection, and warnings.

        Raises:
            RecordError: the step's time has no zone.
        """
        with self._guard:
            if isinstance(item, Step):
                self._backlog.minutes.append(self._target.minute(item))
            elif isinstance(item, Link):
                self._events.link(item)
            elif isinstance(item, Notice):
                self._events.notice(item)
            elif isinstance(item, About):
                self._target.name_source(item.source)
            self._write_out()

    def close(self) -> None:
        """Write what still waits, and let others have the file. May be called twice."""
        with self._guard:
            if self._closed:
                return
            self._trouble.retry_at_once()
            self._events.write_at_once()
            self._write_out()
            self._closed = True
            self._target.drop()
            self._lock.release()
            if self._backlog.minutes:
                self._warn(
                    f"not recorded, and lost: {plural(len(self._backlog.minutes), 'minute')}"
                )

    def _write_out(self) -> None:
        """Write what waits, if it is time to; whatever prevents that is said."""
        # Whoever is told of trouble may have it recorded: that waits for the next time.
        if self._closed or self._writing:
            return
        self._writing = True
        try:
            self._try_to_write()
        except RecordError as error:
            self._troubled(error)
        finally:
            self._writing = False

    def _try_to_write(self) -> None:
        events_due = self._backlog.events and self._events.is_due
        if not (self._backlog.minutes or events_due):
            return
        if self._trouble.holds_back:
            self._trim()
            return
        try:
            self._write_waiting()
        except DamagedError as error:
            self._target.begin_anew(error)
            self._write_waiting()

    def _write_waiting(self) -> None:
        backlog = self._backlog
        store, doubled = self._target.write(backlog)
        if backlog.events:
            self._events.written()
        last_at = backlog.minutes[-1].at if backlog.minutes else None
        minutes, lost = backlog.clear()
        self._snapshots.written(minutes)
        if self._trouble:
            self._recovered(minutes, lost)
        else:
            self.doubled += doubled
        if last_at is not None:
            self._snapshots.save_if_due(store, self._target.path, last_at)

    def _resume(self, pipeline: Pipeline, steps: int) -> Resumed:
        with self._target.reading() as recorded:
            if recorded is None:
                return Resumed()
            connection, changed = recorded
            return resume(connection, pipeline, changed=changed, say=self._say, steps=steps)

    def _warn_of_future(self, last_at: datetime | None) -> None:
        if last_at is not None and last_at.timestamp() > self._wall() + _CLOCKS_DIFFER_S:
            self._warn(
                f"the last reading in {self._target.path} is of {last_at:%Y-%m-%d %H:%M}, and "
                "nothing can be recorded before that: set this machine's clock, or record to "
                "another file"
            )

    def _troubled(self, error: RecordError) -> None:
        """Say what is wrong, if it was not said before, and try again later."""
        if not isinstance(error, PassingError):
            self._target.drop()
        is_new = self._trouble.begin(str(error))
        self._trim()
        if is_new:
            self._warn(f"not recording: {error}; watching goes on, {self._backlog.waiting}")

    def _recovered(self, minutes: int, lost: int) -> None:
        self._trouble.end()
        what = f"{plural(minutes, 'minute')} that waited {'is' if minutes == 1 else 'are'} written"
        if lost:
            # The log has a hole: what was learnt in it must not be asked of the readings.
            self._snapshots.save_soon()
            self._warn(f"recording again: {what}, the {plural(lost, 'minute')} before are lost")
        else:
            self._say(Notice(Notice.EVENT, f"recording again: {what}, nothing is lost"))

    def _trim(self) -> None:
        if self._backlog.trim():
            self._warn("not recording for a week: the oldest minutes are lost from now on")

    def _warn(self, text: str) -> None:
        self._say(Notice(Notice.WARNING, text))
