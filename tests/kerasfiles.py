"""Keras models with random weights, as files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np


def save_random(
    keras: Any,
    folder: Path,
    *units: int,
    inputs: int = 1,
    outputs: int = 1,
    timesteps: int | None = None,
    seed: int = 0,
) -> tuple[Any, Path]:
    """Make and save a Keras model of stacked LSTM layers, weights random."""
    layers = [keras.Input((timesteps, inputs))]
    for number, size in enumerate(units, start=1):
        layers.append(keras.layers.LSTM(size, return_sequences=number < len(units)))
        layers.append(keras.layers.Dropout(0.2))
    model = keras.Sequential([*layers, keras.layers.Dense(outputs)])
    rng = np.random.default_rng(seed)
    model.set_weights([rng.normal(0, 0.3, w.shape) for w in model.get_weights()])
    path = folder / f"random{seed}.keras"
    model.save(path)
    return model, path
