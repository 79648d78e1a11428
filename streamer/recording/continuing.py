"""Continuation of a recording: its pipeline is resumed, or rewound from a clock that was ahead."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from streamer.errors import RecordError
from streamer.pipeline import Pipeline
from streamer.recording.backlog import Backlog
from streamer.recording.database import DamagedError, TransientError, explained
from streamer.recording.fallback import resume_or_learn
from streamer.recording.future import Aside, future_warning, set_future_aside
from streamer.recording.reports import Reports
from streamer.recording.resume import Resumed
from streamer.recording.snapshots import SnapshotPolicy
from streamer.recording.target import Target


class Continuation:
    """Brings a pipeline to the end of a recording that is open for writing.

    Args:
        target: the recording.
        snapshots: policy for saving snapshots of the pipeline's state.
        backlog: minutes that are not written yet.
        reports: takes notices about the recording.
        wall: the wall clock, in Unix seconds.
        channels: names of the channels that the pipeline's model takes.
    """

    def __init__(
        self,
        target: Target,
        snapshots: SnapshotPolicy,
        backlog: Backlog,
        reports: Reports,
        *,
        wall: Callable[[], float],
        channels: Sequence[str] = (),
    ) -> None:
        self._target = target
        self._snapshots = snapshots
        self._backlog = backlog
        self._reports = reports
        self._wall = wall
        self._channels = channels

    def resume(self, pipeline: Pipeline, steps: int) -> Resumed:
        """Bring a fresh pipeline to the end of the recording, or report why it stays fresh.

        Args:
            pipeline: a pipeline into which nothing has been pushed.
            steps: as for `streamer.recording.resume.resume`.

        Raises:
            RecordError: the recording is of another meter, or may not be read.
        """
        fresh = pipeline.state()
        try:
            with explained(self._target.path):
                resumed = self._resumed(pipeline, steps)
        except DamagedError as error:
            pipeline.restore(fresh)
            self._target.start_new_file(error)
            return Resumed()
        except TransientError as error:
            pipeline.restore(fresh)
            self._snapshots.suspended = True
            self._reports.start_without(error)
            return Resumed(text="starting without the recording")
        if resumed.rebuilt:
            self._snapshots.save_soon()
        warning = future_warning(self._target.path, resumed.last_at, self._wall())
        if warning is not None:
            self._reports.warn(warning)
        return resumed

    def rewind(
        self, pipeline: Pipeline, fresh: Mapping[str, Any], now: datetime, steps: int
    ) -> tuple[Aside, Resumed] | None:
        """Set minutes aside that lie in the future, and resume the others.

        Args:
            pipeline: the pipeline, which is left as it is if nothing is set aside.
            fresh: its state before anything was pushed into it.
            now: the time, with a zone.
            steps: as for `resume`.

        Returns:
            What was set aside, and the end of the others; None if nothing was.
        """
        store = self._target.store
        if self._backlog.minutes or store is None:
            return None
        try:
            aside = set_future_aside(store.connection, self._target.path, now)
            if aside is None:
                return None
            self._target.drop()
            self._target.open()
        except RecordError as error:
            self._reports.warn(f"minutes in the future are not set aside: {error}")
            return None
        self._backlog.forget_after(int(now.timestamp()))
        pipeline.restore(fresh)
        return aside, self.resume(pipeline, steps)

    def _resumed(self, pipeline: Pipeline, steps: int) -> Resumed:
        with self._target.reading() as recorded:
            if recorded is None:
                return Resumed()
            connection, changed = recorded
            return resume_or_learn(
                connection,
                pipeline,
                changed=changed,
                notify=self._reports.notify,
                steps=steps,
                channels=self._channels,
            )
