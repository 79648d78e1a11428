"""All meters of a process as they are served, and the health of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from streamer.display.durations import lasting
from streamer.display.lines import one_line
from streamer.history import History
from streamer.publishing.record import ENDED, FRESH, WAITING, state_record, status_of
from streamer.publishing.state import MeterState
from streamer.publishing.web.charted import Minute
from streamer.publishing.web.minutes import KeptMinutes
from streamer.publishing.web.view import View
from streamer.readings import Sample, Step
from streamer.sinks import Item


class Health(NamedTuple):
    """Health of one meter, or of the whole.

    Attributes:
        well: whether its latest reading is of the present.
        line: its name, its status, and the reason if it is not well.
    """

    well: bool
    line: str


class Served:
    """A meter with its present state and its recent history.

    Attributes:
        state: its present state.
        items: number of its items so far, without samples.
        kept: its latest minutes, if it is not recorded.
        recorded: minutes before this stream began, as far as they are recorded.
    """

    def __init__(self, state: MeterState) -> None:
        meter = state.meter
        self.state = state
        self.items = 0
        self.kept = KeptMinutes()
        self.recorded: tuple[Minute, ...] = ()
        self._history = History(meter.horizons, tariff=meter.tariff)

    def take(self, state: MeterState, item: Item | None) -> None:
        """Take its new state, and the item that has led to it; None for the end."""
        self.state = state
        if item is None:
            self._history.end()
        else:
            self._history.write(item)
        if isinstance(item, Step) and state.meter.record is None:
            self.kept.add(item)
        if not isinstance(item, Sample):
            self.items += 1

    def resume(self, recorded: Iterable[Minute]) -> None:
        """Take the minutes before this stream began."""
        self.recorded = tuple(recorded)
        self.items += 1

    def view(self, now: datetime) -> View:
        """What a page shows of it."""
        meter = self.state.meter
        snapshot = self._history.snapshot()
        if meter.live:
            snapshot = replace(snapshot, now=now)
        return View(meter.name, status_of(self.state, now), snapshot, self.recorded)


class Meters:
    """All meters that have begun, in the order of their names."""

    def __init__(self) -> None:
        self._served: dict[str, Served] = {}

    def __iter__(self) -> Iterator[Served]:
        return iter(self._served.values())

    def __len__(self) -> int:
        return len(self._served)

    def take(self, state: MeterState, item: Item | None) -> Served:
        """Take the new state of a meter, and the item that has led to it."""
        key = state.meter.key
        served = self._served.get(key)
        if served is None:
            served = self._served[key] = Served(state)
            by_name = sorted(self, key=lambda each: each.state.meter.name.casefold())
            self._served = {each.state.meter.key: each for each in by_name}
        served.take(state, item)
        return served

    def of(self, key: str) -> Served | None:
        """A meter; None if there is none with that key."""
        return self._served.get(key)

    def record(self, now: datetime) -> dict[str, Any]:
        """All meters as a JSON object."""
        records = {each.state.meter.key: state_record(each.state, now) for each in self}
        return {"now": now.isoformat(), "meters": records}

    def health(self, now: datetime) -> list[Health]:
        """The health of each meter; a single entry while none has begun."""
        found = [health(each.state, now) for each in self]
        return found or [Health(False, "waiting: no meter yet")]


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
