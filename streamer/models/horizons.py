"""Head for the mean power of the next minutes, on the last hidden state and a longer history."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from streamer.blas import one_blas_thread
from streamer.errors import ModelError
from streamer.models import CARD_FILE
from streamer.models.artefact import sha256_of_bytes
from streamer.models.bounded import read_regular
from streamer.models.bounds import MAX_MODEL_BYTES
from streamer.models.cardhorizons import OUTPUTS, CardHorizons
from streamer.models.densenet import DenseNetwork, parse_dense
from streamer.models.features import FEATURES
from streamer.readings.arrays import DoubleArray, FloatArray

HORIZONS_FILE = "horizons.keras"

_BLOCK = 256
"""Readings computed together, so that what is in between stays in the processor's cache."""

_LOW, _MEDIAN, _HIGH = 1, 2, 3
_LEVELS = slice(_LOW, _HIGH + 1)


class HorizonHead:
    """Forecaster of the mean power of the next n minutes, for several n at once.

    A few Dense layers on the last hidden state of a network, which has seen its window, and on
    features of everything before it (`streamer.online.history.History`). For each horizon they
    give the change from the last reading to the mean of the next minutes: its expected value
    and three quantiles, which are sorted, since quantiles fitted side by side may cross.

    `one` and `many` agree to 1e-5 kW on every processor; the products are in float32. Safe to
    share among threads.

    Args:
        card: what the outputs are.
        network: the layers, which must have as many inputs and outputs as the card needs.
        units: size of the hidden state.
        where: the file, for errors.

    Raises:
        ModelError: the layers do not fit the card.

    Attributes:
        minutes: numbers of minutes whose mean is forecast, in rising order, from 2 on.
        units: size of the hidden state.
        sizes: those of the layers, inputs first.
    """

    def __init__(
        self,
        card: CardHorizons,
        network: DenseNetwork,
        *,
        units: int,
        where: str = HORIZONS_FILE,
    ) -> None:
        self.sizes = network.sizes
        features, horizons, each = len(card.features), len(card.minutes), len(card.outputs)
        if self.sizes[0] != units + features:
            raise ModelError(
                f"{where}: {self.sizes[0]} inputs; expected {units + features}, a hidden state of "
                f"{units} and the {features} features of the card"
            )
        if self.sizes[-1] != horizons * each:
            raise ModelError(
                f"{where}: {self.sizes[-1]} outputs; expected {horizons * each}, {each} for each "
                f"of the {horizons} horizons of the card"
            )
        self.minutes = card.minutes
        self.units = units
        self._activations = [np.tanh if name == "tanh" else _relu for name in network.activations]
        # Each with its bias as the last row, for an input of 1.
        layers = [np.vstack([layer.kernel, layer.bias]) for layer in network.layers]
        layers[0] = _with_all_features(layers[0], card.features, units)
        layers[-1] = in_kw(layers[-1], card)
        self._layers = [np.ascontiguousarray(layer, np.float32) for layer in layers]

    def one(self, hidden: FloatArray, features: FloatArray, last_kw: float) -> DoubleArray:
        """Forecast at one reading.

        Args:
            hidden: (units,) the network's last hidden state.
            features: (features,) as `History.push` returns them.
            last_kw: the last reading in kW.

        Returns:
            (horizons, 4) mean, and quantiles 5, 50, 95 % in rising order, in kW.
        """
        first = self._layers[0]
        values = np.empty(len(first), np.float32)
        values[: self.units] = hidden
        values[self.units : -1] = features
        values[-1] = 1.0
        for layer, activation in zip(self._layers, self._activations, strict=False):
            following = np.empty(layer.shape[1] + 1, np.float32)
            inner = following[:-1]
            np.dot(values, layer, out=inner)
            activation(inner, out=inner)
            following[-1] = 1.0
            values = following
        changes = np.dot(values, self._layers[-1])
        kw: DoubleArray = changes.astype(np.float64).reshape(-1, len(OUTPUTS))
        kw += last_kw
        kw[:, _LEVELS].sort(axis=1)
        return kw

    def many(self, hidden: FloatArray, features: FloatArray, last_kw: DoubleArray) -> DoubleArray:
        """Forecast at each of several readings.

        Args:
            hidden: (readings, units) the network's last hidden states.
            features: (readings, features) as `History.extend` returns them.
            last_kw: (readings,) the readings in kW.

        Returns:
            (readings, horizons, 4) as by `one`.
        """
        kw = np.empty((len(hidden), len(self.minutes), len(OUTPUTS)))
        with one_blas_thread():
            for start in range(0, len(hidden), _BLOCK):
                rows = slice(start, start + _BLOCK)
                self._forecast(hidden[rows], features[rows], last_kw[rows], out=kw[rows])
        return kw

    def _forecast(
        self, hidden: FloatArray, features: FloatArray, last_kw: DoubleArray, *, out: DoubleArray
    ) -> None:
        """Forecast at a few readings, into an array (readings, horizons, 4)."""
        values = np.empty((len(hidden), len(self._layers[0]) - 1), np.float32)
        values[:, : self.units] = hidden
        values[:, self.units :] = features
        for layer, activation in zip(self._layers, self._activations, strict=False):
            values = values @ layer[:-1]
            values += layer[-1]
            activation(values, out=values)
        last = self._layers[-1]
        changes = values @ last[:-1]
        changes += last[-1]
        np.add(changes.reshape(out.shape), last_kw[:, None, None], out=out)
        _sort_quantiles(out)


def read_head(model: Path, card: CardHorizons | None, *, units: int) -> HorizonHead | None:
    """Read the `horizons.keras` beside a `.keras` file; None if its card has no horizons.

    Args:
        model: the `.keras` file of the network.
        card: the part of its card about horizons.
        units: size of the network's last hidden state.

    Raises:
        ModelError: as for `read_network`, or the layers do not fit the card.
    """
    if card is None:
        return None
    path = model.with_name(HORIZONS_FILE)
    return HorizonHead(card, read_network(path, card), units=units, where=str(path))


def read_network(path: Path, card: CardHorizons) -> DenseNetwork:
    """Read the layers of a `horizons.keras`.

    Args:
        path: the file.
        card: the part of its card about horizons.

    Raises:
        ModelError: the file is missing or damaged, the card belongs to another, or a layer is
            not supported; the message names the file, and the layer.
    """
    content = read_regular(path, MAX_MODEL_BYTES)
    if card.sha256 != sha256_of_bytes(content):
        raise ModelError(f"{path.with_name(CARD_FILE)}: belongs to another {path.name}")
    return parse_dense(path, content)


def _relu(values: FloatArray, *, out: FloatArray) -> None:
    np.maximum(values, 0.0, out=out)


def _with_all_features(layer: FloatArray, names: tuple[str, ...], units: int) -> FloatArray:
    """The first layer with a row for each of `FEATURES`, zeros for those it does not take."""
    found = np.zeros((units + len(FEATURES) + 1, layer.shape[1]), np.float32)
    found[:units] = layer[:units]
    found[[units + FEATURES.index(name) for name in names]] = layer[units:-1]
    found[-1] = layer[-1]
    return found


def in_kw(layer: FloatArray, card: CardHorizons) -> FloatArray:
    """The last layer with outputs in kW, in the order of `OUTPUTS` for each horizon."""
    by_horizon = layer.reshape(len(layer), len(card.minutes), len(card.outputs))
    ordered = by_horizon[:, :, [card.outputs.index(name) for name in OUTPUTS]]
    in_kw: FloatArray = ordered * np.array(card.scales_kw, np.float32)[:, None]
    return in_kw.reshape(len(layer), -1)


def _sort_quantiles(kw: DoubleArray) -> None:
    """Sort the quantiles of forecasts (readings, horizons, 4) in place."""
    # Ten times as fast as `sort` along so short an axis.
    low, median, high = (kw[:, :, place] for place in (_LOW, _MEDIAN, _HIGH))
    lower, upper = np.minimum(low, median), np.maximum(low, median)
    middle = np.minimum(upper, high)
    np.maximum(upper, high, out=high)
    np.minimum(lower, middle, out=low)
    np.maximum(lower, middle, out=median)
