"""Result of a training: the networks, and their scores on what was held back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from streamer.readings import skill
from streamer.readings.arrays import BoolArray, DoubleArray


@dataclass(frozen=True)
class HorizonTest:
    """Scores of one horizon on the test part of one house.

    Attributes:
        minutes: length of the horizon.
        settled: number of forecasts; those with a missing minute are left out.
        mse_kw2: mean squared error of the mean in kW².
        persistence_mse_kw2: the same of the last reading.
        coverage: share of the values between the lowest and the highest quantile.
    """

    minutes: int
    settled: int
    mse_kw2: float
    persistence_mse_kw2: float
    coverage: float

    @property
    def skill(self) -> float | None:
        """Skill against persistence."""
        return skill(self.mse_kw2, self.persistence_mse_kw2)


@dataclass(frozen=True)
class Trained:
    """Result of a training.

    Attributes:
        model: the Keras model, with one answer per window.
        targets: (test windows,) actual values in kW, of all houses one after another.
        predicted: (test windows,) mean forecasts of them in kW.
        persistence: (test windows,) the readings before them in kW.
        seconds: duration of the training.
        windows: number of windows learnt from.
        interrupted: whether it was ended early.
        head: the Keras model of the horizons, for features as they are; None without.
        counts: (houses,) number of test windows of each house.
        horizons: for each house the scores of its horizons; empty without.
    """

    model: Any
    targets: DoubleArray
    predicted: DoubleArray
    persistence: DoubleArray
    seconds: float
    windows: int
    interrupted: bool
    head: Any = None
    counts: tuple[int, ...] = ()
    horizons: tuple[tuple[HorizonTest, ...], ...] = ()

    def part(self, chosen: BoolArray) -> Trained:
        """The next reading's result for some of the test windows, by a mask (test windows,)."""
        return replace(
            self,
            targets=self.targets[chosen],
            predicted=self.predicted[chosen],
            persistence=self.persistence[chosen],
        )

    @property
    def by_house(self) -> list[Trained]:
        """The next reading's result for each house."""
        houses = np.repeat(np.arange(len(self.counts)), self.counts)
        return [self.part(houses == number) for number in range(len(self.counts))]

    @property
    def mse_kw2(self) -> float:
        """Mean squared error on the test part in kW²."""
        return float(np.mean((self.targets - self.predicted) ** 2))

    @property
    def persistence_mse_kw2(self) -> float:
        """Mean squared error of persistence on the test part in kW²."""
        return float(np.mean((self.targets - self.persistence) ** 2))

    @property
    def mae_kw(self) -> float:
        """Mean absolute error on the test part in kW."""
        return float(np.mean(np.abs(self.targets - self.predicted)))

    @property
    def persistence_mae_kw(self) -> float:
        """Mean absolute error of persistence on the test part in kW."""
        return float(np.mean(np.abs(self.targets - self.persistence)))

    @property
    def skill(self) -> float | None:
        """Skill on the test part."""
        return skill(self.mse_kw2, self.persistence_mse_kw2)
