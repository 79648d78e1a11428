"""Trial of an exported model by ONNX Runtime, beside the NumPy engine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from streamer.extras import optional_import
from streamer.models.forecaster import NetworkForecaster
from streamer.models.lstm import NumpyNetwork
from streamer.models.onnx.export import Exported
from streamer.models.onnx.parts import MEAN_OUTPUT, QUANTILES_OUTPUT
from streamer.models.onnx.step import NEXT, READING_INPUT
from streamer.models.onnx.window import READINGS_INPUT
from streamer.readings.arrays import DoubleArray


@dataclass(frozen=True, slots=True)
class Trial:
    """Result of a trial.

    Attributes:
        forecasts: number of forecasts of the next reading that were compared.
        worst_kw: largest difference between the two engines, in kW.
        median_s: median time of a forecast on one thread, in seconds.
    """

    forecasts: int
    worst_kw: float
    median_s: float


def run_trial(exported: Exported, readings: DoubleArray) -> Trial:
    """Run an exported model on consecutive readings.

    Args:
        exported: the model.
        readings: (readings, inputs) in the units of the card, at least as many as a window has.

    Raises:
        MissingExtraError: onnxruntime is not installed.
    """
    with optional_import("a trial of a model in ONNX", "forecasters"):
        import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(exported.content, options, ["CPUExecutionProvider"])
    source = exported.source
    forecaster = NetworkForecaster(source.card, NumpyNetwork(source.weights, threads=1))
    windows = sliding_window_view(readings, source.card.window, axis=0).transpose(0, 2, 1)
    answer = forecaster.forecast(windows)
    expected = np.column_stack([answer.mean_kw, answer.quantiles_kw])
    names = [MEAN_OUTPUT, *([QUANTILES_OUTPUT] if source.card.levels else [])]
    found, seconds = [], []
    feeds = _steps(session, readings) if exported.is_step else _windows(session, windows)
    for outputs, lasted in feeds:
        found.append(np.concatenate([np.ravel(outputs[name]) for name in names]))
        seconds.append(lasted)
    kw = np.array(found, np.float64)[-len(expected) :]
    worst = float(np.abs(kw - expected).max())
    return Trial(len(expected), worst, float(np.median(seconds)))


def _windows(session: Any, windows: DoubleArray) -> Iterator[tuple[dict[str, Any], float]]:
    """Outputs after each of (windows, timesteps, inputs), and how many seconds they took."""
    given = _zeros(session)
    for window in windows.astype(np.float32):
        given[READINGS_INPUT] = window[None]
        yield _run(session, given)


def _steps(session: Any, readings: DoubleArray) -> Iterator[tuple[dict[str, Any], float]]:
    """Those at each of (readings, inputs), with the state passed on."""
    given = _zeros(session)
    for reading in readings.astype(np.float32):
        given[READING_INPUT] = reading[None]
        outputs, lasted = _run(session, given)
        given |= {
            name.removeprefix(NEXT): value
            for name, value in outputs.items()
            if name.startswith(NEXT)
        }
        yield outputs, lasted


def _run(session: Any, given: dict[str, Any]) -> tuple[dict[str, Any], float]:
    names = [each.name for each in session.get_outputs()]
    begin = time.perf_counter()
    values = session.run(names, given)
    lasted = time.perf_counter() - begin
    return dict(zip(names, values, strict=True)), lasted


def _zeros(session: Any) -> dict[str, Any]:
    """Zeros for each input of a batch of one: a state as at the beginning, and no features."""
    return {
        each.name: np.zeros(
            [size if isinstance(size, int) else 1 for size in each.shape],
            np.int64 if "int64" in each.type else np.float32,
        )
        for each in session.get_inputs()
    }
