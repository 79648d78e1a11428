"""Pipelines that continue from before the readings of a clock that was ahead."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from streamer.display.numbers import plural
from streamer.readings import Step
from streamer.sinks import Item
from streamer.sources.live.rewinding import Rewound
from streamer.sources.live.rules import FAR_S

if TYPE_CHECKING:
    from streamer.pipeline import Pipeline
    from streamer.recording.recorder import Recorder


class RecordedPast:
    """A `Rewinder` with a recording, which is resumed from its plausible minutes.

    Args:
        recorder: recorder of the recording.
        pipeline: the pipeline.
        fresh: its state before anything was pushed into it.
    """

    def __init__(self, recorder: Recorder, pipeline: Pipeline, fresh: Mapping[str, Any]) -> None:
        self._recorder = recorder
        self._pipeline = pipeline
        self._fresh = fresh

    def mark(self) -> None:
        """Do nothing: what was before is in the recording."""

    def rewind(self, now: datetime) -> Rewound | None:
        """Set the minutes in the future aside; None if there are none, or they may be right."""
        from streamer.recording.rows import time_of

        found = self._recorder.rewind(self._pipeline, self._fresh, now)
        if found is None:
            return None
        aside, resumed = found
        first, last = (_shown(time_of(at, 0).astimezone()) for at in (aside.first, aside.last))
        what = f"{plural(aside.minutes, 'minute')} from {first} to {last}"
        return Rewound(
            resumed.last_at,
            f"the clock was ahead: {what}, in the future, set aside in {aside.path.name}; "
            f"{resumed.text}",
        )


class RememberedPast:
    """A `Rewinder` without a recording: it keeps the state from before the clock was set ahead.

    It is also a sink, for the time of the first reading after that.

    Args:
        pipeline: the pipeline, into which nothing has been pushed.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self.mark()

    def mark(self) -> None:
        """Keep the state of the pipeline."""
        self._state = self._pipeline.state()
        self._first_at: datetime | None = None
        self._last_at: datetime | None = None
        self._readings = 0

    def write(self, item: Item) -> None:
        """Take note of the times of readings."""
        if isinstance(item, Step):
            self._first_at = self._first_at or item.reading.at
            self._last_at = item.reading.at
            self._readings += 1

    def close(self) -> None:
        """Do nothing: no resource is held."""

    def rewind(self, now: datetime) -> Rewound | None:
        """Restore the kept state, unless the clock was right when it was kept."""
        first_at, last_at = self._first_at, self._last_at
        if first_at is None or last_at is None or first_at - now <= timedelta(seconds=FAR_S):
            return None
        before = self._state["last_at"]
        before_at = None if before is None else datetime.fromisoformat(before)
        if before_at is not None and before_at > now:
            return None
        self._pipeline.restore(self._state)
        what = f"{plural(self._readings, 'minute')} from {_shown(first_at)} to {_shown(last_at)}"
        self.mark()
        return Rewound(before_at, f"the clock was ahead: {what}, in the future, no longer count")


def _shown(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M}"
