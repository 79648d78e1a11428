"""Checkpoints of a training, which continues after a kill to the same weights.

A checkpoint is one NumPy file: every variable of the network and of its optimizer, the
state of the dropout among them, and a fingerprint of what is being trained on what. The
batches are drawn from the seed and their number alone, so nothing of them need be kept.
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from streamer.atomic import replaced_file

_EPOCH = "epoch"
_FINGERPRINT = "fingerprint"

_NO_CHECKPOINT = (
    EOFError,  # of an empty file
    FileNotFoundError,
    KeyError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass(frozen=True)
class Checkpoint:
    """Where a training's state is kept while it runs.

    Attributes:
        path: the file, which need not be there.
        fingerprint: says what is trained on what, and with which versions: a file with
            another one is not this training's.
    """

    path: Path
    fingerprint: str

    def save(self, learner: Any, epoch: int) -> None:
        """Keep the state at the end of an epoch, replacing what was kept before.

        Args:
            learner: the compiled Keras model.
            epoch: how many epochs are done.
        """
        kept: dict[str, Any] = {f"v{i}": np.asarray(v) for i, v in enumerate(_variables(learner))}
        kept |= {_EPOCH: epoch, _FINGERPRINT: self.fingerprint}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with replaced_file(self.path) as file:
            np.savez(file, **kept)

    def restore(self, learner: Any) -> int:
        """Put a kept state back.

        Args:
            learner: the model, compiled as the one that was kept.

        Returns:
            How many epochs are done: 0 if there is no checkpoint of this training, or a
            damaged one.
        """
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                if str(kept[_FINGERPRINT]) != self.fingerprint:
                    return 0
                learner.optimizer.build(learner.trainable_variables)
                variables = _variables(learner)
                values = [kept[f"v{i}"] for i in range(len(variables))]
                epoch = int(kept[_EPOCH])
        except _NO_CHECKPOINT:
            return 0
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return epoch

    def remove(self) -> None:
        """The training is done: nothing is to be taken up again."""
        self.path.unlink(missing_ok=True)


def _variables(learner: Any) -> list[Any]:
    return [*learner.variables, *learner.optimizer.variables]
