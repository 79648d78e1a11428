"""Training form of the stack: the same layers and weights, about twice as fast."""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

from streamer.models.keras import import_tensorflow
from streamer.training.network import FEATURE

# Of glibc's mallopt, from malloc.h.
_M_TOP_PAD, _M_MMAP_THRESHOLD = -2, -3


def start_tensorflow() -> tuple[Any, Any]:
    """Import TensorFlow and Keras, with the fastest settings for training.

    They apply to the whole process. TensorFlow reads its number of threads at its first
    computation and keeps it from then on. A number set in the environment takes precedence.

    Returns:
        The modules `tensorflow` and `keras`.

    Raises:
        MissingExtraError: they are not installed.
    """
    # The two halves of a batch keep two cores busy: splitting their small matrix products
    # over both cores as well takes longer than it saves.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", str(max(1, (os.cpu_count() or 1) // 2)))
    _keep_freed_memory()
    return import_tensorflow(FEATURE)


def _keep_freed_memory() -> None:
    """Keep the memory freed by one training step for the next.

    TensorFlow leaves its memory to the C library, and glibc returns it to the system
    at once: thousands of page faults per step took a third of the time.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # musl has none
        mallopt(_M_MMAP_THRESHOLD, 32 << 20)
        mallopt(_M_TOP_PAD, 64 << 20)


def build_learner(tf: Any, keras: Any, stack: Any) -> Any:
    """A model to compile and fit in place of a stack.

    Up to rounding, answers and gradients are those of the stack. But each LSTM is one TensorFlow
    operation for all steps of a window, where Keras makes a loop of many operations, and
    the two halves of a batch are computed in parallel. Each half has its own dropout.

    The shipped model was trained before this change: its seed gives other weights now.

    Args:
        tf: the module.
        keras: the module.
        stack: model returned by `build_model`. Layers and weights are shared with it.

    Returns:
        A `keras.Sequential`, which must not be saved.
    """

    class Learner(keras.Sequential):  # type: ignore[misc]
        def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:  # noqa: ARG002
            count = tf.shape(inputs)[0]
            middle = count // 2
            # No half may be empty: the operation would leave its gradients unset. The only
            # window of a batch is in both halves, and the second one answers.
            halves = (inputs[: tf.maximum(middle, 1)], inputs[middle:])
            return tf.concat([self._answers(half, training) for half in halves], axis=0)[-count:]

        def _answers(self, values: Any, training: Any) -> Any:
            return self.layers[-1](hidden_states(tf, keras, self, values, training))

    return Learner([keras.Input(stack.input_shape[1:]), *stack.layers])


def hidden_states(tf: Any, keras: Any, stack: Any, inputs: Any, training: Any) -> Any:
    """What the head of a stack gets: the outputs of its last LSTM, after dropout in training.

    Args:
        tf: the module.
        keras: the module.
        stack: returned by `build_model`.
        inputs: (windows, timesteps, inputs).
        training: whether dropout applies.

    Returns:
        (windows, units), or (windows, timesteps, units) if it answers at every step.
    """
    values = inputs
    for layer in stack.layers[:-1]:
        if isinstance(layer, keras.layers.LSTM):
            values = _lstm(tf, layer, values)
        else:
            values = layer(values, training=training)
    return values


def _lstm(tf: Any, layer: Any, sequences: Any) -> Any:
    """Output of a Keras LSTM layer from a zero state, by one operation."""
    cell = layer.cell
    at_rest = tf.zeros((tf.shape(sequences)[0], layer.units))
    no_peephole = tf.zeros((layer.units,))
    states = tf.raw_ops.BlockLSTM(
        seq_len_max=tf.shape(sequences, out_type=tf.int64)[1],
        x=tf.transpose(sequences, (1, 0, 2)),
        cs_prev=at_rest,
        h_prev=at_rest,
        w=_gates(tf, tf.concat((cell.kernel.value, cell.recurrent_kernel.value), axis=0)),
        wci=no_peephole,
        wcf=no_peephole,
        wco=no_peephole,
        b=_gates(tf, cell.bias.value),
        forget_bias=0.0,
        cell_clip=-1.0,
        use_peephole=False,
    ).h
    return tf.transpose(states, (1, 0, 2)) if layer.return_sequences else states[-1]


def _gates(tf: Any, weights: Any) -> Any:
    """Weights in the order of TensorFlow's operation: Keras has the forget gate second."""
    i, f, c, o = tf.split(weights, 4, axis=-1)
    return tf.concat((i, c, f, o), axis=-1)
