"""Tasks of a training: what is learnt from what, and how it is tested."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from streamer.errors import UsageError
from streamer.readings.arrays import DoubleArray
from streamer.training.batches import blocks_in_order, drawn_batches, training_batches
from streamer.training.data import PowerData
from streamer.training.horizons import build_head, folded_head
from streamer.training.houses import Houses
from streamer.training.joint import build_joint_learner
from streamer.training.learner import build_learner
from streamer.training.network import averaging_optimizer, build_model, layer_sizes
from streamer.training.recipes import Recipe
from streamer.training.scoring import Tester
from streamer.training.trained import Trained


@dataclass(frozen=True)
class Task:
    """A training that is ready to run.

    Attributes:
        learner: the compiled Keras model.
        batches: what it is fitted to.
        facts: what a checkpoint must agree in, beside recipe, seed and versions.
        tested: makes the result of the learner's weights, from the duration in seconds, the
            number of windows, and whether it was ended early.
        validation: windows that are scored after each epoch; None for none.
    """

    learner: Any
    batches: Any
    facts: tuple[Any, ...]
    tested: Callable[[float, int, bool], Trained]
    validation: Any = None


def tutorial_task(
    tf: Any, keras: Any, model: Any, data: PowerData, recipe: Recipe, seed: int
) -> Task:
    """The tutorial's: the last reading of each window from the others.

    Raises:
        UsageError: the model to continue from has other layer sizes.
    """
    inputs = data.centred.shape[1]
    stack = _stack(model, [inputs, *recipe.hidden, inputs], recipe, every_step=False)
    learner = build_learner(tf, keras, stack)
    # Like Keras's validation_split: the last part is for validation.
    at = int(len(data.train) * (1 - recipe.validation_share))
    batches = training_batches(keras, data, recipe, data.train[:at], seed)
    validation = None
    if recipe.validation_share:
        validation = blocks_in_order(keras, data, data.train[at:], targets=True)
    learner.compile(loss="mse", optimizer="rmsprop")

    def tested(seconds: float, windows: int, interrupted: bool) -> Trained:
        trained = _last_step(learner, recipe)
        return Trained(
            model=trained,
            targets=data.target_kw(data.test),
            predicted=_predict(keras, trained, data),
            persistence=data.last_kw(data.test),
            seconds=seconds,
            windows=windows,
            interrupted=interrupted,
            counts=(len(data.test),),
        )

    facts = (_sha256(learner), data.series.sha256, len(data.train))
    return Task(learner, batches, facts, tested, validation)


def house_task(tf: Any, keras: Any, model: Any, data: Houses, recipe: Recipe, seed: int) -> Task:
    """That of the other recipes: the next reading and the horizons of several houses.

    Raises:
        UsageError: the model to continue from has other layer sizes, or is needed.
    """
    if recipe.frozen and model is None:
        raise UsageError(f"recipe {recipe.name!r} trains on an existing model: give it (--from)")
    sizes = [len(data.shift), *recipe.hidden, len(recipe.outputs)]
    if recipe.frozen:
        sizes = layer_sizes(model)
    stack = _stack(model, sizes, recipe, every_step=True)
    head = build_head(keras, sizes[-2], recipe)
    learner = build_joint_learner(tf, keras, stack, head, recipe)
    batches = drawn_batches(keras, data, recipe, seed)
    steps = len(batches) * batches.epochs
    learner.compile(optimizer=averaging_optimizer(recipe, steps=steps), jit_compile=False)

    def tested(seconds: float, windows: int, interrupted: bool) -> Trained:
        trained = _last_step(stack, recipe)
        folded = folded_head(keras, head, data.feature_mean, data.feature_std)
        tester = Tester(tf, keras, trained, folded, recipe)
        tests = [tester.test(house, data) for house in data.houses]
        return Trained(
            model=trained,
            targets=np.concatenate([test.targets for test in tests]),
            predicted=np.concatenate([test.predicted for test in tests]),
            persistence=np.concatenate([test.persistence for test in tests]),
            seconds=seconds,
            windows=windows,
            interrupted=interrupted,
            head=folded,
            counts=tuple(len(test.targets) for test in tests),
            horizons=tuple(test.horizons for test in tests),
        )

    return Task(learner, batches, (_sha256(learner), data.fingerprint), tested)


def _stack(model: Any, sizes: list[int], recipe: Recipe, *, every_step: bool) -> Any:
    if model is not None and layer_sizes(model) != sizes:
        raise UsageError(
            f"the model to continue from has layers {layer_sizes(model)}, "
            f"recipe {recipe.name!r} makes {sizes}"
        )
    stack = build_model(sizes, dropout=recipe.dropout, every_step=every_step)
    if model is not None:
        stack.set_weights(model.get_weights())
    return stack


def _last_step(stack: Any, recipe: Recipe) -> Any:
    """The trained stack with one answer per window."""
    trained = build_model(layer_sizes(stack), dropout=recipe.dropout)
    trained.set_weights(stack.get_weights())
    return trained


def _sha256(learner: Any) -> str:
    """Checksum of the initial weights, which follow from the seed or the model given."""
    return hashlib.sha256(b"".join(w.tobytes() for w in learner.get_weights())).hexdigest()


def _predict(keras: Any, model: Any, data: PowerData) -> DoubleArray:
    outputs = model.predict(blocks_in_order(keras, data, data.test, targets=False), verbose=0)
    mean: DoubleArray = outputs[:, 0].astype(np.float64) + data.shift[0]
    return mean
