"""Export of a model as an ONNX file, with its card as the file's metadata."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from streamer.errors import UsageError
from streamer.extras import check_installed
from streamer.models import find_model, read_model
from streamer.models.cardhorizons import OUTPUTS
from streamer.models.horizons import HORIZONS_FILE, read_network
from streamer.models.onnx.parts import (
    FEATURES_INPUT,
    MEAN_OUTPUT,
    MEANS_OUTPUT,
    QUANTILES_OUTPUT,
    Source,
)


@dataclass(frozen=True)
class Exported:
    """An exported model.

    Attributes:
        content: bytes of the file.
        source: what it was made of.
        is_step: whether it takes one reading and a state, rather than windows.
    """

    content: bytes
    source: Source
    is_step: bool


def export_onnx(
    name_or_path: str | Path, *, step: bool = False, horizons: bool = False
) -> Exported:
    """Export a model as ONNX.

    The window model takes windows (windows, timesteps, inputs) as its input `readings`; the step
    model one reading of each stream, and a state (`streamer.models.onnx.step`). Both give
    `mean_kw`, and `quantiles_kw` in rising order if the model has quantiles. With horizons they
    also take `features`, those of `streamer.online.history.History` that the card names, and give
    `means_kw` (…, horizons, 4): mean, and quantiles 5, 50, 95 %.

    Args:
        name_or_path: as for `load_model`.
        step: whether to make the step model.
        horizons: whether the head for the mean of the next minutes is included.

    Raises:
        UsageError: the model does not exist, has no horizons, or has windows of one reading, which
            have no state.
        MissingExtraError: onnx is not installed.
        ModelError: the model cannot be read.
    """
    return export_source(read_source(name_or_path, horizons=horizons), step=step)


def export_source(source: Source, *, step: bool = False) -> Exported:
    """The same of a card and weights that have been read.

    Raises:
        UsageError, MissingExtraError: as for `export_onnx`.
    """
    if step and source.card.window < 2:
        raise UsageError(
            "a step model keeps a state between readings, but the model's windows are one reading "
            "long; leave out --step"
        )
    check_installed("onnx", "an export as ONNX", "export")
    from streamer.models.onnx.step import step_graph
    from streamer.models.onnx.window import window_graph

    graph = (step_graph if step else window_graph)(source)
    model = graph.model("step" if step else "window", _properties(source, is_step=step))
    return Exported(model.SerializeToString(), source, step)


def read_source(name_or_path: str | Path, *, horizons: bool = False) -> Source:
    """Card and weights of a model.

    Raises:
        UsageError, ModelError: as for `export_onnx`.
    """
    path = find_model(name_or_path)
    card, weights = read_model(path)
    if not horizons:
        return Source(card, weights)
    if card.horizons is None:
        raise UsageError(
            "the model does not forecast the mean of the next minutes; leave out --horizons"
        )
    head = read_network(path.with_name(HORIZONS_FILE), card.horizons)
    return Source(card, weights, head)


def _properties(source: Source, *, is_step: bool) -> dict[str, str]:
    """The metadata: what has to be known to use the file, and the whole card."""
    card = source.card
    outputs: dict[str, Any] = {MEAN_OUTPUT: "expected value"}
    if card.levels:
        outputs[QUANTILES_OUTPUT] = list(card.levels)
    inputs = [{"name": each.name, "unit": each.unit} for each in source.inputs]
    found = {
        "name": card.name,
        "kind": "step" if is_step else "window",
        "window": str(card.window),
        "interval": "60 s",
        "forecasts": "the reading after the window, in kW",
        "inputs": json.dumps(inputs, ensure_ascii=False),
        "licence": "; ".join(dict.fromkeys(_licences(card.facts))),
        "sha256": card.sha256 or "",
        "card": json.dumps(json.loads(card.to_json()), ensure_ascii=False),
    }
    if source.head is not None and card.horizons is not None:
        outputs[MEANS_OUTPUT] = {"minutes": list(card.horizons.minutes), "values": list(OUTPUTS)}
        found[FEATURES_INPUT] = json.dumps(list(source.features))
    return {**found, "outputs": json.dumps(outputs)}


def _licences(facts: object) -> Iterator[str]:
    """Licences anywhere on a card, in order."""
    if isinstance(facts, Mapping):
        for key, value in facts.items():
            if key == "licence" and isinstance(value, str):
                yield value
            else:
                yield from _licences(value)
    elif isinstance(facts, list):
        for each in facts:
            yield from _licences(each)
