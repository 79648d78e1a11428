"""Small heads for the mean of the next minutes, random or hostile, and model folders with them."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from streamer.models.artefact import DenseWeights
from streamer.models.cardhorizons import OUTPUTS, CardHorizons
from streamer.models.densenet import DenseNetwork
from streamer.models.features import FEATURES
from streamer.models.horizons import HorizonHead
from tests.models import hostile

MINUTES = (2, 5, 15, 60)


def network(inputs: int, *hidden: int, outputs: int, seed: int = 0) -> DenseNetwork:
    """A random network whose hidden layers are tanh and relu in turn."""
    rng = np.random.default_rng(seed)
    sizes = [inputs, *hidden, outputs]
    layers = [
        DenseWeights(
            rng.normal(0.0, 1.0 / before**0.5, (before, after)).astype(np.float32),
            rng.normal(0.0, 0.1, after).astype(np.float32),
        )
        for before, after in pairwise(sizes)
    ]
    return DenseNetwork(tuple(layers), tuple(("tanh", "relu")[i % 2] for i in range(len(hidden))))


def card(
    minutes: Sequence[int] = MINUTES,
    *,
    features: Sequence[str] = FEATURES,
    outputs: Sequence[str] = OUTPUTS,
    sha256: str = "0" * 64,
) -> CardHorizons:
    """What the outputs of a head are, with a scale that grows with the horizon."""
    scales = tuple(0.1 * n**0.5 for n in minutes)
    return CardHorizons(tuple(minutes), tuple(outputs), tuple(features), scales, sha256)


def random_head(
    units: int, *hidden: int, minutes: Sequence[int] = MINUTES, seed: int = 0
) -> HorizonHead:
    """A random head on a hidden state of so many units."""
    layers = network(units + len(FEATURES), *hidden, outputs=4 * len(minutes), seed=seed)
    return HorizonHead(card(minutes), layers, units=units)


def config(layers: DenseNetwork) -> dict[str, Any]:
    """The configuration of a head, without what is not looked at."""
    inputs = {"name": "input", "batch_shape": [None, layers.sizes[0]]}
    found = [{"class_name": "InputLayer", "config": inputs}]
    for number, activation in enumerate([*layers.activations, "linear"]):
        units = layers.sizes[number + 1]
        settings = {"name": f"dense_{number}", "units": units, "activation": activation}
        found.append({"class_name": "Dense", "config": {**settings, "use_bias": True}})
    return {"class_name": "Sequential", "config": {"name": "horizons", "layers": found}}


def weights(layers: DenseNetwork) -> bytes:
    """The weights of a head as an HDF5 file."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for number, layer in enumerate(layers.layers):
            group = f"layers/dense_{number}/vars" if number else "layers/dense/vars"
            file[f"{group}/0"], file[f"{group}/1"] = layer.kernel, layer.bias
    return buffer.getvalue()


def members(layers: DenseNetwork) -> dict[str, bytes]:
    """The members of a head's file."""
    return {
        hostile.CONFIG: json.dumps(config(layers)).encode(),
        hostile.WEIGHTS: weights(layers),
    }


def small() -> DenseNetwork:
    """A head that fits the valid model of `tests.models.hostile` and the card of `card()`."""
    return network(hostile.UNITS + len(FEATURES), 5, outputs=4 * len(MINUTES))


def write(folder: Path, content: bytes | None = None, **changes: Any) -> None:
    """Write a small model with a head, and its card or a changed one.

    Args:
        folder: the folder.
        content: the bytes of `horizons.keras`; None for those of `small()`.
        changes: fields of the card's part about horizons; ``...`` leaves one out.
    """
    found = hostile.packed(members(small())) if content is None else content
    (folder / "horizons.keras").write_bytes(found)
    entry = {**card(sha256=hashlib.sha256(found).hexdigest()).to_plain(), **changes}
    entry = {key: value for key, value in entry.items() if value is not ...}
    hostile.write(folder, horizons=entry)
