"""All meters of a process as they are served, and the health of each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from streamer.display.durations import lasting
from streamer.display.lines import one_line
from streamer.publishing.record import ENDED, FRESH, WAITING, state_record, status_of
from streamer.publishing.state import MeterState


class Health(NamedTuple):
    """Health of one meter, or of the whole.

    Attributes:
        well: whether its latest reading is of the present.
        line: its name, its status, and the reason if it is not well.
    """

    well: bool
    line: str


class Meters:
    """The present state of each meter, in the order in which they began."""

    def __init__(self) -> None:
        self._states: dict[str, MeterState] = {}

    def __iter__(self) -> Iterator[MeterState]:
        return iter(self._states.values())

    def __len__(self) -> int:
        return len(self._states)

    def take(self, state: MeterState) -> None:
        """Take the new state of a meter."""
        self._states[state.meter.key] = state

    def of(self, key: str) -> MeterState | None:
        """The state of a meter; None if there is none with that key."""
        return self._states.get(key)

    def record(self, now: datetime) -> dict[str, Any]:
        """All meters as a JSON object."""
        records = {state.meter.key: state_record(state, now) for state in self}
        return {"now": now.isoformat(), "meters": records}

    def health(self, now: datetime) -> list[Health]:
        """The health of each meter; a single entry while none has begun."""
        return [health(state, now) for state in self] or [Health(False, "waiting: no meter yet")]


def health(state: MeterState, now: datetime) -> Health:
    """The health of a meter.

    Args:
        state: its state.
        now: the time, with a zone.
    """
    status = status_of(state, now)
    return Health(status == FRESH, f"{state.meter.key}: {status}{_reason(state, status, now)}")


def _reason(state: MeterState, status: str, now: datetime) -> str:
    """Why a meter is not well; empty if it is."""
    if status == FRESH:
        return ""
    if status == ENDED:
        return ": the stream has ended"
    parts = []
    if status == WAITING:
        parts.append("no reading yet")
    elif state.step is not None and state.heard_at is not None:
        age = lasting((now - state.heard_at).total_seconds())
        parts.append(f"the last reading is of {state.step.reading.at:%H:%M}, received {age} ago")
    if state.link is not None and state.link.state != state.link.UP:
        text = one_line(state.link.text)
        parts.append(f"{state.link.peer} {state.link.state}{text and f' ({text})'}")
    return f": {'; '.join(parts)}"
