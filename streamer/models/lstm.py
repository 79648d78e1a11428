"""The NumPy engine: a stack of LSTM cells, for blocks of windows and for one stream.

The LSTM is that of Hochreiter and Schmidhuber (1997) with forget gates, as Keras has it.
All arithmetic is float32 but the head's, which is float64.

What makes it fast; none of it is an approximation:

* ``sigmoid(z) = (1 + tanh(z / 2)) / 2``: with the 1/2 folded into the weights once, one
  `tanh` serves all four gates, and ``2 h`` is kept in place of the hidden state ``h``.
  Products with powers of two are exact, so this changes no bit.
* All states are rows of one matrix, those of a layer next to its inputs, so that kernel,
  bias and recurrent kernel are one matrix product, and nothing is copied between layers.
* A lane (one window in the making) is a column, so that each gate is one unbroken
  stretch of memory.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from streamer.blas import free_cores
from streamer.models.artefact import DenseWeights, LstmWeights, StackedLstm

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]

BLOCK = 512
"""Windows computed side by side: enough to fill the matrix products, few enough for the cache."""

# OpenBLAS is fastest on whole vector registers.
_LANES = 16

_SMALL_PRODUCT = 1_000_000
"""Multiplications up to which OpenBLAS multiplies without packing its factors first."""

# As arrays: NumPy takes a plain number apart anew at each use, which for one stream tells.
_HALF = np.array(0.5, np.float32)
_ONE = np.array(1.0, np.float32)

_FEWEST_APART = 4 * _LANES
"""Fewer windows than this are not worth a thread of their own."""


class _Layer:
    """One LSTM layer advanced in step for a number of lanes.

    Args:
        weights: the layer's.
        below: whether another layer is below it, whose hidden state comes doubled.
        joined: (inputs + 1 + units, lanes) its inputs, a row of ones, its hidden state.
    """

    def __init__(self, weights: LstmWeights, joined: FloatArray, *, below: bool) -> None:
        units, lanes = weights.units, joined.shape[1]
        folded = _folded(weights, below=below)
        gates = np.empty((4, units, lanes), np.float32)
        self._sigmoids = gates[:3]
        self._in, self._forget, self._out, self._candidate = gates
        # Four small products are faster than one, one large product is faster than four.
        small = folded[0].size * lanes <= _SMALL_PRODUCT
        self._gates: FloatArray = gates if small else gates.reshape(4 * units, lanes)
        self._weights: FloatArray = folded if small else folded.reshape(4 * units, -1)
        self._joined = joined
        self._cell = np.zeros((units, lanes), np.float32)
        self._scratch = np.empty((units, lanes), np.float32)
        self.doubled_hidden = joined[-units:]

    def restart(self, lanes: slice | int) -> None:
        """Put lanes back to the state before their first reading."""
        self.doubled_hidden[:, lanes] = 0.0
        self._cell[:, lanes] = 0.0

    def advance(self) -> None:
        """Take the inputs that stand in `joined`."""
        cell, scratch = self._cell, self._scratch
        np.matmul(self._weights, self._joined, out=self._gates)
        np.tanh(self._gates, out=self._gates)
        np.add(self._sigmoids, _ONE, out=self._sigmoids)
        np.multiply(self._in, self._candidate, out=scratch)
        cell *= self._forget
        cell += scratch
        cell *= _HALF
        np.tanh(cell, out=scratch)
        np.multiply(self._out, scratch, out=self.doubled_hidden)


class _Stack:
    """All LSTM layers, advanced in step.

    Args:
        network: the weights.
        lanes: how many windows are to be in the making; rounded up inside.
    """

    def __init__(self, network: StackedLstm, lanes: int) -> None:
        self.lanes = lanes
        padded = -(-lanes // _LANES) * _LANES
        inputs = network.lstm[0].kernel.shape[0]
        rows = inputs + sum(1 + weights.units for weights in network.lstm)
        joined = np.zeros((rows, padded), np.float32)
        self._inputs = joined[:inputs, :lanes]
        self._layers = []
        first, width = 0, inputs
        for weights in network.lstm:
            ones = first + width
            joined[ones] = 1.0
            part = joined[first : ones + 1 + weights.units]
            self._layers.append(_Layer(weights, part, below=first > 0))
            first, width = ones + 1, weights.units

    def restart(self, lanes: slice | int = slice(None)) -> None:
        for layer in self._layers:
            layer.restart(lanes)

    def advance(self, values: FloatArray) -> None:
        """Take one more reading for every lane.

        Args:
            values: (inputs, lanes), or anything that broadcasts to it.
        """
        self._inputs[:] = values
        for layer in self._layers:
            layer.advance()

    def hidden(self, lanes: slice = slice(None)) -> FloatArray:
        """(lanes, units) the last layer's hidden state of some lanes."""
        doubled = self._layers[-1].doubled_hidden[:, : self.lanes]
        return np.multiply(doubled[:, lanes].T, _HALF, order="C")


class LstmNetwork:
    """Runs a stacked LSTM over blocks of windows, on several threads; safe to share.

    Args:
        network: the weights.
        threads: how many blocks to compute at once. By default one for each core, if
            matrix products are held to one thread each, else one.
    """

    def __init__(self, network: StackedLstm, *, threads: int | None = None) -> None:
        self.network = network
        self.threads = free_cores() if threads is None else threads
        self._head = _Head(network.head)
        # It starts its threads when there is something for them to do.
        self._pool = ThreadPoolExecutor(self.threads, "streamer-lstm")
        self._own = threading.local()

    def run(self, inputs: FloatArray) -> tuple[DoubleArray, FloatArray]:
        """Compute windows.

        Args:
            inputs: (windows, timesteps, inputs) in the network's own units.

        Returns:
            Outputs (windows, outputs) and the last layer's hidden state (windows, units).
        """
        hidden = np.empty((len(inputs), self.network.lstm[-1].units), np.float32)

        def compute(part: slice) -> None:
            hidden[part] = self._hidden(inputs[part])

        parts = _parts(len(inputs), self.threads)
        if len(parts) > 1 and self.threads > 1:
            list(self._pool.map(compute, parts))
        else:
            for part in parts:
                compute(part)
        return self._head(hidden), hidden

    def rolling(self, timesteps: int) -> RollingLstm:
        """An engine for one stream, on the same weights."""
        return RollingLstm(self.network, timesteps)

    def _hidden(self, block: FloatArray) -> FloatArray:
        """The hidden state (windows, units) after windows (windows, timesteps, inputs)."""
        # Each thread keeps the stack it used last: memory is dear to get.
        stack: _Stack | None = getattr(self._own, "stack", None)
        if stack is None or stack.lanes != len(block):
            stack = self._own.stack = _Stack(self.network, len(block))
        stack.restart()
        for values in block.transpose(1, 2, 0):
            stack.advance(values)
        return stack.hidden()


def _parts(windows: int, threads: int) -> list[slice]:
    """Windows in blocks of about the same size, as many as keep all threads busy.

    >>> _parts(1100, 2)
    [slice(0, 275, None), slice(275, 550, None), slice(550, 825, None), slice(825, 1100, None)]
    """
    rounds = -(-windows // (BLOCK * threads))
    count = min(rounds * threads, max(1, windows // _FEWEST_APART))
    edges = [windows * number // count for number in range(count + 1)] if windows else []
    return [slice(start, end) for start, end in pairwise(edges)]


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
        self._stack.advance(value[:, None])
        self._seen += 1
        self._since_restart += 1
        if self._since_restart < self._timesteps:
            return None
        lane = self._seen % self._timesteps
        hidden = self._stack.hidden(slice(lane, lane + 1))
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


def _folded(weights: LstmWeights, *, below: bool) -> FloatArray:
    """(gates, units, inputs + 1 + units) kernel, bias and recurrent kernel, side by side.

    The gates are input, forget, output and candidate; halved are the first three, and
    whatever a doubled hidden state is multiplied with.
    """
    half = np.float32(0.5)
    kernel = weights.kernel * half if below else weights.kernel
    joined = np.concatenate([kernel, weights.bias[None, :], weights.recurrent * half])
    gate_in, gate_forget, gate_cell, gate_out = np.split(joined.T, 4)
    return np.stack([gate_in * half, gate_forget * half, gate_out * half, gate_cell])
