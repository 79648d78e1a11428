"""Architecture of a Keras model, read from its configuration and checked to be supported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streamer.errors import ArchitectureError
from streamer.models.bounds import (
    MAX_INPUTS,
    MAX_LAYERS,
    MAX_OUTPUTS,
    MAX_UNITS,
    MAX_WEIGHTS,
    MAX_WINDOW,
)
from streamer.models.fields import Fields
from streamer.models.layers import Layer, LayerSpec, Required, groups, read_layers


@dataclass(frozen=True)
class Architecture:
    """A stack of LSTM layers with a linear head.

    Attributes:
        timesteps: length of the window, or None if it is not fixed.
        lstm: the LSTM layers, first to last.
        head: the Dense layer.
    """

    timesteps: int | None
    lstm: tuple[LayerSpec, ...]
    head: LayerSpec

    @property
    def layers(self) -> tuple[LayerSpec, ...]:
        """All layers with weights, first to last."""
        return (*self.lstm, self.head)


_REQUIRED: Required = {
    "LSTM": {
        "activation": ["tanh"],
        "recurrent_activation": ["sigmoid"],
        "use_bias": [True],
        "go_backwards": [False],
        "stateful": [False],
        "return_state": [False],
    },
    "Dense": {"activation": ["linear"], "use_bias": [True]},
    "Dropout": {},
    "InputLayer": {},
}


def read_architecture(where: str, value: Any) -> Architecture:
    """Read the content of `config.json`.

    Args:
        where: the file, for errors.
        value: the parsed JSON.

    Raises:
        ArchitectureError: there is anything but stacked LSTM layers and a linear Dense head,
            or it is too large; the message names the layer.
        ModelError: it is not the configuration of a Keras 3 model.
    """
    layers = read_layers(where, value, _REQUIRED, "LSTM layers with a Dense head")
    order = [layer.kind for layer in layers if layer.kind != "Dropout"]
    stack = [kind for kind in order if kind != "InputLayer"]
    if len(stack) < 2 or stack[-1] != "Dense" or set(stack[:-1]) != {"LSTM"}:
        raise ArchitectureError(
            f"{where}: layers {' → '.join(order)}; expected one or more LSTM and then one Dense"
        )
    if len(stack) - 1 > MAX_LAYERS:
        raise ArchitectureError(f"{where}: {len(stack) - 1} LSTM layers; at most {MAX_LAYERS}")
    _require_sequences([layer for layer in layers if layer.kind == "LSTM"])
    timesteps, inputs = _input_shape(layers[0].settings)
    return _architecture(where, layers, timesteps, inputs)


def _architecture(
    where: str, layers: Sequence[Layer], timesteps: int | None, inputs: int | None
) -> Architecture:
    lstm: list[LayerSpec] = []
    width = inputs
    for layer, group in zip(layers, groups(layers), strict=True):
        if layer.kind == "LSTM":
            units = layer.settings.whole("units", 1, MAX_UNITS)
            shapes = {"0": (width, 4 * units), "1": (units, 4 * units), "2": (4 * units,)}
            lstm.append(LayerSpec(layer.name, f"{group}/cell/vars", shapes))
            width = units
        elif layer.kind == "Dense":
            outputs = layer.settings.whole("units", 1, MAX_OUTPUTS)
            shapes = {"0": (width, outputs), "1": (outputs,)}
            head = LayerSpec(layer.name, f"{group}/vars", shapes)
    found = Architecture(timesteps, tuple(lstm), head)
    weights = sum(layer.size for layer in found.layers)
    if weights > MAX_WEIGHTS:
        raise ArchitectureError(f"{where}: {weights:,} weights; at most {MAX_WEIGHTS:,}")
    return found


def _input_shape(settings: Fields) -> tuple[int | None, int | None]:
    """Timesteps and inputs of the first layer, each None if it is not given."""
    if not settings.has("batch_shape"):
        return None, None
    shape = settings.get("batch_shape")
    if not isinstance(shape, list) or len(shape) != 3:
        raise settings.wrong("batch_shape", "expected [null, timesteps, inputs]")
    found = Fields(settings.where, {"timesteps": shape[1], "inputs": shape[2]})
    return (
        found.whole("timesteps", 1, MAX_WINDOW) if found.has("timesteps") else None,
        found.whole("inputs", 1, MAX_INPUTS) if found.has("inputs") else None,
    )


def _require_sequences(lstm: Sequence[Layer]) -> None:
    for layer in lstm:
        sequences = layer is not lstm[-1]
        if layer.settings.get("return_sequences") is not sequences:
            raise ArchitectureError(f"{layer.where}: return_sequences must be {sequences} there")
