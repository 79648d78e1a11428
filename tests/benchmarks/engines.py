"""Measured engines, all computing the same windows of the same network.

Each is created in its own process, so that none sees another's threads.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from streamer.models import find_model, kernels, load_model
from streamer.models.artefact import LstmWeights, StackedLstm, read_keras
from streamer.models.compiled import CompiledNetwork
from streamer.models.forecaster import NetworkForecaster
from streamer.models.inputs import POWER, POWER_UNIT, Input
from streamer.models.lstm import NumpyNetwork

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]

MODEL = "sceaux"
WINDOW = 49
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
QUIET_TENSORFLOW = MappingProxyType({"TF_CPP_MIN_LOG_LEVEL": "3"})


class Engine(ABC):
    """One way to compute the network.

    Attributes:
        title: name in the tables.
        environment: additional environment of its process, such as numbers of threads.
        needs: required module, besides streamer's own.
        singles: windows computed one at a time in a round; 0 to skip that.
        batches: windows per call, of which the best counts; empty to skip that.
    """

    title: str
    environment: Mapping[str, str] = MappingProxyType({})
    needs: str | None = None
    singles = 300
    batches: tuple[int, ...] = (512, 2048, 8192)

    def __init__(self) -> None:
        card = load_model(MODEL).card
        self._shift_kw, self._mean = card.shift_kw, card.outputs.index("mean")

    def prime(self, kw: DoubleArray) -> None:  # noqa: B027 - most engines need no priming
        """Process the readings before the last one of the first window, oldest first."""

    def single(self, window: DoubleArray) -> float:
        """The mean forecast in kW after one window (49,) in kW; windows come in order of time."""
        return self.batch(window[None, :]).item()

    def batch(self, windows: DoubleArray) -> DoubleArray:
        """(windows,) mean forecasts in kW of (windows, 49) in kW."""
        outputs = self.run((windows - self._shift_kw).astype(np.float32)[..., None])
        return outputs[:, self._mean] + windows[:, -1]

    @abstractmethod
    def run(self, inputs: FloatArray) -> Any:
        """(windows, outputs) of (windows, 49, 1), both in the network's own units."""


def our_engines() -> list[str]:
    """Streamer's engines here, best first: the kernels for this processor, and NumPy."""
    return [*kernels.available(), "numpy"]


def load(engine: str, *, threads: int | None = None, inputs: int = 1) -> NetworkForecaster:
    """The shipped model on one of `our_engines`.

    Args:
        engine: the engine.
        threads: number of threads; None for one a core.
        inputs: number of inputs, of which all but the first have weights of zero, so that the
            forecasts are those of the shipped model.
    """
    card, weights = load_model(MODEL).card, read_keras(find_model(MODEL))
    if inputs > 1:
        first = weights.lstm[0]
        kernel = np.pad(first.kernel, [(0, inputs - 1), (0, 0)])
        weights = replace(weights, lstm=(replace(first, kernel=kernel), *weights.lstm[1:]))
        others = (Input(f"channel_{number}", "kW", 1.0, 0.5) for number in range(1, inputs))
        card = replace(card, inputs=(Input(POWER, POWER_UNIT, card.shift_kw), *others))
    network = (
        NumpyNetwork(weights, threads=threads)
        if engine == "numpy"
        else CompiledNetwork(weights, threads=threads, kernel=engine)
    )
    return NetworkForecaster(card, network)


class Streamer(Engine):
    """One of streamer's engines: rolling, and in blocks on every core."""

    singles = 3000
    engine: str
    threads: int | None = None

    def __init__(self) -> None:
        super().__init__()
        self._forecaster = load(self.engine, threads=self.threads)
        self._stream = self._forecaster.stream()

    def prime(self, kw: DoubleArray) -> None:
        for value in kw.tolist():
            self._stream.push(value)

    def single(self, window: DoubleArray) -> float:
        answer = self._stream.push(window[-1].item())
        assert answer is not None
        return answer.mean_kw.item()

    def batch(self, windows: DoubleArray) -> DoubleArray:
        return self._forecaster.forecast(windows).mean_kw

    def run(self, inputs: FloatArray) -> Any:
        raise NotImplementedError("it takes windows in kW")


class StreamerChannels(Streamer):
    """The same with six channels beside the power."""

    channels = 6

    def __init__(self) -> None:
        super().__init__()
        self._forecaster = load(self.engine, threads=self.threads, inputs=1 + self.channels)
        self._stream = self._forecaster.stream()

    def prime(self, kw: DoubleArray) -> None:
        for value in kw.tolist():
            self._stream.push(value, (value,) * self.channels)

    def single(self, window: DoubleArray) -> float:
        last = window[-1].item()
        answer = self._stream.push(last, (last,) * self.channels)
        assert answer is not None
        return answer.mean_kw.item()

    def batch(self, windows: DoubleArray) -> DoubleArray:
        inputs = np.broadcast_to(windows[..., None], (*windows.shape, 1 + self.channels))
        return self._forecaster.forecast(inputs).mean_kw


def _streamers() -> dict[str, type[Engine]]:
    """Each of `our_engines`, with one input and with seven, and on one core."""
    found: dict[str, type[Engine]] = {}
    for engine in our_engines():
        title = f"streamer, {'NumPy' if engine == 'numpy' else engine}"
        whole = {"title": title, "engine": engine}
        found[f"Streamer_{engine}"] = type(f"Streamer_{engine}", (Streamer,), whole)
        several = {**whole, "title": f"{title}, 7 inputs"}
        found[f"Streamer_{engine}_7"] = type(f"Streamer_{engine}_7", (StreamerChannels,), several)
        single = {**whole, "title": f"{title}, 1 thread", "threads": 1, "singles": 0}
        found[f"Streamer_{engine}_1"] = type(f"Streamer_{engine}_1", (Streamer,), single)
    return found


class PlainNumpy(Engine):
    """A straightforward LSTM: four gates, step after step, NumPy's own threads."""

    title = "plain NumPy"

    def __init__(self) -> None:
        super().__init__()
        self._weights: StackedLstm = read_keras(find_model(MODEL))

    def run(self, inputs: FloatArray) -> Any:
        sequence = inputs
        for weights in self._weights.lstm:
            sequence = self._layer(weights, sequence)
        head = self._weights.head
        return sequence[:, -1] @ head.kernel + head.bias

    @staticmethod
    def _layer(weights: LstmWeights, sequence: FloatArray) -> FloatArray:
        hidden = cell = np.zeros((len(sequence), weights.units), np.float32)
        found = []
        for step in range(sequence.shape[1]):
            gates = sequence[:, step] @ weights.kernel + hidden @ weights.recurrent + weights.bias
            gate_in, forget, candidate, gate_out = np.split(gates, 4, axis=1)
            cell = _sigmoid(forget) * cell + _sigmoid(gate_in) * np.tanh(candidate)
            hidden = _sigmoid(gate_out) * np.tanh(cell)
            found.append(hidden)
        return np.stack(found, axis=1)


class OnnxRuntime(Engine):
    """ONNX Runtime with its own LSTM operator, one thread per core."""

    title = "ONNX Runtime"
    needs = "onnxruntime"
    singles = 2000
    threads = CORES

    def __init__(self) -> None:
        super().__init__()
        import onnxruntime

        from streamer.models.onnx import export_onnx

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        model = export_onnx(MODEL).content
        self._session = onnxruntime.InferenceSession(model, options, ["CPUExecutionProvider"])

    def batch(self, windows: DoubleArray) -> DoubleArray:
        readings = windows.astype(np.float32)[..., None]
        return self._session.run(["mean_kw"], {"readings": readings})[0].astype(np.float64)

    def run(self, inputs: FloatArray) -> Any:
        raise NotImplementedError("it takes windows in kW")


class OnnxRuntimeOneThread(OnnxRuntime):
    """ONNX Runtime on one core."""

    title = "ONNX Runtime, 1 thread"
    threads = 1


class TensorFlowFunction(Engine):
    """The Keras model as a `tf.function`, traced once for each batch size."""

    title = "tf.function"
    needs = "tensorflow"
    environment = QUIET_TENSORFLOW
    singles = 200
    xla = False

    def __init__(self) -> None:
        super().__init__()
        import keras
        import tensorflow as tf

        self._model = keras.saving.load_model(find_model(MODEL), compile=False)
        self._function = tf.function(
            lambda inputs: self._model(inputs, training=False), jit_compile=self.xla
        )

    def run(self, inputs: FloatArray) -> Any:
        return self._function(inputs).numpy()


class TensorFlowXla(TensorFlowFunction):
    """The `tf.function`, compiled by XLA."""

    title = "tf.function, XLA"
    singles = 500
    xla = True


class KerasPredict(TensorFlowFunction):
    """`model.predict`, as in the tutorial."""

    title = "model.predict"
    singles = 20

    def run(self, inputs: FloatArray) -> Any:
        return self._model.predict(inputs, batch_size=len(inputs), verbose=0)


ENGINES: dict[str, type[Engine]] = _streamers() | {
    engine.__name__: engine
    for engine in (
        PlainNumpy,
        OnnxRuntime,
        OnnxRuntimeOneThread,
        TensorFlowFunction,
        TensorFlowXla,
        KerasPredict,
    )
}
OURS = next(iter(ENGINES))
"""The engine that all others are compared with: the best one of `load_model` here."""


def _sigmoid(values: FloatArray) -> FloatArray:
    return np.float32(1) / (np.float32(1) + np.exp(-values))
