"""Resumption of a recording whose saved states may contain anything."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from streamer.pipeline import Pipeline
from streamer.readings import MINUTE, Notice, Reading
from streamer.recording.database import InvalidValueError
from streamer.recording.resume import HISTORY_STEPS, Resumed, resume

_UNUSABLE = (ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError)
"""Errors of a pipeline whose restored state has values of a wrong type or size."""


def resume_or_learn(
    connection: sqlite3.Connection,
    pipeline: Pipeline,
    *,
    notify: Callable[[Notice], None],
    changed: Sequence[str] = (),
    steps: int = HISTORY_STEPS,
    channels: Sequence[str] = (),
) -> Resumed:
    """Bring a fresh pipeline to the end of a recording, from its readings alone if need be.

    The checksum of a saved state protects from damage, but not from somebody who wrote both. So
    one more reading is pushed and taken back; if that fails, all are learnt again.

    Args:
        connection: as for `resume`.
        pipeline: as for `resume`.
        notify: as for `resume`.
        changed: as for `resume`.
        steps: as for `resume`.
        channels: as for `resume`.

    Raises:
        InvalidValueError: a recorded reading is not valid.
        sqlite3.Error: the recording cannot be read.
    """
    fresh = pipeline.state()

    def attempt(reasons: Sequence[str]) -> Resumed:
        return resume(
            connection, pipeline, notify=notify, changed=reasons, steps=steps, channels=channels
        )

    try:
        resumed = attempt(changed)
        if resumed.last_at is not None:
            state = pipeline.state()
            others = (0.0,) * len(channels)
            pipeline.push(Reading(resumed.last_at + MINUTE, 0.0, channels=others))
            pipeline.restore(state)
    except InvalidValueError:
        raise
    except _UNUSABLE as error:
        pipeline.restore(fresh)
        reason = f"a saved state is damaged ({type(error).__name__})"
        return attempt([*changed, reason])
    return resumed
