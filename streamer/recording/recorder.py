"""Sink that writes each minute to disk, and keeps running where it cannot."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from streamer.errors import RecordError
from streamer.pipeline import Pipeline
from streamer.readings import Link, Notice, Step
from streamer.recording.backlog import Backlog
from streamer.recording.backoff import RetryBackoff
from streamer.recording.continuing import Continuation
from streamer.recording.database import DamagedError, LockedError, TransientError, check_place
from streamer.recording.events import EventLog
from streamer.recording.future import Aside
from streamer.recording.lock import Lock
from streamer.recording.notifications import Notification
from streamer.recording.reports import Reports
from streamer.recording.resume import HISTORY_STEPS, Resumed
from streamer.recording.snapshots import SnapshotPolicy
from streamer.recording.target import Target
from streamer.sinks import Item
from streamer.sinks.items import About

SNAPSHOT_EVERY = 1000
"""Minutes between two snapshots. Each costs as much as some 150 minutes; with a shorter
interval, too few readings would follow the older one to restore the history on the screen."""

HORIZONS = (5, 15, 60)
"""Minutes of the means whose forecasts are recorded by default."""

_LAST_ATTEMPTS = 10
"""Attempts at the end, while another program locks the file; each waits for about a second."""


class Recorder:
    """Writes each step in a transaction of its own; made by `open`.

    A problem with the disk or the file is reported once, and so is its end. Steps wait in
    between, and a damaged file is set aside for a new one.

    Attributes:
        duplicates: number of steps skipped because their minute was already recorded.
        is_closed: whether nothing more is written.
        lost: number of minutes that were not recorded and no longer wait; complete when closed.
    """

    def __init__(
        self,
        path: Path,
        lock: Lock,
        settings: Mapping[str, str],
        state: Callable[[], Mapping[str, Any]],
        notify: Callable[[Notice], None],
        *,
        horizons: Collection[int] = HORIZONS,
        channels: Mapping[str, str] | None = None,
        allow_other_meter: bool = False,
        snapshot_every: int = SNAPSHOT_EVERY,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.duplicates = self.lost = 0
        self._lock = lock
        self._reports = Reports(path, notify)
        self._guard = threading.RLock()
        self.is_closed = self._writing = self._locked_out = False
        self._backlog = Backlog()
        self._events = EventLog(self._backlog.events.append, now=now, wall=wall)
        self._snapshots = SnapshotPolicy(state, snapshot_every)
        self._target = Target(
            path,
            settings,
            self._snapshots,
            warn=self._reports.warn,
            wall=wall,
            horizons=horizons,
            channels=channels,
            other_meter=self._continue_other if allow_other_meter else None,
        )
        parts = self._target, self._snapshots, self._backlog, self._reports
        self._continuation = Continuation(*parts, wall=wall, channels=tuple(channels or ()))
        self._backoff = RetryBackoff(now)

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        settings: Mapping[str, str],
        state: Callable[[], Mapping[str, Any]],
        notify: Callable[[Notice], None],
        horizons: Collection[int] = HORIZONS,
        channels: Mapping[str, str] | None = None,
        allow_other_meter: bool = False,
        snapshot_every: int = SNAPSHOT_EVERY,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> Recorder:
        """Open a recording, or create one.

        Args:
            path: the file. SQLite's log and a lock file are placed beside it.
            settings: settings on which the pipeline's state depends, as text. Exceptions are
                `source`, which is only for display, and `meter`, which identifies the meter.
            state: the pipeline's `state`; called within `write`.
            notify: takes notices for the user; called within `write` and `close`.
            horizons: minutes of the means whose forecasts are recorded, of those that are made.
            channels: units of the channels of all readings, by name and in order; None to record
                no channels.
            allow_other_meter: whether a recording of another meter is continued; the change is
                recorded as an event.
            snapshot_every: minutes between two snapshots of the state.
            now: a monotonic clock in seconds, for the time of the next attempt.
            wall: the wall clock, in Unix seconds.

        Raises:
            RecordError: the file is not a recording, has a newer version, may not be
                written, is being written by another process, or is of another meter.
        """
        path = Path(os.path.realpath(path))
        check_place(path)
        lock = Lock(path)
        self = cls(
            path,
            lock,
            settings,
            state,
            notify,
            horizons=horizons,
            channels=channels,
            allow_other_meter=allow_other_meter,
            snapshot_every=snapshot_every,
            now=now,
            wall=wall,
        )
        try:
            self._target.open(full_check=True)
        except TransientError as error:
            self._report_failure(error)
        except BaseException:
            lock.release()
            raise
        return self

    def resume(self, pipeline: Pipeline, *, steps: int = HISTORY_STEPS) -> Resumed:
        """Bring a fresh pipeline to the end of the recording; see `streamer.recording.resume`.

        If it cannot be read now, this is reported, and the pipeline stays fresh. Its state is
        then not saved: the next start continues from the readings.
        """
        with self._guard:
            return self._continuation.resume(pipeline, steps)

    def rewind(
        self, pipeline: Pipeline, fresh: Mapping[str, Any], now: datetime
    ) -> tuple[Aside, Resumed] | None:
        """Set minutes aside that lie in the future, and resume the others.

        Args:
            pipeline: the pipeline, which is left as it is if nothing is set aside.
            fresh: its state before anything was pushed into it.
            now: the time, with a zone.

        Returns:
            What was set aside, and the end of the others; None if nothing was.
        """
        with self._guard:
            return self._continuation.rewind(pipeline, fresh, now, HISTORY_STEPS)

    def write(self, item: Item | Link) -> None:
        """Record a step, a change of the connection, or a warning.

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

    def keep(self, notifications: Iterable[Notification]) -> bool:
        """Record notifications, now or as soon as possible; returns whether it is done."""
        with self._guard:
            self._backlog.keep(notifications)
            self._write_out()
            return not self._backlog.notifications

    def close(self) -> None:
        """Write what still waits, or count it as lost. May be called repeatedly.

        Waits for some seconds for another program that locks the file.
        """
        with self._guard:
            if self.is_closed:
                return
            self._write_at_once()
            if self._backlog.minutes and self._locked_out:
                self._reports.wait(_LAST_ATTEMPTS, self._backlog.waiting)
                for _ in range(_LAST_ATTEMPTS):
                    self._write_at_once()
                    if not self._backlog.minutes:
                        break
            self.is_closed = True
            self._target.drop()
            self._lock.release()
            self.lost += self._backlog.abandon()

    @property
    def loss(self) -> str:
        """Number of `lost` minutes as a line; empty without any."""
        return self._reports.loss(self.lost) if self.lost else ""

    def _write_at_once(self) -> None:
        self._backoff.retry_at_once()
        self._events.write_at_once()
        self._write_out()

    def _write_out(self) -> None:
        """Write what waits, if it is due; errors are reported."""
        # Reporting an error may record a notice, which has to wait for the next time.
        if self.is_closed or self._writing:
            return
        self._writing = True
        try:
            self._try_to_write()
        except RecordError as error:
            self._report_failure(error)
        finally:
            self._writing = False

    def _try_to_write(self) -> None:
        events_due = self._backlog.events and self._events.is_due
        if not (self._backlog.minutes or events_due or self._backlog.notifications):
            return
        if self._backoff.is_waiting:
            self._trim()
            return
        try:
            self._write_waiting()
        except DamagedError as error:
            self._target.start_new_file(error)
            kept = self._backlog.take_back()
            self._write_waiting()
            if kept:
                self._reports.kept(kept)

    def _write_waiting(self) -> None:
        backlog = self._backlog
        written = self._target.write(backlog)
        self._locked_out = False
        if backlog.events:
            self._events.written()
        last_at = backlog.minutes[-1].at if backlog.minutes else None
        minutes, lost = backlog.clear()
        self._snapshots.written(minutes)
        if self._backoff:
            self._backoff.end()
            self._reports.recovery(minutes, lost, elsewhere=written.elsewhere)
        elif written.duplicates:
            if not self.duplicates:
                self._reports.duplicates()
            self.duplicates += written.duplicates
        if lost:
            # The log has a hole: what was learnt there cannot be restored from readings.
            self._snapshots.save_soon()
            self.lost += lost
        if last_at is not None:
            self._snapshots.save_if_due(written.store, self._target.path, last_at)

    def _continue_other(self, was: str) -> None:
        """Report, and record, that another meter is recorded from now on."""
        self._events.notice(self._reports.other_meter(was, self._target.settings["meter"]))

    def _report_failure(self, error: RecordError) -> None:
        """Report an error, unless it was reported before, and schedule the next attempt."""
        self._locked_out = isinstance(error, LockedError)
        if not isinstance(error, TransientError):
            self._target.drop()
        is_new = self._backoff.begin(str(error))
        self._trim()
        if is_new:
            self._reports.failure(error, self._backlog.waiting)

    def _trim(self) -> None:
        if self._backlog.trim():
            self._reports.week()
