"""Training of a network by a recipe, and its evaluation on the test part."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from streamer.errors import UsageError
from streamer.models.inputs import Input
from streamer.training.checkpoint import Checkpoint, steps_of
from streamer.training.data import PowerData, Series, as_series, data_power_consumption
from streamer.training.houses import WINDOW, Houses, split_houses
from streamer.training.learner import start_tensorflow
from streamer.training.network import finish
from streamer.training.progress import TrainingProgress, report_callback
from streamer.training.recipes import TUTORIAL, Recipe
from streamer.training.tasks import house_task, tutorial_task
from streamer.training.trained import Trained

SEED = 1234


def prepare(
    series: Series | ArrayLike | Sequence[Series],
    recipe: Recipe = TUTORIAL,
    *,
    ratio: float = 0.5,
    seed: int = SEED,
    window: int = WINDOW,
    inputs: Sequence[Input] = (),
    say: Callable[[str], None] = print,
) -> PowerData | Houses:
    """Windows for a recipe.

    Args:
        series: readings of one house, or of several for a recipe other than the tutorial's.
        recipe: the recipe.
        ratio: share of the published file to use, for the tutorial's recipe only.
        seed: seed of the order, or of the copies.
        window: readings that the network sees, for the other recipes.
        inputs: inputs of an existing model, likewise; none for new ones.
        say: called with shift and shape, one line each.

    Raises:
        UsageError: there are too few readings, or houses that the recipe does not take.
    """
    houses = _houses(series)
    if not recipe.epochs:
        return split_houses(houses, recipe, length=window + 1, inputs=inputs, seed=seed, say=say)
    if len(houses) > 1:
        raise UsageError(
            f"recipe {recipe.name!r} trains on one house, not on {len(houses)}; "
            "take recipe 'homes' for several"
        )
    return data_power_consumption(houses[0], ratio=ratio, seed=seed, say=say)


def _houses(series: Series | ArrayLike | Sequence[Series]) -> list[Series]:
    if isinstance(series, list | tuple):
        houses = [each for each in series if isinstance(each, Series)]
        if houses:
            return houses
    return [as_series(series)]  # type: ignore[arg-type]


def run_network(
    model: Any = None,
    data: PowerData | Houses | Series | ArrayLike | None = None,
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
            layer sizes of the recipe; None for a new one. It is not changed. A recipe with a
            frozen stack trains a head for horizons on it.
        data: windows returned by `prepare`, or readings in kW to make them of.
        recipe: how to train.
        seed: seed of the weights, the dropout and the order of the windows.
        say: called with messages on the course of the training, one line each.
        on_progress: called with the progress, a few times per second.
        checkpoint: file to save the state in while training. An existing one of
            the same training is continued; at the end it is removed.

    Returns:
        The networks, targets and predictions, and facts of the training.

    Raises:
        UsageError: there is no data, or the model has other layer sizes.
        MissingExtraError: tensorflow is not installed.
        KeyboardInterrupt: Ctrl-C before anything was learnt.
    """
    if data is None:
        raise UsageError("no data to train on")
    tf, keras = start_tensorflow()
    if not isinstance(data, PowerData | Houses):
        data = prepare(data, recipe, seed=seed, say=say)
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(seed)
    started = time.perf_counter()
    if isinstance(data, Houses):
        task = house_task(tf, keras, model, data, recipe, seed)
    else:
        task = tutorial_task(tf, keras, model, data, recipe, seed)
    learner, batches = task.learner, task.batches
    say(f"Compilation time : {time.perf_counter() - started:.2f} s")
    started = time.perf_counter()
    kept = None
    if checkpoint is not None:
        versions = (tf.__version__, keras.__version__, np.__version__)
        kept = Checkpoint(checkpoint, repr((recipe, seed, *task.facts, *versions)))
    done = 0 if kept is None else kept.restore(learner)
    if done:
        say(f"Continuing from {checkpoint}: {batches.windows_in(done):,} windows are done")
    callback = report_callback(keras, batches, on_progress, kept, done)
    interrupted = False
    try:
        _fit(learner, batches, done, validation_data=task.validation, callbacks=[callback])
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
    return task.tested(seconds, batches.windows_in(steps_of(learner)), interrupted)


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
