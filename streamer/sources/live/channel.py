"""One channel of a meter: its minute means, and what is known of its samples.

No I/O and no clock: times are passed in, in seconds since 1970.
"""

from __future__ import annotations

import math
from dataclasses import replace

from streamer.feeds.advice import Advice
from streamer.feeds.values import measure_of, words_for
from streamer.readings import CHANNELS, Notice, Sample
from streamer.sources.live.counters import CounterMeans
from streamer.sources.live.means import AnySample, SampleMeans
from streamer.sources.live.meterclock import MeterClock
from streamer.sources.live.minutes import MINUTE_S, MinuteMeans, local_time
from streamer.sources.live.notices import Remark
from streamer.sources.live.remarks import Remarks
from streamer.sources.live.rest import REST_KW, Rest
from streamer.sources.live.rules import LiveRules

GRID, SOLAR = "", "solar"
"""Names of the channels that are treated in a way of their own."""

_UNLEARNT_S = 60.0
_AGAIN_S = 600.0
_MAX_SILENT_S = 120.0
_MAX_KEPT = 1440
_MAX_DRAWN_KW = 0.05  # what an inverter may draw at night, and a clamp may be off


class ChannelMeans:
    """Minute means of one channel.

    Args:
        name: name of the channel; empty for the grid connection.
        rules: rules for the minute means.

    Attributes:
        name: its name.
        label: beginning of texts about it; empty for the grid connection.
        measure: its quantity.
        most: magnitude above which a value is implausible, in the unit of the quantity.
        means: the minute means.
        clock: clock of its meter.
        remarks: remarks on its samples.
        newest_s: time of the newest sample; minus infinity before there is one.
        unknown_from_s: end of the last value's validity after a loss, on the monotonic clock.
    """

    REJECTED = math.nan
    """A value that cannot be right, and is unknown therefore."""

    def __init__(self, name: str, rules: LiveRules) -> None:
        self.name = name
        self.label = f"{words_for(name)}: " if name else ""
        self.measure = measure_of(name)
        self.most = rules.max_kw if self.measure.most is None else self.measure.most
        self.means = SampleMeans(rules)
        self._by_feed = rules.by_feed
        self.clock = MeterClock(rules.grace_s)
        self.remarks = Remarks(rules.pace, rules.advice)
        self.newest_s = -math.inf
        self.unknown_from_s = math.inf

    @property
    def minutes(self) -> MinuteMeans | CounterMeans:
        """The means themselves."""
        return self.means.minutes

    @property
    def behind_s(self) -> float:
        """Seconds after its end for which the mean of a minute is not known yet, at their pace."""
        spacing = self.minutes.spacing
        if self._by_feed or self.means.is_counter:
            # It is known with the next sample.
            return _UNLEARNT_S if spacing.usual_s is None else spacing.usual_s
        if spacing.on_change:
            return 0.0
        # Of values that come more rarely, most minutes have none.
        return max(0.0, (spacing.usual_s or _UNLEARNT_S) - MINUTE_S)

    @property
    def remedy(self) -> str:
        """What to do about values that are too large."""
        if self.measure.most is None:
            return self.remarks.unit_remedy
        return "check channel_units and channel_scales, if the address has them"

    def screened(self, sample: AnySample, now_s: float) -> tuple[AnySample, list[Remark]]:
        """Return a sample, unknown if its value cannot be right, and remarks on the value."""
        value = sample.kw if isinstance(sample, Sample) else sample.kwh
        return sample, self.remarks.value(value, now_s)

    def add(self, at_s: float, sample: AnySample) -> list[Remark]:
        """Take a sample; returns remarks on it."""
        self.newest_s = max(self.newest_s, at_s)
        means = self.means
        remarks = means.add(at_s, sample)
        spacing = means.minutes.spacing
        if spacing.is_coarse:
            remarks += self.remarks.spacing(spacing, is_counter=means.is_counter)
        return remarks


class SideMeans(ChannelMeans):
    """Minute means of a channel beside the grid power, looked up by minute.

    A minute of which the mean is not known has none, except where solar panels are at `Rest`.

    Args:
        name: name of the channel.
        rules: rules for the minute means.

    Attributes:
        notes: remarks on minutes since the caller last cleared them.
    """

    REJECTED = math.inf
    """Unknown as well, and no sign of panels at rest."""

    def __init__(self, name: str, rules: LiveRules) -> None:
        option = f"{name}_unit" if name in CHANNELS else "channel_units"
        unit = f"check {option}, if the address has one"
        super().__init__(name, replace(rules, advice=Advice(unit)))
        self.notes: list[Remark] = []
        self._rest = Rest() if name == SOLAR else None
        self._known: dict[float, float] = {}
        self._missed_from_s = math.inf  # start of the first of the last minutes without a mean
        self._is_reported = False
        self._reported_s = -math.inf
        self._is_resting = False
        self._was_known = False

    def screened(self, sample: AnySample, now_s: float) -> tuple[AnySample, list[Remark]]:  # noqa: ARG002
        """Return a sample, unknown if its value cannot be right, and remarks on the value.

        That a value is missing is reported with the minutes that lack it.
        """
        if self.name != SOLAR or not isinstance(sample, Sample):
            return sample, []
        if not sample.kw < -_MAX_DRAWN_KW:
            return sample, []
        text = f"{sample.kw:.6g} kW, but panels draw none; if a positive value means consumption, "
        text += "give solar_sign=consumption; skipped"
        return replace(sample, kw=self.REJECTED), [Remark(Notice.MALFORMED, text)]

    def add(self, at_s: float, sample: AnySample) -> list[Remark]:
        """Take a sample; returns remarks on it."""
        if self._rest is not None and isinstance(sample, Sample):
            self._rest.add(at_s, sample.kw)
        return super().add(at_s, sample)

    def doubt(self, from_s: float, until_s: float) -> None:
        """Take note of a time in which samples may have been missed.

        Args:
            from_s: its beginning.
            until_s: its end; infinity if that is not known yet. Some time after it belongs to
                it: a meter that is there would be heard in that.
        """
        if self._rest is not None:
            silent_s = min(self.minutes.spacing.silent_s, _MAX_SILENT_S)
            self._rest.doubt(from_s, until_s + silent_s)

    def step(self, delta_s: float, now_s: float) -> None:
        """Continue after the clock was set, as the minute means do."""
        self.minutes.step(delta_s, now_s)
        self._known.clear()
        self._missed_from_s += delta_s
        self._reported_s += delta_s
        if self._rest is not None:
            self._rest.step(delta_s)

    def keep(self, minutes: list[tuple[float, float]]) -> None:
        """Keep closed minutes until the grid power of the same minutes is known, for a day."""
        self._known.update(minutes)
        while len(self._known) > _MAX_KEPT:
            del self._known[next(iter(self._known))]

    def forget(self, before_s: float) -> None:
        """Drop the minutes before a time."""
        for start_s in [each for each in self._known if each < before_s]:
            del self._known[start_s]

    def mean(self, start_s: float) -> float | None:
        """Return the mean of a minute, which is not earlier than in the calls before."""
        rest = None if self._rest is None else self._rest.since(start_s)
        kw = self._known.get(start_s)
        if kw is None and rest is not None:
            if not self._is_resting or self._is_reported:
                since, watts = f"{local_time(rest.at_s):%H:%M}", 1e3 * max(rest.kw, 0.0)
                text = f"no solar power reported since {since}, after {watts:.0f} W: taken as 0"
                self.notes.append(Remark(Notice.EVENT, text))
            self._is_resting, self._is_reported = True, False
            kw = 0.0
        elif kw is not None and kw > REST_KW:
            self._is_resting = False
        self._report(start_s, is_known=kw is not None)
        # An inverter's own draw is none of the panels' power.
        return kw if kw is None or self.name != SOLAR else max(kw, 0.0)

    def _report(self, start_s: float, *, is_known: bool) -> None:
        """Report once that minutes are gaps because this channel is missing, and when that ends."""
        if is_known:
            self._was_known = True
            self._missed_from_s = math.inf
            if self._is_reported:
                self._is_reported = False
                self.notes.append(Remark(Notice.EVENT, f"{words_for(self.name)} is reported again"))
            return
        is_first = self._missed_from_s == math.inf
        self._missed_from_s = min(self._missed_from_s, start_s)
        # Values may arrive rarely, so that the first minute of all may lack one.
        is_start = is_first and not self._was_known
        if self._is_reported or is_start or start_s < self._reported_s + _AGAIN_S:
            return
        self._is_reported, self._reported_s = True, start_s
        since = f"{local_time(self._missed_from_s):%Y-%m-%d %H:%M}"
        what = f"{words_for(self.name)} is missing since {since}"
        text = f"{what}; minutes are gaps until it is reported"
        self.notes.append(Remark(Notice.WARNING, text))
