"""Forecasts of the test parts of houses, and their scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.models.card import MEAN
from streamer.models.features import FEATURES
from streamer.readings.arrays import DoubleArray, FloatArray
from streamer.training.houses import House, Houses
from streamer.training.learner import hidden_states
from streamer.training.recipes import Recipe
from streamer.training.tracks import Stretch, join
from streamer.training.trained import HorizonTest

_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class HouseForecasts:
    """Forecasts of the test part of one house.

    Attributes:
        targets: (windows,) actual values in kW.
        predicted: (windows,) mean forecasts of them in kW.
        persistence: (windows,) the readings before them in kW.
        horizons: scores of the horizons.
    """

    targets: DoubleArray
    predicted: DoubleArray
    persistence: DoubleArray
    horizons: tuple[HorizonTest, ...]


class Tester:
    """Forecasts by networks as trained.

    Args:
        tf: the module.
        keras: the module.
        model: the stack, with one answer per window.
        head: the head for horizons, for features as they are.
        recipe: the recipe.
    """

    def __init__(self, tf: Any, keras: Any, model: Any, head: Any, recipe: Recipe) -> None:
        self._recipe = recipe
        self._mean = recipe.outputs.index(MEAN)

        def answers(inputs: Any, features: Any) -> tuple[Any, Any]:
            middle = tf.shape(inputs)[0] // 2
            halves = inputs[: tf.maximum(middle, 1)], inputs[middle:]
            states = [hidden_states(tf, keras, model, half, False) for half in halves]
            hidden = tf.concat(states, axis=0)[-tf.shape(inputs)[0] :]
            return model.layers[-1](hidden), head(tf.concat([hidden, features], axis=-1))

        shapes = (None, *model.input_shape[1:]), (None, len(FEATURES))
        signature = [tf.TensorSpec(shape, tf.float32) for shape in shapes]
        self._answers = tf.function(answers, input_signature=signature)

    def test(self, house: House, data: Houses) -> HouseForecasts:
        """Forecast the test part of a house.

        Args:
            house: the house.
            data: the houses, for the scaling.
        """
        series = house.series
        # One long history from the first reading on, as in a replay.
        whole = Stretch(series.clock, series.elapsed, series.kw)
        track = join([whole], length=data.length, max_gap_min=self._recipe.max_gap_min)
        last = house.test + data.length - 2
        answers, outputs = self._run(house, track.features[last], data)
        kw = series.kw[:, 0]
        return HouseForecasts(
            targets=kw[last + 1],
            predicted=answers[:, self._mean] + kw[last],
            persistence=kw[last],
            horizons=self._scores(outputs, track.mean_changes(last, self._recipe.horizons), data),
        )

    def _run(
        self, house: House, features: NDArray[np.float16], data: Houses
    ) -> tuple[FloatArray, FloatArray]:
        """Answers of stack and head to all test windows."""
        offsets = np.arange(data.length - 1)
        low, high = (np.array([getattr(i, end) for i in data.inputs]) for end in ("low", "high"))
        found = []
        for start in range(0, len(house.test), _BLOCK):
            rows = slice(start, start + _BLOCK)
            values = np.clip(house.series.kw[house.test[rows, None] + offsets], low, high)
            inputs = ((values - data.shift) / data.scale).astype(np.float32)
            answers = self._answers(inputs, features[rows].astype(np.float32))
            found.append([np.asarray(each) for each in answers])
        stack, head = (np.concatenate(each) for each in zip(*found, strict=True))
        return stack, head

    def _scores(
        self, outputs: FloatArray, actual: DoubleArray, data: Houses
    ) -> tuple[HorizonTest, ...]:
        """Scores of each horizon, from the head's outputs and the changes (windows, horizons)."""
        recipe = self._recipe
        shape = (len(outputs), len(recipe.horizons), len(recipe.outputs))
        forecasts = outputs.reshape(shape) * data.scales_kw[:, None]
        levels = np.delete(forecasts, self._mean, axis=2)
        found = []
        for i, minutes in enumerate(recipe.horizons):
            known = ~np.isnan(actual[:, i])
            values = actual[known, i]
            low, high = levels[known, i].min(axis=1), levels[known, i].max(axis=1)
            found.append(
                HorizonTest(
                    minutes=minutes,
                    settled=len(values),
                    mse_kw2=_mean((values - forecasts[known, i, self._mean]) ** 2),
                    persistence_mse_kw2=_mean(values**2),
                    coverage=_mean((values >= low) & (values <= high)),
                )
            )
        return tuple(found)


def _mean(values: Any) -> float:
    """The mean; 0 if there is none."""
    return float(np.mean(values)) if len(values) else 0.0
