"""Parts of a network as ONNX nodes: its inputs, its layers, and its forecasts in kW."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from streamer.models.artefact import DenseWeights, LstmWeights, StackedLstm
from streamer.models.bounds import MAX_INPUT
from streamer.models.card import CHANGE, MEAN, Card
from streamer.models.cardhorizons import OUTPUTS, CardHorizons
from streamer.models.densenet import DenseNetwork
from streamer.models.horizons import in_kw
from streamer.models.inputs import POWER, POWER_UNIT, Input
from streamer.models.onnx.graph import FLOAT, Graph, Shape
from streamer.readings.arrays import FloatArray

MEAN_OUTPUT, QUANTILES_OUTPUT, MEANS_OUTPUT = "mean_kw", "quantiles_kw", "means_kw"
FEATURES_INPUT = "features"


@dataclass(frozen=True)
class Source:
    """What is exported.

    Attributes:
        card: card of the model.
        weights: weights of its network.
        head: layers of its head for the next minutes' mean; None to leave that out.
    """

    card: Card
    weights: StackedLstm
    head: DenseNetwork | None = None

    @property
    def inputs(self) -> tuple[Input, ...]:
        """The inputs of a reading, also of a model whose card does not name any."""
        return self.card.inputs or (Input(POWER, POWER_UNIT, self.card.shift_kw),)

    @property
    def features(self) -> tuple[str, ...]:
        """The features that the head takes beside the hidden state; none without a head."""
        horizons = self.card.horizons
        return () if self.head is None or horizons is None else horizons.features


def scaled(graph: Graph, readings: str, inputs: tuple[Input, ...]) -> str:
    """Readings (…, inputs) in the units of a card, as the network takes them; 0 for NaN."""
    factors = 1.0 / np.array([each.scale for each in inputs])
    shifts = np.array([each.shift for each in inputs])
    bounds = np.array([[each.low, each.high] for each in inputs])
    bounds = np.clip((bounds - shifts[:, None]) * factors[:, None], -MAX_INPUT, MAX_INPUT)
    known = graph.add("Where", graph.add("IsNaN", readings), graph.floats(0.0), readings)
    values = graph.add("Sub", known, graph.floats(shifts))
    if (factors != 1.0).any():
        values = graph.add("Mul", values, graph.floats(factors))
    values = graph.add("Max", values, graph.floats(bounds[:, 0]))
    return graph.add("Min", values, graph.floats(bounds[:, 1]))


def known_readings(graph: Graph, readings: str, axes: Sequence[int]) -> str:
    """Whether no value along the axes is NaN; runtimes differ in what becomes of a NaN."""
    missing = graph.add("Cast", graph.add("IsNaN", readings), to=FLOAT)
    return graph.add(
        "Equal", graph.add("ReduceMax", missing, axes=axes, keepdims=0), graph.floats(0.0)
    )


def lstm_weights(graph: Graph, weights: LstmWeights) -> tuple[str, str, str]:
    """Kernel, recurrent kernel and bias of a layer with a direction, and ONNX's order of gates."""
    bias = _reordered(weights.bias)
    return (
        graph.constant(_reordered(weights.kernel).T[None]),
        graph.constant(_reordered(weights.recurrent).T[None]),
        graph.constant(np.concatenate([bias, np.zeros_like(bias)])[None]),
    )


def _reordered(weights: FloatArray) -> FloatArray:
    """Keras has the gates as input, forget, candidate, output; ONNX as i, o, f, c."""
    gate_in, forget, candidate, gate_out = np.split(weights, 4, axis=-1)
    return np.concatenate([gate_in, gate_out, forget, candidate], axis=-1)


def forecasts(
    graph: Graph, source: Source, hidden: str, last_kw: str, batch: str, ready: str
) -> None:
    """Add the forecasts in kW as outputs.

    Args:
        graph: the graph.
        source: what is exported.
        hidden: (batch, units) the last hidden state.
        last_kw: (batch, 1) the last reading.
        batch: name of the dimension.
        ready: (batch,) whether the window is full and without NaN; forecasts are NaN otherwise.
    """
    card = source.card
    base = last_kw if card.target == CHANGE else graph.floats([card.shift_kw])
    kw = graph.add("Add", _dense(graph, hidden, source.weights.head), base)
    mean = graph.whole(card.outputs.index(MEAN))
    known = graph.add("Unsqueeze", ready, graph.whole(1))
    found = _if(graph, known, graph.add("Gather", kw, mean, axis=1))
    graph.output(MEAN_OUTPUT, graph.add("Squeeze", found, graph.whole(1)), [batch])
    places = [place for place, name in enumerate(card.outputs) if name != MEAN]
    if places:
        quantiles = graph.add("Gather", kw, graph.whole(*places), axis=1)
        found = _if(graph, known, _rising(graph, quantiles, len(places)))
        graph.output(QUANTILES_OUTPUT, found, [batch, len(places)])
    if source.head is not None and card.horizons is not None:
        means = _means(graph, source.head, card.horizons, hidden, last_kw, batch)
        known = graph.add("Unsqueeze", known, graph.whole(2))
        shape: Shape = [batch, len(card.horizons.minutes), len(OUTPUTS)]
        graph.output(MEANS_OUTPUT, _if(graph, known, means), shape)


def _means(
    graph: Graph,
    head: DenseNetwork,
    card: CardHorizons,
    hidden: str,
    last_kw: str,
    batch: str,
) -> str:
    """(batch, horizons, 4) the forecasts of the next minutes' mean, from features and `hidden`."""
    values = hidden
    if card.features:
        features = graph.input(FEATURES_INPUT, [batch, len(card.features)])
        values = graph.add("Concat", hidden, features, axis=1)
    for layer, activation in zip(head.layers, head.activations, strict=False):
        values = graph.add(activation.capitalize(), _dense(graph, values, layer))
    last = head.layers[-1]
    joined = in_kw(np.vstack([last.kernel, last.bias]), card)
    changes = _dense(graph, values, DenseWeights(joined[:-1], joined[-1]))
    shape = graph.whole(-1, len(card.minutes), len(OUTPUTS))
    kw = graph.add(
        "Add",
        graph.add("Reshape", changes, shape),
        graph.add("Unsqueeze", last_kw, graph.whole(2)),
    )
    mean = cut(graph, kw, axis=2, start=0, end=1)
    levels = cut(graph, kw, axis=2, start=1, end=len(OUTPUTS))
    return graph.add("Concat", mean, _rising(graph, levels, len(OUTPUTS) - 1), axis=2)


def cut(graph: Graph, values: str, *, axis: int, start: int, end: int) -> str:
    """The part of values from a place along an axis to before another."""
    return graph.add("Slice", values, *(graph.whole(each) for each in (start, end, axis)))


def _dense(graph: Graph, values: str, weights: DenseWeights) -> str:
    return graph.add("Gemm", values, graph.constant(weights.kernel), graph.constant(weights.bias))


def _rising(graph: Graph, values: str, count: int) -> str:
    """Values sorted along the last axis, of so many."""
    if count == 1:
        return values
    outputs = (True, True)
    settings = {"axis": -1, "largest": 0, "sorted": 1}
    return graph.add_many("TopK", values, graph.whole(count), outputs=outputs, **settings)[0]


def _if(graph: Graph, known: str, values: str) -> str:
    """The values, or NaN where they are not known."""
    return graph.add("Where", known, values, graph.floats(np.nan))
