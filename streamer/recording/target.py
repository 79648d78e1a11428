"""Target file of a recorder: opened, checked against the settings, set aside if damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from sqlite3 import Connection

from streamer.display.lines import printable
from streamer.errors import RecordError
from streamer.readings import Step
from streamer.recording.backlog import Backlog
from streamer.recording.database import DamagedError, explained, open_for_reading, set_aside
from streamer.recording.meter import check_meter, recorded_meter
from streamer.recording.snapshots import SnapshotPolicy
from streamer.recording.store import AlarmKey, Minute, Store, differences, minute_of, settings_of


class Target:
    """The recording being written, its settings, and its active alarms.

    Args:
        path: the recording.
        settings: settings on which the pipeline's state depends, as text.
        snapshots: policy for saving snapshots.
        warn: takes warnings for the user.
        wall: the wall clock, in Unix seconds.
        other_meter: takes the recorded meter if it is another one; None if that is an error.

    Attributes:
        path: the recording.
        settings: the settings, each on one line.
        store: the open recording; None while it is closed.
    """

    def __init__(
        self,
        path: Path,
        settings: Mapping[str, str],
        snapshots: SnapshotPolicy,
        *,
        warn: Callable[[str], None],
        wall: Callable[[], float],
        other_meter: Callable[[str], None] | None = None,
    ) -> None:
        self.path = path
        # A file name may not be valid text.
        self.settings = {key: printable(value) for key, value in settings.items()}
        self.store: Store | None = None
        self._snapshots = snapshots
        self._warn = warn
        self._wall = wall
        self._other_meter = other_meter
        self._settings_due = self._forget = False
        self._on: list[AlarmKey] = []

    def name_source(self, source: str) -> None:
        """Update the name of the source."""
        name = printable(source)
        if self.settings.get("source") != name:
            self.settings["source"] = name
            self._settings_due = True

    def minute(self, step: Step) -> Minute:
        """Convert a step to rows.

        Raises:
            RecordError: the step's time has no zone.
        """
        minute, self._on = minute_of(step, self._on)
        return minute

    def write(self, backlog: Backlog) -> tuple[Store, int]:
        """Write the waiting minutes and events.

        Returns:
            The open recording, and the number of minutes that it already contained.

        Raises:
            RecordError: the recording cannot be written.
        """
        with explained(self.path):
            store = self._in_place()
            duplicates = store.write(
                backlog.minutes,
                backlog.events,
                self.settings if self._settings_due else None,
                forget=self._forget,
            )
        self._settings_due = self._forget = False
        return store, duplicates

    def open(self, *, full_check: bool = False) -> Store:
        """Open the recording, or a new one if it is damaged.

        Raises:
            RecordError: the recording cannot be opened, or is of another meter.
        """
        try:
            self.store = self._opened(full_check)
        except DamagedError as error:
            self._put_aside(error)
            self.store = self._opened(full_check)
        return self.store

    def drop(self, *, moved: bool = False) -> None:
        """Close the recording, if it is open."""
        if self.store is not None:
            self.store.close(moved=moved)
            self.store = None

    def start_new_file(self, error: DamagedError) -> None:
        """Set the damaged recording aside, and open a new one."""
        self.drop()
        self._put_aside(error)
        self.open()

    @contextmanager
    def reading(self) -> Iterator[tuple[Connection, list[str]] | None]:
        """Yield a connection and the differing settings; None if nothing is recorded.

        Raises:
            RecordError: the recording cannot be read, or is of another meter.
        """
        if self.store is not None:
            connection = self.store.connection
        elif self.path.exists() and self.path.stat().st_size:
            connection = open_for_reading(self.path)
        else:
            yield None
            return
        try:
            self._check_meter(connection)
            yield connection, differences(settings_of(connection), self.settings)
        finally:
            if self.store is None:
                connection.close()

    def _in_place(self) -> Store:
        """Return the open recording; opened again after a failure, or if it was moved."""
        if self.store is None:
            return self.open()
        if self.store.is_in_place:
            return self.store
        self.drop(moved=True)
        store = self.open()
        self._warn(f"{self.path} was moved or deleted: recording in a new file")
        return store

    def _opened(self, full_check: bool) -> Store:
        """Open the recording and compare its settings."""
        store = Store(self.path, full_check=full_check)
        try:
            with explained(self.path):
                was = self._check_meter(store.connection)
                settings, on = settings_of(store.connection), store.alarms_on()
                since = store.since_snapshot(self._snapshots.every)
        except RecordError:
            store.close()
            raise
        if was is not None and self._other_meter is not None:
            self._other_meter(was)
        # In a new file, active alarms are raised again.
        self._on = list({*self._on, *on}) if settings else []
        self._settings_due = settings != self.settings
        self._forget = bool(differences(settings, self.settings))
        if settings and not self._forget:
            self._snapshots.continue_from(since)
        else:
            # The first state of a new file is saved at once, since it contains what was learnt.
            self._snapshots.save_soon()
        return store

    def _check_meter(self, connection: Connection) -> str | None:
        """Return the recorded meter if it is another one, which must be allowed."""
        if self._other_meter is None:
            check_meter(connection, self.path, self.settings)
            return None
        return recorded_meter(connection, self.settings)

    def _put_aside(self, error: DamagedError) -> None:
        aside = set_aside(self.path, datetime.fromtimestamp(self._wall()))
        self._warn(
            f"{error}: set aside as {aside.name}, recording in a new file; "
            f"sqlite3 {aside.name} .recover may recover its contents"
        )
