"""Choice between the minute means of powers and those of an energy register.

No I/O and no clock: the time is passed in, in seconds since 1970.
"""

from __future__ import annotations

import math
from typing import TypeAlias

from streamer.readings import CounterSample, Notice, Sample
from streamer.sources.live.counters import CounterMeans
from streamer.sources.live.minutes import MINUTE_S, MinuteMeans, local_time
from streamer.sources.live.notices import Remark
from streamer.sources.live.rules import LiveRules

AnySample: TypeAlias = Sample | CounterSample


class SampleMeans:
    """Minute means of the samples of a feed, all of which are of the kind of the first value.

    Args:
        rules: rules for the minute means.

    Attributes:
        minutes: the means themselves.
        newest: time in seconds and power in kW of the newest known power; None before there is
            one.
        any_power: whether any power is known; of an energy register, one other than zero.
    """

    def __init__(self, rules: LiveRules) -> None:
        self.minutes: MinuteMeans | CounterMeans = MinuteMeans(
            stale_after_s=rules.stale_after_s, grace_s=rules.grace_s, pace=rules.pace
        )
        self.newest: tuple[float, float] | None = None
        self.any_power = False
        self._rules = rules
        self._any_value = False

    @property
    def is_counter(self) -> bool:
        """Whether the values are those of an energy register."""
        return isinstance(self.minutes, CounterMeans)

    def accepts(self, sample: AnySample) -> bool:
        """Whether a sample is of the same kind as the first value, or unknown."""
        if math.isnan(sample.kw if isinstance(sample, Sample) else sample.kwh):
            return True
        is_counter = isinstance(sample, CounterSample)
        if not self._any_value:
            self._any_value = True
            if is_counter:
                self._count()
        return is_counter == self.is_counter

    def add(self, at_s: float, sample: AnySample) -> list[Remark]:
        """Take a sample; returns remarks on it, of the kinds of `Notice`."""
        means = self.minutes
        late = means.late
        if isinstance(means, MinuteMeans):
            duplicates = means.duplicates
            kw = sample.kw if isinstance(sample, Sample) else math.nan
            means.add(at_s, kw)
            self.newest = at_s, kw
            self.any_power = self.any_power or math.isfinite(kw)
            if means.late > late:
                return [_disorder(at_s, "arrived after its minute was closed; skipped")]
            if means.duplicates > duplicates:
                return [_disorder(at_s, "is a duplicate; the later value counts")]
            return []
        if isinstance(sample, CounterSample):
            means.add(at_s, sample.kwh, net=sample.net)
        else:
            means.add(at_s, math.nan)
        self.newest = means.newest
        self.any_power = self.any_power or (self.newest is not None and abs(self.newest[1]) > 0.0)
        if means.late > late:
            return [_disorder(at_s, "is not later than the one before; skipped")]
        return means.take_notes()

    def _count(self) -> None:
        """Continue with an energy register."""
        rules, before = self._rules, self.minutes
        means = CounterMeans(
            stale_after_s=rules.stale_after_s, max_kw=rules.max_kw, pace=rules.pace
        )
        means.cuts = before.cuts
        means.start_at(before.open_s)
        if math.isfinite(before.done_s):
            means.resume_after(before.done_s - MINUTE_S)
        self.minutes = means


def _disorder(at_s: float, what: str) -> Remark:
    return Remark(Notice.ORDER, f"the value of {local_time(at_s):%Y-%m-%d %H:%M:%S} {what}")
