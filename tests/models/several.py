"""A small valid model with several inputs, written without Keras."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from streamer.models.artefact import sha256_of
from streamer.models.card import Card
from streamer.models.inputs import Input
from tests.models.hostile import CONFIG, WEIGHTS, config, packed

UNITS = 3
UCI_INPUTS = (
    Input("power", "kW", 1.0),
    Input("reactive", "kvar", 0.1, 0.1),
    Input("voltage", "V", 240.0, 3.0),
    Input("current", "A", 4.6, 4.4),
    Input("sub_1", "kW"),
    Input("sub_2", "kW"),
    Input("sub_3", "kW", 0.4, 0.5),
)
"""All columns of the UCI file."""


def write_model(folder: Path, inputs: tuple[Input, ...] = UCI_INPUTS, **facts: Any) -> Path:
    """Write a model with these inputs, random weights, and its card.

    Args:
        folder: the folder, made if need be.
        inputs: the inputs, of which the first is the power.
        facts: other fields of the card.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(inputs))
    shapes = {
        "layers/lstm/cell/vars/0": (len(inputs), 4 * UNITS),
        "layers/lstm/cell/vars/1": (UNITS, 4 * UNITS),
        "layers/lstm/cell/vars/2": (4 * UNITS,),
        "layers/dense/vars/0": (UNITS, 1),
        "layers/dense/vars/1": (1,),
    }
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for name, shape in shapes.items():
            file[name] = rng.normal(0, 0.3, shape).astype(np.float32)
    layers = config()
    layers["config"]["layers"][0]["config"]["batch_shape"] = [None, None, len(inputs)]
    model = folder / "model.keras"
    model.write_bytes(packed({CONFIG: json.dumps(layers).encode(), WEIGHTS: buffer.getvalue()}))
    card = Card(
        folder.name,
        target="change",
        shift_kw=inputs[0].shift,
        inputs=inputs,
        sha256=sha256_of(model),
        facts=facts,
    )
    (folder / "card.json").write_text(card.to_json())
    return folder
