"""The network as an ONNX model."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from streamer.models.artefact import LstmWeights, StackedLstm

_OPSET = 21


def onnx_model(network: StackedLstm) -> bytes:
    """The network with ONNX's own LSTM operators, serialized.

    Input ``windows`` (windows, timesteps, inputs), output ``outputs`` (windows, outputs).
    """
    tensors, nodes = [], [helper.make_node("Transpose", ["windows"], ["in0"], perm=[1, 0, 2])]
    for number, weights in enumerate(network.lstm):
        names = [f"{kind}{number}" for kind in ("kernel", "recurrent", "bias")]
        arrays = _onnx_weights(weights)
        tensors += [numpy_helper.from_array(a, n) for a, n in zip(arrays, names, strict=True)]
        outputs = [f"all{number}", f"last{number}"]
        nodes += [
            helper.make_node("LSTM", [f"in{number}", *names], outputs, hidden_size=weights.units),
            helper.make_node("Squeeze", [f"all{number}", "direction"], [f"in{number + 1}"]),
        ]
    last = f"last{len(network.lstm) - 1}"
    tensors += [
        numpy_helper.from_array(np.array([1], np.int64), "direction"),
        numpy_helper.from_array(np.array([0], np.int64), "first"),
        numpy_helper.from_array(network.head.kernel, "head"),
        numpy_helper.from_array(network.head.bias, "head_bias"),
    ]
    nodes += [
        helper.make_node("Squeeze", [last, "first"], ["hidden"]),
        helper.make_node("Gemm", ["hidden", "head", "head_bias"], ["outputs"]),
    ]
    sizes = network.sizes
    graph = helper.make_graph(
        nodes,
        "stacked_lstm",
        [helper.make_tensor_value_info("windows", TensorProto.FLOAT, [None, None, sizes[0]])],
        [helper.make_tensor_value_info("outputs", TensorProto.FLOAT, [None, sizes[-1]])],
        tensors,
    )
    opsets = [helper.make_opsetid("", _OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    serialized: bytes = model.SerializeToString()
    return serialized


def _onnx_weights(weights: LstmWeights) -> list[np.ndarray]:
    """Kernel, recurrent kernel and bias with a direction axis, gates in ONNX's order."""
    bias = _reordered(weights.bias)
    return [
        np.ascontiguousarray(_reordered(weights.kernel).T[None]),
        np.ascontiguousarray(_reordered(weights.recurrent).T[None]),
        np.concatenate([bias, np.zeros_like(bias)])[None],
    ]


def _reordered(weights: np.ndarray) -> np.ndarray:
    """Keras has the gates as input, forget, candidate, output; ONNX as i, o, f, c."""
    gate_in, forget, candidate, gate_out = np.split(weights, 4, axis=-1)
    return np.concatenate([gate_in, gate_out, forget, candidate], axis=-1)
