"""Surroundings of a forecast of the next minutes' mean: long history, baselines, classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from streamer.online.carried import MAX_CARRIED_KW, CarriedPower
from streamer.online.history import History
from streamer.online.means.bands import classes_of
from streamer.online.means.correction import commons_of
from streamer.online.minutesums import Totals, means_of
from streamer.online.wallclock import wall_clock, wall_clocks
from streamer.readings import Reading
from streamer.readings.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from streamer.readings.powers import Powers, SidePowers, side_powers_of
from streamer.readings.saved import number, whole

_LONG_AGO = -(1 << 40)


class Surroundings(NamedTuple):
    """What is known at each of consecutive readings beside the network's answer.

    Attributes:
        broken: (readings,) whether minutes before it are missing.
        features: (readings, features) of the longer history of the consumption.
        consumption_kw: (readings,) the readings themselves, as the network forecasts them.
        last_kw: (readings, 1) the grid power.
        actual_kw: (readings, horizons) means of the last minutes, NaN if one was not measured.
        baselines_kw: (readings, 4, horizons) the last reading, the recent mean, half of each, and
            the same minutes of yesterday, NaN where these were not measured. Where one of the
            last minutes was not measured, the last reading takes the place of their mean.
        common: (readings, 9, 1) regressors of the correction.
        bounds_kw: (2, readings, 1) what the connection is known to carry.
        classes: (readings, 4) classes of the intervals.
    """

    broken: Sequence[bool] | BoolArray
    features: FloatArray
    consumption_kw: DoubleArray
    last_kw: DoubleArray
    actual_kw: DoubleArray
    baselines_kw: DoubleArray
    common: DoubleArray
    bounds_kw: DoubleArray
    classes: IntArray

    def part(self, rows: slice) -> Surroundings:
        """Those of some of the readings."""
        return Surroundings(
            self.broken[rows],
            self.features[rows],
            self.consumption_kw[rows],
            self.last_kw[rows],
            self.actual_kw[rows],
            self.baselines_kw[rows],
            self.common[rows],
            self.bounds_kw[:, rows],
            self.classes[rows],
        )


class Observation(NamedTuple):
    """What is known at one reading, as it is kept until its surroundings are needed.

    Attributes:
        broken: whether minutes before it are missing.
        features: (features,) of the longer history of the consumption.
        of_grid: (features,) of that of the grid power, the same where nothing else is measured.
        consumption_kw: the reading itself, as the network forecasts it.
        numbers: the consumption once more, the grid power, its change, what the connection is
            known to carry at least and at most, and the hour.
        totals: what the means of the last minutes and of yesterday follow from.
    """

    broken: bool
    features: FloatArray
    of_grid: FloatArray
    consumption_kw: float
    numbers: tuple[float, ...]
    totals: Totals


def surroundings_of(observed: Sequence[Observation], minutes: IntArray) -> Surroundings:
    """The surroundings of consecutive readings, one at least, each by itself.

    Args:
        observed: what is known at each.
        minutes: (horizons,) numbers of minutes.
    """
    broken, features, of_grid, _, numbers, totals = zip(*observed, strict=True)
    consumption, last, change, floor, ceiling, hours = np.array(numbers).T
    known = np.array(features)
    return _surroundings(
        broken,
        known,
        known if of_grid[0] is features[0] else np.array(of_grid),
        consumption,
        last,
        change,
        np.array([floor, ceiling]),
        hours.astype(np.int64),
        means_of(totals, minutes),
    )


class Context:
    """What a stream was like before its next reading, for the forecasts of the next minutes' mean.

    Where solar or battery power is measured, the features are of the consumption and all else is
    of the grid power, regressors and classes included: from them the correction learns how the
    grid power returns to its mean when the sun does. Where that begins or ends, the long history
    begins anew.

    Args:
        minutes: the horizons, the first of which is the next reading.
    """

    def __init__(self, minutes: tuple[int, ...]) -> None:
        self._minutes = minutes
        self._history = History()
        self._grid: History | None = None
        self._channels: SidePowers | None = None
        self._minute, self._last_kw = _LONG_AGO, 0.0
        self._carried = CarriedPower()

    def one(self, reading: Reading) -> Observation:
        """Take a reading, and return what is known at it."""
        self._follow(side_powers_of(reading))
        clock = wall_clock(reading.at)
        last, consumption = _bounded(reading.kw), _bounded(reading.consumption_kw)
        features, measured = self._history.push(*clock, consumption), self._history
        of_grid = features
        if self._grid is not None:
            measured = self._grid
            of_grid = measured.push(*clock, last)
        broken = clock.minute - self._minute != 1
        change = 0.0 if broken else last - self._last_kw
        self._minute, self._last_kw = clock.minute, last
        carried = self._carried
        carried.settle(last)
        hour = clock.day_minute // 60
        numbers = consumption, last, change, carried.floor_kw, carried.ceiling_kw, hour
        return Observation(broken, features, of_grid, consumption, numbers, measured.totals())

    def many(self, readings: Sequence[Reading], powers: Powers) -> Surroundings:
        """Take consecutive readings with the same channels, and return their surroundings.

        Args:
            readings: at least one.
            powers: (readings,) theirs.
        """
        self._follow(side_powers_of(readings[0]))
        clocks = wall_clocks(readings)
        last, consumption = _all_bounded(powers.kw), _all_bounded(powers.consumption_kw)
        features, *means = self._history.extend_with_means(*clocks, consumption, self._minutes)
        of_grid = features
        if self._grid is not None:
            of_grid, *means = self._grid.extend_with_means(*clocks, last, self._minutes)
        broken = np.diff(clocks.minutes, prepend=self._minute) != 1
        change = np.where(broken, 0.0, np.diff(last, prepend=self._last_kw))
        self._minute, self._last_kw = int(clocks.minutes[-1]), float(last[-1])
        carried, bounds = self._carried, []
        for kw in last.tolist():
            carried.settle(kw)
            bounds.append((carried.floor_kw, carried.ceiling_kw))
        return _surroundings(
            broken,
            features,
            of_grid,
            consumption,
            last,
            change,
            np.array(bounds).T,
            clocks.day_minutes // 60,
            means,
        )

    def state(self) -> dict[str, Any]:
        """Everything that the next surroundings depend on, as plain JSON values."""
        return {
            "history": self._history.state(),
            "grid": None if self._grid is None else self._grid.state(),
            "channels": None if self._channels is None else list(self._channels),
            "last": [self._minute, self._last_kw],
            "carried": self._carried.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a saved state, bit for bit, for which this one has to be new.

        Raises:
            KeyError, TypeError, ValueError: the state is damaged.
        """
        if state["channels"] is not None:
            solar, battery = state["channels"]
            if not isinstance(solar, bool) or not isinstance(battery, bool):
                raise TypeError(f"channels are {state['channels']!r:.40}, not two truth values")
            self._channels = solar, battery
        if (state["grid"] is not None) != any(self._channels or ()):
            raise ValueError("the history of the grid power does not fit the channels")
        if state["grid"] is not None:
            self._grid = History()
            self._grid.restore(state["grid"])
        self._history.restore(state["history"])
        minute, last_kw = state["last"]
        self._minute, self._last_kw = whole(minute), _bounded(number(last_kw))
        self._carried = CarriedPower.restored(state["carried"])

    def _follow(self, channels: SidePowers) -> None:
        """Begin the long history anew where other powers are measured than before."""
        if channels == self._channels:
            return
        if self._channels is not None:
            self._history, self._minute = History(), _LONG_AGO
        self._channels = channels
        self._grid = History() if any(channels) else None


def _surroundings(
    broken: Sequence[bool] | BoolArray,
    features: FloatArray,
    of_grid: FloatArray,
    consumption_kw: DoubleArray,
    last_kw: DoubleArray,
    change_kw: DoubleArray,
    bounds_kw: DoubleArray,
    hours: IntArray,
    means_kw: Sequence[DoubleArray],
) -> Surroundings:
    actual, yesterday = means_kw
    column = last_kw[:, None]
    baselines = np.empty((len(last_kw), 4, actual.shape[1]))
    baselines[:, 0] = column
    baselines[:, 1] = recent = np.where(np.isnan(actual), column, actual)
    baselines[:, 2] = 0.5 * (recent + column)
    baselines[:, 3] = yesterday
    return Surroundings(
        broken,
        features,
        consumption_kw,
        column,
        actual,
        baselines,
        commons_of(of_grid, last_kw, change_kw)[:, :, None],
        bounds_kw[:, :, None],
        classes_of(of_grid, last_kw, hours),
    )


def _bounded(kw: float) -> float:
    return min(max(kw, -MAX_CARRIED_KW), MAX_CARRIED_KW)


def _all_bounded(kw: DoubleArray) -> DoubleArray:
    return np.clip(kw, -MAX_CARRIED_KW, MAX_CARRIED_KW)
