"""The stacked LSTM in Keras, for training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from streamer.models.keras import import_tensorflow
from streamer.training.recipes import Recipe

FEATURE = "training"


def build_model(layers: Sequence[int], *, dropout: float = 0.2, every_step: bool = False) -> Any:
    """The stack of the tutorial.

    Args:
        layers: sizes: inputs per reading, units of each LSTM, outputs; such as
            [1, 50, 100, 1]. More inputs or outputs only change sizes.
        dropout: share of each LSTM's outputs dropped in training.
        every_step: whether the head answers at every reading of a window, not only at
            the last. The weights are the same in both cases.

    Returns:
        A `keras.Sequential` from (windows, timesteps, inputs) to (windows, outputs), or
        to (windows, timesteps, outputs).
    """
    _, keras = import_tensorflow(FEATURE)
    inputs, *hidden, outputs = layers
    model = keras.Sequential([keras.Input((None, inputs))])
    for number, units in enumerate(hidden, start=1):
        sequences = every_step or number < len(hidden)
        model.add(keras.layers.LSTM(units, return_sequences=sequences))
        model.add(keras.layers.Dropout(dropout))
    model.add(keras.layers.Dense(outputs, activation="linear"))
    return model


def layer_sizes(model: Any) -> list[int]:
    """Layer sizes as for `build_model`."""
    lstm = [layer.units for layer in model.layers if hasattr(layer, "units")]
    return [int(model.input_shape[-1]), *lstm]


def averaging_optimizer(recipe: Recipe, *, steps: int) -> Any:
    """Adam with warm-up and a half cosine, which averages the weights of its last steps.

    The average forecasts better than the weights after any single step (Polyak and Juditsky
    1992).

    Args:
        recipe: learning rate and warm-up.
        steps: total number of training steps.
    """
    _, keras = import_tensorflow(FEATURE)
    warm_up = min(recipe.warm_up_steps, steps // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        max(1, steps - warm_up),
        alpha=0.005,
        warmup_target=recipe.learning_rate,
        warmup_steps=warm_up,
    )
    # Over the last thousand steps or so; a short training averages over its last part.
    momentum = max(0.0, min(0.999, 1.0 - 20.0 / steps))
    adam: Any = keras.optimizers.Adam

    class Averaging(adam):  # type: ignore[misc]
        def finalize_variable_values(self, var_list: Any) -> None:
            """Leave the weights: Keras calls this after each `fit`, of which there may be two."""

        def finish(self, var_list: Any) -> None:
            super().finalize_variable_values(var_list)

    return Averaging(schedule, global_clipnorm=1.0, use_ema=True, ema_momentum=momentum)


def finish(model: Any) -> None:
    """Replace the weights of a model by their average, if its optimizer keeps one."""
    if model.optimizer.use_ema:
        model.optimizer.finish(model.trainable_variables)
