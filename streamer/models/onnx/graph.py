"""Graph of ONNX nodes in the making."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

OPSET, IR_VERSION = 13, 7
"""Those of ONNX 1.8 of November 2020, which runtimes of small devices take, too."""

FLOAT = 1
"""`onnx.TensorProto.FLOAT`, which cannot be imported before it is needed."""

Shape = Sequence[int | str]
"""Dimensions of a value, those of a batch by name."""


class Graph:
    """Nodes, constants, inputs and outputs, each under a name of its own."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def input(self, name: str, shape: Shape, *, whole: bool = False) -> str:
        """Add an input of 32-bit floats, or of whole numbers; returns its name."""
        self._inputs.append(_value(name, shape, whole=whole))
        return name

    def output(self, name: str, value: str, shape: Shape, *, whole: bool = False) -> None:
        """Give a value out under a name."""
        self._nodes.append(_helper().make_node("Identity", [value], [name]))
        self._outputs.append(_value(name, shape, whole=whole))

    def constant(self, array: NDArray[Any]) -> str:
        """Add an array; returns its name."""
        from onnx import numpy_helper

        name = f"constant_{len(self._constants)}"
        self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def floats(self, values: Any) -> str:
        """Add an array of 32-bit floats; returns its name."""
        return self.constant(np.asarray(values, np.float32))

    def whole(self, *values: int) -> str:
        """Add a list of whole numbers; returns its name."""
        return self.constant(np.array(values, np.int64))

    def add(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one output; returns the name of that."""
        (found,) = self.add_many(operator, *inputs, outputs=(True,), **attributes)
        return found

    def add_many(
        self, operator: str, *inputs: str, outputs: Sequence[bool], **attributes: Any
    ) -> list[str]:
        """Add a node with several outputs, of which some are needed; returns the names of those."""
        prefix = f"{operator.lower()}_{len(self._nodes)}"
        names = [f"{prefix}_{place}" if needed else "" for place, needed in enumerate(outputs)]
        self._nodes.append(_helper().make_node(operator, list(inputs), names, **attributes))
        return [name for name in names if name]

    def model(self, name: str, properties: Mapping[str, str]) -> Any:
        """The checked `onnx.ModelProto`.

        Args:
            name: name of the graph.
            properties: the metadata.
        """
        import onnx

        from streamer import __version__

        helper = _helper()
        constants = list(self._constants.values())
        graph = helper.make_graph(self._nodes, name, self._inputs, self._outputs, constants)
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="streamer",
            producer_version=__version__,
        )
        helper.set_model_props(model, dict(properties))
        onnx.checker.check_model(model, full_check=True)
        return model


def _value(name: str, shape: Shape, *, whole: bool) -> Any:
    from onnx import TensorProto

    kind = TensorProto.INT64 if whole else TensorProto.FLOAT
    return _helper().make_tensor_value_info(name, kind, list(shape))


def _helper() -> Any:
    from onnx import helper

    return helper
