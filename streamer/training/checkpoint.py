"""Checkpoints of a training, which continues to the same weights after a kill.

A checkpoint is one NumPy file: every variable of the network and of its optimizer, the
state of the dropout and the number of steps among them, and a fingerprint of the training and
its data. The batches are drawn from the seed and their number only, so nothing of them needs to
be saved, and a training may be continued after any step.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from streamer.atomic import replaced_file

_FINGERPRINT = "fingerprint"

# Whatever NumPy and zipfile raise for a missing or damaged file.
_NO_CHECKPOINT = (
    *(ArithmeticError, EOFError, LookupError, OSError, RuntimeError, ValueError),
    *(struct.error, zipfile.BadZipFile, zlib.error),
)


@dataclass(frozen=True)
class Checkpoint:
    """Checkpoint file of one training.

    Attributes:
        path: the file, which need not exist.
        fingerprint: identifies recipe, data and versions: a file with another one belongs
            to another training.
    """

    path: Path
    fingerprint: str

    def save(self, learner: Any) -> None:
        """Save the state after a step, replacing the previous one.

        Args:
            learner: the compiled Keras model.
        """
        kept: dict[str, Any] = {f"v{i}": np.asarray(v) for i, v in enumerate(_variables(learner))}
        kept[_FINGERPRINT] = self.fingerprint
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with replaced_file(self.path) as file:
            np.savez(file, **kept)

    def restore(self, learner: Any) -> int:
        """Restore a saved state.

        Args:
            learner: the model, compiled as the saved one was.

        Returns:
            Number of finished steps: 0 without a checkpoint of this training, or with a
            damaged one.
        """
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                if str(kept[_FINGERPRINT]) != self.fingerprint:
                    return 0
                learner.optimizer.build(learner.trainable_variables)
                variables = _variables(learner)
                values = [kept[f"v{i}"] for i in range(len(variables))]
        except _NO_CHECKPOINT:
            return 0
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return steps_of(learner)

    def remove(self) -> None:
        """Remove the file after the end of the training."""
        self.path.unlink(missing_ok=True)


def steps_of(learner: Any) -> int:
    """Number of steps that a compiled Keras model has been trained for."""
    return int(learner.optimizer.iterations)


def _variables(learner: Any) -> list[Any]:
    return [*learner.variables, *learner.optimizer.variables]
