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

import numpy as np

from streamer.blas import one_blas_thread
from streamer.models.artefact import LstmWeights, StackedLstm
from streamer.models.network import Head, LstmNetwork
from streamer.readings.arrays import DoubleArray, FloatArray

# OpenBLAS is fastest on whole vector registers.
_LANES = 16

_SMALL_PRODUCT = 1_000_000
"""Multiplications up to which OpenBLAS multiplies without packing its factors first."""

# As arrays: NumPy takes a plain number apart anew at each use, which for one stream tells.
_HALF = np.array(0.5, np.float32)
_ONE = np.array(1.0, np.float32)


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


class NumpyNetwork(LstmNetwork):
    """Runs a stacked LSTM by NumPy's matrix products.

    Args:
        network: the weights.
        threads: number of blocks computed at once; None for one a core.
    """

    engine = "numpy"
    # Enough to fill the matrix products, few enough for the cache.
    block = 512

    def __init__(self, network: StackedLstm, *, threads: int | None = None) -> None:
        super().__init__(network, threads=threads)
        self._own = threading.local()

    def rolling(self, timesteps: int) -> NumpyRolling:
        """An engine for one stream, on the same weights."""
        return NumpyRolling(self.network, timesteps)

    def _hidden(self, inputs: FloatArray) -> FloatArray:
        # Each thread keeps the stack it used last: memory is dear to get.
        stack: _Stack | None = getattr(self._own, "stack", None)
        if stack is None or stack.lanes != len(inputs):
            stack = self._own.stack = _Stack(self.network, len(inputs))
        stack.restart()
        for values in inputs.transpose(1, 2, 0):
            stack.advance(values)
        return stack.hidden()


class NumpyRolling:
    """Runs a stacked LSTM over every window of one stream by NumPy's matrix products.

    All windows under way are lanes of one state (`streamer.models.network.RollingNetwork`).

    Args:
        network: the weights.
        timesteps: length of a window.
    """

    def __init__(self, network: StackedLstm, timesteps: int) -> None:
        self._timesteps = timesteps
        self._stack = _Stack(network, timesteps)
        self._head = Head(network.head)
        self._seen = 0
        self._since_restart = 0

    def restart(self, seen: int = 0) -> None:
        """Forget all readings; `seen` is the number that the stream has had."""
        self._stack.restart()
        self._seen = seen
        self._since_restart = 0

    def push(self, value: FloatArray) -> tuple[DoubleArray, FloatArray] | None:
        """Take one reading (inputs,); the window that it completes, if any."""
        # The lane completed by the reading before begins anew with this one.
        self._stack.restart(self._seen % self._timesteps)
        with one_blas_thread():
            self._stack.advance(value[:, None])
        self._seen += 1
        self._since_restart += 1
        if self._since_restart < self._timesteps:
            return None
        lane = self._seen % self._timesteps
        hidden = self._stack.hidden(slice(lane, lane + 1))
        return self._head(hidden), hidden


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
