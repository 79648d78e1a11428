"""Stretch of a recording to evaluate, and the readings before each of its minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from streamer.errors import UsageError
from streamer.online.netload import NetLoad, Terms
from streamer.readings.arrays import DoubleArray, IntArray, TimeArray
from streamer.readings.blocks import ReadingBlock
from streamer.readings.buffer import CAPACITY
from streamer.readings.powers import Powers

WARM_UP = CAPACITY - 1
"""Readings that fill the window before the first minute is scored."""


@dataclass(frozen=True)
class Last:
    """The last part of a recording: a share of its readings, or a number of days.

    Attributes:
        share: above 0, at most 1; None if given in days.
        days: above 0; None if given as a share.
    """

    share: float | None = None
    days: float | None = None

    @classmethod
    def parse(cls, text: str) -> Last:
        """Parse `10%` or `7d`.

        Raises:
            UsageError: it has neither form.

        >>> Last.parse("10%"), Last.parse("7d")
        (Last(share=0.1, days=None), Last(share=None, days=7.0))
        """
        number, sign = text[:-1], text[-1:]
        try:
            amount = float(number)
        except ValueError:
            amount = 0.0
        if sign == "%" and 0 < amount <= 100:
            return cls(share=amount / 100)
        if sign == "d" and 0 < amount < 1_000_000:
            return cls(days=amount)
        raise UsageError(f"--last {text!r}: give a share such as 10%, or days such as 7d")

    def start(self, at: TimeArray) -> int:
        """Index of the first reading in it.

        Args:
            at: (readings,) times of the whole recording.
        """
        if self.days is not None:
            since = at[-1] - np.timedelta64(timedelta(days=self.days))
            return int(np.argmax(at > since))
        # Rounded as in training, so that its test part has the same minutes.
        return round((1 - (self.share or 1.0)) * len(at))


@dataclass(frozen=True)
class Stretch:
    """Stretch of a recording, evaluated as if it were replayed alone.

    Its first readings fill the window; each later one is scored. The readings before
    the stretch are the training part, for baselines that have to be fitted. Windows
    extend over gaps, as in `streamer replay` by default.

    What is forecast and scored is the grid power. Where solar or battery power is measured, a
    model forecasts the consumption, of which `terms` make forecasts of the grid power, as
    in `streamer.pipeline.Pipeline`; baselines forecast the grid power from itself.

    Attributes:
        kw: (readings,) grid power, the recording up to the end of the stretch, in kW.
        at: (readings,) times, without zone.
        start: index of the first reading of the stretch.
        warm_up: number of readings that fill the window.
        name: origin of the readings.
        solar_kw: (readings,) solar power in kW, NaN before the stretch where it is unknown; None
            if it is not measured in the stretch.
        battery_kw: (readings,) power into the battery likewise.
        channels: (readings,) each of the channels that models take, by name.

    Raises:
        UsageError: it has nothing to score.
    """

    kw: DoubleArray
    at: TimeArray
    start: int = 0
    warm_up: int = WARM_UP
    name: str = "array"
    solar_kw: DoubleArray | None = None
    battery_kw: DoubleArray | None = None
    channels: Mapping[str, DoubleArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.minutes < 1:
            found = max(0, len(self.kw) - self.start)
            raise UsageError(
                f"{self.name}: {found} valid readings to evaluate are too few, since the first "
                f"{self.warm_up} only fill the window; choose a longer stretch"
            )

    @property
    def first(self) -> int:
        """Index of the first reading that is scored."""
        return self.start + self.warm_up

    @property
    def minutes(self) -> int:
        """Number of scored readings."""
        return len(self.kw) - self.first

    @property
    def actual_kw(self) -> DoubleArray:
        """(minutes,) the scored readings in kW."""
        return self.kw[self.first :]

    @property
    def last_kw(self) -> DoubleArray:
        """(minutes,) the reading before each, the forecast of persistence, in kW."""
        return self.kw[self.first - 1 : -1]

    @property
    def scored_at(self) -> TimeArray:
        """(minutes,) times of the scored readings."""
        return self.at[self.first :]

    @property
    def missing(self) -> IntArray:
        """(readings of the stretch,) minutes missing just before each; 0 for the first."""
        minutes = np.diff(self.at[self.start :]) / np.timedelta64(1, "m")
        missing = np.maximum(np.rint(minutes).astype(np.int64) - 1, 0)
        return np.concatenate([[0], missing])

    @cached_property
    def consumption_kw(self) -> DoubleArray:
        """(readings of the stretch,) what models forecast: the grid power without channels."""
        return self._powers.consumption_kw

    @cached_property
    def terms(self) -> Terms | None:
        """What makes forecasts of the grid power (minutes,) of those of the consumption.

        None where they are the same. The sun's forecast learns from the stretch alone.
        """
        terms, first = NetLoad().see(self._powers), self.warm_up - 1
        return None if terms is None else terms[first : first + self.minutes]

    @property
    def _powers(self) -> Powers:
        def part(kw: DoubleArray | None) -> DoubleArray | None:
            return None if kw is None else kw[self.start :]

        at, kw = self.at[self.start :], self.kw[self.start :]
        return Powers.of(ReadingBlock(at, kw, part(self.solar_kw), part(self.battery_kw)))

    def windows(self, length: int) -> DoubleArray:
        """(minutes, length): the grid power before each scored reading, as a view."""
        return sliding_window_view(self.kw[self.first - length : -1], length)

    def consumption_windows(self, length: int) -> DoubleArray:
        """(minutes, length): the consumption before each scored reading, as a view.

        Args:
            length: number of readings, at most those of the warm-up.
        """
        return sliding_window_view(self.consumption_kw[self.warm_up - length : -1], length)

    def model_windows(self, length: int, channels: Sequence[str] = ()) -> DoubleArray:
        """What a model takes before each scored reading, as a view.

        Args:
            length: number of readings, at most those of the warm-up.
            channels: names of the channels that it takes beside the power.

        Returns:
            (minutes, length) the consumption, or (minutes, length, inputs) with the channels.

        Raises:
            UsageError: a channel is missing.
        """
        if not channels:
            return self.consumption_windows(length)
        if missing := [name for name in channels if name not in self.channels]:
            raise UsageError(f"{self.name}: the model takes {', '.join(missing)} as well")
        columns = [self.channels[name][self.start :] for name in channels]
        inputs = np.array([self.consumption_kw, *columns])[:, self.warm_up - length : -1]
        return sliding_window_view(inputs, length, axis=1).transpose(1, 2, 0)
