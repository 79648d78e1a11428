"""Step model: one reading and a state to forecasts and the next state.

All windows under way are lanes of the state, from the one that began last to the one that began
first (`streamer.models.network.RollingNetwork`). A reading begins one more, advances all, and
completes the last.
"""

from __future__ import annotations

from streamer.models.onnx.graph import Graph, Shape
from streamer.models.onnx.parts import Source, cut, forecasts, known_readings, lstm_weights, scaled

READING_INPUT = "reading"
SEEN = "seen"
NEXT = "next_"
BATCH = "streams"


def step_graph(source: Source) -> Graph:
    """The graph that forecasts at each reading of a stream, for several streams at once.

    Its inputs are `reading` (streams, inputs) in the units of the card, and the state: `seen`
    (streams,), the readings so far up to the length of a window, and for each layer `hidden_0` and
    `cell_0` (streams, timesteps − 1, units). Its outputs are the forecasts, NaN until the window
    is full, and the next state under the same names after `next_`. All of a state is 0 at the
    beginning, and after a gap over which no window should reach.

    Args:
        source: what is exported.
    """
    graph, inputs, window = Graph(), source.inputs, source.card.window
    reading = graph.input(READING_INPUT, [BATCH, len(inputs)])
    seen = graph.input(SEEN, [BATCH], whole=True)
    now = graph.add("Add", seen, graph.whole(1))
    now = graph.add("Min", now, graph.whole(window))
    # All lanes of windows with a NaN are gone once a window has come after it.
    known = known_readings(graph, reading, axes=[1])
    now = graph.add("Where", known, now, graph.whole(0))
    values = graph.add("Unsqueeze", scaled(graph, reading, inputs), graph.whole(1))
    values = graph.add("Tile", values, graph.whole(1, window, 1))
    values = graph.add("Reshape", values, graph.whole(1, -1, len(inputs)))
    completed = ""
    for number, weights in enumerate(source.weights.lstm):
        shape: Shape = [BATCH, window - 1, weights.units]
        names = f"hidden_{number}", f"cell_{number}"
        before = [_lanes(graph, graph.input(name, shape), weights.units) for name in names]
        found = graph.add_many(
            *("LSTM", values, *lstm_weights(graph, weights), "", *before),
            outputs=(False, True, True),
            hidden_size=weights.units,
        )
        values = found[0]
        for name, after in zip(names, found, strict=True):
            lanes = graph.add("Reshape", after, graph.whole(-1, window, weights.units))
            if name == names[0]:
                completed = graph.add("Gather", lanes, graph.whole(window - 1), axis=1)
            under_way = cut(graph, lanes, axis=1, start=0, end=window - 1)
            graph.output(f"{NEXT}{name}", under_way, shape)
    graph.output(f"{NEXT}{SEEN}", now, [BATCH], whole=True)
    hidden = graph.add("Squeeze", completed, graph.whole(1))
    last_kw = graph.add("Gather", reading, graph.whole(0), axis=1)
    ready = graph.add("Equal", now, graph.whole(window))
    forecasts(graph, source, hidden, last_kw, BATCH, ready)
    return graph


def _lanes(graph: Graph, state: str, units: int) -> str:
    """The lanes of all streams as a batch (1, lanes, units), with a new one before the others."""
    begun = graph.add("Pad", state, graph.whole(0, 1, 0, 0, 0, 0))
    return graph.add("Reshape", begun, graph.whole(1, -1, units))
