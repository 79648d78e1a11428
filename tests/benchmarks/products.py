"""Upper bound of the machine: the matrix products of the network only."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from types import MappingProxyType

import numpy as np

from streamer.models import find_model
from streamer.models.artefact import read_keras
from streamer.models.lstm import NumpyNetwork
from tests.benchmarks.engines import CORES, MODEL, WINDOW

_STEPS = 4 * WINDOW
BLOCK = NumpyNetwork.block


class Products:
    """Float32 products of the network's shapes, one thread per core.

    They are of blocks of windows, with all data in the caches: no engine that computes
    each window whole in float32 can be faster.
    """

    title = "its matrix products alone"
    environment = MappingProxyType({"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"})

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self._shapes = [
            (4 * weights.units, sum(weights.kernel.shape[:1]) + weights.units)
            for weights in read_keras(find_model(MODEL)).lstm
        ]
        self._work = [
            [
                (
                    rng.standard_normal(shape).astype(np.float32),
                    rng.standard_normal((shape[1], BLOCK)).astype(np.float32),
                    np.empty((shape[0], BLOCK), np.float32),
                )
                for shape in self._shapes
            ]
            for _ in range(CORES)
        ]
        self._pool = ThreadPoolExecutor(CORES)

    def measure(self) -> dict[str, float]:
        """Windows per second, and billions of float32 operations per second."""
        best = 0.0
        for _ in range(3):
            started = time.perf_counter()
            list(self._pool.map(self._products, self._work))
            best = max(best, CORES * BLOCK * _STEPS / WINDOW / (time.perf_counter() - started))
        operations = 2 * WINDOW * sum(rows * depth for rows, depth in self._shapes)
        return {"windows_per_s": best, "gflop_per_s": best * operations / 1e9}

    @staticmethod
    def _products(work: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> None:
        for _ in range(_STEPS):
            for left, right, out in work:
                np.matmul(left, right, out=out)
