"""What the dashboard remembers of a stream, and how it is handed to the painter."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from streamer.dashboard.words import since
from streamer.display.numbers import plural
from streamer.readings import MINUTE, Link, Notice, Sample, Step
from streamer.sinks import Item
from streamer.sinks.items import About, Vitals
from streamer.sinks.watch import AlarmWatch, OutageWatch

STEPS_KEPT = 1000
"""Steps kept for the chart: more than the widest terminal has columns."""

EVENTS_KEPT = 200
"""Events kept for the log."""

CAPACITY = 50
"""Size of the ring buffer, as long as nobody has said what it is."""

GAP, ALARM, OVER = "gap", "alarm", "over"
"""Kinds of events that come from steps rather than from notices: a gap, an alarm that has
been raised, and one that is over."""


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the event log.

    Attributes:
        kind: a `Notice` kind, a state of a `Link`, or `GAP`, `ALARM` or `OVER`.
        text: what happened, for a person.
        at: stream time it happened at, if there is one.
    """

    kind: str
    text: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything one frame shows, as of one moment.

    Attributes:
        about: what is being watched; None while the source is still being opened.
        steps: the latest steps, newest last.
        events: the latest events, newest last.
        vitals: how the stream is running, if that is known yet.
        tallies: how many happenings the notices of each kind stood for.
        in_sample: whether any scored minute so far lay in the model's training span.
        ended: whether the stream is over.
        link: how the connection to a meter stands, if that is known.
        sample: what the meter has said last, if it has said anything.
        now: what the clock says, with a zone; None for a replay, which has no now.
    """

    about: About | None = None
    steps: tuple[Step, ...] = ()
    events: tuple[Event, ...] = ()
    vitals: Vitals | None = None
    tallies: Mapping[str, int] = field(default_factory=dict)
    in_sample: bool = False
    ended: bool = False
    link: Link | None = None
    sample: Sample | None = None
    now: datetime | None = None

    @property
    def last(self) -> Step | None:
        """The newest step, if there is one."""
        return self.steps[-1] if self.steps else None

    @property
    def live(self) -> bool:
        """Whether a meter is being watched."""
        return self.now is not None


class History:
    """Folds a stream's items into what a frame needs, in bounded memory.

    One thread may write while another takes snapshots. Writing costs about a
    microsecond: whatever has to be worded or worked out waits until a frame is painted.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._about: About | None = None
        self._steps: deque[Step] = deque(maxlen=STEPS_KEPT)
        self._events: deque[Event] = deque(maxlen=EVENTS_KEPT)
        self._vitals: Vitals | None = None
        self._tallies: Counter[str] = Counter()
        self._in_sample = False
        self._resets = 0
        self._alarms = AlarmWatch()
        self._link: Link | None = None
        self._links = OutageWatch()
        self._sample: Sample | None = None
        self._ended = False
        self._version = 0

    @property
    def version(self) -> int:
        """A number that changes whenever a new snapshot would."""
        return self._version

    @property
    def link(self) -> Link | None:
        """How the connection stands."""
        return self._link

    @property
    def sample(self) -> Sample | None:
        """The latest sample."""
        return self._sample

    def write(self, item: Item) -> None:
        """Take one item of the stream."""
        with self._lock:
            self._version += 1
            if isinstance(item, Step):
                self._add_step(item)
            elif isinstance(item, Notice):
                self._add_notice(item)
            elif isinstance(item, Vitals):
                self._vitals = item
            elif isinstance(item, Sample):
                self._sample = item
            elif isinstance(item, Link):
                self._add_link(item)
            elif isinstance(item, About):
                self._about = item

    def end(self) -> None:
        """Mark the stream as over."""
        with self._lock:
            self._version += 1
            self._ended = True

    def snapshot(self) -> Snapshot:
        """The state of this moment, as a value that will not change."""
        with self._lock:
            return Snapshot(
                about=self._about,
                steps=tuple(self._steps),
                events=tuple(self._events),
                vitals=self._vitals,
                tallies=dict(self._tallies),
                in_sample=self._in_sample,
                ended=self._ended,
                link=self._link,
                sample=self._sample,
            )

    def _add_step(self, step: Step) -> None:
        if step.gap_minutes:
            self._add_gap(step)
        self._steps.append(step)
        self._add_alarms(step)
        if step.settled is not None and not self._in_sample and self._about is not None:
            self._in_sample = self._about.in_sample(step.reading.at)

    def _add_gap(self, step: Step) -> None:
        emptied = step.counts.resets > self._resets
        self._resets = step.counts.resets
        outcome = ", buffer emptied" if emptied else " skipped"
        text = f"gap of {plural(step.gap_minutes, 'minute')}{outcome}"
        first_missing = step.reading.at - step.gap_minutes * MINUTE
        if self._steps and first_missing.tzinfo is not None:
            # A gap over a clock change began at the time that clocks showed before it.
            first_missing = first_missing.astimezone(self._steps[-1].reading.at.tzinfo)
        self._events.append(Event(GAP, text, first_missing))

    def _add_alarms(self, step: Step) -> None:
        raised, over = self._alarms.see(step)
        at = step.reading.at
        for alarm in over:
            self._events.append(Event(OVER, f"over: {since(alarm.kind, alarm.at, at)}", at))
        for alarm in raised:
            self._events.append(Event(ALARM, f"{alarm.kind}: {alarm.text}", alarm.at))

    def _add_link(self, link: Link) -> None:
        if self._about is not None:
            # The title names the source, and room is dear.
            link = replace(link, text=link.text.removeprefix(f"{self._about.source}: "))
        self._link = link
        if link.state == Link.LOST:
            # Once the connection is back this may be long untrue.
            self._sample = None
        for state, text in self._links.see(link):
            self._events.append(Event(state, text, link.since))

    def _add_notice(self, notice: Notice) -> None:
        self._tallies[notice.kind] += notice.count
        at = notice.at
        if at is None and self._steps:
            at = self._steps[-1].reading.at
        self._events.append(Event(notice.kind, notice.text, at))
