"""Target file of a recorder: opened, checked against the settings, set aside if damaged."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from sqlite3 import Connection

from streamer.display.lines import one_line, printable
from streamer.display.numbers import plural
from streamer.errors import RecordError
from streamer.readings import Step
from streamer.recording.aside import set_aside
from streamer.recording.backlog import Backlog
from streamer.recording.channels import check_units
from streamer.recording.database import DamagedError, explained, open_for_reading
from streamer.recording.files import Change, Identity
from streamer.recording.meter import check_meter, recorded_meter
from streamer.recording.minutes import AlarmKey, Minute, minute_of
from streamer.recording.snapshots import SnapshotPolicy
from streamer.recording.store import Store, differences, settings_of

_MAX_TEXT = 10_000
"""Characters of a setting that are recorded."""


@dataclass(frozen=True, slots=True)
class Written:
    """Result of writing.

    Attributes:
        store: the open recording.
        duplicates: number of minutes that it already contained.
        elsewhere: whether it is another file than the one written before.
    """

    store: Store
    duplicates: int
    elsewhere: bool


@dataclass(frozen=True, slots=True)
class _Former:
    """The recording that was open before: its identity and, if known, its minutes."""

    identity: Identity | None
    minutes: int | None

    @property
    def contents(self) -> str:
        if self.minutes is None:
            return ""
        return f", with its {plural(self.minutes, 'minute')},"


class Target:
    """The recording being written, its settings, and its active alarms.

    Args:
        path: the recording.
        settings: settings on which the pipeline's state depends, as text.
        snapshots: policy for saving snapshots.
        warn: takes warnings for the user.
        wall: the wall clock, in Unix seconds.
        horizons: minutes of the means whose forecasts are recorded.
        channels: units of the channels of all readings, by name and in order.
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
        horizons: Collection[int] = (),
        channels: Mapping[str, str] | None = None,
        other_meter: Callable[[str], None] | None = None,
    ) -> None:
        self.path = path
        self._horizons = horizons
        self._channels = channels or {}
        # A file name may not be valid text.
        self.settings = {key: printable(value)[:_MAX_TEXT] for key, value in settings.items()}
        self.store: Store | None = None
        self._former: _Former | None = None
        self._elsewhere = False
        self._snapshots = snapshots
        self._warn = warn
        self._wall = wall
        self._other_meter = other_meter
        self._settings_due = self._forget = self._is_new = False
        self._on: list[AlarmKey] = []

    def name_source(self, source: str) -> None:
        """Update the name of the source."""
        name = printable(source)[:_MAX_TEXT]
        if self.settings.get("source") != name:
            self.settings["source"] = name
            self._settings_due = True

    def minute(self, step: Step) -> Minute:
        """Convert a step to rows.

        Raises:
            RecordError: the step's time has no zone.
        """
        minute, self._on = minute_of(step, self._on, self._horizons)
        return minute

    def write(self, backlog: Backlog) -> Written:
        """Write the waiting minutes, events and notifications.

        Raises:
            RecordError: the recording cannot be written.
        """
        with explained(self.path):
            store = self._in_place()
            duplicates = store.write(
                backlog.minutes,
                backlog.events,
                self.settings if self._settings_due else None,
                notifications=backlog.notifications.values(),
                forget=self._forget,
            )
        written = Written(store, duplicates, self._elsewhere)
        self._settings_due = self._forget = self._elsewhere = self._is_new = False
        return written

    def open(self, *, full_check: bool = False) -> Store:
        """Open the recording, or a new one if it is damaged.

        If it is another file than before, this is reported.

        Raises:
            RecordError: the recording cannot be opened, or is of another meter.
        """
        try:
            self.store = self._opened(full_check)
        except DamagedError as error:
            self._put_aside(error)
            self.store = self._opened(full_check)
        former, self._former = self._former, None
        # A new file may have the identity of a deleted one.
        if former is not None and (self._is_new or former.identity != self.store.files.identity):
            self._report_other(former)
        return self.store

    def drop(self, *, moved: bool = False) -> None:
        """Close the recording, if it is open."""
        if self.store is not None:
            if not self._is_new:
                minutes = self.store.count() if moved else None
                self._former = _Former(self.store.files.identity, minutes)
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
        change = self.store.files.change()
        if change is Change.NONE:
            return self.store
        if change is Change.CONTENTS:
            self.store.check_contents()
            return self.store
        before = self.store.count()
        self.drop(moved=True)
        store = self.open()
        if change is Change.LOG_GONE:
            self._report_lost_log(before, store.count())
        return store

    def _report_lost_log(self, before: int | None, after: int | None) -> None:
        what = "nothing is lost"
        if before != after:
            what = f"of {before} minutes recorded before, {after} are left"
        self._warn(
            f"a file of SQLite beside {one_line(self.path)} was moved or deleted while it was "
            f"open: {what}"
        )

    def _report_other(self, former: _Former) -> None:
        """Report that the file is not the one that was written before."""
        name = one_line(self.path)
        self._elsewhere = True
        if self._is_new:
            self._warn(f"{name}{former.contents} was moved or deleted: recording in a new file")
            return
        # The state in the recording is not that of this pipeline.
        self._snapshots.save_soon()
        self._warn(
            f"{name}{former.contents} was replaced by another recording, which is continued now"
        )

    def _opened(self, full_check: bool) -> Store:
        """Open the recording and compare its settings."""
        store = Store(self.path, full_check=full_check, channels=self._channels)
        try:
            with explained(self.path):
                was = self._check_meter(store.connection)
                check_units(store.connection, self.path, self._channels)
                settings, on = settings_of(store.connection), store.alarms_on()
                since = store.since_snapshot(self._snapshots.every)
        except RecordError:
            store.close()
            raise
        self._is_new = not settings
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
        self._warn(f"{error}: {set_aside(self.path, datetime.fromtimestamp(self._wall()))}")
        self._former, self._elsewhere = None, True
