"""Reader of `.keras` files with Dense layers alone, that returns plain arrays and runs no code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamer.errors import ArchitectureError
from streamer.models.archive import Archive
from streamer.models.artefact import CONFIG, WEIGHTS, DenseWeights, max_weight_bytes
from streamer.models.bounded import parse_json
from streamer.models.bounds import (
    MAX_HIDDEN_LAYERS,
    MAX_HORIZON_OUTPUTS,
    MAX_JSON_BYTES,
    MAX_UNITS,
)
from streamer.models.fields import Fields
from streamer.models.hdf5 import WeightFile
from streamer.models.layers import LayerSpec, Required, groups, read_layers

HIDDEN_ACTIVATIONS = ("tanh", "relu")

_MAX_INPUTS = 2 * MAX_UNITS
_REQUIRED: Required = {
    "Dense": {"activation": ["linear", *HIDDEN_ACTIVATIONS], "use_bias": [True]},
    "Dropout": {},
    "InputLayer": {},
}
_SUPPORTED = (
    f"Dense layers, at most {MAX_HIDDEN_LAYERS} hidden ones (tanh or relu) and a linear one"
)


@dataclass(frozen=True)
class DenseNetwork:
    """A chain of Dense layers, of which the last is linear.

    Attributes:
        layers: their weights, first to last.
        activations: `tanh` or `relu`, one for each layer but the last.
    """

    layers: tuple[DenseWeights, ...]
    activations: tuple[str, ...]

    @property
    def sizes(self) -> list[int]:
        """Layer sizes: inputs, units of each layer; such as [126, 128, 64]."""
        return [len(self.layers[0].kernel), *(len(layer.bias) for layer in self.layers)]

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(layer.kernel.size + layer.bias.size for layer in self.layers)


def parse_dense(path: Path, content: bytes) -> DenseNetwork:
    """Read the weights in the bytes of a `.keras` file.

    Args:
        path: the file, for errors.
        content: its bytes.

    Raises:
        ArchitectureError: it contains anything but a few Dense layers, the last one linear; the
            message names the layer.
        ModelError: it is not a `.keras` file, or is damaged.
    """
    archive = Archive(path, content)
    where = f"{path}: {CONFIG}"
    specs, activations = _architecture(
        where, parse_json(where, archive.read(CONFIG, MAX_JSON_BYTES))
    )
    with WeightFile(f"{path}: {WEIGHTS}", archive.read(WEIGHTS, max_weight_bytes(specs))) as file:
        layers = [DenseWeights(*file.layer(each.name, each.group, each.shapes)) for each in specs]
    return DenseNetwork(tuple(layers), activations)


def _architecture(where: str, value: Any) -> tuple[list[LayerSpec], tuple[str, ...]]:
    """Layers and activations by the content of `config.json`."""
    layers = read_layers(where, value, _REQUIRED, _SUPPORTED)
    width = _inputs(layers[0].settings) if layers else 0
    dense = [
        (layer, group)
        for layer, group in zip(layers, groups(layers), strict=True)
        if layer.kind == "Dense"
    ]
    if not 1 <= len(dense) <= MAX_HIDDEN_LAYERS + 1:
        raise ArchitectureError(f"{where}: {len(dense)} Dense layers; expected {_SUPPORTED}")
    specs, activations = [], []
    for layer, group in dense:
        is_last = layer is dense[-1][0]
        activation = layer.settings.get("activation", "linear")
        if (activation == "linear") is not is_last:
            wanted = "linear" if is_last else " or ".join(HIDDEN_ACTIVATIONS)
            raise ArchitectureError(f"{layer.where}: activation must be {wanted} there")
        units = layer.settings.whole("units", 1, MAX_HORIZON_OUTPUTS if is_last else MAX_UNITS)
        specs.append(LayerSpec(layer.name, f"{group}/vars", {"0": (width, units), "1": (units,)}))
        activations.append(activation)
        width = units
    return specs, tuple(activations[:-1])


def _inputs(settings: Fields) -> int:
    """Number of inputs, by the shape of the first layer."""
    shape: Any = settings.get("batch_shape")
    if not isinstance(shape, Sequence) or isinstance(shape, str) or len(shape) != 2:
        raise settings.wrong("batch_shape", "expected [null, inputs]")
    return Fields(settings.where, {"inputs": shape[1]}).whole("inputs", 1, _MAX_INPUTS)
