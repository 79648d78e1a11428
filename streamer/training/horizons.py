"""Head for horizons: a small network on the last hidden state and the long history."""

from __future__ import annotations

from typing import Any

import numpy as np

from streamer.models.features import FEATURES
from streamer.readings.arrays import DoubleArray
from streamer.training.recipes import Recipe


def build_head(keras: Any, units: int, recipe: Recipe) -> Any:
    """A head from the hidden state and the features beside it to all horizons.

    Args:
        keras: the module.
        units: of the last LSTM layer.
        recipe: horizons, outputs, and units of the hidden layer.

    Returns:
        A `keras.Sequential` from (answers, units + features) to (answers, horizons × outputs),
        the outputs of one horizon side by side.
    """
    return keras.Sequential(
        [
            keras.Input((units + len(FEATURES),)),
            keras.layers.Dense(recipe.horizon_units, activation="tanh"),
            keras.layers.Dense(len(recipe.horizons) * len(recipe.outputs)),
        ]
    )


def folded_head(keras: Any, head: Any, mean: DoubleArray, std: DoubleArray) -> Any:
    """The same head for features as they are, with their normalisation in its first layer.

    Args:
        keras: the module.
        head: head for normalised features.
        mean: (features,) their means.
        std: (features,) their standard deviations.
    """
    kernel, bias, *others = head.get_weights()
    units = len(kernel) - len(mean)
    scaled = kernel[units:] / std[:, None]
    folded = keras.models.clone_model(head)
    folded.set_weights(
        [
            np.concatenate([kernel[:units], scaled]).astype(np.float32),
            (bias - mean @ scaled).astype(np.float32),
            *others,
        ]
    )
    return folded
