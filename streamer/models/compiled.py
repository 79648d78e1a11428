"""The compiled engine: LSTM arithmetic in C, with each gate computed from registers.

The kernel (``kernel/lstm.c``) is optional: without it, the NumPy engine computes the same
forecasts to 1e-5 kW. What makes it fast; none of it is an approximation beyond float32:

* The weights are laid out once in the order in which they are used. A library of linear
  algebra does that anew in each product.
* The four sums of a unit are still in registers when its gates, its cell and its hidden state
  are computed. NumPy passes over memory a dozen times for that.
* Each lane of a vector register is a window, so that nothing is added up across lanes. A
  window's sums are added in the same order whatever is computed beside it: blocks of any size
  and the rolling engine give the same bits.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from streamer.errors import UsageError
from streamer.models import kernels
from streamer.models.artefact import LstmWeights, StackedLstm
from streamer.models.network import Head, LstmNetwork
from streamer.readings.arrays import DoubleArray, FloatArray

_TILES = 10
"""Tiles in a block: enough to make a thread's turn worth while."""


def can_run(network: StackedLstm) -> bool:
    """Whether there are kernels here, and they take a network of this size."""
    return bool(kernels.available()) and kernels.fits(network.sizes[:-1])


class CompiledNetwork(LstmNetwork):
    """Runs a stacked LSTM by the compiled kernel.

    Args:
        network: the weights.
        threads: number of blocks computed at once; None for one a core.
        kernel: name of the kernel; None for the best one for this processor.

    Raises:
        UsageError: the kernels have not been compiled, or not for this processor, or the network
            is too large for them.
    """

    def __init__(
        self, network: StackedLstm, *, threads: int | None = None, kernel: str | None = None
    ) -> None:
        super().__init__(network, threads=threads)
        available = kernels.available()
        if not available:
            raise UsageError(
                "the compiled engine was not built when streamer was installed, for want of a "
                "C compiler; install one and streamer again, or use the engine numpy"
            )
        if not can_run(network):
            raise UsageError("the network is too large for the compiled engine; use numpy")
        self._kernel = next(iter(available)) if kernel is None else kernel
        if self._kernel not in available:
            raise UsageError(
                f"no kernel {kernel!r} for this processor: give one of: {', '.join(available)}"
            )
        tile, group = available[self._kernel]
        self.tile, self.block = tile, _TILES * tile
        self.engine = f"compiled ({self._kernel})"
        self._sizes = tuple(network.sizes[:-1])
        self._weights = np.concatenate([_grouped(weights, group) for weights in network.lstm])

    def rolling(self, timesteps: int) -> CompiledRolling:
        """An engine for one stream, on the same weights."""
        return CompiledRolling(
            self.network, timesteps, self._kernel, self._sizes, self._weights, self.head
        )

    def _hidden(self, inputs: FloatArray) -> FloatArray:
        from streamer.models import _kernel

        hidden = np.empty((len(inputs), self._sizes[-1]), np.float32)
        if len(inputs):
            _kernel.run(self._kernel, self._sizes, self._weights, inputs, hidden)
        return hidden


class CompiledRolling:
    """Runs a stacked LSTM over every window of one stream by the compiled kernel.

    All windows under way are lanes but the one that begins: its state is zero, so that only
    the reading itself counts in its first step, which is computed apart.

    Args:
        network: the weights.
        timesteps: length of a window.
        kernel: name of the kernel.
        sizes: inputs and units of each layer.
        weights: those of the layers, as the kernel takes them.
        head: the linear head.
    """

    def __init__(
        self,
        network: StackedLstm,
        timesteps: int,
        kernel: str,
        sizes: tuple[int, ...],
        weights: FloatArray,
        head: Head,
    ) -> None:
        from streamer.models import _kernel

        self._timesteps = timesteps
        self._lanes = timesteps - 1
        self._units = sizes[-1]
        self._head = head
        self._state = np.zeros(_kernel.state_size(kernel, sizes, self._lanes), np.float32)
        first = np.concatenate([_planes(layer, _kernel.MAX_WIDTH) for layer in network.lstm])
        state, lanes, step = self._state, self._lanes, _kernel.step

        def advance(slot: int, parity: int, value: FloatArray, hidden: FloatArray) -> None:
            step(kernel, sizes, weights, first, state, lanes, slot, parity, value, hidden)

        self._advance: Callable[[int, int, FloatArray, FloatArray], None] = advance
        self._seen = 0
        self._since_restart = 0

    def restart(self, seen: int = 0) -> None:
        """Forget all readings; `seen` is the number that the stream has had."""
        self._state[:] = 0.0
        self._seen = seen
        self._since_restart = 0

    def push(self, value: FloatArray) -> tuple[DoubleArray, FloatArray] | None:
        """Take one reading (inputs,); the window that it completes, if any."""
        hidden = np.empty((1, self._units), np.float32)
        slot = self._seen % self._lanes if self._lanes else 0
        self._advance(slot, self._seen & 1, value, hidden[0])
        self._seen += 1
        self._since_restart += 1
        if self._since_restart < self._timesteps:
            return None
        return self._head(hidden), hidden


def _scaled(weights: LstmWeights) -> tuple[FloatArray, FloatArray]:
    """Kernel and recurrent kernel (rows, gates, units), and bias (1, gates, units).

    The gates are input, forget, output and candidate, negated, and the candidate doubled: the
    kernel takes their exponential. Products with powers of two are exact.
    """
    rows = np.concatenate([weights.bias[None, :], weights.kernel, weights.recurrent])
    gates = rows.reshape(len(rows), 4, weights.units)
    scale = np.array([-1.0, -1.0, -1.0, -2.0], np.float32)
    scaled: FloatArray = gates[:, [0, 1, 3, 2]] * scale[:, None]
    return scaled[1:], scaled[:1]


def _grouped(weights: LstmWeights, group: int) -> FloatArray:
    """Flat (groups, 1 + inputs + units, group, gates), the bias first, padded with zeros."""
    rows, bias = _scaled(weights)
    joined = np.concatenate([bias, rows]).transpose(2, 0, 1)
    padding = -len(joined) % group
    padded = np.pad(joined, [(0, padding), (0, 0), (0, 0)])
    by_group = padded.reshape(-1, group, *joined.shape[1:]).transpose(0, 2, 1, 3)
    return np.ascontiguousarray(by_group, np.float32).ravel()


def _planes(weights: LstmWeights, width: int) -> FloatArray:
    """Flat (1 + inputs, gates, units) for a first step, bias first, units padded with zeros."""
    rows, bias = _scaled(weights)
    joined = np.concatenate([bias, rows[: len(weights.kernel)]])
    padding = -weights.units % width
    return np.ascontiguousarray(np.pad(joined, [(0, 0), (0, 0), (0, padding)]), np.float32).ravel()
