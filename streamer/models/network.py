"""Stacked LSTM networks: blocks of windows on several threads, and every window of one stream."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import numpy as np

from streamer.blas import cores, one_blas_thread
from streamer.models.artefact import DenseWeights, StackedLstm
from streamer.readings.arrays import DoubleArray, FloatArray

_MIN_PART = 64
"""Windows that are worth a thread of their own."""


class RollingNetwork(Protocol):
    """Every window of one stream, one reading at a time.

    A window is a chain of dependent steps, so computing it when its last reading arrives costs
    as many small products in a row as it has steps. But that many windows are always under way
    at once: the reading that ends one begins another. Kept as the lanes of one state, all of
    them advance with each reading in one product a layer, and each reading completes one
    window. The numbers are those of the windows computed whole.
    """

    def restart(self, seen: int = 0) -> None:
        """Forget all readings.

        Args:
            seen: number of readings that the stream has had. It only decides which lane begins
                next, so that a restored stream gives the same bits.
        """

    def push(self, value: FloatArray) -> tuple[DoubleArray, FloatArray] | None:
        """Take one reading.

        Args:
            value: (inputs,) in the network's own units.

        Returns:
            Outputs (1, outputs) and hidden state (1, units) of the window that this reading
            completes, or None for the first readings, which complete none.
        """


class LstmNetwork(ABC):
    """A stacked LSTM that computes blocks of windows on several threads; safe to share.

    Args:
        network: the weights.
        threads: number of blocks computed at once; None for one a core.
    """

    engine: str
    """Name of the engine."""

    block: int
    """Windows computed together at most."""

    tile = 1
    """Windows computed together at least: blocks are whole multiples."""

    def __init__(self, network: StackedLstm, *, threads: int | None = None) -> None:
        self.network = network
        self.threads = cores() if threads is None else threads
        self.head = Head(network.head)
        # It starts its threads when there is something for them to do.
        self._pool = ThreadPoolExecutor(self.threads, "streamer-lstm")

    def run(self, inputs: FloatArray) -> tuple[DoubleArray, FloatArray]:
        """Compute windows.

        Args:
            inputs: (windows, timesteps, inputs) in the network's own units.

        Returns:
            Outputs (windows, outputs) and the last layer's hidden state (windows, units).
        """
        parts = list(self.run_parts(inputs))
        if len(parts) == 1:
            return parts[0]
        outputs, hidden = zip(*parts, strict=True)
        return np.concatenate(outputs), np.concatenate(hidden)

    def run_parts(self, inputs: FloatArray) -> Iterator[tuple[DoubleArray, FloatArray]]:
        """Compute windows, and give the first results while the rest is computed.

        Args:
            inputs: (windows, timesteps, inputs) in the network's own units.

        Yields:
            Outputs and hidden state of one part of the windows after the other; at least one.
        """
        parts = self._parts(len(inputs))
        with one_blas_thread():
            if len(parts) == 1 or self.threads == 1:
                for part in parts:
                    yield self._run_part(inputs[part])
                return
            waiting = [self._pool.submit(self._run_beside, inputs[part]) for part in parts]
            try:
                while waiting:
                    yield waiting.pop(0).result()
            finally:
                for future in waiting:
                    future.cancel()

    @abstractmethod
    def rolling(self, timesteps: int) -> RollingNetwork:
        """An engine for one stream, on the same weights."""

    @abstractmethod
    def _hidden(self, inputs: FloatArray) -> FloatArray:
        """The last hidden state (windows, units) after windows (windows, timesteps, inputs)."""

    def _run_beside(self, inputs: FloatArray) -> tuple[DoubleArray, FloatArray]:
        # Some libraries limit each thread by itself.
        with one_blas_thread():
            return self._run_part(inputs)

    def _run_part(self, inputs: FloatArray) -> tuple[DoubleArray, FloatArray]:
        hidden = self._hidden(inputs)
        return self.head(hidden), hidden

    def _parts(self, windows: int) -> list[slice]:
        """Windows in blocks of about the same size, as many as keep all threads busy."""
        rounds = -(-windows // (self.block * self.threads))
        count = max(1, min(rounds * self.threads, windows // _MIN_PART))
        size = -(-windows // (count * self.tile)) * self.tile
        starts = range(0, windows, size) if windows else range(1)
        return [slice(start, min(start + size, windows)) for start in starts]


class Head:
    """The linear head, in float64 so that it adds no rounding of its own."""

    def __init__(self, weights: DenseWeights) -> None:
        self._kernel = weights.kernel.astype(np.float64)
        self._bias = weights.bias.astype(np.float64)

    def __call__(self, hidden: FloatArray) -> DoubleArray:
        """Outputs (windows, outputs) of hidden states (windows, units)."""
        outputs: DoubleArray = hidden.astype(np.float64) @ self._kernel
        outputs += self._bias
        return outputs
