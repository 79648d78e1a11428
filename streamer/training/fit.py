"""Trains a network by a recipe, and evaluates it on the part kept back."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamer.errors import UsageError
from streamer.models.card import CHANGE, MEAN
from streamer.models.keras import import_tensorflow
from streamer.readings import skill
from streamer.training.data import (
    IndexArray,
    PowerData,
    Series,
    data_power_consumption,
    split_in_time,
)
from streamer.training.network import FEATURE, build_model, compile_model, layer_sizes
from streamer.training.recipes import TUTORIAL, Recipe

SEED = 1234
_TEST_BATCH = 2048


@dataclass(frozen=True)
class Progress:
    """How far the training has come.

    Attributes:
        windows: windows learnt from so far.
        of: windows in all.
        loss: mean loss since the epoch began.
        windows_per_s: speed since the start.
    """

    windows: int
    of: int
    loss: float
    windows_per_s: float


@dataclass(frozen=True)
class Trained:
    """What came out of a training.

    Attributes:
        model: the Keras model, one answer a window.
        targets: (test windows,) actual values in kW.
        predicted: (test windows,) mean forecasts of them in kW.
        persistence: (test windows,) the readings before them in kW.
        seconds: how long the training took.
        windows: windows learnt from.
        interrupted: whether it was ended early.
    """

    model: Any
    targets: NDArray[np.float64]
    predicted: NDArray[np.float64]
    persistence: NDArray[np.float64]
    seconds: float
    windows: int
    interrupted: bool

    @property
    def mse_kw2(self) -> float:
        """Mean squared error on the test part in kW²."""
        return float(np.mean((self.targets - self.predicted) ** 2))

    @property
    def persistence_mse_kw2(self) -> float:
        """Mean squared error of persistence on the test part in kW²."""
        return float(np.mean((self.targets - self.persistence) ** 2))

    @property
    def mae_kw(self) -> float:
        """Mean absolute error on the test part in kW."""
        return float(np.mean(np.abs(self.targets - self.predicted)))

    @property
    def persistence_mae_kw(self) -> float:
        """Mean absolute error of persistence on the test part in kW."""
        return float(np.mean(np.abs(self.targets - self.persistence)))

    @property
    def skill(self) -> float | None:
        """Skill on the test part."""
        return skill(self.mse_kw2, self.persistence_mse_kw2)


def prepare(
    series: Series | ArrayLike,
    recipe: Recipe = TUTORIAL,
    *,
    ratio: float = 0.5,
    seed: int = SEED,
    say: Callable[[str], None] = print,
) -> PowerData:
    """Windows as the recipe wants them; `ratio` is the tutorial's, and no other's."""
    if recipe.epochs:
        return data_power_consumption(series, ratio=ratio, seed=seed, say=say)
    return split_in_time(series, say=say)


def run_network(
    model: Any = None,
    data: PowerData | Series | ArrayLike | None = None,
    *,
    recipe: Recipe = TUTORIAL,
    seed: int = SEED,
    say: Callable[[str], None] = print,
    on_progress: Callable[[Progress], None] | None = None,
) -> Trained:
    """Train a network and forecast the test part, as the tutorial's `run_network` does.

    The same seed, data and versions give the same weights, bit for bit. Ctrl-C ends the
    training early; what was learnt so far is kept and evaluated.

    Args:
        model: an existing Keras model to go on from, one answer a window, of the layer
            sizes that the recipe makes; None for a new one. It is not changed.
        data: windows as `prepare` makes them, or readings in kW to make them of.
        recipe: how to train.
        seed: of the weights, the dropout and the order of the windows.
        say: told what is going on, a line at a time.
        on_progress: told how far it has come, a few times a second.

    Returns:
        The model, targets and predictions, and how the training went.

    Raises:
        UsageError: there is no data, or the model has other layer sizes.
        MissingExtraError: tensorflow is not installed.
    """
    if data is None:
        raise UsageError("no data to train on")
    tf, keras = import_tensorflow(FEATURE)
    windows = data if isinstance(data, PowerData) else prepare(data, recipe, seed=seed, say=say)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(seed)
    started = time.perf_counter()
    learner = _learner(model, windows, recipe)
    learn, validate = _split(windows, recipe)
    batches = _batches(keras, windows, recipe, learn, seed)
    compile_model(learner, recipe, steps=len(batches))
    say(f"Compilation time : {time.perf_counter() - started:.2f} s")
    started = time.perf_counter()
    callback = _progress_callback(keras, recipe, batches.windows, on_progress)
    interrupted = False
    try:
        learner.fit(
            batches,
            epochs=recipe.epochs or 1,
            validation_data=_validation(keras, windows, recipe, validate),
            callbacks=[callback],
            shuffle=False,
            verbose=0,
        )
    except KeyboardInterrupt:
        interrupted = True
        say("Interrupted: what was learnt so far is kept")
    if callback.validation_loss is not None:
        say(f"Validation loss : {callback.validation_loss:.6f}")
    if learner.optimizer.use_ema:
        learner.optimizer.finalize_variable_values(learner.trainable_variables)
    seconds = time.perf_counter() - started
    say(f"Training duration : {seconds:.1f} s")
    trained = build_model(layer_sizes(learner), dropout=recipe.dropout)
    trained.set_weights(learner.get_weights())
    return Trained(
        model=trained,
        targets=windows.target_kw(windows.test),
        predicted=_predict(keras, trained, windows, recipe),
        persistence=windows.last_kw(windows.test),
        seconds=seconds,
        windows=callback.windows,
        interrupted=interrupted,
    )


def _learner(model: Any, data: PowerData, recipe: Recipe) -> Any:
    inputs = data.centred.shape[1]
    outputs = len(recipe.outputs) if recipe.windows else inputs
    sizes = [inputs, *recipe.hidden, outputs]
    if model is not None and layer_sizes(model) != sizes:
        raise UsageError(
            f"the model to go on from has layers {layer_sizes(model)}, "
            f"recipe {recipe.name!r} makes {sizes}"
        )
    learner = build_model(sizes, dropout=recipe.dropout, every_step=bool(recipe.windows))
    if model is not None:
        learner.set_weights(model.get_weights())
    return learner


def _split(data: PowerData, recipe: Recipe) -> tuple[IndexArray, IndexArray]:
    """As Keras's validation_split does it: the last part is validated."""
    at = int(len(data.train) * (1 - recipe.validation_share))
    return data.train[:at], data.train[at:]


def _batches(keras: Any, data: PowerData, recipe: Recipe, starts: IndexArray, seed: int) -> Any:
    """The training batches as a `keras.utils.PyDataset`.

    Each is drawn from the seed, the epoch and its number alone, so the order is the same
    however the batches are asked for.
    """
    windows = data.windows
    whole = recipe.windows == 0

    class Batches(keras.utils.PyDataset):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(workers=1)
            self.epoch = 0
            self.order = self._ordered()
            per_epoch = len(starts) if whole else recipe.windows // recipe.batch * recipe.batch
            self.windows = per_epoch * (recipe.epochs or 1)

        def _ordered(self) -> IndexArray:
            if not whole:
                return starts
            return np.random.default_rng([seed, self.epoch]).permutation(starts)

        def __len__(self) -> int:
            if not whole:
                return recipe.windows // recipe.batch
            return -(-len(starts) // recipe.batch)

        def __getitem__(self, number: int) -> tuple[NDArray[Any], NDArray[Any]]:
            if whole:
                chosen = self.order[number * recipe.batch : (number + 1) * recipe.batch]
                block = windows[chosen]
                return block[:, :-1], block[:, -1]
            rng = np.random.default_rng([seed, self.epoch, number])
            block = windows[rng.choice(starts, recipe.batch)]
            return block[:, :-1], np.diff(block[..., :1], axis=1)

        def on_epoch_end(self) -> None:
            self.epoch += 1
            self.order = self._ordered()

    return Batches()


def _validation(keras: Any, data: PowerData, recipe: Recipe, starts: IndexArray) -> Any:
    return _inputs(keras, data, starts, targets=True) if recipe.validation_share else None


def _inputs(keras: Any, data: PowerData, starts: IndexArray, *, targets: bool) -> Any:
    """Windows in order as a `keras.utils.PyDataset`."""
    windows = data.windows

    class Blocks(keras.utils.PyDataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return -(-len(starts) // _TEST_BATCH)

        def __getitem__(self, number: int) -> tuple[NDArray[Any], ...]:
            block = windows[starts[number * _TEST_BATCH : (number + 1) * _TEST_BATCH]]
            return (block[:, :-1], block[:, -1]) if targets else (block[:, :-1],)

    return Blocks(workers=1)


def _predict(keras: Any, model: Any, data: PowerData, recipe: Recipe) -> NDArray[np.float64]:
    outputs = model.predict(_inputs(keras, data, data.test, targets=False), verbose=0)
    mean: NDArray[np.float64] = outputs[:, recipe.outputs.index(MEAN)].astype(np.float64)
    mean += data.last_kw(data.test) if recipe.target == CHANGE else data.shift[0]
    return mean


def _progress_callback(
    keras: Any, recipe: Recipe, of: int, tell: Callable[[Progress], None] | None
) -> Any:
    class Report(keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.windows = 0
            self.validation_loss: float | None = None
            self._started = time.perf_counter()
            self._told = 0.0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
            self.windows = min(self.windows + recipe.batch, of)
            now = time.perf_counter()
            if tell is not None and (now - self._told > 0.2 or self.windows == of):
                self._told = now
                rate = self.windows / (now - self._started)
                tell(Progress(self.windows, of, float(logs["loss"]), rate))

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
            self.validation_loss = (logs or {}).get("val_loss")

    return Report()
