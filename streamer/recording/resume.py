"""Going on where a recording ends, as if nobody had been away."""

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
from streamer.recording.database import ImpossibleError
from streamer.recording.rows import AFTER_ALL, BEFORE_ALL, PAGE, readings, time_of
from streamer.recording.store import Snapshot, snapshots_of

PICTURE = 1000
"""Steps that are given for a picture of what came last."""

_ONE_BY_ONE = 3000
"""Up to so many readings are pushed one by one, which gives the state to the bit."""

_BLOCK = 2048


@dataclass(frozen=True, slots=True)
class Resumed:
    """Where a recording ends.

    Attributes:
        last_at: time of the last reading; None if there is none.
        readings: how many there are.
        steps: the last of the steps, made again from the readings.
        text: one line for a person.
        rebuilt: whether all readings were pushed, for want of a snapshot.
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
    say: Callable[[Notice], None],
    changed: Sequence[str] = (),
    steps: int = PICTURE,
) -> Resumed:
    """Take a fresh pipeline to where a recording ends.

    It is given the last state that was saved, and then each reading since, so that it is
    what it would be if it had never been away. Where no state fits, all readings are
    pushed, in blocks: then its forecasts are the same to 1e-5 kW.

    Args:
        connection: to the recording.
        pipeline: one that nothing has been pushed into.
        say: takes notices for the user.
        changed: what of the settings is not as it was recorded, which no state fits then.
        steps: how many to give of the last; with less than a usual number of readings
            between two snapshots, there may be fewer.

    Raises:
        ImpossibleError: a recorded reading is none.
        sqlite3.Error: the recording cannot be read.
    """
    (count,) = connection.execute("SELECT count(*) FROM steps").fetchone()
    if not count:
        return Resumed()
    last = time_of(
        *connection.execute("SELECT at, utc_offset FROM steps ORDER BY at DESC LIMIT 1").fetchone()
    )
    fresh = pipeline.state()
    log = _Log(connection, pipeline, deque(maxlen=steps))
    snapshots, damaged = ([], 0) if changed else snapshots_of(connection)
    reason = "; ".join(changed) or (f"{plural(damaged, 'saved state')} damaged" if damaged else "")
    restored = False
    for place, snapshot in enumerate(snapshots):
        older = snapshots[place + 1 :] or ([Snapshot(BEFORE_ALL, fresh)] * (count <= _ONE_BY_ONE))
        try:
            log.go_on(snapshot, older[:1])
            restored = True
            break
        except StateError as error:
            reason = str(error)
            pipeline.restore(fresh)
            log.steps.clear()
    if not restored:
        if reason or count > _ONE_BY_ONE:
            kind = Notice.EVENT if changed else Notice.WARNING
            text = f"learning anew from {plural(count, 'recorded reading')}"
            say(Notice(kind, f"{text}: {reason or 'no state was saved'}"))
        log.push(together=count > _ONE_BY_ONE)
    text = f"going on after {plural(count, 'recorded minute')}, the last {last:%Y-%m-%d %H:%M}"
    return Resumed(last, count, tuple(log.steps), text, not restored)


class _Log:
    """The recorded readings, on their way into a pipeline.

    Attributes:
        steps: the last that came of them.
    """

    def __init__(
        self, connection: sqlite3.Connection, pipeline: Pipeline, steps: deque[Step]
    ) -> None:
        self.steps = steps
        self._connection = connection
        self._pipeline = pipeline

    def go_on(self, snapshot: Snapshot, older: Sequence[Snapshot]) -> None:
        """Restore a snapshot and push the readings since, and some before for the steps' sake.

        Args:
            snapshot: what the state is to come from.
            older: where to begin if too few readings came since; may be empty.

        Raises:
            StateError: the snapshot does not fit the pipeline.
        """
        (since,) = self._connection.execute(
            "SELECT count(*) FROM (SELECT 1 FROM steps WHERE at > ? LIMIT ?)",
            (snapshot.at, self.steps.maxlen),
        ).fetchone()
        if since < (self.steps.maxlen or 0):
            # An older streamer may have saved it; then there are fewer steps.
            with suppress(StateError):
                for begin in older:
                    self._pipeline.restore(begin.state)
                    self.push(after=begin.at, before=snapshot.at + 1)
        self._pipeline.restore(snapshot.state)
        self.push(after=snapshot.at)

    def push(
        self, *, after: int = BEFORE_ALL, before: int = AFTER_ALL, together: bool = False
    ) -> None:
        """Push the readings between two times, one by one or some together."""
        size = _BLOCK if together else PAGE
        for block in readings(self._connection, after=after, before=before, size=size):
            try:
                if together:
                    self.steps += self._pipeline.push_many(block)
                else:
                    self.steps.extend(map(self._pipeline.push, block))
            except ReadingError as error:
                raise ImpossibleError(str(error)) from None
