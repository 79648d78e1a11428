"""The sink that writes each minute to disk, and goes on watching where it cannot."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from streamer.display.lines import printable
from streamer.display.numbers import plural
from streamer.errors import RecordError
from streamer.pipeline import Pipeline
from streamer.readings import Link, Notice, Step
from streamer.recording.backlog import Backlog
from streamer.recording.database import (
    DamagedError,
    PassingError,
    explained,
    open_for_reading,
    set_aside,
)
from streamer.recording.lock import Lock
from streamer.recording.resume import PICTURE, Resumed, resume
from streamer.recording.rows import seconds_of
from streamer.recording.store import AlarmKey, Event, Store, differences, minute_of, settings_of
from streamer.sinks import Item
from streamer.sinks.items import About

SNAPSHOT_EVERY = 1000
"""Minutes between two snapshots. Each costs as much as some 150 minutes do; with fewer
between, a start would not have enough readings after the older one for its picture."""

_RETRY_S = 10.0
_EVENTS_EVERY_S = 10.0
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
        self._path = path
        self._lock = lock
        # A file's name may be no text.
        self._settings = {key: printable(value) for key, value in settings.items()}
        self._state = state
        self._say = say
        self._every = snapshot_every
        self._now = now
        self._wall = wall
        self._guard = threading.RLock()
        self._closed = self._writing = False
        self._saves_state = True
        self._store: Store | None = None
        self._settings_due = self._forget = False
        self._since = snapshot_every
        self._ahead_at: int | None = None
        self._on: list[AlarmKey] = []
        self._backlog = Backlog()
        self._events_from = -_EVENTS_EVERY_S
        self._link = ""
        self._trouble = ""
        self._retry_at = 0.0

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
            self._open_store(wholly=True)
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
                with explained(self._path):
                    resumed = self._resume(pipeline, steps)
            except DamagedError as error:
                pipeline.restore(fresh)
                self._begin_anew(error)
                return Resumed()
            except PassingError as error:
                pipeline.restore(fresh)
                self._saves_state = False
                self._warn(f"{error}: beginning anew; what is recorded is gone on from next time")
                return Resumed(text="beginning without what is recorded")
            if resumed.rebuilt:
                self._since = self._every
            self._warn_of_future(resumed.last_at)
            return resumed

    def write(self, item: Item | Link) -> None:
        """Record a step, what becomes of the connection, and warnings.

        Raises:
            RecordError: the step's time has no zone.
        """
        with self._guard:
            if isinstance(item, Step):
                minute, self._on = minute_of(item, self._on)
                self._backlog.minutes.append(minute)
            elif isinstance(item, Link):
                if item.state != self._link:
                    self._link = item.state
                    self._happened(item.state, f"{item.peer}: {item.text}".removesuffix(": "))
            elif isinstance(item, Notice):
                if item.kind == Notice.WARNING:
                    self._happened(item.kind, item.text)
            elif isinstance(item, About):
                self._name_source(item.source)
            self._write_out()

    def close(self) -> None:
        """Write what still waits, and let others have the file. May be called twice."""
        with self._guard:
            if self._closed:
                return
            self._retry_at, self._events_from = self._now(), -_EVENTS_EVERY_S
            self._write_out()
            self._closed = True
            self._drop_store()
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
        now = self._now()
        events_due = self._backlog.events and now >= self._events_from
        if not (self._backlog.minutes or events_due):
            return
        if self._trouble and now < self._retry_at:
            self._trim()
            return
        try:
            self._write_waiting()
        except DamagedError as error:
            self._begin_anew(error)
            self._write_waiting()

    def _write_waiting(self) -> None:
        backlog = self._backlog
        with explained(self._path):
            store = self._store_in_place()
            doubled = store.write(
                backlog.minutes,
                backlog.events,
                self._settings if self._settings_due else None,
                forget=self._forget,
            )
        self._settings_due = self._forget = False
        if backlog.events:
            self._events_from = self._now() + _EVENTS_EVERY_S
        last_at = backlog.minutes[-1].at if backlog.minutes else None
        minutes, lost = backlog.clear()
        self._since += minutes
        if self._trouble:
            self._recovered(minutes, lost)
        else:
            self.doubled += doubled
        if last_at is not None and self._since >= self._every and self._saves_state:
            self._save_state(store, last_at)

    def _save_state(self, store: Store, at: int) -> None:
        """Save a snapshot, unless the pipeline is ahead of what is written.

        That may be, in the midst of a block. The readings alone are enough: if there is no
        room for a snapshot, it waits until a tenth of the usual time has gone by.
        """
        if self._ahead_at is not None and at < self._ahead_at:
            return
        state = self._state()
        last_at = seconds_of(datetime.fromisoformat(state["last_at"]))[0]
        self._ahead_at = last_at
        if last_at != at:
            return
        try:
            with explained(self._path):
                store.save(at, state)
            self._since = 0
        except DamagedError:
            raise
        except RecordError:
            self._since -= self._every // 10 + 1

    def _store_in_place(self) -> Store:
        """The open recording; opened again where that failed before, or it has been moved."""
        if self._store is not None and not self._store.is_in_place:
            self._drop_store(moved=True)
            self._open_store()
            self._warn(f"{self._path} has been moved or deleted: recording in a new file")
        if self._store is None:
            self._open_store()
        assert self._store is not None  # noqa: S101 - it is open, or an error was raised
        return self._store

    def _open_store(self, *, wholly: bool = False) -> None:
        """Open the recording, or a new one where it is damaged."""
        try:
            self._store = self._opened(wholly)
        except DamagedError as error:
            self._put_aside(error)
            self._store = self._opened(wholly)

    def _opened(self, wholly: bool) -> Store:
        """Open the recording and compare it with what is to be recorded."""
        store = Store(self._path, wholly=wholly)
        try:
            with explained(self._path):
                settings, on = settings_of(store.connection), store.alarms_on()
                since = store.since_snapshot(self._every)
        except RecordError:
            store.close()
            raise
        # In a new file, the alarms that are on are raised once more.
        self._on = list({*self._on, *on}) if settings else []
        self._settings_due = settings != self._settings
        self._forget = bool(differences(settings, self._settings))
        # The first state of a new file is saved at once: what was learnt before is in it.
        self._since = since if settings and not self._forget else self._every
        return store

    def _begin_anew(self, error: DamagedError) -> None:
        self._drop_store()
        self._put_aside(error)
        self._open_store()

    def _put_aside(self, error: DamagedError) -> None:
        aside = set_aside(self._path, datetime.fromtimestamp(self._wall()))
        self._warn(
            f"{error}: set aside as {aside.name}, recording in a new file; "
            f"sqlite3 {aside.name} .recover may save what is in it"
        )

    def _resume(self, pipeline: Pipeline, steps: int) -> Resumed:
        if self._store is not None:
            connection = self._store.connection
        elif self._path.exists() and self._path.stat().st_size:
            connection = open_for_reading(self._path)
        else:
            return Resumed()
        try:
            changed = differences(settings_of(connection), self._settings)
            return resume(connection, pipeline, changed=changed, say=self._say, steps=steps)
        finally:
            if self._store is None:
                connection.close()

    def _warn_of_future(self, last_at: datetime | None) -> None:
        if last_at is not None and last_at.timestamp() > self._wall() + _CLOCKS_DIFFER_S:
            self._warn(
                f"the last reading in {self._path} is of {last_at:%Y-%m-%d %H:%M}, and nothing can "
                "be recorded before that: set this machine's clock, or record to another file"
            )

    def _troubled(self, error: RecordError) -> None:
        """Say what is wrong, if it was not said before, and try again later."""
        if not isinstance(error, PassingError):
            self._drop_store()
        self._retry_at = self._now() + _RETRY_S
        self._trim()
        if str(error) == self._trouble:
            return
        self._trouble = str(error)
        self._warn(f"not recording: {error}; watching goes on, {self._backlog.waiting}")

    def _recovered(self, minutes: int, lost: int) -> None:
        self._trouble = ""
        what = f"{plural(minutes, 'minute')} that waited {'is' if minutes == 1 else 'are'} written"
        if lost:
            # The log has a hole: what was learnt in it must not be asked of the readings.
            self._since = self._every
            self._warn(f"recording again: {what}, the {plural(lost, 'minute')} before are lost")
        else:
            self._say(Notice(Notice.EVENT, f"recording again: {what}, nothing is lost"))

    def _trim(self) -> None:
        if self._backlog.trim():
            self._warn("not recording for a week: the oldest minutes are lost from now on")

    def _name_source(self, source: str) -> None:
        name = printable(source)
        if self._settings.get("source") != name:
            self._settings["source"] = name
            self._settings_due = True

    def _happened(self, kind: str, text: str) -> None:
        self._backlog.events.append(Event(int(self._wall()), kind, printable(text)))

    def _warn(self, text: str) -> None:
        self._say(Notice(Notice.WARNING, text))

    def _drop_store(self, *, moved: bool = False) -> None:
        if self._store is not None:
            self._store.close(moved=moved)
            self._store = None
