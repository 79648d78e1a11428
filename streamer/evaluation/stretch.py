"""Stretch of a recording to evaluate, and the readings before each of its minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from streamer.errors import UsageError
from streamer.readings.arrays import DoubleArray, IntArray, TimeArray
from streamer.readings.buffer import CAPACITY

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

    Attributes:
        kw: (readings,) the recording up to the end of the stretch, in kW.
        at: (readings,) times, without zone.
        start: index of the first reading of the stretch.
        warm_up: number of readings that fill the window.
        name: origin of the readings.

    Raises:
        UsageError: it has nothing to score.
    """

    kw: DoubleArray
    at: TimeArray
    start: int = 0
    warm_up: int = WARM_UP
    name: str = "array"

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

    def windows(self, length: int) -> DoubleArray:
        """(minutes, length): the readings before each scored one, as a view."""
        return sliding_window_view(self.kw[self.first - length : -1], length)
