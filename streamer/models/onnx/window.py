"""Window model: whole windows of readings to forecasts."""

from __future__ import annotations

from streamer.models.onnx.graph import Graph, Shape
from streamer.models.onnx.parts import Source, forecasts, known_readings, lstm_weights, scaled

READINGS_INPUT = "readings"
BATCH = "windows"


def window_graph(source: Source) -> Graph:
    """The graph that forecasts after windows of readings.

    Its input `readings` is (windows, timesteps, inputs), oldest first, in the units of the card.
    The forecasts of a window with a NaN are NaN.

    Args:
        source: what is exported.
    """
    graph, inputs = Graph(), source.inputs
    shape: Shape = [BATCH, source.card.window, len(inputs)]
    readings = graph.input(READINGS_INPUT, shape)
    values = graph.add("Transpose", scaled(graph, readings, inputs), perm=[1, 0, 2])
    hidden = values
    for number, weights in enumerate(source.weights.lstm, start=1):
        names = lstm_weights(graph, weights)
        is_last = number == len(source.weights.lstm)
        # All hidden states for the next layer, or the last one alone.
        outputs = (False, True) if is_last else (True, False)
        (found,) = graph.add_many(
            "LSTM", values, *names, outputs=outputs, hidden_size=weights.units
        )
        values = hidden = graph.add("Squeeze", found, graph.whole(0 if is_last else 1))
    last = graph.add("Gather", readings, graph.whole(source.card.window - 1), axis=1)
    last = graph.add("Squeeze", last, graph.whole(1))
    last_kw = graph.add("Gather", last, graph.whole(0), axis=1)
    known = known_readings(graph, readings, axes=[1, 2])
    forecasts(graph, source, hidden, last_kw, BATCH, known)
    return graph
