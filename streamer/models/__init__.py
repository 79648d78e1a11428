"""Models: names, loading, and the protocol of forecasters."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from streamer.errors import ModelError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from streamer.models.artefact import StackedLstm
    from streamer.models.card import Card
    from streamer.models.forecaster import NetworkForecaster
    from streamer.models.inputs import Input
    from streamer.models.network import LstmNetwork

DEFAULT_MODEL = "sceaux"
ENGINES = ("auto", "compiled", "numpy", "tensorflow")

MODEL_FILE = "model.keras"
CARD_FILE = "card.json"

_SHIPPED = Path(__file__).parent


@dataclass(frozen=True)
class Answer:
    """Forecasts for a block of windows.

    Attributes:
        mean_kw: (windows,) expected next reading in kW.
        quantiles_kw: (windows, levels) quantiles in kW, in rising order.
        hidden: (windows, units) the network's last hidden state.
    """

    mean_kw: NDArray[np.float64]
    quantiles_kw: NDArray[np.float64]
    hidden: NDArray[np.float32]


class ForecastStream(Protocol):
    """Forecaster of one stream. Its state can be rebuilt from the last window."""

    def restart(self, seen: int = 0) -> None:
        """Drop all readings; `seen` is the number of readings that precede the next one."""

    def push(self, kw: float) -> Answer | None:
        """Add one reading in kW; returns the answer for one window, or None before the first."""


class ChannelStream(ForecastStream, Protocol):
    """Forecaster of one stream of readings with channels."""

    def push(self, kw: float, channels: Sequence[float] = ()) -> Answer | None:
        """Add one reading: its power in kW, and its channels in the model's order."""


class Forecaster(Protocol):
    """Model as required by the pipeline."""

    @property
    def window(self) -> int:
        """Readings in a window."""

    @property
    def levels(self) -> tuple[float, ...]:
        """Levels of the quantiles that are forecast beside the mean, in rising order."""

    def forecast(self, windows: ArrayLike) -> Answer:
        """Forecast the reading after each of (windows, timesteps) in kW, oldest first."""

    def stream(self) -> ForecastStream:
        """A forecaster for one stream, one reading at a time."""


@runtime_checkable
class ChannelForecaster(Forecaster, Protocol):
    """Forecaster that takes more than the power: its windows are (windows, timesteps, inputs).

    The power is the first of the inputs, and is what is forecast.
    """

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the inputs after the power; empty if there are none."""

    def stream(self) -> ChannelStream:
        """A forecaster for one stream, one reading at a time."""


def channels_of(forecaster: Forecaster) -> tuple[str, ...]:
    """Names of the channels that a model takes beside the power; empty for most."""
    return forecaster.channels if isinstance(forecaster, ChannelForecaster) else ()


@runtime_checkable
class PartwiseForecaster(Forecaster, Protocol):
    """Forecaster that computes the next parts while the caller processes the first."""

    def forecast_parts(self, windows: ArrayLike) -> Iterator[Answer]:
        """The answer of `forecast`, in one or more consecutive parts."""


class MeansHead(Protocol):
    """Forecaster of the mean power of the next minutes, from a network's last hidden state."""

    @property
    def minutes(self) -> tuple[int, ...]:
        """Numbers of minutes whose mean is forecast, in rising order, from 2 to 60."""

    def one(
        self, hidden: NDArray[np.float32], features: NDArray[np.float32], last_kw: float
    ) -> NDArray[np.float64]:
        """Forecast at one reading.

        Args:
            hidden: (units,) the hidden state of the answer at that reading.
            features: (features,) of `streamer.online.history.History` after it.
            last_kw: the reading in kW.

        Returns:
            (horizons, 4) mean, and quantiles 5, 50, 95 % in rising order, in kW.
        """

    def many(
        self,
        hidden: NDArray[np.float32],
        features: NDArray[np.float32],
        last_kw: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Forecast at each of several readings, with one more dimension in front."""


@runtime_checkable
class HorizonForecaster(Forecaster, Protocol):
    """Forecaster that may forecast the mean of the next minutes, too."""

    @property
    def horizons(self) -> MeansHead | None:
        """The head for the mean of the next minutes; None without one."""


def horizons_of(forecaster: Forecaster) -> MeansHead | None:
    """The head of a forecaster for the mean of the next minutes; None if it has none."""
    return forecaster.horizons if isinstance(forecaster, HorizonForecaster) else None


def forecast_ahead(forecaster: Forecaster, windows: ArrayLike) -> Iterator[Answer]:
    """Forecast in parts, if the forecaster can compute one while the caller processes another."""
    if isinstance(forecaster, PartwiseForecaster):
        yield from forecaster.forecast_parts(windows)
    else:
        yield forecaster.forecast(windows)


def shipped_models() -> list[str]:
    """Names of the models included in the package.

    >>> shipped_models()
    ['homes', 'sceaux', 'sceaux-channels']
    """
    return sorted(path.parent.name for path in _SHIPPED.glob(f"*/{MODEL_FILE}"))


def find_model(name_or_path: str | Path) -> Path:
    """Find a model's `.keras` file.

    Args:
        name_or_path: name of a shipped model, a folder written by `streamer train`, or
            a `.keras` file.

    Raises:
        UsageError: the model does not exist.
    """
    if str(name_or_path) in shipped_models():
        return _SHIPPED / str(name_or_path) / MODEL_FILE
    path = Path(name_or_path)
    try:
        if path.is_dir():
            path = path / MODEL_FILE
        is_file = path.is_file()
    except OSError as error:
        raise UsageError(f"model {str(name_or_path)!r}: {error.strerror}") from None
    if not is_file:
        shipped = ", ".join(shipped_models())
        raise UsageError(
            f"no model {str(name_or_path)!r}: give a .keras file, a folder written by "
            f"`streamer train`, or one of: {shipped}"
        )
    return path


def read_model(path: Path) -> tuple[Card, StackedLstm]:
    """Card and weights of a `.keras` file: the `card.json` beside it, if it belongs to this file.

    A `.keras` file without a card is used unchanged: kW in, kW out, not centred.

    Args:
        path: the file, as `find_model` returns it.

    Raises:
        ModelError: the file or its card is unreadable, or they do not fit each other.
    """
    from streamer.models.artefact import parse_keras, sha256_of_bytes
    from streamer.models.bounded import read_regular
    from streamer.models.bounds import MAX_MODEL_BYTES
    from streamer.models.card import Card, read_card

    content = read_regular(path, MAX_MODEL_BYTES)
    card_path = path.with_name(CARD_FILE)
    if not os.path.lexists(card_path):
        weights = parse_keras(path, content)
        outputs = weights.sizes[-1]
        for count, what in ((weights.sizes[0], "inputs"), (outputs, "outputs")):
            if count != 1:
                raise ModelError(
                    f"{path}: {count} {what}, and no {CARD_FILE} beside it to define them"
                )
        window = 49 if weights.timesteps is None else weights.timesteps
        return Card(path.stem, window, sha256=sha256_of_bytes(content)), weights
    card = read_card(card_path)
    if card.sha256 != sha256_of_bytes(content):
        raise ModelError(f"{card_path}: belongs to other weights than those of {path.name}")
    weights = parse_keras(path, content)
    outputs = weights.sizes[-1]
    if outputs != len(card.outputs):
        raise ModelError(f"{path}: {outputs} outputs, but its card names {len(card.outputs)}")
    if weights.sizes[0] != max(1, len(card.inputs)):
        named = len(card.inputs) or "no"
        raise ModelError(f"{path}: {weights.sizes[0]} inputs, but its card names {named}")
    if weights.timesteps not in (None, card.window):
        raise ModelError(f"{path}: windows of {weights.timesteps}, but its card has {card.window}")
    return card, weights


def find_card(name_or_path: str | Path) -> Card | None:
    """A model's card, without its weights; None if it has none.

    Args:
        name_or_path: as for `find_model`.

    Raises:
        UsageError: the model does not exist.
        ModelError: its card is unreadable.
    """
    from streamer.models.card import read_card

    path = find_model(name_or_path).with_name(CARD_FILE)
    return read_card(path) if os.path.lexists(path) else None


def model_inputs(name_or_path: str | Path) -> tuple[Input, ...]:
    """Inputs that a model's card names, the power first; the weights are not read.

    Args:
        name_or_path: as for `find_model`.

    Returns:
        The inputs, none for a model of the power alone whose card does not name it.

    Raises:
        UsageError, ModelError: as for `find_card`.
    """
    card = find_card(name_or_path)
    return () if card is None else card.inputs


def load_model(
    name_or_path: str | Path = DEFAULT_MODEL,
    *,
    engine: str = "auto",
    threads: int | None = None,
) -> NetworkForecaster:
    """Load a model.

    Args:
        name_or_path: name of a shipped model, a folder written by `streamer train`, or
            a `.keras` file of stacked LSTM layers with a Dense head.
        engine: `compiled`, a kernel in C; `numpy`; `tensorflow`, the Keras model itself; or
            `auto`: `compiled` if it was built, otherwise `numpy`. All give the
            same forecasts to 1e-5 kW.
        threads: number of blocks of windows computed at once; None for one per core.

    Raises:
        UsageError: the model or engine does not exist, the engine is not installed, or the
            number of threads is not a whole number above 0.
        ModelError: the file is damaged, or its architecture is not supported.

    >>> model = load_model("sceaux")
    >>> model.window
    49
    """
    if engine not in ENGINES:
        raise UsageError(f"no engine {engine!r}: give one of: {', '.join(ENGINES)}")
    if threads is not None and (type(threads) is not int or threads < 1):
        raise UsageError(f"threads is {threads!r}; give a whole number above 0, or None")
    from streamer.models.forecaster import Network, NetworkForecaster
    from streamer.models.horizons import read_head

    path = find_model(name_or_path)
    card, weights = read_model(path)
    horizons = read_head(path, card.horizons, units=weights.lstm[-1].units)
    network: Network
    if engine == "tensorflow":
        from streamer.models.keras import KerasNetwork

        network = KerasNetwork(weights, timesteps=card.window)
    else:
        network = _lstm_network(weights, engine, threads)
    return NetworkForecaster(card, network, horizons=horizons)


def _lstm_network(weights: StackedLstm, engine: str, threads: int | None) -> LstmNetwork:
    from streamer.models.compiled import CompiledNetwork, can_run

    if engine == "compiled" or (engine == "auto" and can_run(weights)):
        return CompiledNetwork(weights, threads=threads)
    from streamer.models.lstm import NumpyNetwork

    return NumpyNetwork(weights, threads=threads)
