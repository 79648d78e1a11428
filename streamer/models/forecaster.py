"""Forecaster in kW: a network with its card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isnan
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from streamer.errors import ModelError
from streamer.models import Answer, ChannelStream
from streamer.models.bounds import MAX_INPUT
from streamer.models.card import CHANGE, MEAN, Card
from streamer.models.horizons import HorizonHead
from streamer.models.inputs import listed_inputs
from streamer.models.network import LstmNetwork, RollingNetwork
from streamer.models.scaling import Scaling
from streamer.readings.arrays import DoubleArray, FloatArray
from streamer.readings.buffer import RingBuffer


class Network(Protocol):
    """Engine: takes windows in the network's own units, returns outputs and hidden state."""

    engine: str
    """Name of the engine."""

    def run(self, inputs: FloatArray) -> tuple[DoubleArray, FloatArray]:
        """(windows, timesteps, inputs) to (windows, outputs) and (windows, units)."""


class NetworkForecaster:
    """Forecaster of the next reading by a network, used as its card specifies.

    Args:
        card: inputs, target and outputs.
        network: the engine, which must have as many inputs and outputs as the card names.
        horizons: the head for the mean of the next minutes, if it has one.
    """

    def __init__(
        self, card: Card, network: Network, *, horizons: HorizonHead | None = None
    ) -> None:
        self.card = card
        self.horizons = horizons
        self._network = network
        self._mean = card.outputs.index(MEAN)
        self._quantiles = np.array([i for i, name in enumerate(card.outputs) if name != MEAN], int)
        self._scaling = Scaling(card.inputs) if card.inputs else None

    @property
    def engine(self) -> str:
        """Name of the engine that computes the network."""
        return self._network.engine

    @property
    def window(self) -> int:
        """Readings in a window."""
        return self.card.window

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the inputs after the power; empty for a model of the power alone."""
        return self.card.channels

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels of the quantiles that are forecast beside the mean, in rising order."""
        return self.card.levels

    def forecast(self, windows: ArrayLike) -> Answer:
        """Forecast the reading after each window.

        Args:
            windows: (windows, timesteps) in kW, oldest first; or (windows, timesteps,
                inputs) in the units of the card for a network with several inputs, of which the
                first is forecast.

        Raises:
            ModelError: the windows do not have the card's length and inputs, or contain NaN.
        """
        inputs, last_kw = self._prepared(windows)
        outputs, hidden = self._network.run(inputs)
        return self.answer(outputs, hidden, last_kw)

    def forecast_parts(self, windows: ArrayLike) -> Iterator[Answer]:
        """Forecast in parts, computed ahead where threads allow it.

        Args:
            windows: as for `forecast`.

        Yields:
            Answers for consecutive parts of the windows.

        Raises:
            ModelError: as for `forecast`.
        """
        inputs, last_kw = self._prepared(windows)
        if not isinstance(self._network, LstmNetwork):
            yield self.answer(*self._network.run(inputs), last_kw)
            return
        start = 0
        for outputs, hidden in self._network.run_parts(inputs):
            end = start + len(outputs)
            yield self.answer(outputs, hidden, last_kw[start:end])
            start = end

    def _prepared(self, windows: ArrayLike) -> tuple[FloatArray, DoubleArray]:
        """Windows (windows, timesteps, inputs) in the network's units; last readings in kW."""
        kw = np.asarray(windows, dtype=np.float64)
        if kw.ndim == 2:
            kw = kw[:, :, None]
        if kw.ndim != 3 or kw.shape[1:] != (self.window, 1 + len(self.channels)):
            of = f" with the inputs {listed_inputs(self.card.inputs)}" if self.channels else ""
            raise ModelError(
                f"model {self.card.name!r} takes windows of {self.window} readings{of}, "
                f"not an array of shape {np.shape(windows)}"
            )
        # One step after the other, the order in which an engine reads them; windows that
        # are views of one series have the same order in memory.
        by_step = np.empty((kw.shape[1], kw.shape[2], len(kw)), np.float32)
        values = kw.transpose(1, 2, 0)
        self.to_inputs(values[:, 0], out=by_step[:, 0])
        if self._scaling is not None:
            for place in range(1, kw.shape[2]):
                self._scaling.convert(place, values[:, place], out=by_step[:, place])
        if np.isnan(by_step).any():
            raise ModelError("a window contains NaN; leave out missing readings")
        return by_step.transpose(2, 0, 1), kw[:, -1, 0]

    def to_inputs(self, kw: DoubleArray | FloatArray, *, out: FloatArray) -> None:
        """Convert powers to the network's own units.

        Args:
            kw: readings in kW, of any shape.
            out: output, of the same shape; may be the same array.
        """
        if self._scaling is not None:
            self._scaling.convert(0, kw, out=out)
            return
        with np.errstate(over="ignore"):  # values beyond 32 bits are clipped below
            np.subtract(kw, self.card.shift_kw, out=out, casting="same_kind")
        np.clip(out, -MAX_INPUT, MAX_INPUT, out=out)

    def to_kw(self, inputs: FloatArray) -> FloatArray:
        """Convert values in the network's own units, of any shape, back to kW."""
        if self._scaling is not None:
            return self._scaling.power(inputs)
        return inputs + np.float32(self.card.shift_kw)

    def forecast_inputs(self, inputs: FloatArray, last_kw: DoubleArray) -> Answer:
        """Forecast from windows in the own units of a network of the power alone.

        Args:
            inputs: (windows, timesteps), oldest first, as returned by `to_inputs`; fastest
                if one step follows the other in memory.
            last_kw: (windows,) the last reading of each in kW.
        """
        outputs, hidden = self._network.run(inputs[:, :, None])
        return self.answer(outputs, hidden, last_kw)

    def answer(self, outputs: DoubleArray, hidden: FloatArray, last_kw: DoubleArray) -> Answer:
        """Convert a network's outputs to kW.

        Args:
            outputs: (windows, outputs) in the network's own units.
            hidden: (windows, units).
            last_kw: (windows,) the last reading of each window in kW.
        """
        base = last_kw[:, None] if self.card.target == CHANGE else self.card.shift_kw
        kw = outputs + base
        # Quantiles fitted side by side may cross; sorting them never makes the pinball
        # loss worse (Chernozhukov, Fernández-Val and Galichon 2010, Econometrica 78:3).
        quantiles = kw.take(self._quantiles, axis=1)
        quantiles.sort(axis=1)
        return Answer(kw[:, self._mean], quantiles, hidden)

    def reading_inputs(self, kw: float, channels: Sequence[float] = ()) -> FloatArray:
        """One reading (inputs,) in the network's own units.

        Raises:
            ModelError: a value is NaN.
        """
        if self._scaling is None:
            if isnan(kw):
                raise ModelError("a reading is NaN; leave out missing readings")
            return np.array([min(max(kw - self.card.shift_kw, -MAX_INPUT), MAX_INPUT)], np.float32)
        values = (kw, *channels)
        if isnan(sum(values)):
            raise ModelError("a reading or a channel of it is NaN; leave out missing readings")
        return self._scaling.one(values)

    def stream(self) -> ChannelStream:
        """A forecaster for one stream, one reading at a time."""
        if isinstance(self._network, LstmNetwork):
            return _RollingStream(self, self._network.rolling(self.window))
        return _WindowStream(self)


class _RollingStream:
    """All windows of a stream, by the rolling engine."""

    def __init__(self, forecaster: NetworkForecaster, rolling: RollingNetwork) -> None:
        self._forecaster = forecaster
        self._rolling = rolling

    def restart(self, seen: int = 0) -> None:
        self._rolling.restart(seen)

    def push(self, kw: float, channels: Sequence[float] = ()) -> Answer | None:
        result = self._rolling.push(self._forecaster.reading_inputs(kw, channels))
        if result is None:
            return None
        return self._forecaster.answer(*result, np.array([kw]))


class _WindowStream:
    """Each window computed whole at its last reading, for engines without a rolling state."""

    def __init__(self, forecaster: NetworkForecaster) -> None:
        self._forecaster = forecaster
        self._buffer = RingBuffer(forecaster.window, 1 + len(forecaster.channels))

    def restart(self, seen: int = 0) -> None:  # noqa: ARG002 - has no lanes to align
        self._buffer.clear()

    def push(self, kw: float, channels: Sequence[float] = ()) -> Answer | None:
        self._buffer.push((kw, *channels))
        if len(self._buffer) < self._forecaster.window:
            return None
        return self._forecaster.forecast(self._buffer.values()[None, :])
