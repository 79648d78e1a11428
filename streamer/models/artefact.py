"""Reader of `.keras` files that returns plain arrays and runs no code.

A `.keras` file is a zip of `config.json` (the architecture), `metadata.json` and
`model.weights.h5`. Only a stack of LSTM layers with a linear Dense head is supported
(Dropout between them has no effect at inference); anything else is rejected by name.
Pickles, custom objects and Lambda layers are never loaded. The configuration gives the shapes
of all weights, so that what is read is bounded before it is read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from streamer.models.architecture import read_architecture
from streamer.models.archive import Archive
from streamer.models.bounded import parse_json, read_regular
from streamer.models.bounds import MAX_JSON_BYTES, MAX_MODEL_BYTES
from streamer.models.hdf5 import WeightFile
from streamer.models.layers import LayerSpec
from streamer.readings.arrays import FloatArray

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
_FLOAT_BYTES = 4
_OVERHEAD_BYTES = 1 << 20


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
    """Weights of a Dense layer, such as the linear head.

    Attributes:
        kernel: (inputs, outputs).
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
    def arrays(self) -> list[FloatArray]:
        """The weights as Keras orders them: kernel, recurrent kernel and bias of each layer."""
        layers = [array for w in self.lstm for array in (w.kernel, w.recurrent, w.bias)]
        return [*layers, self.head.kernel, self.head.bias]

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(array.size for array in self.arrays)


def sha256_of(path: Path) -> str:
    """SHA-256 of a `.keras` file's bytes, in hex.

    Raises:
        ModelError: it does not exist, is not a regular file, or is too large.
    """
    return sha256_of_bytes(read_regular(path, MAX_MODEL_BYTES))


def sha256_of_bytes(content: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(content).hexdigest()


def read_keras(path: Path) -> StackedLstm:
    """Read the weights of a `.keras` file.

    Args:
        path: the file.

    Raises:
        ArchitectureError: it contains anything but stacked LSTM layers and a linear Dense
            head, or too many; the message names the layer.
        ModelError: it does not exist, is not a `.keras` file, or is damaged.
    """
    return parse_keras(path, read_regular(path, MAX_MODEL_BYTES))


def parse_keras(path: Path, content: bytes) -> StackedLstm:
    """Read the weights in the bytes of a `.keras` file.

    Args:
        path: the file, for errors.
        content: its bytes.

    Raises:
        ArchitectureError, ModelError: as for `read_keras`.
    """
    archive = Archive(path, content)
    where = f"{path}: {CONFIG}"
    config = parse_json(where, archive.read(CONFIG, MAX_JSON_BYTES))
    architecture = read_architecture(where, config)
    most = max_weight_bytes(architecture.layers)
    with WeightFile(f"{path}: {WEIGHTS}", archive.read(WEIGHTS, most)) as file:
        lstm = [
            LstmWeights(*file.layer(layer.name, layer.group, layer.shapes))
            for layer in architecture.lstm
        ]
        head = architecture.head
        dense = DenseWeights(*file.layer(head.name, head.group, head.shapes))
    return StackedLstm(architecture.timesteps, tuple(lstm), dense)


def max_weight_bytes(layers: Iterable[LayerSpec]) -> int:
    """Maximum size of a file of weights of these layers."""
    # The optimizer of a training may have left up to three numbers beside each weight.
    return 4 * _FLOAT_BYTES * sum(layer.size for layer in layers) + _OVERHEAD_BYTES
