"""Layers of a Keras model, read from its configuration and checked to be supported ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import Any

from streamer.display.lines import one_line
from streamer.errors import ArchitectureError, ModelError
from streamer.models.bounds import MAX_INPUTS, MAX_LAYERS
from streamer.models.fields import Fields

MAX_CONFIGURED = 4 * MAX_LAYERS
"""Maximum number of layers in a configuration, those without weights included."""

Required = Mapping[str, Mapping[str, Sequence[Any]]]
"""Supported layers by class, and the values that their settings may have, the default first."""


@dataclass(frozen=True)
class LayerSpec:
    """A layer with weights.

    Attributes:
        name: its name, for errors.
        group: its group in the file of weights.
        shapes: expected shapes of its weights, by name within the group; in the first layer's
            kernel, None for a number of inputs that the configuration does not give.
    """

    name: str
    group: str
    shapes: Mapping[str, tuple[int | None, ...]]

    @property
    def size(self) -> int:
        """Maximum number of its weights."""
        return sum(
            prod(MAX_INPUTS if length is None else length for length in shape)
            for shape in self.shapes.values()
        )


class Layer:
    """A layer as configured: its kind, name and settings.

    Args:
        place: the file, for errors.
        fields: the layer's part of it.

    Raises:
        ModelError: it is not the configuration of a layer.
    """

    def __init__(self, place: str, fields: Fields) -> None:
        self.fields = fields
        self.kind = one_line(fields.text("class_name"))
        settings = fields.part("config")
        self.name = settings.text("name") if settings.has("name") else self.kind
        self.where = f"{place}: layer {one_line(self.name)!r} ({self.kind})"
        self.settings = Fields(self.where, fields.get("config"))


def read_layers(where: str, value: Any, required: Required, supported: str) -> list[Layer]:
    """Read the layers of `config.json`: a plain chain of supported ones.

    Args:
        where: the file, for errors.
        value: the parsed JSON.
        required: the supported layers, and their settings.
        supported: what is supported, for errors.

    Raises:
        ArchitectureError: there is another layer or setting, or the layers are no chain; the
            message names the layer.
        ModelError: it is not the configuration of a Keras 3 model.
    """
    fields = Fields(where, value)
    kind = fields.text("class_name")
    if kind not in ("Sequential", "Functional"):
        raise ArchitectureError(
            f"{where}: a {one_line(kind)} model; supported are only {supported}"
        )
    config = fields.part("config")
    layers = [Layer(where, each) for each in config.each("layers", MAX_CONFIGURED)]
    if kind == "Functional":
        _require_chain(layers)
    for layer in layers:
        _require_known(layer, required, supported)
    return layers


def groups(layers: Iterable[Layer]) -> list[str]:
    """Groups of the layers in the file of weights.

    Keras names them by class and order of appearance, not by the layers' names.
    """
    seen: Counter[str] = Counter()
    found = []
    for layer in layers:
        number = seen[layer.kind]
        seen[layer.kind] += 1
        found.append(f"layers/{layer.kind.lower()}" + (f"_{number}" if number else ""))
    return found


def _require_known(layer: Layer, required: Required, supported: str) -> None:
    if layer.kind not in required:
        raise ArchitectureError(f"{layer.where} is not supported, only {supported}")
    if layer.fields.has("registered_name"):
        raise ArchitectureError(f"{layer.where} is of a class of its own, not of Keras")
    for key, wanted in required[layer.kind].items():
        if layer.settings.get(key, wanted[0]) not in wanted:
            choices = " or ".join(map(repr, wanted))
            raise ArchitectureError(str(layer.settings.wrong(key, f"supported is {choices}")))


def _require_chain(layers: Sequence[Layer]) -> None:
    """Accept a functional model if each layer feeds the next and no other."""
    for before, layer in pairwise(layers):
        sources = _sources(layer)
        if sources != [before.name]:
            raise ArchitectureError(
                f"{layer.where} is fed by {one_line(', '.join(sources)) or 'nothing'}; "
                "only a plain chain of layers is supported"
            )


def _sources(layer: Layer) -> list[str]:
    """Names of the layers that feed a layer."""
    nodes = layer.fields.each("inbound_nodes", MAX_CONFIGURED)
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
