"""Tests of the training form of the stack against Keras."""

from __future__ import annotations

import os

import numpy as np
import pytest

from streamer.training import build_model
from streamer.training.learner import build_learner, start_tensorflow

# The last step alone is the tutorial's, whose trainings are slow tests, too.
LAST = pytest.param(False, marks=pytest.mark.slow, id="last step")


@pytest.mark.parametrize("every_step", [pytest.param(True, id="every step"), LAST])
def test_learner_trains_to_the_weights_of_keras(every_step: bool) -> None:
    """Without dropout, whose draws differ; with SGD, whose steps are the gradients."""
    tf, keras = start_tensorflow()
    plain = build_model([2, 50, 100, 4], dropout=0.0, every_step=every_step)
    before = plain.get_weights()
    learner = build_learner(tf, keras, keras.models.clone_model(plain))
    learner.set_weights(before)
    rng = np.random.default_rng(0)
    for model in (plain, learner):
        model.compile(loss="mse", optimizer=keras.optimizers.SGD(0.1))
    for size in (8, 7, 1):  # the last batch of an epoch may have one window
        x = rng.normal(size=(size, 49, 2)).astype(np.float32)
        y = rng.normal(size=(size, 49, 4) if every_step else (size, 4)).astype(np.float32)
        losses = [model.train_on_batch(x, y) for model in (plain, learner)]
        assert losses[1] == pytest.approx(losses[0], rel=1e-5)
    for old, expected, got in zip(before, plain.get_weights(), learner.get_weights(), strict=True):
        learnt = np.abs(expected - old).max()
        assert learnt > 0
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5 * learnt + 1e-7)


def test_learner_shares_the_weights_of_the_stack() -> None:
    stack = build_model([1, 4, 3, 2])
    learner = build_learner(*start_tensorflow(), stack)
    learner.set_weights([np.full_like(w, 0.1) for w in stack.get_weights()])
    x = np.random.default_rng(0).normal(size=(5, 9, 1)).astype(np.float32)
    np.testing.assert_allclose(learner(x), stack(x), rtol=0, atol=1e-6)
    assert [layer.name for layer in learner.layers] == [layer.name for layer in stack.layers]


def test_each_half_of_a_batch_has_its_own_dropout() -> None:
    learner = build_learner(*start_tensorflow(), build_model([1, 50, 100, 1], dropout=0.2))
    answers = np.asarray(learner(np.ones((8, 9, 1), np.float32), training=True))
    assert len(np.unique(answers)) == 8
    assert len(np.unique(np.asarray(learner(np.ones((8, 9, 1), np.float32))))) == 1


def test_thread_number_of_the_environment_takes_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "TF_NUM_INTRAOP_THREADS"
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    for environment, kept in (({}, "4"), ({name: "3"}, "3")):
        monkeypatch.setattr(os, "environ", environment)
        start_tensorflow()
        assert os.environ[name] == kept
