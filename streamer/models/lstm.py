"""The NumPy engine: a stack of LSTM cells, for blocks of windows and for one stream.

The LSTM is that of Hochreiter and Schmidhuber (1997) with forget gates, as Keras has it.
All arithmetic is float32 but the head's, which is float64.

Two savings, neither of which is an approximation:

* ``sigmoid(z) = (1 + tanh(z / 2)) / 2``: with the 1/2 folded into the weights once, one
  `tanh` serves all four gates.
* ``[input, 1, hidden]`` is kept as one matrix per layer, so that kernel, bias and
  recurrent kernel are one matrix product.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from streamer.models.artefact import DenseWeights, LstmWeights, StackedLstm

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]

BLOCK = 512
"""Windows computed side by side: enough to fill the matrix products, few enough for the cache."""

# OpenBLAS has other kernels for products up to this many multiplications, and others again
# for a single row; they round differently. Products are cut so that a window goes the same
# way in a block as in the rolling engine, and both give the same bits.
_SMALL_PRODUCT = 1_000_000
_FEWEST_LANES = 2
_ROLLING_LANES = 49


class _Layer:
    """One LSTM layer advanced in step for a number of lanes.

    A lane is one window in the making: a row of every array here.
    """

    def __init__(self, weights: LstmWeights, lanes: int) -> None:
        self.inputs = weights.kernel.shape[0]
        self.units = weights.units
        self._weights = _folded(weights)
        self._joined = np.zeros((lanes, self.inputs + 1 + self.units), np.float32)
        self._joined[:, self.inputs] = 1.0
        self._gates = np.empty((lanes, 4 * self.units), np.float32)
        self._cell = np.zeros((lanes, self.units), np.float32)
        self._scratch = np.empty((lanes, self.units), np.float32)
        rows = _SMALL_PRODUCT // self._weights.size
        rows = rows if rows >= _ROLLING_LANES else lanes
        edges = np.linspace(0, lanes, -(-lanes // rows) + 1).astype(int).tolist()
        self._cuts = [slice(start, end) for start, end in pairwise(edges)]
        self.hidden = self._joined[:, self.inputs + 1 :]

    def restart(self, lanes: slice | int) -> None:
        """Put lanes back to the state before their first reading."""
        self.hidden[lanes] = 0.0
        self._cell[lanes] = 0.0

    def advance(self, values: FloatArray) -> None:
        """Take one more input for every lane.

        Args:
            values: (lanes, inputs), or anything that broadcasts to it.
        """
        units, gates, cell, scratch = self.units, self._gates, self._cell, self._scratch
        self._joined[:, : self.inputs] = values
        for cut in self._cuts:
            np.matmul(self._joined[cut], self._weights, out=gates[cut])
        np.tanh(gates, out=gates)
        sigmoids = gates[:, : 3 * units]
        sigmoids *= 0.5
        sigmoids += 0.5
        np.multiply(gates[:, :units], gates[:, 3 * units :], out=scratch)
        cell *= gates[:, units : 2 * units]
        cell += scratch
        np.tanh(cell, out=scratch)
        np.multiply(gates[:, 2 * units : 3 * units], scratch, out=self.hidden)


class _Stack:
    """All LSTM layers, advanced in step."""

    def __init__(self, network: StackedLstm, lanes: int) -> None:
        self._layers = [_Layer(weights, lanes) for weights in network.lstm]

    @property
    def hidden(self) -> FloatArray:
        """(lanes, units) of the last layer: a view that the next `advance` overwrites."""
        return self._layers[-1].hidden

    def restart(self, lanes: slice | int = slice(None)) -> None:
        for layer in self._layers:
            layer.restart(lanes)

    def advance(self, values: FloatArray) -> None:
        for layer in self._layers:
            layer.advance(values)
            values = layer.hidden


class LstmNetwork:
    """Runs a stacked LSTM over blocks of windows.

    Not to be shared between threads: its work space is kept from call to call.

    Args:
        network: the weights.
    """

    def __init__(self, network: StackedLstm) -> None:
        self.network = network
        self._stack = _Stack(network, BLOCK)
        self._tail: _Stack | None = None
        self._head = _Head(network.head)

    def run(self, inputs: FloatArray) -> tuple[DoubleArray, FloatArray]:
        """Compute windows.

        Args:
            inputs: (windows, timesteps, inputs) in the network's own units.

        Returns:
            Outputs (windows, outputs) and the last layer's hidden state (windows, units).
        """
        count = len(inputs)
        hidden = np.empty((count, self.network.lstm[-1].units), np.float32)
        for start in range(0, count, BLOCK):
            block = inputs[start : start + BLOCK]
            stack = self._stack_for(len(block))
            stack.restart()
            for step in range(block.shape[1]):
                stack.advance(block[:, step])
            hidden[start : start + BLOCK] = stack.hidden[: len(block)]
        return self._head(hidden), hidden

    def rolling(self, timesteps: int) -> RollingLstm:
        """An engine for one stream, on the same weights."""
        return RollingLstm(self.network, timesteps)

    def _stack_for(self, windows: int) -> _Stack:
        if windows == BLOCK:
            return self._stack
        lanes = max(windows, _FEWEST_LANES)
        if self._tail is None or len(self._tail.hidden) != lanes:
            self._tail = _Stack(self.network, lanes)
        return self._tail


class RollingLstm:
    """Runs a stacked LSTM over every window of one stream, one reading at a time.

    A window is a chain of dependent steps, so computing it when its last reading arrives
    costs as many small products in a row as it has steps. But that many windows are
    always under way at once: the reading that ends one begins another. Kept as the lanes
    of one state, all of them advance with each reading in one product a layer, and each
    reading completes one window. The numbers are those of the windows computed whole.

    Args:
        network: the weights.
        timesteps: length of a window.
    """

    def __init__(self, network: StackedLstm, timesteps: int) -> None:
        self._timesteps = timesteps
        self._stack = _Stack(network, timesteps)
        self._head = _Head(network.head)
        self._seen = 0
        self._since_restart = 0

    def restart(self, seen: int = 0) -> None:
        """Forget all readings.

        Args:
            seen: how many readings the stream is to have had. It only decides which lane
                begins next, so that a stream taken up again gives the same bits.
        """
        self._stack.restart()
        self._seen = seen
        self._since_restart = 0

    def push(self, value: FloatArray) -> tuple[DoubleArray, FloatArray] | None:
        """Take one reading.

        Args:
            value: (inputs,) in the network's own units.

        Returns:
            Outputs (1, outputs) and hidden state (1, units) of the window that this
            reading ends, or None while fewer than a window of readings have come.
        """
        # The lane completed by the reading before begins anew with this one.
        self._stack.restart(self._seen % self._timesteps)
        self._stack.advance(value)
        self._seen += 1
        self._since_restart += 1
        if self._since_restart < self._timesteps:
            return None
        lane = self._seen % self._timesteps
        hidden = self._stack.hidden[lane : lane + 1].copy()
        return self._head(hidden), hidden


class _Head:
    """The linear head, in float64 so that it adds no rounding of its own."""

    def __init__(self, weights: DenseWeights) -> None:
        self._kernel = weights.kernel.astype(np.float64)
        self._bias = weights.bias.astype(np.float64)

    def __call__(self, hidden: FloatArray) -> DoubleArray:
        outputs: DoubleArray = hidden.astype(np.float64) @ self._kernel
        outputs += self._bias
        return outputs


def _folded(weights: LstmWeights) -> FloatArray:
    """Kernel, bias and recurrent kernel stacked, gates as input, forget, output, cell."""
    stacked = np.concatenate([weights.kernel, weights.bias[None, :], weights.recurrent])
    gate_in, gate_forget, gate_cell, gate_out = np.split(stacked, 4, axis=1)
    half = np.float32(0.5)
    folded = [gate_in * half, gate_forget * half, gate_out * half, gate_cell]
    return np.ascontiguousarray(np.concatenate(folded, axis=1), dtype=np.float32)
