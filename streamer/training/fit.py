"""Training of a network by a recipe, and its evaluation on the test part."""

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
from streamer.training.checkpoint import Checkpoint, steps_of
from streamer.training.data import PowerData, Series, data_power_consumption, split_in_time
from streamer.training.learner import build_learner, start_tensorflow
from streamer.training.network import FEATURE, build_model, compile_model, finish, layer_sizes
from streamer.training.progress import TrainingProgress, report_callback
from streamer.training.recipes import TUTORIAL, Recipe

SEED = 1234


@dataclass(frozen=True)
class Trained:
    """Result of a training.

    Attributes:
        model: the Keras model, with one answer per window.
        targets: (test windows,) actual values in kW.
        predicted: (test windows,) mean forecasts of them in kW.
        persistence: (test windows,) the readings before them in kW.
        seconds: duration of the training.
        windows: number of windows learnt from.
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
        """The result for some of the test windows, selected by a mask (test windows,)."""
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
    """Windows for a recipe; `ratio` applies to the tutorial's recipe only."""
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
    on_progress: Callable[[TrainingProgress], None] | None = None,
    checkpoint: Path | None = None,
) -> Trained:
    """Train a network and forecast the test part, as the tutorial's `run_network` does.

    The same seed, data, versions and number of threads give the same weights, bit for bit,
    and so does a training that was killed or interrupted and continued from its checkpoint. Ctrl-C
    ends the training early; the weights learnt so far are kept and evaluated. TensorFlow's op
    determinism, the seeds of Keras, NumPy and Python, and the settings of `start_tensorflow`
    apply to the whole process.

    Args:
        model: an existing Keras model to continue from, with one answer per window and the
            layer sizes of the recipe; None for a new one. It is not changed.
        data: windows returned by `prepare`, or readings in kW to make them of.
        recipe: how to train.
        seed: seed of the weights, the dropout and the order of the windows.
        say: called with messages on the course of the training, one line each.
        on_progress: called with the progress, a few times per second.
        checkpoint: file to save the state in while training. An existing one of
            the same training is continued; at the end it is removed.

    Returns:
        The model, targets and predictions, and facts of the training.

    Raises:
        UsageError: there is no data, or the model has other layer sizes.
        MissingExtraError: tensorflow is not installed.
        KeyboardInterrupt: Ctrl-C before anything was learnt.
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
    done = 0 if kept is None else kept.restore(learner)
    if done:
        say(f"Continuing from {checkpoint}: {batches.windows_in(done):,} windows are done")
    callback = report_callback(keras, batches, on_progress, kept, done)
    validation = _validation(keras, windows, recipe, validate)
    interrupted = False
    try:
        _fit(learner, batches, done, validation_data=validation, callbacks=[callback])
    except KeyboardInterrupt:
        interrupted = True
        if not steps_of(learner):
            say("Interrupted before anything was learnt")
            raise
        say(_interrupted(learner, batches, kept))
    if callback.validation_loss is not None:
        say(f"Validation loss : {callback.validation_loss:.6f}")
    finish(learner)
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
        windows=batches.windows_in(steps_of(learner)),
        interrupted=interrupted,
    )


def _fit(learner: Any, batches: Any, done: int, **options: Any) -> None:
    """Fit to all batches but the first, first to the rest of the epoch that these end in."""
    epoch, skip = divmod(done, len(batches))
    parts = [(batches, epoch, batches.epochs)]
    if skip:
        batches.start(epoch)
        parts = [(batches.rest(skip), epoch, epoch + 1), (batches, epoch + 1, batches.epochs)]
    for dataset, first, end in parts:
        if first < end:
            learner.fit(
                dataset, initial_epoch=first, epochs=end, shuffle=False, verbose=0, **options
            )


def _interrupted(learner: Any, batches: Any, kept: Checkpoint | None) -> str:
    """Save the state; one line on that, and on what is done."""
    done, steps = steps_of(learner), len(batches) * batches.epochs
    share = f"{batches.windows_in(done):,} of {batches.windows_in(steps):,} windows"
    if kept is None:
        return f"Interrupted after {share}: the weights learnt so far are kept"
    kept.save(learner)
    return f"Interrupted after {share}, saved in {kept.path}: the same command continues"


def _learner(tf: Any, keras: Any, model: Any, data: PowerData, recipe: Recipe) -> Any:
    inputs = data.centred.shape[1]
    outputs = len(recipe.outputs) if recipe.windows else inputs
    sizes = [inputs, *recipe.hidden, outputs]
    if model is not None and layer_sizes(model) != sizes:
        raise UsageError(
            f"the model to continue from has layers {layer_sizes(model)}, "
            f"recipe {recipe.name!r} makes {sizes}"
        )
    stack = build_model(sizes, dropout=recipe.dropout, every_step=bool(recipe.windows))
    if model is not None:
        stack.set_weights(model.get_weights())
    return build_learner(tf, keras, stack)


def _split(data: PowerData, recipe: Recipe) -> tuple[IntArray, IntArray]:
    """Split like Keras's validation_split: the last part is for validation."""
    at = int(len(data.train) * (1 - recipe.validation_share))
    return data.train[:at], data.train[at:]


def _checkpoint(
    path: Path | None, learner: Any, data: PowerData, recipe: Recipe, seed: int
) -> Checkpoint | None:
    if path is None:
        return None
    tf, keras = import_tensorflow(FEATURE)
    # The initial weights follow from the seed, or are those of the model to continue from.
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
