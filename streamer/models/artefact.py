"""Reader of `.keras` files that returns plain arrays and runs no code.

A `.keras` file is a zip of `config.json` (the architecture), `metadata.json` and
`model.weights.h5`. Only a stack of LSTM layers with a linear Dense head is supported
(Dropout between them has no effect at inference); anything else is rejected by name.
Pickles, custom objects and Lambda layers are never loaded.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from streamer.display.lines import error_line
from streamer.errors import ArchitectureError, ModelError
from streamer.readings.arrays import FloatArray


@dataclass(frozen=True)
class LstmWeights:
    """Weights of one LSTM layer, gates in Keras's order: input, forget, cell, output.

    Attributes:
        kernel: (inputs, 4 × units).
        recurrent: (units, 4 × units).
        bias: (4 × units,).
    """

    kernel: FloatArray
    recurrent: FloatArray
    bias: FloatArray

    @property
    def units(self) -> int:
        """Number of outputs of the layer."""
        return int(self.recurrent.shape[0])


@dataclass(frozen=True)
class DenseWeights:
    """Weights of the linear head.

    Attributes:
        kernel: (units of the last LSTM, outputs).
        bias: (outputs,).
    """

    kernel: FloatArray
    bias: FloatArray


@dataclass(frozen=True)
class StackedLstm:
    """A stack of LSTM layers with a linear head.

    Attributes:
        timesteps: length of the window, or None if the file does not fix it.
        lstm: the LSTM layers, first to last.
        head: the Dense layer.
    """

    timesteps: int | None
    lstm: tuple[LstmWeights, ...]
    head: DenseWeights

    @property
    def sizes(self) -> list[int]:
        """Layer sizes: inputs, units of each LSTM, outputs; such as [1, 50, 100, 1]."""
        inputs = int(self.lstm[0].kernel.shape[0])
        return [inputs, *(layer.units for layer in self.lstm), int(self.head.bias.shape[0])]

    @property
    def parameters(self) -> int:
        """Number of weights."""
        layers = sum(w.kernel.size + w.recurrent.size + w.bias.size for w in self.lstm)
        return int(layers + self.head.kernel.size + self.head.bias.size)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_keras(path: Path) -> StackedLstm:
    """Read the weights of a `.keras` file.

    Args:
        path: the file.

    Raises:
        ArchitectureError: it contains anything but stacked LSTM layers and a linear Dense
            head; the message names the layer.
        ModelError: it does not exist, is not a `.keras` file, or is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
            weights = archive.read("model.weights.h5")
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file") from None
    except (OSError, zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ModelError(f"{path}: not a readable .keras file ({error_line(error)})") from None
    timesteps, layers = _layers(path, config)
    try:
        with h5py.File(io.BytesIO(weights), "r") as file:
            stack = _collect(timesteps, layers, file)
    except (OSError, KeyError, ValueError) as error:
        raise ModelError(f"{path}: weights are damaged ({error_line(error)})") from None
    _check_shapes(path, stack)
    return stack


_Layer = Mapping[str, Any]

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


def _layers(path: Path, config: Any) -> tuple[int | None, list[_Layer]]:
    """The layers in order, checked to be supported by the engines."""
    try:
        kind, layers = config["class_name"], config["config"]["layers"]
        if kind == "Functional":
            _require_chain(path, layers)
        elif kind != "Sequential":
            raise ArchitectureError(
                f"{path}: a {kind} model; only LSTM layers with a Dense head are supported"
            )
        for layer in layers:
            _require_known(path, layer)
        order = [layer["class_name"] for layer in layers if layer["class_name"] != "Dropout"]
        shape = layers[0]["config"].get("batch_shape") or [None, None, None]
    except (KeyError, TypeError, IndexError) as error:
        raise ModelError(
            f"{path}: config.json is not of a Keras 3 model ({error_line(error)})"
        ) from None
    stack = [kind for kind in order if kind != "InputLayer"]
    if len(stack) < 2 or stack[-1] != "Dense" or set(stack[:-1]) != {"LSTM"}:
        raise ArchitectureError(
            f"{path}: layers {' → '.join(order)}; expected one or more LSTM and then one Dense"
        )
    lstm = [layer for layer in layers if layer["class_name"] == "LSTM"]
    for layer in lstm:
        sequences = layer is not lstm[-1]
        if bool(layer["config"]["return_sequences"]) != sequences:
            raise ArchitectureError(
                f"{path}: layer {layer['config']['name']!r} (LSTM): return_sequences must be "
                f"{sequences} there"
            )
    return shape[1], layers


def _require_known(path: Path, layer: _Layer) -> None:
    kind, settings = layer["class_name"], layer["config"]
    name = settings.get("name", kind)
    if kind not in _REQUIRED:
        raise ArchitectureError(
            f"{path}: layer {name!r} is a {kind}; supported are LSTM, Dropout and one Dense"
        )
    for key, wanted in _REQUIRED[kind].items():
        if settings.get(key, wanted) != wanted:
            raise ArchitectureError(
                f"{path}: layer {name!r} ({kind}) has {key}={settings[key]!r}; "
                f"only {wanted!r} is supported"
            )


def _require_chain(path: Path, layers: Sequence[_Layer]) -> None:
    """Accept a functional model if each layer feeds the next and no other."""
    for before, layer in pairwise(layers):
        nodes = layer["inbound_nodes"]
        sources = [
            tensor["config"]["keras_history"][0]
            for node in nodes
            for tensor in node["args"]
            if isinstance(tensor, dict)
        ]
        if len(nodes) != 1 or sources != [before["config"]["name"]]:
            raise ArchitectureError(
                f"{path}: layer {layer['config']['name']!r} is fed by {sources}; "
                "only a plain chain of layers is supported"
            )


def _collect(timesteps: int | None, layers: Sequence[_Layer], file: h5py.File) -> StackedLstm:
    # Keras names the groups by class and order of appearance, not by layer name.
    seen: Counter[str] = Counter()
    lstm: list[LstmWeights] = []
    head: DenseWeights | None = None
    for layer in layers:
        kind = layer["class_name"]
        number = seen[kind]
        seen[kind] += 1
        group = f"layers/{kind.lower()}" + (f"_{number}" if number else "")
        if kind == "LSTM":
            kernel, recurrent, bias = (_array(file, f"{group}/cell/vars/{i}") for i in range(3))
            lstm.append(LstmWeights(kernel, recurrent, bias))
        elif kind == "Dense":
            head = DenseWeights(*(_array(file, f"{group}/vars/{i}") for i in range(2)))
    if head is None:
        raise ValueError("no Dense layer")
    return StackedLstm(timesteps, tuple(lstm), head)


def _array(file: h5py.File, name: str) -> FloatArray:
    array = np.asarray(file[name][()], dtype=np.float32)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} has values that are not finite")
    return array


def _check_shapes(path: Path, stack: StackedLstm) -> None:
    inputs = stack.lstm[0].kernel.shape[0]
    for number, layer in enumerate(stack.lstm, start=1):
        units = layer.units
        shapes = (layer.kernel.shape, layer.recurrent.shape, layer.bias.shape)
        if shapes != ((inputs, 4 * units), (units, 4 * units), (4 * units,)):
            raise ModelError(f"{path}: LSTM layer {number} has weights of shapes {shapes}")
        inputs = units
    if stack.head.kernel.shape != (inputs, stack.head.bias.shape[0]):
        raise ModelError(f"{path}: the head has a kernel of shape {stack.head.kernel.shape}")
