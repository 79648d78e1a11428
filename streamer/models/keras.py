"""TensorFlow engine: the network in Keras, as the reference for all others."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.extras import optional_import
from streamer.models.artefact import StackedLstm
from streamer.readings.arrays import DoubleArray, FloatArray

# Each new size would be traced anew, so the last block is padded to the next of these.
_SIZES = (1, 64, 2048)


def import_tensorflow(feature: str) -> tuple[Any, Any]:
    """Import TensorFlow and Keras without their output on stderr.

    Args:
        feature: feature that needs them, for the error.

    Returns:
        The modules `tensorflow` and `keras`.

    Raises:
        MissingExtraError: they are not installed.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    with optional_import(feature, "train"), _native_stderr_dropped():
        import keras
        import tensorflow as tf

        tf.config.list_physical_devices()
    return tf, keras


@contextmanager
def _native_stderr_dropped() -> Iterator[None]:
    """Drop the output of C++ code on file descriptor 2.

    TensorFlow prints a dozen lines about missing GPUs before any setting of its own can
    prevent it. Python's own errors are raised, not printed, so none is lost.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device, not a path
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


class KerasNetwork:
    """Network of Keras layers, called through a `tf.function` of fixed signatures.

    The layers are made anew and given the weights that have been read and checked: nothing of
    a `.keras` file is handed to Keras, which would make objects of whatever it names.

    Calling `keras.Model.predict` once per reading is some hundred times slower, and leaks
    memory.

    Args:
        weights: the weights.
        timesteps: length of a window.
    """

    engine = "tensorflow"

    def __init__(self, weights: StackedLstm, *, timesteps: int) -> None:
        tf, keras = import_tensorflow("the tensorflow engine")
        inputs, outputs = weights.sizes[0], weights.sizes[-1]
        hidden = keras.Sequential([keras.Input((timesteps, inputs))])
        for number, layer in enumerate(weights.lstm, start=1):
            hidden.add(keras.layers.LSTM(layer.units, return_sequences=number < len(weights.lstm)))
        hidden.set_weights(weights.arrays[:-2])
        head = keras.layers.Dense(outputs)
        head.build((None, weights.lstm[-1].units))
        head.set_weights(weights.arrays[-2:])

        def call(windows: Any) -> tuple[Any, Any]:
            state = hidden(windows, training=False)
            return head(state), state

        self._tf = tf
        self._calls = {
            size: tf.function(
                call, input_signature=[tf.TensorSpec((size, timesteps, inputs), tf.float32)]
            )
            for size in _SIZES
        }

    def run(self, inputs: FloatArray) -> tuple[DoubleArray, FloatArray]:
        """(windows, timesteps, inputs) to (windows, outputs) and (windows, units)."""
        outputs: list[NDArray[Any]] = []
        states: list[FloatArray] = []
        start = 0
        while start < len(inputs):
            block = inputs[start : start + _SIZES[-1]]
            size = next(size for size in _SIZES if size >= len(block))
            padded = np.zeros((size, *block.shape[1:]), np.float32)
            padded[: len(block)] = block
            output, state = self._calls[size](self._tf.constant(padded))
            outputs.append(output.numpy()[: len(block)])
            states.append(state.numpy()[: len(block)])
            start += len(block)
        return np.concatenate(outputs).astype(np.float64), np.concatenate(states)
