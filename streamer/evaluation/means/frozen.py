"""Frozen forecasts of the mean of the next minutes over a stretch, from a network's answers."""

from __future__ import annotations

import numpy as np

from streamer.evaluation.means.forecasts import HIGH, LOW, MEAN, MEDIAN
from streamer.evaluation.means.targets import elapsed_clocks
from streamer.evaluation.stretch import Stretch
from streamer.models import Answer, MeansHead
from streamer.online.history import History
from streamer.readings.arrays import DoubleArray, FloatArray

_HEAD_COLUMNS = (MEAN, LOW, MEDIAN, HIGH)
"""Where the outputs of a head belong."""


class FrozenMeans:
    """Forecasts by a model's head as it was trained, at every issue of a stretch.

    The longer history begins with the stretch, as in `streamer replay`. Where solar or battery
    power is measured, the head forecasts the consumption; the grid power is that less the last
    solar power, plus the last power into the battery.

    Args:
        head: the head.
        levels: levels of the network's own quantiles, for the mean of the next minute alone.
        stretch: the stretch to forecast.
        minutes: horizons to keep, each 1 or one of the head's.

    Attributes:
        minutes: the horizons.
        values_kw: (issues, horizons, 4) mean, median, low and high of the grid power in kW.
    """

    adapted = None
    """What the online ones have: the forecasts of the next reading that theirs belong to."""

    def __init__(
        self,
        head: MeansHead,
        levels: tuple[float, ...],
        stretch: Stretch,
        minutes: tuple[int, ...],
    ) -> None:
        self._head, self._levels, self._stretch = head, levels, stretch
        self._columns = [head.minutes.index(each) for each in minutes if each != 1]
        self._rest = slice(1 if minutes[0] == 1 else 0, None)
        self._clocks = elapsed_clocks(stretch.at[stretch.start :])
        self._history = History()
        self._seen = 0
        self._features(slice(0, stretch.warm_up - 1))
        self.minutes = minutes
        self.values_kw: FloatArray = np.empty((stretch.minutes, len(minutes), 4), np.float32)

    def see(self, answer: Answer) -> None:
        """Process the answers for the next windows, at least one."""
        issues = slice(self._seen, self._seen + len(answer.mean_kw))
        first = self._stretch.warm_up - 1
        rows = slice(first + issues.start, first + issues.stop)
        consumption = self._stretch.consumption_kw[rows]
        found = self._head.many(answer.hidden, self._features(rows), consumption)
        offset = self._stretch.last_kw[issues] - consumption
        values = self.values_kw[issues]
        values[:, self._rest, _HEAD_COLUMNS] = found[:, self._columns]
        if self.minutes[0] == 1:
            values[:, 0] = self._next(answer)
        values += offset[:, None, None].astype(np.float32)
        self._seen = issues.stop

    def _features(self, rows: slice) -> FloatArray:
        """Features at these readings of the stretch, which follow those before."""
        minutes, day_minutes, weekends = self._clocks
        kw = self._stretch.consumption_kw[rows]
        return self._history.extend(minutes[rows], day_minutes[rows], weekends[rows], kw)

    def _next(self, answer: Answer) -> DoubleArray:
        """(issues, 4) the network's own forecasts of the next reading, of its outer quantiles."""
        levels, quantiles = self._levels, answer.quantiles_kw
        if len(levels) < 2:
            return np.repeat(answer.mean_kw[:, None], 4, axis=1)
        median = quantiles[:, levels.index(0.5)] if 0.5 in levels else answer.mean_kw
        return np.stack([answer.mean_kw, median, quantiles[:, 0], quantiles[:, -1]], axis=1)
