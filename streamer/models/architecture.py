"""Architecture of a Keras model, read from its configuration and checked to be supported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from streamer.display.lines import one_line
from streamer.errors import ArchitectureError, ModelError
from streamer.models.bounds import (
    MAX_INPUTS,
    MAX_LAYERS,
    MAX_OUTPUTS,
    MAX_UNITS,
    MAX_WEIGHTS,
    MAX_WINDOW,
)
from streamer.models.fields import Fields

_MAX_CONFIGURED = 4 * MAX_LAYERS


@dataclass(frozen=True)
class LayerSpec:
    """One LSTM layer, or the head.

    Attributes:
        name: its name, for errors.
        group: its group in the file of weights.
        shapes: expected shapes of its weights, by name within the group; in the first layer's
            kernel, None for a number of inputs that the configuration does not give.
    """

    name: str
    group: str
    shapes: Mapping[str, tuple[int | None, ...]]


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
    def weights(self) -> int:
        """Maximum number of weights, by the expected shapes."""
        sizes = [
            _size(shape) for layer in (*self.lstm, self.head) for shape in layer.shapes.values()
        ]
        return sum(sizes)


_REQUIRED: Mapping[str, Mapping[str, Any]] = {
    "LSTM": {
        "activation": "tanh",
        "recurrent_activation": "sigmoid",
        "use_bias": True,
        "go_backwards": False,
        "stateful": False,
        "return_state": False,
    },
    "Dense": {"activation": "linear", "use_bias": True},
    "Dropout": {},
    "InputLayer": {},
}


class _Layer:
    """A layer as configured: its kind, name and settings."""

    def __init__(self, place: str, fields: Fields) -> None:
        self.fields = fields
        self.kind = one_line(fields.text("class_name"))
        settings = fields.part("config")
        self.name = settings.text("name") if settings.has("name") else self.kind
        self.where = f"{place}: layer {one_line(self.name)!r} ({self.kind})"
        self.settings = Fields(self.where, fields.get("config"))


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
    fields = Fields(where, value)
    kind = fields.text("class_name")
    if kind not in ("Sequential", "Functional"):
        raise ArchitectureError(
            f"{where}: a {one_line(kind)} model; only LSTM layers with a Dense head are supported"
        )
    config = fields.part("config")
    layers = [_Layer(where, each) for each in config.each("layers", _MAX_CONFIGURED)]
    if kind == "Functional":
        _require_chain(layers)
    for layer in layers:
        _require_known(layer)
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
    where: str, layers: Sequence[_Layer], timesteps: int | None, inputs: int | None
) -> Architecture:
    # Keras names the groups by class and order of appearance, not by layer name.
    seen: Counter[str] = Counter()
    lstm: list[LayerSpec] = []
    width = inputs
    for layer in layers:
        number = seen[layer.kind]
        seen[layer.kind] += 1
        group = f"layers/{layer.kind.lower()}" + (f"_{number}" if number else "")
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
    if found.weights > MAX_WEIGHTS:
        raise ArchitectureError(f"{where}: {found.weights:,} weights; at most {MAX_WEIGHTS:,}")
    return found


def _size(shape: tuple[int | None, ...]) -> int:
    size = 1
    for length in shape:
        size *= MAX_INPUTS if length is None else length
    return size


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


def _require_known(layer: _Layer) -> None:
    if layer.kind not in _REQUIRED:
        raise ArchitectureError(f"{layer.where} is not supported, only LSTM, Dropout and one Dense")
    if layer.fields.has("registered_name"):
        raise ArchitectureError(f"{layer.where} is of a class of its own, not of Keras")
    for key, wanted in _REQUIRED[layer.kind].items():
        if layer.settings.get(key, wanted) != wanted:
            raise ArchitectureError(str(layer.settings.wrong(key, f"supported is {wanted!r}")))


def _require_sequences(lstm: Sequence[_Layer]) -> None:
    for layer in lstm:
        sequences = layer is not lstm[-1]
        if layer.settings.get("return_sequences") is not sequences:
            raise ArchitectureError(f"{layer.where}: return_sequences must be {sequences} there")


def _require_chain(layers: Sequence[_Layer]) -> None:
    """Accept a functional model if each layer feeds the next and no other."""
    for before, layer in pairwise(layers):
        sources = _sources(layer)
        if sources != [before.name]:
            raise ArchitectureError(
                f"{layer.where} is fed by {one_line(', '.join(sources)) or 'nothing'}; "
                "only a plain chain of layers is supported"
            )


def _sources(layer: _Layer) -> list[str]:
    """Names of the layers that feed a layer."""
    nodes = layer.fields.each("inbound_nodes", _MAX_CONFIGURED)
    sources = []
    for node in nodes:
        tensors = node.get("args")
        if not isinstance(tensors, list):
            raise node.wrong("args", "give a list of tensors")
        for tensor in (each for each in _flat(tensors) if isinstance(each, dict)):
            history = Fields(node.where, tensor).part("config").get("keras_history")
            if not isinstance(history, list) or not history or not isinstance(history[0], str):
                raise ModelError(f"{node.where}: a tensor without a history")
            sources.append(history[0])
    return sources if len(nodes) == 1 else [*sources, "other calls"]


def _flat(values: Sequence[Any]) -> list[Any]:
    return [part for each in values for part in (each if isinstance(each, list) else [each])]
