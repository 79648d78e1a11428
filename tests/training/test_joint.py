"""Tests of the joint loss of the next reading and the horizons, and of the head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from streamer.models.features import FEATURES
from streamer.training import RECIPES, Recipe, Series, build_model, prepare
from streamer.training.batches import Drawer
from streamer.training.horizons import build_head, folded_head
from streamer.training.joint import build_joint_learner
from streamer.training.learner import start_tensorflow

SMALL = replace(
    RECIPES["sceaux"], hidden=(6, 7), dropout=0.0, batch=8, horizon_units=5, horizons=(2, 5, 60)
)


def _quiet(_: str) -> None:
    pass


def _batch(recipe: Recipe) -> dict[str, np.ndarray]:
    """Of a house with a gap after each second hour, so that some means are unknown."""
    minutes = np.arange(2000)[np.arange(2000) % 121 != 0]
    kw = np.random.default_rng(0).gamma(2.0, 0.3, len(minutes))
    at = np.datetime64("2013-03-02", "s") + 60 * minutes
    data = prepare(Series(kw[:, None], at), replace(recipe, balance=0.0), say=_quiet)
    batch = Drawer(data, recipe).draw(np.random.default_rng(1))
    batch["gain"] = np.linspace(0.5, 2.0, recipe.batch, dtype=np.float32)[:, None, None]
    return batch


def _loss(errors: np.ndarray, outputs: Sequence[str], pinball_weight: float) -> np.ndarray:
    """Losses (...,) of errors (..., outputs), output by output."""
    total = errors[..., outputs.index("mean")] ** 2
    for i, name in enumerate(outputs):
        if name != "mean":
            error, level = errors[..., i], float(name)
            total += pinball_weight * np.where(error >= 0, level * error, (level - 1) * error)
    return total


def _expected(stack: Any, head: Any, batch: dict[str, np.ndarray], recipe: Recipe) -> float:
    """The loss from what Keras answers, in NumPy."""
    _, keras = start_tensorflow()
    inner = keras.Model(stack.inputs, [stack.layers[-2].output, stack.outputs[0]])
    hidden, answers = (np.asarray(each) for each in inner([batch["inputs"]]))
    errors = batch["gain"] * (batch["changes"] - answers)[:, recipe.first_scored :]
    following = _loss(errors, recipe.outputs, recipe.pinball_weight).mean()
    states = np.concatenate([hidden[:, batch["steps"]], batch["features"]], axis=-1)
    outputs = np.asarray(head(states.reshape(-1, states.shape[-1])))
    outputs = outputs.reshape(*batch["means"].shape, len(recipe.outputs))
    errors = batch["gain"][..., None] * (batch["means"][..., None] - outputs)
    horizons = np.nanmean(_loss(errors, recipe.outputs, recipe.horizon_pinball))
    stacked = 0.0 if recipe.frozen else following
    return float(stacked + recipe.horizon_weight * horizons)


@pytest.mark.parametrize("frozen", [False, True])
def test_loss_is_that_of_both_heads_and_a_frozen_stack_stays(frozen: bool) -> None:
    tf, keras = start_tensorflow()
    recipe = replace(SMALL, frozen=frozen)
    batch = _batch(recipe)
    unknown = np.isnan(batch["means"]).mean()
    assert 0.01 < unknown < 0.9
    stack = build_model([1, *recipe.hidden, 4], dropout=0.0, every_step=True)
    head = build_head(keras, recipe.hidden[-1], recipe)
    before = [w.copy() for w in stack.get_weights()], [w.copy() for w in head.get_weights()]
    expected = _expected(stack, head, batch, recipe)
    learner = build_joint_learner(tf, keras, stack, head, recipe)
    learner.compile(optimizer=keras.optimizers.SGD(0.01), jit_compile=False)
    loss = learner.train_step((batch,))["loss"]
    assert float(loss) == pytest.approx(expected, rel=1e-4)
    learnt = [
        [not np.array_equal(a, b) for a, b in zip(old, part.get_weights(), strict=True)]
        for old, part in zip(before, (stack, head), strict=True)
    ]
    assert learnt == [[not frozen] * 8, [True] * 4]
    # A step down the gradient lowers the loss by its squared length.
    assert _expected(stack, head, batch, recipe) < expected


def test_head_in_the_file_takes_features_as_they_are() -> None:
    _, keras = start_tensorflow()
    rng = np.random.default_rng(0)
    head = build_head(keras, 7, SMALL)
    head.set_weights([rng.normal(0, 0.2, w.shape) for w in head.get_weights()])
    mean, std = rng.normal(size=len(FEATURES)), rng.uniform(0.01, 3.0, len(FEATURES))
    folded = folded_head(keras, head, mean, std)
    hidden, features = rng.normal(size=(20, 7)), mean + std * rng.normal(size=(20, len(FEATURES)))
    normalised = np.concatenate([hidden, (features - mean) / std], axis=1).astype(np.float32)
    plain = np.concatenate([hidden, features], axis=1).astype(np.float32)
    np.testing.assert_allclose(folded(plain), head(normalised), rtol=0, atol=1e-4)
    assert [layer.units for layer in folded.layers] == [5, 12]
