"""Timeline of a live source: closed minutes, absences, and a clock that is set.

No I/O and no clock: times are passed in. `now_s` is on a monotonic clock, on which waits are
measured; dates are derived from its difference to the wall clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import datetime

from streamer.display.durations import apart
from streamer.readings import Reading
from streamer.sources.live.absence import JUMP_S, Backlog, Jump, jump_of
from streamer.sources.live.channels import Channels, Minute
from streamer.sources.live.counters import CounterMeans
from streamer.sources.live.means import AnySample
from streamer.sources.live.minutes import MINUTE_S, MinuteMeans, local_time
from streamer.sources.live.reports import Reports
from streamer.sources.live.rules import FAR_S, LiveRules

BEGAN, _PAUSED, _SET = "watching began", "watching paused", "the clock was set"

_EVEN_S = 45.0
_ASK_AGAIN_S = 60.0
_TICK_S = 1e-6
_DECIMALS = 6  # a milliwatt, finer than any meter; keeps 0.355 from being 0.35500000000000004


class Timeline:
    """Closes the minutes as time passes, also where it passes unevenly.

    Args:
        channels: the minute means.
        reports: takes remarks on the time.
        put: takes the readings.
        rules: rules for the minute means; if time is taken from the samples, dates here do not
            matter.
        now_s: the time.
        date_s: the date at that time, in seconds since 1970.
        asleep_s: seconds for which the machine was asleep, in all; None if that is unknown.

    Attributes:
        now_s: the time.
        backlog: what waited during an absence, while it may arrive; None otherwise.
    """

    def __init__(
        self,
        channels: Channels,
        reports: Reports,
        put: Callable[[Reading], None],
        rules: LiveRules,
        now_s: float,
        date_s: float,
        *,
        asleep_s: float | None = 0.0,
    ) -> None:
        self.now_s = now_s
        self._channels = channels
        self._reports = reports
        self._put = put
        self._by_feed = rules.by_feed
        self._offset = date_s - now_s
        self._asleep_s = asleep_s
        self.backlog: Backlog | None = None
        self._even_from_s = now_s  # time of the last jump of the date
        self._ask_s = now_s
        if not self._by_feed:
            channels.flush(date_s)  # minutes before the start are not ours
            self._minutes.cuts.unseen(-math.inf, date_s, BEGAN)

    @property
    def date_s(self) -> float:
        """The date, in seconds since 1970."""
        return self.now_s + self._offset

    @property
    def due_s(self) -> float:
        """Time at which `update` is due."""
        date_s = self._minutes.due_s if self.backlog is None else self.backlog.over_s
        return date_s - self._offset

    def date_of(self, at_s: float) -> float:
        """Date of a time of the monotonic clock."""
        return at_s + self._offset

    def resume_after(self, after: datetime) -> None:
        """Treat a minute, and all before it, as done; to be called before the first sample."""
        self._channels.resume_after(after.timestamp())
        ahead_s = self._minutes.done_s - self.date_s
        if not self._by_feed and ahead_s > MINUTE_S:
            text = f"the recording ends {apart(ahead_s)} ahead of this machine's clock"
            self._reports.warn(f"{text}; {self._mute}")

    def set(self, now_s: float, date_s: float, asleep_s: float | None) -> Jump | None:
        """Set the time; returns the jump of the date, if there is one.

        Args:
            now_s: the time.
            date_s: the date, in seconds since 1970.
            asleep_s: seconds for which the machine was asleep, in all; None if that is unknown.
        """
        delta_s = date_s - (now_s + self._offset)
        if self._by_feed or abs(delta_s) <= JUMP_S:
            self.now_s, self._offset = now_s, date_s - now_s
            return None
        jump = jump_of(delta_s, self._slept(asleep_s))
        self._asleep_s = asleep_s
        self.settle()
        self._close(self._channels.advance(date_s - delta_s))
        self.now_s, self._offset = now_s, date_s - jump.set_s - now_s
        self._even_from_s = now_s
        if jump.away_s:
            self._come_back(jump.away_s, jump.cause)
        if jump.set_s:
            self.settle()
            self._offset = date_s - now_s
            self._set(jump.set_s)
        return jump

    def absent(self, away_s: float) -> None:
        """Take note that this process did not run until now, for so many seconds."""
        self.settle()
        self._come_back(away_s, f"this process was stopped for {apart(away_s)}")

    def update(self) -> Sequence[AnySample]:
        """Close the minutes that are over; returns kept samples that count from now on."""
        kept: Sequence[AnySample] = ()
        if self.backlog is not None and self.date_s >= self.backlog.over_s:
            kept = list(self.backlog.latest.values())
            self.settle()
        if self.backlog is None:
            self._close(self._channels.advance(self.date_s))
        return kept

    def advance(self, at_s: float) -> None:
        """Close the minutes that are over at a date."""
        self._close(self._channels.advance(at_s))

    def flush(self, at_s: float) -> None:
        """Close all complete minutes at a date, at the end of the feed."""
        self.settle()
        self._close(self._channels.flush(at_s))

    def settle(self) -> None:
        """End the time in which values of an absence arrive."""
        backlog, self.backlog = self.backlog, None
        if backlog is not None:
            for channel in self._channels:
                if channel.name not in backlog.dated:
                    channel.minutes.forget_from(backlog.began_s)

    def is_muted(self) -> bool:
        """Whether the last reading is far in the future of a clock that runs evenly.

        True once a minute at most, so that the caller may ask whether to `rewind`.
        """
        if self._by_feed or self.now_s < max(self._even_from_s + _EVEN_S, self._ask_s):
            return False
        if self._minutes.done_s - self.date_s <= FAR_S:
            return False
        self._ask_s = self.now_s + _ASK_AGAIN_S
        return True

    def rewind(self, after: datetime | None, text: str) -> None:
        """Continue after an earlier minute, since later readings were set aside.

        Args:
            after: that minute; None if none counts any more.
            text: report.
        """
        self._channels.rewind(None if after is None else after.timestamp(), self.date_s)
        self._minutes.cuts.unseen(-math.inf, self.date_s, _SET)
        self._reports.warn(text)

    def _slept(self, asleep_s: float | None) -> float | None:
        """Seconds of sleep since the last jump; None if that is unknown."""
        return None if asleep_s is None or self._asleep_s is None else asleep_s - self._asleep_s

    def _come_back(self, away_s: float, cause: str) -> None:
        began_s, ended_s = self.date_s - away_s, self.date_s
        self._close(self._channels.advance(began_s))
        self._minutes.cuts.unseen(began_s, ended_s, _PAUSED)
        self._channels.absent(began_s, ended_s)
        newest_s = max(
            -math.inf if each.means.newest is None else each.means.newest[0]
            for each in self._channels
        )
        # Samples may have arrived since the moment at which this process was last seen to run.
        self.backlog = Backlog(min(max(began_s, newest_s + _TICK_S), ended_s), ended_s)
        self._reports.warn(f"{cause}; that time is a gap, except for values with times that waited")

    def _set(self, delta_s: float) -> None:
        self._minutes.cuts.unseen(self.date_s - delta_s, math.inf, _SET)
        self._minutes.cuts.unseen(-math.inf, self.date_s, _SET)
        self._channels.step(delta_s, self.date_s)
        way = "ahead" if delta_s > 0 else "back"
        text = f"this machine's clock was set {way} by {apart(abs(delta_s))}"
        if delta_s > 0:
            text += "; the time in between is a gap"
        elif self._minutes.done_s > self.date_s:
            text += f"; {self._mute}"
        self._reports.warn(text)

    def _close(self, minutes: list[Minute]) -> None:
        """Pass on the means of closed minutes, and report those that are partial or missing."""
        if self._channels.sides:
            for remark in self._channels.take_notes():
                self._reports.remark(remark, self.now_s)
        if not minutes:
            return
        starts = {minute.start_s for minute in minutes}
        for start_s, text in self._minutes.cuts.take():
            if start_s in starts:  # otherwise another channel is missing
                self._reports.warn(f"the minute {local_time(start_s):%Y-%m-%d %H:%M}: {text}")
        demands = self._channels.demands
        for start_s, kw, solar_kw, battery_kw, channels in minutes:
            at = local_time(start_s)
            solar_kw, battery_kw = _optional(solar_kw), _optional(battery_kw)
            others = tuple(map(_rounded, channels))
            demand = demands.at_minute(start_s, kw)
            if (difference := demands.difference(start_s, demand)) is not None:
                self._reports.warn(difference)
            self._put(Reading(at, _rounded(kw), solar_kw, battery_kw, others, demand))

    @property
    def _minutes(self) -> MinuteMeans | CounterMeans:
        return self._channels.grid.means.minutes

    @property
    def _mute(self) -> str:
        """Consequence of readings that are ahead of the clock."""
        text = f"no readings until {self._done}"
        if self._minutes.done_s - self.date_s > FAR_S:
            text += ", unless those ahead of it can be set aside"
        return text

    @property
    def _done(self) -> str:
        return f"{local_time(self._minutes.done_s):%Y-%m-%d %H:%M}"


def _rounded(kw: float) -> float:
    # Adding 0.0 turns a negative zero into a positive one.
    return round(kw, _DECIMALS) + 0.0


def _optional(kw: float | None) -> float | None:
    return None if kw is None else _rounded(kw)
