"""Trains a network by a recipe, and evaluates it on the part kept back."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from streamer.errors import UsageError
from streamer.models.card import CHANGE, MEAN
from streamer.models.keras import import_tensorflow
from streamer.readings import skill
from streamer.readings.arrays import BoolArray, DoubleArray, IntArray
from streamer.training.batches import blocks_in_order, training_batches
from streamer.training.checkpoint import Checkpoint
from streamer.training.data import PowerData, Series, data_power_consumption, split_in_time
from streamer.training.learner import build_learner, start_tensorflow
from streamer.training.network import FEATURE, build_model, compile_model, layer_sizes
from streamer.training.recipes import TUTORIAL, Recipe

SEED = 1234

TELL_EVERY_S = 0.2
"""How often progress is told at the most."""


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
    targets: DoubleArray
    predicted: DoubleArray
    persistence: DoubleArray
    seconds: float
    windows: int
    interrupted: bool

    def part(self, chosen: BoolArray) -> Trained:
        """The same of some of the test windows, chosen by a mask (test windows,)."""
        return replace(
            self,
            targets=self.targets[chosen],
            predicted=self.predicted[chosen],
            persistence=self.persistence[chosen],
        )

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
    checkpoint: Path | None = None,
) -> Trained:
    """Train a network and forecast the test part, as the tutorial's `run_network` does.

    The same seed, data, versions and number of threads give the same weights, bit for bit,
    and so does a training that was killed and taken up again from its checkpoint. Ctrl-C
    ends the training early; what was learnt so far is kept and evaluated. TensorFlow's op
    determinism, the seeds of Keras, NumPy and Python, and what `start_tensorflow` sets are
    set for the whole process.

    Args:
        model: an existing Keras model to go on from, one answer a window, of the layer
            sizes that the recipe makes; None for a new one. It is not changed.
        data: windows as `prepare` makes them, or readings in kW to make them of.
        recipe: how to train.
        seed: of the weights, the dropout and the order of the windows.
        say: told what is going on, a line at a time.
        on_progress: told how far it has come, a few times a second.
        checkpoint: a file to keep the state in while training. If it is there, and of
            the same training, that is gone on with; at the end it is removed.

    Returns:
        The model, targets and predictions, and how the training went.

    Raises:
        UsageError: there is no data, or the model has other layer sizes.
        MissingExtraError: tensorflow is not installed.
    """
    if data is None:
        raise UsageError("no data to train on")
    tf, keras = start_tensorflow()
    windows = data if isinstance(data, PowerData) else prepare(data, recipe, seed=seed, say=say)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(seed)
    started = time.perf_counter()
    learner = _learner(tf, keras, model, windows, recipe)
    learn, validate = _split(windows, recipe)
    batches = training_batches(keras, windows, recipe, learn, seed)
    compile_model(learner, recipe, steps=len(batches) * batches.epochs)
    say(f"Compilation time : {time.perf_counter() - started:.2f} s")
    started = time.perf_counter()
    kept = _checkpoint(checkpoint, learner, windows, recipe, seed)
    if kept is not None:
        batches.start(kept.restore(learner))
    if batches.epoch:
        say(f"Going on from {checkpoint}: {batches.done:,} windows are done")
    callback = _callback(keras, recipe, batches, on_progress, kept)
    interrupted = False
    try:
        learner.fit(
            batches,
            initial_epoch=batches.epoch,
            epochs=batches.epochs,
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
    if kept is not None and not interrupted:
        kept.remove()
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


def _learner(tf: Any, keras: Any, model: Any, data: PowerData, recipe: Recipe) -> Any:
    inputs = data.centred.shape[1]
    outputs = len(recipe.outputs) if recipe.windows else inputs
    sizes = [inputs, *recipe.hidden, outputs]
    if model is not None and layer_sizes(model) != sizes:
        raise UsageError(
            f"the model to go on from has layers {layer_sizes(model)}, "
            f"recipe {recipe.name!r} makes {sizes}"
        )
    stack = build_model(sizes, dropout=recipe.dropout, every_step=bool(recipe.windows))
    if model is not None:
        stack.set_weights(model.get_weights())
    return build_learner(tf, keras, stack)


def _split(data: PowerData, recipe: Recipe) -> tuple[IntArray, IntArray]:
    """As Keras's validation_split does it: the last part is validated."""
    at = int(len(data.train) * (1 - recipe.validation_share))
    return data.train[:at], data.train[at:]


def _checkpoint(
    path: Path | None, learner: Any, data: PowerData, recipe: Recipe, seed: int
) -> Checkpoint | None:
    if path is None:
        return None
    tf, keras = import_tensorflow(FEATURE)
    # The weights to begin with are the seed's, or those of the model to go on from.
    weights = hashlib.sha256(b"".join(w.tobytes() for w in learner.get_weights())).hexdigest()
    facts = (recipe, seed, weights, data.series.sha256, len(data.train), tf.__version__)
    return Checkpoint(path, repr((*facts, keras.__version__, np.__version__)))


def _validation(keras: Any, data: PowerData, recipe: Recipe, starts: IntArray) -> Any:
    return blocks_in_order(keras, data, starts, targets=True) if recipe.validation_share else None


def _predict(keras: Any, model: Any, data: PowerData, recipe: Recipe) -> DoubleArray:
    outputs = model.predict(blocks_in_order(keras, data, data.test, targets=False), verbose=0)
    mean: DoubleArray = outputs[:, recipe.outputs.index(MEAN)].astype(np.float64)
    mean += data.last_kw(data.test) if recipe.target == CHANGE else data.shift[0]
    return mean


def _callback(
    keras: Any,
    recipe: Recipe,
    batches: Any,
    tell: Callable[[Progress], None] | None,
    checkpoint: Checkpoint | None,
) -> Any:
    """Counts and reports windows, and keeps the state after each epoch."""
    begun_with = batches.done
    of = batches.epochs * batches.per_epoch

    class Report(keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.windows = begun_with
            self.validation_loss: float | None = None
            self._started = time.perf_counter()
            self._told = 0.0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
            batches.start(epoch)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
            self.windows = min(self.windows + recipe.batch, of)
            now = time.perf_counter()
            if tell is not None and (now - self._told >= TELL_EVERY_S or self.windows == of):
                self._told = now
                rate = (self.windows - begun_with) / (now - self._started)
                tell(Progress(self.windows, of, float(logs["loss"]), rate))

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.validation_loss = (logs or {}).get("val_loss")
            if checkpoint is not None and epoch + 1 < batches.epochs:
                checkpoint.save(self.model, epoch + 1)

    return Report()
