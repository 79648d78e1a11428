"""Resumption of a recording: the pipeline continues as if it had never stopped."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from streamer.display.numbers import plural
from streamer.errors import ReadingError, StateError
from streamer.pipeline import Pipeline
from streamer.readings import Notice, Step
from streamer.recording.database import InvalidValueError
from streamer.recording.rows import AFTER_ALL, BEFORE_ALL, PAGE, readings, time_of
from streamer.recording.states import SavedState, snapshots_of

HISTORY_STEPS = 1000
"""Number of steps returned to restore the history on the screen."""

_MAX_SINGLE = 3000
"""Up to so many readings are pushed one by one, which restores the state bit by bit."""

_BLOCK = 2048

_YEAR_S = 400 * 86_400
"""Time before the end whose demand intervals are made up for: that of the peaks that are kept."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """End of a recording.

    Attributes:
        last_at: time of the last reading; None if there is none.
        readings: number of readings.
        steps: the last steps, recomputed from the readings.
        text: one line for display.
        rebuilt: whether all readings were pushed, without a usable snapshot.
    """

    last_at: datetime | None = None
    readings: int = 0
    steps: tuple[Step, ...] = ()
    text: str = "nothing is recorded yet"
    rebuilt: bool = False


def resume(
    connection: sqlite3.Connection,
    pipeline: Pipeline,
    *,
    notify: Callable[[Notice], None],
    changed: Sequence[str] = (),
    steps: int = HISTORY_STEPS,
    channels: Sequence[str] = (),
) -> Resumed:
    """Bring a fresh pipeline to the end of a recording.

    The last saved state is restored and the readings since then are pushed, so that the
    pipeline is as if it had never stopped. If it was saved without demand intervals, their
    energies and peaks are those of the recorded minutes. If no state fits, all readings are
    pushed, in blocks: then its forecasts are the same to 1e-5 kW.

    Args:
        connection: connection to the recording.
        pipeline: a pipeline into which nothing has been pushed.
        notify: takes notices for the user.
        changed: settings that differ from the recorded ones; then no state fits.
        steps: number of last steps to return; there may be fewer if the interval between
            two snapshots is shorter than usual.
        channels: names of the channels that the pipeline's model takes.

    Raises:
        InvalidValueError: a recorded reading is not valid.
        sqlite3.Error: the recording cannot be read.
    """
    (count,) = connection.execute("SELECT count(*) FROM steps").fetchone()
    if not count:
        return Resumed()
    last = time_of(
        *connection.execute("SELECT at, utc_offset FROM steps ORDER BY at DESC LIMIT 1").fetchone()
    )
    fresh = pipeline.state()
    log = _Log(connection, pipeline, deque(maxlen=steps), channels)
    snapshots, damaged = ([], 0) if changed else snapshots_of(connection)
    reason = "; ".join(changed) or (f"{plural(damaged, 'saved state')} damaged" if damaged else "")
    restored = False
    for place, snapshot in enumerate(snapshots):
        older = snapshots[place + 1 :] or ([SavedState(BEFORE_ALL, fresh)] * (count <= _MAX_SINGLE))
        try:
            log.restore(snapshot, older[:1])
            restored = True
            break
        except StateError as error:
            reason = str(error)
            pipeline.restore(fresh)
            log.steps.clear()
    if not restored:
        if reason or count > _MAX_SINGLE:
            kind = Notice.EVENT if changed else Notice.WARNING
            text = f"learning again from {plural(count, 'recorded reading')}"
            notify(Notice(kind, f"{text}: {reason or 'no state was saved'}"))
        log.push(together=count > _MAX_SINGLE)
    text = f"continuing after {plural(count, 'recorded minute')}, the last {last:%Y-%m-%d %H:%M}"
    return Resumed(last, count, tuple(log.steps), text, not restored)


class _Log:
    """The recorded readings, pushed into a pipeline.

    Attributes:
        steps: the last resulting steps.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        pipeline: Pipeline,
        steps: deque[Step],
        channels: Sequence[str],
    ) -> None:
        self.steps = steps
        self._channels = channels
        self._connection = connection
        self._pipeline = pipeline

    def restore(self, snapshot: SavedState, older: Sequence[SavedState]) -> None:
        """Restore a snapshot and push the readings since, preceded by some for their steps only.

        Args:
            snapshot: the state to restore.
            older: where to begin if too few readings follow; may be empty.

        Raises:
            StateError: the snapshot does not fit the pipeline.
        """
        (since,) = self._connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM steps WHERE at > ? LIMIT ?)",
            (snapshot.at, self.steps.maxlen),
        ).fetchone()
        if since < (self.steps.maxlen or 0):
            # If it was saved by an older version, fewer steps are returned.
            with suppress(StateError):
                for begin in older:
                    self._begin(begin)
                    self.push(after=begin.at, before=snapshot.at + 1)
        self._begin(snapshot)
        self.push(after=snapshot.at)

    def _begin(self, snapshot: SavedState) -> None:
        """Restore a snapshot, and make up for demand intervals if it lacks them."""
        self._pipeline.restore(snapshot.state)
        if self._pipeline.lacks_demand:
            first, end = snapshot.at - _YEAR_S, snapshot.at + 1
            for page in readings(self._connection, after=first, before=end, registers=True):
                self._pipeline.recall_demand(page)

    def push(
        self, *, after: int = BEFORE_ALL, before: int = AFTER_ALL, together: bool = False
    ) -> None:
        """Push the readings between two times, one by one or in blocks."""
        size = _BLOCK if together else PAGE
        for block in readings(
            self._connection,
            after=after,
            before=before,
            size=size,
            channels=self._channels,
            registers=True,
        ):
            try:
                if together:
                    self.steps += self._pipeline.push_many(block)
                else:
                    self.steps.extend(map(self._pipeline.push, block))
            except ReadingError as error:
                raise InvalidValueError(str(error)) from None
