"""Source of a derived meter: a reading for each minute that all its parts have measured."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeAlias

from streamer.readings import Link, Notice, Reading, Sample, Step
from streamer.sources.derived.join import JoinedMinute, MinuteJoin, TimedPower
from streamer.sources.derived.links import WorstLink
from streamer.sources.derived.powers import DerivedPowers
from streamer.sources.live.minutes import MINUTE_S
from streamer.sources.live.rewinding import Rewinder
from streamer.sources.live.rules import FAR_S
from streamer.sources.pendingcalls import PendingCalls

DerivedItem: TypeAlias = Reading | Notice | Link | Sample

_MAX_DRAWN_KW = 0.05  # what an inverter may draw at night
_FAR = timedelta(seconds=FAR_S)


class DerivedSource:
    """Readings combined from those of other meters of this process.

    It has a reading for each minute that all its parts have measured, in order of time, whenever
    the parts may have measured it: the same minutes of the parts give the same readings. The
    parts of its solar power may be at rest (see `MinuteJoin`). Its link is the worst of theirs,
    without those at rest. It ends when no further minute can be known, since a part has
    ended.

    Args:
        name: its name for people.
        powers: its formulas, of the names of the parts.
    """

    def __init__(self, name: str, powers: DerivedPowers) -> None:
        self._name = name
        self._powers = powers
        self._parts = powers.names
        self._late: dict[str, Callable[[], float]] = {}
        self._punctual: set[str] = set()
        solar = () if powers.solar is None else powers.solar.names
        panels = {place for place, part in enumerate(self._parts) if part in solar}
        self._panels = panels if len(panels) < len(self._parts) else set()
        self._join = MinuteJoin(len(self._parts), self._panels)
        self._resting: dict[int, TimedPower] = {}
        self._condition = threading.Condition()
        self._calls = PendingCalls()
        self._ready: deque[Reading] = deque()
        self._notices: list[Notice] = []
        self._links = WorstLink()
        self._link: Link | None = None
        self._samples: dict[str, Sample] = {}
        self._sample: Sample | None = None
        self._ended: dict[str, None] = {}
        self._closed = self._is_end_reported = False
        self._is_mute = self._is_upside_down = False
        self._given_at: datetime | None = None
        self._newest: dict[str, datetime] = {}
        self._rewinder: Rewinder | None = None
        self._back_at: datetime | None = None

    @property
    def name(self) -> str:
        """Its name and formulas."""
        return f"{self._name} = {self._powers}"

    @property
    def late_s(self) -> float:
        """Seconds after the end of a minute by which its reading should be here."""
        late_s = max((late() for late in self._late.values()), default=0.0)
        if not self._panels:
            return late_s
        # The minutes of panels at rest are decided by later minutes of the others.
        panels_s = max(self._late[self._parts[place]]() for place in self._panels)
        return late_s + MINUTE_S * math.ceil((panels_s + MINUTE_S) / MINUTE_S)

    def part(self, name: str, late_s: Callable[[], float], *, by_clock: bool) -> PartSink:
        """The sink for the stream of a part.

        Args:
            name: its name in the formulas.
            late_s: `late_s` of its source.
            by_clock: whether its minutes end by this machine's clock, so that it is known when
                one is missing.
        """
        self._late[name] = late_s
        if by_clock:
            self._punctual.add(name)
        return PartSink(self, name)

    def resume_after(self, after: datetime | None) -> None:
        """Treat a minute, and all before it, as done; to be called before the first read."""
        with self._condition:
            self._join.resume_after(after)
            self._given_at = after
            while self._ready and after is not None and self._ready[0].at <= after:
                self._ready.popleft()

    def rewind_by(self, rewinder: Rewinder) -> None:
        """Set what to do about readings in the future; to be called before the first read."""
        self._rewinder = rewinder

    def read(self) -> Sequence[DerivedItem]:
        """Return the items since the last call; waits until there is at least one.

        Returns:
            Readings in order of time, and among them notices, links and at most one sample;
            empty once no further reading can come, or the source was closed.
        """
        while True:
            self._calls.run()
            with self._condition:
                if self._back_at is not None:
                    self._rewind(self._back_at)
                while not (self._calls or self._closed or self._has_items() or self._is_over()):
                    self._condition.wait()
                if self._closed:
                    return []
                if self._calls:
                    continue
                if self._is_over():
                    self._report_end()
                return self._take()

    def gathered(self) -> Sequence[Notice]:
        """Return the notices that no `read` has returned."""
        with self._condition:
            notices, self._notices = self._notices, []
            return notices

    def call_soon(self, call: Callable[[], None]) -> None:
        """Have a function called by the thread that reads, in its next turn; from any thread.

        A thread that waits for the parts does so at once. After the end it is called here.
        """
        self._calls.add(call)
        with self._condition:
            self._condition.notify_all()

    def close(self) -> None:
        """Make a waiting `read` return; from any thread, also repeatedly."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        self._calls.end()

    def take(self, part: str, item: object) -> None:
        """Take an item of the stream of a part, in the thread of that stream."""
        with self._condition:
            if isinstance(item, Step):
                self._add(part, item.reading)
            elif isinstance(item, Link):
                self._add_link(part, item)
            elif isinstance(item, Sample) and not item.channel:
                self._add_sample(part, item)
            self._condition.notify_all()

    def end(self, part: str) -> None:
        """Take note that the stream of a part has ended."""
        with self._condition:
            self._ended[part] = None
            self._condition.notify_all()

    def _has_items(self) -> bool:
        return bool(self._ready or self._notices or self._link or self._sample)

    def _is_over(self) -> bool:
        ended = [place for place, part in enumerate(self._parts) if part in self._ended]
        return not self._join.can_continue_without(ended)

    def _report_end(self) -> None:
        """Report once that no further minute can be known, unless all is over."""
        if not self._is_end_reported and len(self._ended) < len(self._parts):
            text = f"{self._name}: no further minutes, since {next(iter(self._ended))} has ended"
            self._notices.append(Notice(Notice.WARNING, text, self._given_at))
        self._is_end_reported = True

    def _take(self) -> list[DerivedItem]:
        items: list[DerivedItem] = [each for each in (self._link, self._sample) if each is not None]
        items += [*self._notices, *self._readings()]
        self._link = self._sample = None
        self._notices = []
        return items

    def _readings(self) -> list[Reading]:
        """The readings that are ready, up to one that is far ahead of those before."""
        found: list[Reading] = []
        while self._ready:
            at, before = self._ready[0].at, self._given_at
            if before is not None and at - before > _FAR and self._rewinder is not None:
                if found:
                    break  # all before it have to be used first
                self._rewinder.mark()
            found.append(self._ready.popleft())
            self._given_at = at
        return found

    def _add(self, part: str, reading: Reading) -> None:
        before, self._newest[part] = self._newest.get(part), reading.at
        if before is not None and before - reading.at > _FAR:
            self._back_at = reading.at
        self._allow_lateness()
        for minute in self._join.add(self._parts.index(part), reading):
            self._report_rest(minute)
            combined = self._combined(minute)
            if combined is not None:
                self._ready.append(combined)
        if self._join.dropped and not self._is_mute:
            self._is_mute = True
            text = f"{self._name}: minutes of {part} have waited for the others for too long"
            self._notices.append(Notice(Notice.WARNING, f"{text}, and are gaps", reading.at))
        self._update_link()

    def _allow_lateness(self) -> None:
        """Allow the panels to be late by their pace, once they have passed on what is recorded."""
        for place in self._panels:
            part = self._parts[place]
            if part in self._punctual and part in self._links:
                self._join.allow(place, self._late[part]() + MINUTE_S)

    def _report_rest(self, minute: JoinedMinute) -> None:
        """Report parts that are at rest from this minute on."""
        for place in minute.resting.keys() - self._resting.keys():
            last = minute.resting[place]
            text = f"{self._name}: no power of {self._parts[place]} since {last.at:%H:%M}, after "
            text += f"{1e3 * max(last.kw, 0.0):.0f} W: taken as 0"
            self._notices.append(Notice(Notice.EVENT, text, minute.at))
        self._resting = minute.resting

    def _combined(self, minute: JoinedMinute) -> Reading | None:
        """The reading of a minute; None, and a report, if the panels would draw power."""
        kws = dict(zip(self._parts, minute.kws, strict=True))
        reading = self._powers.reading(minute.at, kws)
        solar_kw = reading.solar_kw
        if solar_kw is None:
            return reading
        was_upside_down, self._is_upside_down = self._is_upside_down, solar_kw < -_MAX_DRAWN_KW
        if not self._is_upside_down:
            # An inverter's own draw is none of the panels' power.
            return replace(reading, solar_kw=max(solar_kw, 0.0))
        if not was_upside_down:
            text = f"{self._name}: solar is {solar_kw:.6g} kW, but panels draw none; if a positive "
            text += f"value means consumption, give solar = '-({self._powers.solar})'; skipped"
            self._notices.append(Notice(Notice.MALFORMED, text, minute.at))
        return None

    def _add_link(self, part: str, link: Link) -> None:
        self._links.set(part, link)
        self._allow_lateness()
        if link.state == Link.LOST:
            self._samples.pop(part, None)
        self._update_link()

    def _update_link(self) -> None:
        """Pass on the worst link of the parts that are not at rest, if it has changed."""
        awake = [part for place, part in enumerate(self._parts) if not self._join.is_at_rest(place)]
        self._link = self._links.change(awake) or self._link

    def _add_sample(self, part: str, sample: Sample) -> None:
        self._samples[part] = sample
        names = self._powers.kw.names
        known = {name: self._samples[name] for name in names if name in self._samples}
        if len(known) < len(names):
            return
        kw = self._powers.kw.value({name: each.kw for name, each in known.items()})
        if math.isfinite(kw):
            # As old as the oldest of them: one part may be silent for long.
            times = [each.at for each in known.values() if each.at is not None]
            self._sample = Sample(kw, min(times) if len(times) == len(known) else sample.at)

    def _rewind(self, back_at: datetime) -> None:
        """Set readings aside that lie in the future, as the part has done."""
        self._back_at = None
        rewound = None if self._rewinder is None else self._rewinder.rewind(back_at)
        if rewound is not None:
            self._join.resume_after(rewound.last_at)
            self._given_at = rewound.last_at
            self._ready.clear()
            self._notices.append(Notice(Notice.WARNING, f"{self._name}: {rewound.text}", back_at))


class PartSink:
    """Sink of the stream of a part; made by `DerivedSource.part`."""

    def __init__(self, source: DerivedSource, name: str) -> None:
        self._source = source
        self._name = name

    def write(self, item: object) -> None:
        """Take an item of its stream."""
        self._source.take(self._name, item)

    def close(self) -> None:
        """Take note that its stream has ended. May be called repeatedly."""
        self._source.end(self._name)
