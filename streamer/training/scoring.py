"""Forecasts of the test parts of houses, and their scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from streamer.models.card import MEAN
from streamer.readings.arrays import DoubleArray, FloatArray, IntArray
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
        self._head, self._recipe = head, recipe
        self._mean = recipe.outputs.index(MEAN)

        def answers(inputs: Any) -> tuple[Any, Any]:
            middle = tf.shape(inputs)[0] // 2
            halves = inputs[: tf.maximum(middle, 1)], inputs[middle:]
            states = [hidden_states(tf, keras, model, half, False) for half in halves]
            hidden = tf.concat(states, axis=0)[-tf.shape(inputs)[0] :]
            return hidden, model.layers[-1](hidden)

        inputs = tf.TensorSpec((None, *model.input_shape[1:]), tf.float32)
        self._answers = tf.function(answers, input_signature=[inputs])

    def test(self, house: House, data: Houses) -> HouseForecasts:
        """Forecast the test part of a house.

        Args:
            house: the house.
            data: the houses, for the scaling.
        """
        window = data.length - 1
        last = house.test + window - 1
        kw = house.series.kw[:, 0]
        hidden, answers = self._run(house, data)
        predicted = answers[:, self._mean] + kw[last]
        horizons = self._test_horizons(house, hidden, last, data)
        return HouseForecasts(kw[last + 1], predicted, kw[last], horizons)

    def _run(self, house: House, data: Houses) -> tuple[FloatArray, FloatArray]:
        """Last hidden states and answers of all test windows."""
        offsets = np.arange(data.length - 1)
        low, high = (np.array([getattr(i, end) for i in data.inputs]) for end in ("low", "high"))
        hidden, answers = [], []
        for start in range(0, len(house.test), _BLOCK):
            values = house.series.kw[house.test[start : start + _BLOCK, None] + offsets]
            values = np.clip(values, low, high)
            inputs = ((values - data.shift) / data.scale).astype(np.float32)
            states, outputs = self._answers(inputs)
            hidden.append(np.asarray(states))
            answers.append(np.asarray(outputs))
        return np.concatenate(hidden), np.concatenate(answers)

    def _test_horizons(
        self, house: House, hidden: FloatArray, last: IntArray, data: Houses
    ) -> tuple[HorizonTest, ...]:
        series, recipe = house.series, self._recipe
        # One long history from the first reading on, as in a replay.
        whole = Stretch(series.clock, series.elapsed, series.kw)
        track = join([whole], length=data.length, max_gap_min=recipe.max_gap_min)
        inputs = np.concatenate([hidden, track.features[last]], axis=1, dtype=np.float32)
        outputs = self._head.predict(inputs, batch_size=_BLOCK, verbose=0)
        shape = (len(last), len(recipe.horizons), len(recipe.outputs))
        forecasts = outputs.reshape(shape) * data.scales_kw[:, None]
        actual = track.mean_changes(last, recipe.horizons)
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
