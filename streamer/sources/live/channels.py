"""Channels of a live source: the grid power, and the other channels of the same minutes.

No I/O and no clock: times are passed in, in seconds since 1970.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from streamer.readings import CHANNELS, Sample
from streamer.sources.live.channel import GRID, ChannelMeans, SideMeans
from streamer.sources.live.demands import MeterDemands
from streamer.sources.live.means import AnySample
from streamer.sources.live.minutes import MINUTE_S
from streamer.sources.live.notices import Remark
from streamer.sources.live.rules import LiveRules


class Minute(NamedTuple):
    """Means of one minute.

    Attributes:
        start_s: its start.
        kw: power at the grid connection in kW.
        solar_kw: power of the panels in kW; None where it is not measured.
        battery_kw: power into the battery in kW likewise.
        channels: means of the further channels, each in its unit.
    """

    start_s: float
    kw: float
    solar_kw: float | None = None
    battery_kw: float | None = None
    channels: tuple[float, ...] = ()


class Channels:
    """Minute means of the channels of a feed, joined by minute.

    A minute has means if it has one in each channel. Those of powers close together, by the same
    clock; where the grid power comes from an energy register, which is known later, the other
    channels wait for it.

    Args:
        rules: rules for the minute means, and which channels there are.

    Attributes:
        grid: power at the grid connection.
        sides: solar and battery power, as far as they are measured, and the further channels.
        demands: demand registers of the meter.
    """

    def __init__(self, rules: LiveRules) -> None:
        self.grid = ChannelMeans(GRID, rules)
        powers = [name for name in CHANNELS if name in rules.channels]
        self._further = [name for name in rules.channels if name not in CHANNELS]
        self.sides = [SideMeans(name, rules.of_channel(name)) for name in (*powers, *self._further)]
        self.demands = MeterDemands(rules.max_kw)
        self._all: tuple[ChannelMeans, ...] = (self.grid, *self.sides)
        self._waiting: list[tuple[float, float]] = []
        self._by_name = {each.name: each for each in self._all}

    def __iter__(self) -> Iterator[ChannelMeans]:
        return iter(self._all)

    def of(self, sample: AnySample) -> ChannelMeans | None:
        """Return the channel of a sample; None if the feed has not declared it."""
        return self._by_name.get(sample.channel) if isinstance(sample, Sample) else self.grid

    @property
    def newest_s(self) -> float:
        """Time of the newest sample; minus infinity before there is one."""
        return max(each.newest_s for each in self)

    @property
    def reached_s(self) -> float:
        """Time that all channels have reached by their samples, except for silent ones."""
        newest_s = self.newest_s
        return min(
            max(each.newest_s, newest_s - each.minutes.spacing.silent_s if self.sides else newest_s)
            for each in self
        )

    @property
    def behind_s(self) -> float:
        """Seconds after its end for which a minute is not known yet, at the pace of the samples."""
        return max(each.behind_s for each in self)

    def take_notes(self) -> list[Remark]:
        """Return the remarks on minutes since the last call."""
        notes = [note for side in self.sides for note in side.notes]
        for side in self.sides:
            side.notes = []
        return notes

    def advance(self, now_s: float) -> list[Minute]:
        """Close the minutes that ended before `now_s` by more than the allowed lateness."""
        for side in self.sides:
            side.keep(side.minutes.advance(now_s))
        minutes = self.grid.means.minutes.advance(now_s)
        return self._joined(minutes) if minutes or self._waiting else []

    def flush(self, now_s: float) -> list[Minute]:
        """Close all minutes that have ended, without waiting for late samples."""
        for side in self.sides:
            side.keep(side.minutes.flush(now_s))
        return self._joined(self.grid.minutes.flush(now_s))

    def resume_after(self, after_s: float) -> None:
        """Treat the minute that starts at `after_s`, and all before it, as done."""
        for each in self:
            each.minutes.resume_after(after_s)

    def rewind(self, after_s: float | None, now_s: float) -> None:
        """Treat only the minute that starts at `after_s`, and all before it, as done."""
        self._waiting.clear()
        self.demands.forget()
        for each in self:
            each.minutes.rewind(after_s, now_s)

    def step(self, delta_s: float, now_s: float) -> None:
        """Continue after the clock was set ahead by `delta_s`, to `now_s`."""
        self._waiting.clear()
        self.demands.forget()
        self.grid.minutes.step(delta_s, now_s)
        for side in self.sides:
            side.step(delta_s, now_s)

    def absent(self, began_s: float, ended_s: float) -> None:
        """Take note of a time in which nobody listened."""
        for each in self:
            each.minutes.spacing.restart()
        self.doubt(began_s, ended_s)

    def doubt(self, from_s: float, until_s: float = math.inf) -> None:
        """Take note of a time in which samples may have been missed."""
        for side in self.sides:
            side.doubt(from_s, until_s)

    def _joined(self, minutes: list[tuple[float, float]]) -> list[Minute]:
        if not self.sides:
            return [Minute(*minute) for minute in minutes]
        # That of an energy register may be known before the allowed lateness of the others.
        closed_s = min(side.minutes.open_s for side in self.sides)
        minutes = self._waiting + minutes
        self._waiting = [each for each in minutes if each[0] + MINUTE_S > closed_s]
        joined: list[Minute] = []
        for start_s, kw in minutes[: len(minutes) - len(self._waiting)]:
            # Asked of each, since each reports that it is missing.
            means = {side.name: side.mean(start_s) for side in self.sides}
            known = {name: mean for name, mean in means.items() if mean is not None}
            if len(known) == len(means):
                solar, battery = (known.get(name) for name in CHANNELS)
                further = tuple(known[name] for name in self._further)
                joined.append(Minute(start_s, kw, solar, battery, further))
        for side in self.sides:
            side.forget(min(self.grid.minutes.open_s, closed_s))
        return joined
