"""Networks in ONNX files, computed by ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from streamer.display.lines import one_line
from streamer.errors import ModelError, UsageError
from streamer.extras import optional_import
from streamer.models.adapters.fitted import FittedForecaster
from streamer.models.bounded import read_regular
from streamer.models.bounds import MAX_MODEL_BYTES
from streamer.readings.arrays import DoubleArray

_TYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64}


class OnnxForecaster(FittedForecaster):
    """Forecasts by the network of an ONNX file.

    It takes one input (windows, readings), or (windows, readings, 1), in kW, oldest first, of a
    fixed number of readings, and its first output is the next reading in kW.

    Args:
        path: the file.

    Raises:
        UsageError: it cannot be read, or ONNX Runtime is not installed.
        ModelError: it is not such a file, or the network has another input.
    """

    def __init__(self, path: str = "") -> None:
        if not path:
            raise UsageError("onnx: give a file, such as onnx:mine.onnx")
        with optional_import("an ONNX file", "forecasters"):
            import onnxruntime
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # a single window is too small to be divided
        content = read_regular(Path(path), MAX_MODEL_BYTES)
        try:
            session = onnxruntime.InferenceSession(content, options, ["CPUExecutionProvider"])
        except Exception as error:  # noqa: BLE001 - classes of its own without a public base
            raise ModelError(f"{path}: it is not an ONNX file: {one_line(error)[:200]}") from None
        inputs = session.get_inputs()
        shape = inputs[0].shape if len(inputs) == 1 else []
        fits = len(shape) == 2 or (len(shape) == 3 and shape[2] == 1)
        if not fits or not isinstance(shape[1], int) or inputs[0].type not in _TYPES:
            given = ", ".join(f"{each.name} {each.type} {each.shape}" for each in inputs)
            raise ModelError(
                f"{path}: it takes {one_line(given)[:200]}; one input (windows, readings) or "
                "(windows, readings, 1) of a fixed number of readings is needed"
            )
        name, dtype = inputs[0].name, _TYPES[inputs[0].type]
        output = session.get_outputs()[0].name
        tail = shape[2:]

        def predict(windows: DoubleArray) -> object:
            values = windows.astype(dtype).reshape(*windows.shape, *tail)
            return session.run([output], {name: values})[0]

        super().__init__(Path(path).stem, shape[1], predict)
