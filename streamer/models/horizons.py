"""Head for the mean power of the next minutes, on the last hidden state and a longer history."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from streamer.errors import ModelError
from streamer.models.bounded import read_regular
from streamer.models.bounds import MAX_MODEL_BYTES
from streamer.models.cardhorizons import OUTPUTS, CardHorizons
from streamer.models.densenet import DenseNetwork, parse_dense
from streamer.models.features import FEATURES
from streamer.readings.arrays import DoubleArray, FloatArray

HORIZONS_FILE = "horizons.keras"

_MEAN, _LOW, _MEDIAN, _HIGH = range(len(OUTPUTS))
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

    Raises:
        ModelError: the layers do not fit the card.

    Attributes:
        minutes: numbers of minutes whose mean is forecast, in rising order, from 2 on.
        units: size of the hidden state.
    """

    def __init__(self, card: CardHorizons, network: DenseNetwork, *, units: int) -> None:
        inputs, *_, outputs = network.sizes
        if inputs != units + len(card.features):
            raise ModelError(
                f"{HORIZONS_FILE}: {inputs} inputs; a hidden state of {units} and "
                f"{len(card.features)} features of the card are {units + len(card.features)}"
            )
        wanted = len(card.minutes) * len(card.outputs)
        if outputs != wanted:
            raise ModelError(
                f"{HORIZONS_FILE}: {outputs} outputs; {len(card.minutes)} horizons of the card "
                f"with {len(card.outputs)} each are {wanted}"
            )
        self.minutes = card.minutes
        self.units = units
        self._activations = [np.tanh if name == "tanh" else _relu for name in network.activations]
        # Each with its bias as the last row, for an input of 1.
        layers = [np.vstack([layer.kernel, layer.bias]) for layer in network.layers]
        layers[0] = _with_all_features(layers[0], card.features, units)
        layers[-1] = _in_kw(layers[-1], card)
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
        values = np.empty((len(hidden), self._layers[0].shape[0] - 1), np.float32)
        values[:, : self.units] = hidden
        values[:, self.units :] = features
        for layer, activation in zip(self._layers, self._activations, strict=False):
            values = values @ layer[:-1]
            values += layer[-1]
            activation(values, out=values)
        last = self._layers[-1]
        changes = values @ last[:-1]
        changes += last[-1]
        kw = changes.astype(np.float64).reshape(len(hidden), len(self.minutes), len(OUTPUTS))
        kw += last_kw[:, None, None]
        _sort_quantiles(kw)
        return kw


def read_head(model: Path, card: CardHorizons | None, *, units: int) -> HorizonHead | None:
    """Read the `horizons.keras` beside a `.keras` file; None if its card has no horizons.

    Args:
        model: the `.keras` file of the network.
        card: the part of its card about horizons.
        units: size of the network's last hidden state.

    Raises:
        ModelError: the file is missing, damaged, or does not fit the card; the message names
            the file, and the layer.
    """
    if card is None:
        return None
    from streamer.models.artefact import sha256_of_bytes

    path = model.with_name(HORIZONS_FILE)
    content = read_regular(path, MAX_MODEL_BYTES)
    if card.sha256 != sha256_of_bytes(content):
        raise ModelError(f"{path}: its card belongs to another {HORIZONS_FILE}")
    network = parse_dense(path, content)
    try:
        return HorizonHead(card, network, units=units)
    except ModelError as error:
        raise ModelError(f"{path.parent / str(error)}") from None


def _relu(values: FloatArray, *, out: FloatArray) -> None:
    np.maximum(values, 0.0, out=out)


def _with_all_features(layer: FloatArray, names: tuple[str, ...], units: int) -> FloatArray:
    """The first layer with a row for each of `FEATURES`, zeros for those it does not take."""
    found = np.zeros((units + len(FEATURES) + 1, layer.shape[1]), np.float32)
    found[:units] = layer[:units]
    found[[units + FEATURES.index(name) for name in names]] = layer[units:-1]
    found[-1] = layer[-1]
    return found


def _in_kw(layer: FloatArray, card: CardHorizons) -> FloatArray:
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
