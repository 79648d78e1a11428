"""Training form of a stack with its head for horizons: one loss for both."""

from __future__ import annotations

from typing import Any

from streamer.models.card import MEAN
from streamer.training.learner import hidden_states
from streamer.training.recipes import Recipe


def build_joint_learner(tf: Any, keras: Any, stack: Any, head: Any, recipe: Recipe) -> Any:
    """A model to compile with an optimizer and fit on `drawn_batches`.

    The loss is that of the next reading at every step of a window from `first_scored` on, and
    `horizon_weight` times that of the horizons at the drawn steps: each the squared error of the
    mean and the weighted pinball losses of the quantiles (Koenker and Bassett 1978). The halves
    of a batch are computed in parallel, as by `build_learner`.

    Args:
        tf: the module.
        keras: the module.
        stack: returned by `build_model`, with answers at every step. Layers and weights are
            shared with it.
        head: returned by `build_head`, likewise.
        recipe: weights of the losses. With a frozen one only the head is learnt.

    Returns:
        A `keras.Model`, which must not be saved. Its weights are those of the stack, then those
        of the head.
    """
    stack.trainable = not recipe.frozen
    loss_of = mean_and_quantile_loss(tf, recipe.outputs)

    class Joint(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.stack = stack
            self.head = head
            self.tracker = keras.metrics.Mean("loss")
            self.built = True

        @property
        def metrics(self) -> list[Any]:
            return [self.tracker]

        def train_step(self, data: Any) -> dict[str, Any]:
            (batch,) = data
            variables = self.trainable_variables
            # Outside the tape, a frozen stack costs no gradients.
            hidden = self._hidden(batch["inputs"], training=False) if recipe.frozen else None
            with tf.GradientTape() as tape:
                if hidden is None:
                    hidden = self._hidden(batch["inputs"], training=True)
                loss = 0.0 if recipe.frozen else self._next_loss(batch, hidden)
                loss += recipe.horizon_weight * self._horizon_loss(batch, hidden)
            self.optimizer.apply(tape.gradient(loss, variables), variables)
            self.tracker.update_state(loss)
            return {"loss": self.tracker.result()}

        def _hidden(self, inputs: Any, training: bool) -> tuple[Any, Any]:
            """Hidden states (windows, timesteps, units) of the two halves of a batch."""
            middle = tf.shape(inputs)[0] // 2
            halves = inputs[:middle], inputs[middle:]
            first, second = (hidden_states(tf, keras, stack, half, training) for half in halves)
            return first, second

        def _next_loss(self, batch: Any, hidden: tuple[Any, Any]) -> Any:
            answers = [stack.layers[-1](half[:, recipe.first_scored :]) for half in hidden]
            errors = batch["changes"][:, recipe.first_scored :] - tf.concat(answers, axis=0)
            count = tf.cast(tf.shape(errors)[0] * tf.shape(errors)[1], tf.float32)
            return loss_of(batch["gain"] * errors, recipe.pinball_weight) / count

        def _horizon_loss(self, batch: Any, hidden: tuple[Any, Any]) -> Any:
            middle = tf.shape(hidden[0])[0]
            features = batch["features"][:middle], batch["features"][middle:]
            answers = []
            for states, beside in zip(hidden, features, strict=True):
                chosen = tf.gather(states, batch["steps"], axis=1)
                known = tf.concat([chosen, beside], axis=-1)
                answers.append(head(tf.reshape(known, (-1, head.input_shape[-1]))))
            means = batch["means"][..., None]
            known = tf.cast(tf.math.is_finite(means), tf.float32)
            means = tf.where(known > 0.0, means, 0.0)
            shape = (*tf.unstack(tf.shape(means))[:-1], len(recipe.outputs))
            errors = known * (means - tf.reshape(tf.concat(answers, axis=0), shape))
            count = tf.maximum(tf.reduce_sum(known), 1.0)
            return loss_of(batch["gain"][..., None] * errors, recipe.horizon_pinball) / count

    return Joint()


def mean_and_quantile_loss(tf: Any, outputs: tuple[str, ...]) -> Any:
    """Squared error for the mean, pinball loss for each quantile (Koenker and Bassett 1978).

    Args:
        tf: the module.
        outputs: `mean`, and the levels of the quantiles.

    Returns:
        A function of errors (..., outputs), targets less answers, and of the weight of the
        quantiles: the sum of the losses over all of them.
    """
    squared = tf.one_hot(outputs.index(MEAN), len(outputs))
    levels = tf.constant([0.5 if name == MEAN else float(name) for name in outputs])

    def loss(errors: Any, pinball_weight: float) -> Any:
        pinball = tf.maximum(levels * errors, (levels - 1.0) * errors)
        weights = pinball_weight * (1.0 - squared)
        return tf.reduce_sum(squared * tf.square(errors) + weights * pinball)

    return loss
