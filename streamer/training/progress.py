"""Progress of a training: reports, and checkpoints after each epoch."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from streamer.training.checkpoint import Checkpoint

PROGRESS_EVERY_S = 0.2
"""Minimum time between two reports of progress."""


@dataclass(frozen=True)
class TrainingProgress:
    """Progress of a training.

    Attributes:
        windows: number of windows learnt from so far.
        of: number of windows in all.
        loss: mean loss since the start of the epoch.
        windows_per_s: speed since the start.
    """

    windows: int
    of: int
    loss: float
    windows_per_s: float


def report_callback(
    keras: Any,
    batches: Any,
    on_progress: Callable[[TrainingProgress], None] | None,
    checkpoint: Checkpoint | None,
    done: int,
) -> Any:
    """Keras callback that counts and reports windows, and saves the state after each epoch.

    Args:
        keras: the module.
        batches: the batches, as returned by `training_batches`.
        on_progress: called with the progress, a few times per second.
        checkpoint: where to save the state; None not to.
        done: number of steps done before.

    Returns:
        The callback, with the `validation_loss` of the last epoch, if there is one.
    """
    windows_before = batches.windows_in(done)
    of = batches.windows_in(len(batches) * batches.epochs)

    class Report(keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.steps = done
            self.validation_loss: float | None = None
            self._started = time.perf_counter()
            self._reported = 0.0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
            batches.start(epoch)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
            self.steps += 1
            windows, now = batches.windows_in(self.steps), time.perf_counter()
            is_due = now - self._reported >= PROGRESS_EVERY_S or windows == of
            if on_progress is not None and is_due:
                self._reported = now
                rate = (windows - windows_before) / (now - self._started)
                on_progress(TrainingProgress(windows, of, float(logs["loss"]), rate))

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.validation_loss = (logs or {}).get("val_loss")
            if checkpoint is not None and epoch + 1 < batches.epochs:
                checkpoint.save(self.model)

    return Report()
