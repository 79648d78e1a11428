"""Recent history of a stream, and frozen snapshots of it for dashboards and pages."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from streamer.display.durations import since
from streamer.display.energy import interval_name
from streamer.display.horizons import SHOWN
from streamer.display.numbers import fixed, plural
from streamer.history.alarms import AlarmLog, RaisedAlarm
from streamer.history.columns import PastView
from streamer.history.day import NO_DAY, Day, DayView
from streamer.history.energy import DayEnergy, LatestEnergy, day_energy
from streamer.history.past import SeenMinutes
from streamer.readings import MINUTE, Link, Notice, Sample, Step
from streamer.sinks import Item
from streamer.sinks.items import About, Vitals
from streamer.sinks.switched import switched_text
from streamer.sinks.watch import AlarmWatch, OutageWatch

if TYPE_CHECKING:
    from streamer.energy.tariff import Tariff

MAX_STEPS = 1000
"""Steps kept for the chart: more than the widest terminal has columns."""

MAX_ENTRIES = 200
"""Entries kept in the event log."""

CAPACITY = 50
"""Size of the ring buffer until `About` reports it."""

GAP, ALARM, OVER, EXCEEDED, SWITCHED = "gap", "alarm", "over", "exceeded", "switched"
"""Kinds of log entries that come from steps instead of notices: a gap, an alarm that was
raised, an alarm that is over, a demand interval that exceeded its bound, and a switched load."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of the event log.

    Attributes:
        kind: a `Notice` kind, a state of a `Link`, or one of those above.
        text: description of the event for people.
        at: event time; None if unknown.
    """

    kind: str
    text: str
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class HistorySnapshot:
    """Everything that one frame shows, at one moment.

    Attributes:
        about: description of the stream; None while the source is still being opened.
        steps: the latest steps, newest last.
        events: the latest entries of the event log, newest last.
        vitals: speed and progress of the stream; None until they are known.
        tallies: number of occurrences that the notices of each kind reported.
        in_sample: whether any scored minute so far lay in the model's training span.
        ended: whether the stream has ended.
        link: state of the connection to a meter; None until it is known.
        sample: the meter's latest sample; None before the first, or after an outage.
        now: current time with a zone; None for a replay.
        past: part of the past for the chart; None if it shows the latest steps.
        day: energy and skill of the day of the latest reading.
        raised: the latest alarms, newest last.
        horizons: horizons whose means are shown, in minutes and in rising order.
        tariff: what the energy costs; None if that is not known.
        energy_of: computes the energy of the day of a step.
    """

    about: About | None = None
    steps: tuple[Step, ...] = ()
    events: tuple[LogEntry, ...] = ()
    vitals: Vitals | None = None
    tallies: Mapping[str, int] = field(default_factory=dict)
    in_sample: bool = False
    ended: bool = False
    link: Link | None = None
    sample: Sample | None = None
    now: datetime | None = None
    past: PastView | None = None
    day: DayView = NO_DAY
    raised: tuple[RaisedAlarm, ...] = ()
    horizons: tuple[int, ...] = SHOWN
    tariff: Tariff | None = None
    energy_of: Callable[[Step, Tariff | None], DayEnergy | None] = day_energy

    @property
    def day_energy(self) -> DayEnergy | None:
        """Energy and cost of the day; None if no demand intervals are kept."""
        return None if self.last is None else self.energy_of(self.last, self.tariff)

    @property
    def last(self) -> Step | None:
        """The newest step; None before the first."""
        return self.steps[-1] if self.steps else None

    @property
    def scrolled(self) -> bool:
        """Whether the chart shows a part of the past instead of the newest minutes."""
        return self.past is not None and not self.past.following

    @property
    def live(self) -> bool:
        """Whether a meter is being watched."""
        return self.now is not None


class History:
    """Reduces the items of a stream to the data of a frame or a page, in bounded memory.

    One thread may write while another takes snapshots. Writing takes about a microsecond:
    formatting and computation are left to the painting of a frame.

    Args:
        horizons: horizons whose means are shown, in minutes and in rising order.
        tariff: what the energy costs; None if that is not known.

    Attributes:
        seen: all minutes so far, for scrolling back.
    """

    def __init__(self, horizons: tuple[int, ...] = SHOWN, *, tariff: Tariff | None = None) -> None:
        self._horizons, self._tariff = horizons, tariff
        self.seen = SeenMinutes()
        self._lock = threading.Lock()
        self._about: About | None = None
        self._steps: deque[Step] = deque(maxlen=MAX_STEPS)
        self._events: deque[LogEntry] = deque(maxlen=MAX_ENTRIES)
        self._vitals: Vitals | None = None
        self._tallies: Counter[str] = Counter()
        self._in_sample = False
        self._resets = 0
        self._alarms = AlarmWatch()
        self._alarm_log = AlarmLog()
        self._day = Day()
        self._energy_of = LatestEnergy()
        self._link: Link | None = None
        self._links = OutageWatch()
        self._sample: Sample | None = None
        self._ended = False
        self._version = 0

    @property
    def version(self) -> int:
        """A number that changes whenever the snapshot does."""
        return self._version

    @property
    def link(self) -> Link | None:
        """State of the connection; None until it is known."""
        return self._link

    @property
    def sample(self) -> Sample | None:
        """The latest sample; None before the first, or after an outage."""
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
        """Mark the stream as ended."""
        with self._lock:
            self._version += 1
            self._ended = True

    def snapshot(self) -> HistorySnapshot:
        """The present state, as an immutable value."""
        with self._lock:
            return HistorySnapshot(
                about=self._about,
                steps=tuple(self._steps),
                events=tuple(self._events),
                vitals=self._vitals,
                tallies=dict(self._tallies),
                in_sample=self._in_sample,
                ended=self._ended,
                link=self._link,
                sample=self._sample,
                day=self._day.view(),
                raised=self._alarm_log.entries(),
                horizons=self._horizons,
                tariff=self._tariff,
                energy_of=self._energy_of,
            )

    def _add_step(self, step: Step) -> None:
        # After a clock that was ahead, its minutes are recorded no longer.
        while self._steps and self._steps[-1].reading.at >= step.reading.at:
            self._steps.pop()
        if step.gap_minutes:
            self._add_gap(step)
        self._steps.append(step)
        self.seen.add(step)
        self._day.add(step)
        self._add_alarms(step)
        if step.settled_demand or step.switched:
            self._add_household(step)
        if step.settled is not None and not self._in_sample and self._about is not None:
            self._in_sample = self._about.in_sample(step.reading.at)

    def _add_gap(self, step: Step) -> None:
        emptied = step.counts.resets > self._resets
        self._resets = step.counts.resets
        outcome = ", buffer emptied" if emptied else " skipped"
        text = f"gap of {plural(step.gap_minutes, 'minute')}{outcome}"
        first_missing = step.reading.at - step.gap_minutes * MINUTE
        if self._steps and first_missing.tzinfo is not None:
            # A gap over a clock change is shown at its beginning in the time zone before it.
            first_missing = first_missing.astimezone(self._steps[-1].reading.at.tzinfo)
        self._events.append(LogEntry(GAP, text, first_missing))

    def _add_alarms(self, step: Step) -> None:
        raised, over = self._alarms.see(step)
        at = step.reading.at
        self._alarm_log.see(raised, over, at)
        for alarm in over:
            self._events.append(LogEntry(OVER, f"over: {since(alarm.kind, alarm.at, at)}", at))
        for alarm in raised:
            self._events.append(LogEntry(ALARM, f"{alarm.kind}: {alarm.text}", alarm.at))
            self.seen.add_alarm(alarm)

    def _add_household(self, step: Step) -> None:
        """Add switched loads, and the demand intervals that exceeded their bound."""
        at = step.reading.at
        for event in step.switched:
            self._events.append(LogEntry(SWITCHED, switched_text(event, at), at))
        for each in step.settled_demand:
            if each.exceeded:
                name = interval_name(each.minutes)
                kw, bound = fixed(each.kw, 2), fixed(each.bound_kw, 2)
                text = f"{name} of {kw} kW, above {bound}"
                self._events.append(LogEntry(EXCEEDED, text, each.start))

    def _add_link(self, link: Link) -> None:
        if self._about is not None:
            # The title already names the source, and the line is short.
            link = replace(link, text=link.text.removeprefix(f"{self._about.source}: "))
        self._link = link
        if link.state == Link.LOST:
            # It may be outdated by the time the connection is back.
            self._sample = None
        for state, text in self._links.see(link):
            self._events.append(LogEntry(state, text, link.since))

    def _add_notice(self, notice: Notice) -> None:
        self._tallies[notice.kind] += notice.count
        at = notice.at
        if at is None and self._steps:
            at = self._steps[-1].reading.at
        self._events.append(LogEntry(notice.kind, notice.text, at))
